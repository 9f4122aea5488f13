"""The sample company's documents and its time; and the real command."""

import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import yaml

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
