"""With --json there is always one JSON object on stdout: the answer, or what kept the command from one."""

import json
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.ground.command import PROGRAM, Command
from tests.ground.project import Project

AT = ("--at", "2026-11-20T12:10:00Z")
QUESTIONS = (("status",), ("next",), ("history",), ("show", "0123456789ab"), ("state", "show"), ("watch",))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("history", "--outcome", "rubbish"), "expected one of succeeded"),
        (("run", "--worker", "nosuch"), "no worker has this id or agent"),
        (("run", "--worker", "echo", "--param", "wrod=x"), "wrod"),
        (("run", "--at", "yesterday"), "yesterday"),
        (("run", "--force"), "--force"),
        (("show", "0123456789ab"), "no run"),
        (("watch", "--max-age", "soon"), "--max-age"),
        (("state", "show"), "there is no state branch"),
        (("run", "--worke", "echo"), "--worke"),
        (("status", "surplus"), "surplus"),
        (("schema",), "--json"),
        (("nonsense",), "nonsense"),
        (("history", "--limit", "0"), "--limit"),
        (("simulate",), "--ticks"),
    ],
)
def test_a_mistake_in_the_command_line_is_one_json_object(
    loom: Command, project: Project, asked: tuple[str, ...], says: str
) -> None:
    refused = loom(*asked, "--json", cwd=project.root)
    assert refused.exit_code == 2, refused
    answer = refused.json()
    assert set(answer) == {"error", "exit_code"}
    assert answer["exit_code"] == 2
    assert answer["error"]["kind"] == "usage"
    assert says in answer["error"]["message"]
    assert answer["error"]["problems"] == []
    assert says in refused.stderr
    assert loom(*asked, cwd=project.root).stdout == "" or asked == ("schema",)


@pytest.mark.parametrize("asked", QUESTIONS)
def test_a_broken_registry_is_one_json_object_with_every_mistake_and_its_line(
    loom: Command, project: Project, asked: tuple[str, ...]
) -> None:
    project.registry("version: 1\ntimezone: America/Chicagoo\nalerts: []\nwrokers: {}\n")
    broken = loom(*asked, "--json", cwd=project.root)
    assert broken.exit_code == 3, broken
    answer = broken.json()
    if asked == ("watch",):  # it reports as always, and says so
        assert answer["exit_code"] == 3
        return
    assert (answer["error"]["kind"], answer["exit_code"]) == ("registry", 3)
    problems = answer["error"]["problems"]
    assert {(each["file"], each["line"]) for each in problems} >= {
        ("worker-registry.yaml", 2),
        ("worker-registry.yaml", 4),
    }
    (zone,) = [each for each in problems if each["line"] == 2]
    assert zone["address"] == ["key 'timezone'"]
    assert "America/Chicagoo" in zone["message"]
    for each in problems:
        assert set(each) == {"file", "line", "address", "message"}
        assert each["message"] in broken.stderr


@pytest.mark.parametrize("asked", [("run", *AT), *QUESTIONS, ("check",)])
def test_no_project_is_one_json_object(loom: Command, asked: tuple[str, ...]) -> None:
    lost = loom(*asked, "--json")
    assert lost.exit_code == 3, lost
    assert lost.json()["error"]["kind"] == "settings"
    assert "worker-registry.yaml" in lost.json()["error"]["message"]


def test_a_deleted_folder_is_one_json_object(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    lost = subprocess.run(
        ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", *PROGRAM, "status", "--json"],
        cwd=gone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert lost.returncode == 3, lost
    assert json.loads(lost.stdout)["error"]["kind"] == "settings"
    assert "deleted" in lost.stderr


@pytest.mark.parametrize("asked", [("run", "--at", "2026-11-20T12:50:00Z"), ("status",), ("history",)])
def test_a_broken_ledger_is_one_json_object(loom: Command, project: Project, asked: tuple[str, ...]) -> None:
    assert loom("run", *AT, cwd=project.root).exit_code == 0
    with sqlite3.connect(project.ledger) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    project.ledger.write_bytes(b"this is no database")
    broken = loom(*asked, "--json", cwd=project.root)
    assert broken.exit_code == 3, broken
    assert broken.json()["error"]["kind"] == "ledger"
    assert "ledger.db" in broken.json()["error"]["message"]
    assert broken.json()["error"]["message"] in broken.stderr


def test_a_broken_file_of_ticks_is_one_json_object_with_every_mistake(
    loom: Command, project: Project
) -> None:
    project.write("ticks.json", '{"traces": [{"name": "mine", "ticks": ["yesterday", "tomorrow"]}]}')
    broken = loom("simulate", "--ticks", "ticks.json", "--json", cwd=project.root)
    assert broken.exit_code == 3, broken
    assert broken.json()["error"]["kind"] == "configuration"
    assert len(broken.json()["error"]["problems"]) == 2


def test_a_bug_in_loom_is_one_json_object_that_names_the_log(loom: Command, project: Project) -> None:
    (project.root / ".loom").mkdir()
    # A part of Python that can't be imported: what then goes wrong is nobody's configuration.
    broken = project.write("broken/zoneinfo.py", "raise RuntimeError('unforeseen ##[error]')\n").parent
    paths = os.pathsep.join([str(broken), os.environ["PYTHONPATH"]])
    bug = loom("status", "--json", cwd=project.root, env={"PYTHONPATH": paths})
    assert bug.exit_code == 70, bug
    answer = bug.json()
    assert (answer["error"]["kind"], answer["exit_code"]) == ("bug", 70)
    (log,) = (project.root / ".loom").glob("loom-bug-*.log")
    assert str(log) in answer["error"]["message"]
    assert "unforeseen" in log.read_text()
    assert "Traceback" not in bug.stderr
    assert "##[" not in bug.stdout


def test_a_tick_that_can_be_reported_is_reported_as_always(loom: Command, project: Project) -> None:
    project.registry("version: 2\nworkers: [\n")
    for asked in (("run", *AT), ("run", *AT, "--worker", "echo")):
        broken = loom(*asked, "--json", cwd=project.root)
        assert broken.exit_code == 3, broken
        assert "error" not in broken.json()
        assert broken.json()["runs"] == []
    assert "answers" in loom("check", "--json", cwd=project.root).json()
