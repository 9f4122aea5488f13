"""A registry that is gone, or no file any more, is told like any mistake: on record, and to a person."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ground.command import Command
from tests.ground.project import Project

AT = ("--at", "2026-11-20T12:10:00Z")
LATER = ("--at", "2026-11-20T13:20:00Z")
MENDED = ("--at", "2026-11-20T14:20:00Z")

REGISTRY = """
    version: 1
    timezone: America/Chicago
    alerts: [{kind: file, path: heard.jsonl}]
    workers:
      echo: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}
"""


def heard(project: Project) -> list[tuple[str, str]]:
    lines = (project.root / "heard.jsonl").read_text().splitlines()
    return [(alert["event"], alert["summary"]) for alert in map(json.loads, lines)]


def ticks(project: Project) -> int:
    connection = sqlite3.connect(project.ledger)
    try:
        (count,) = connection.execute("SELECT count(*) FROM ticks").fetchone()
    finally:
        connection.close()
    return int(count)


def gone(file: Path) -> None:
    file.unlink()


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def a_dangling_link(file: Path) -> None:
    file.unlink()
    file.symlink_to("elsewhere.yaml")


def a_link_to_itself(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.name)


def a_device(file: Path) -> None:
    file.unlink()
    file.symlink_to("/dev/zero")


def not_utf_8(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"# caf\xe9\n")


@pytest.mark.parametrize(
    ("ruin", "told"),
    [
        (gone, "is not there; restore it, e.g. git checkout -- worker-registry.yaml"),
        (a_folder, "this is a folder; expected a file in YAML"),
        (a_dangling_link, "is a link to elsewhere.yaml, which is not there; restore it, e.g. git checkout"),
        (a_link_to_itself, "can't be read: Too many levels of symbolic links"),
        (a_device, "isn't a plain file"),
        (not_utf_8, "the byte 0xe9 isn't UTF-8"),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_the_tick_is_recorded_the_last_valid_hooks_hear_it_once_and_nothing_is_lost(
    loom: Command, project: Project, ruin: Callable[[Path], None], told: str, named: bool
) -> None:
    file = project.registry(REGISTRY)
    cwd = project.root.parent if named else project.root / "workers"
    where = ("--project", project.root.name) if named else ()
    assert loom("run", *AT, *where, cwd=cwd).exit_code == 0
    before = ticks(project)

    ruin(file)
    broken = loom("run", *LATER, "--json", *where, cwd=cwd)
    assert broken.exit_code == 3
    assert told in broken.stderr
    assert "Traceback" not in broken.stderr
    assert broken.json()["runs"] == []
    assert [(alert["event"], alert["delivered"]) for alert in broken.json()["alerts"]] == [
        ("registry.broken", True)
    ]
    assert [event for event, _ in heard(project)] == ["registry.broken"]
    assert told in heard(project)[0][1]
    assert ticks(project) == before + 1
    again = loom("run", "--at", "2026-11-20T13:40:00Z", "--json", *where, cwd=cwd)
    assert (again.exit_code, again.json()["alerts"]) == (3, [])

    if file.is_dir():
        shutil.rmtree(file)
    file.unlink(missing_ok=True)
    project.registry(REGISTRY)
    mended = loom("run", *MENDED, "--json", *where, cwd=cwd)
    assert mended.exit_code == 0, mended
    assert [(run["slot"], run["outcome"]) for run in mended.json()["runs"]] == [
        ("2026-11-20T07:00:00-06:00", "superseded"),
        ("2026-11-20T08:00:00-06:00", "succeeded"),
    ]
    assert [event for event, _ in heard(project)] == ["registry.broken", "registry.mended"]


@pytest.mark.parametrize(
    "words",
    [("status",), ("next",), ("history",), ("run", "--worker", "echo"), ("check",), ("run", "--dry-run")],
)
def test_every_command_says_that_it_is_gone_and_what_to_do(
    loom: Command, project: Project, words: tuple[str, ...]
) -> None:
    file = project.registry(REGISTRY)
    loom("run", *AT, cwd=project.root)
    file.unlink()
    asked = loom(*words, cwd=project.root)
    assert asked.exit_code == 3
    said = " ".join((asked.stdout + asked.stderr).split())
    assert "worker-registry.yaml: is not there; restore it, e.g. git checkout -- worker-registry.yaml" in said
    assert "Traceback" not in said


def test_a_folder_that_never_was_a_project_is_still_none(loom: Command, tmp_path: Path) -> None:
    asked = loom("run", cwd=tmp_path)
    assert asked.exit_code == 3
    assert "no worker-registry.yaml in" in asked.stderr
    assert list(tmp_path.iterdir()) == []
