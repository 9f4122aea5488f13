"""Damaged registries and rules through the real commands: an exit code that the README names, in words."""

import json
import random
import shutil
from pathlib import Path

from tests.fuzz.attempts import Wrong
from tests.fuzz.files import KEYS_OF_RULES, REGISTRY, keys_of_registries
from tests.fuzz.yaml_text import damaged, spoil_bytes
from tests.ground.nursery import TIMED_OUT, Nursery
from tests.ground.project import build_project
from tests.ground.shut import REPOSITORY

_WORKER = """
from loom.worker import WorkerContext, WorkerOutput

def run(context: WorkerContext) -> WorkerOutput:
    return WorkerOutput(summary="fine")
"""
_COMMANDS = (
    ["run", "--at", "2026-06-07T12:31:00Z"],
    ["run", "--at", "2026-06-07T12:31:00Z", "--json"],
    ["check"],
    ["check", "--json"],
    ["status"],
    ["next", "--days", "2", "--at", "2026-06-07T12:31:00Z"],
    ["watch", "--json"],
)


class Projects:
    """folder: where projects may be made."""

    def __init__(self, folder: Path, nursery: Nursery) -> None:
        self._nursery = nursery
        self._model, self.project = folder / "whole", folder / "damaged"
        project = build_project(self._model)
        for module in ("echo", "forge", "folder/__init__"):
            project.write(f"workers/{module}.py", _WORKER)
        project.registry(REGISTRY)
        self._keys = keys_of_registries()

    def attempt(self, chance: random.Random) -> str:
        shutil.rmtree(self.project, ignore_errors=True)
        shutil.copytree(self._model, self.project)
        name = self._damage(chance)
        command = chance.choice(_COMMANDS)
        code, out, err = self._nursery.run(command, self.project)
        if code not in (0, 1, 3, 4) or b"Traceback (most" in err or b"loom: a bug in Loom" in err:
            how = "took too long" if code == TIMED_OUT else f"exit code {code}"
            bugs = "".join(
                log.read_text(encoding="utf-8")[-2_500:] for log in self.project.rglob("loom-bug-*.log")
            )
            content = (self.project / name).read_bytes()
            raise Wrong(
                f"loom {' '.join(command)}: {how}\n{name}: {content[:3_000]!r}\n{err[-800:]!r}\n{bugs}"
            )
        if "--json" in command and out:
            json.loads(out)
        return f"exit {code}"

    def _damage(self, chance: random.Random) -> str:
        if chance.random() < 0.75:
            name, content = "worker-registry.yaml", damaged(REGISTRY, chance, self._keys)
        else:
            shipped = REPOSITORY / "enforcement"
            files = sorted(file for file in shipped.rglob("*.*") if file.is_file())
            file = chance.choice(files)
            name, raw = f"enforcement/{file.relative_to(shipped).as_posix()}", file.read_bytes()
            content = (
                spoil_bytes(raw, chance)
                if file.suffix == ".md"
                else damaged(raw.decode(), chance, KEYS_OF_RULES)
            )
        (self.project / name).write_bytes(content)
        return name
