"""The sample company's media files, its time, and the list of what is wrong with them."""

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from loom.worker import WorkerOutput
from tests.ground.command import Command, Result
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY

COMPANY = REPOSITORY / "loom" / "sample" / "company"
CHICAGO = ZoneInfo("America/Chicago")
SAMPLE_NOW = datetime(2026, 6, 15, 9, 0, tzinfo=CHICAGO)


@dataclass(frozen=True, slots=True)
class Planted:
    """settings: what the sample's registry gives the worker. faults: kind, subject, title, severity, why."""

    settings: Mapping[str, Any]
    faults: Sequence[Mapping[str, Any]]


def planted(worker_id: str) -> Planted:
    path = REPOSITORY / "tests" / "sample" / "planted" / f"{worker_id}.yaml"
    written = yaml.safe_load(path.read_text())
    return Planted(written["settings"], written["planted"])


def assert_found(output: WorkerOutput, faults: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> None:
    """All the planted faults and nothing else, each once."""
    left = list(output.findings)
    missing = []
    for fault in faults:
        fitting = [
            one
            for one in left
            if (one.subject, one.severity) == (fault["subject"], fault["severity"])
            and fault["title"] in one.title
        ]
        if fitting:
            left.remove(fitting[0])
        else:
            missing.append(fault)
    assert not missing, (missing, left)
    assert not left
    counted = {kind: int(output.metrics[kind]) for kind in kinds if output.metrics[kind]}
    assert counted == Counter(fault["kind"] for fault in faults)


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)


def by_command(loom: Command, project: Project, worker_id: str, expect: str, *arguments: str) -> Result:
    """The worker run once by the real command, guarded, with these files and this `expect`, at the sample's
    time."""
    shutil.copytree(REPOSITORY / "workers", project.root / "workers", dirs_exist_ok=True, ignore=_COMPILED)
    entries = yaml.safe_load((REPOSITORY / "worker-registry.yaml").read_text())["workers"]
    entry = entries[worker_id] | {"expect": yaml.safe_load(expect)}
    project.entries(yaml.safe_dump({worker_id: entry}))
    at = SAMPLE_NOW.isoformat()
    return loom("run", "--worker", worker_id, "--at", at, "--json", *arguments, cwd=project.root)


_COMPILED = shutil.ignore_patterns("__pycache__")
