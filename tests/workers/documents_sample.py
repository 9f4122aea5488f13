"""The sample company's documents, its time, and the list of what is wrong with them; and the real command."""

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import yaml

from loom.worker import WorkerOutput
from tests.ground.command import Command
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY

SAMPLE_NOW = datetime(2026, 6, 15, 9, 0, tzinfo=ZoneInfo("America/Chicago"))
_COMPILED = shutil.ignore_patterns("__pycache__")


def company(folder: Path) -> Path:
    """The sample company as a project of its own, as `loom init --sample` writes it: with the guidance for
    agents that every project has, and outside any git repository."""
    root = folder / "company"
    shutil.copytree(REPOSITORY / "loom" / "sample" / "company", root)
    shutil.copytree(REPOSITORY / "enforcement", root / "enforcement", dirs_exist_ok=True)
    shutil.copy(REPOSITORY / "worker-registry.yaml", root)
    return root


def planted(worker_id: str) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]:
    """The worker's settings in the sample, and the faults it has to find."""
    path = REPOSITORY / "tests" / "sample" / "planted" / f"{worker_id}.yaml"
    written = yaml.safe_load(path.read_text("utf-8"))
    return written["settings"], written["planted"]


def assert_found(output: WorkerOutput, faults: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> None:
    """All of the faults and nothing else, each once."""
    left = list(output.findings)
    missing = []
    for fault in faults:
        told = [
            one
            for one in left
            if (one.subject, one.severity) == (fault["subject"], fault["severity"])
            and fault["title"] in one.title
        ]
        if told:
            left.remove(told[0])
        else:
            missing.append(fault)
    assert not missing, (missing, left)
    assert not left
    counted = {kind: int(output.metrics[kind]) for kind in kinds if output.metrics[kind]}
    assert counted == Counter(fault["kind"] for fault in faults)


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def run_by_command(loom: Command, project: Project, worker_id: str, **other: Any) -> Mapping[str, Any]:
    """One run of the worker by the real command, guarded, as the repository's registry has it; what
    ``loom run --json`` says of it. other: keys of its entry that differ, such as `settings`."""
    shutil.copytree(REPOSITORY / "workers", project.root / "workers", dirs_exist_ok=True, ignore=_COMPILED)
    entry = yaml.safe_load((REPOSITORY / "worker-registry.yaml").read_text("utf-8"))["workers"][worker_id]
    project.entries(yaml.safe_dump({worker_id: entry | other}))
    at = SAMPLE_NOW.isoformat()
    done = loom("run", "--worker", worker_id, "--at", at, "--json", cwd=project.root)
    (run,) = done.json()["runs"]
    return cast(Mapping[str, Any], run)
