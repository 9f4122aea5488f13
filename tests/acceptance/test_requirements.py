"""What a worker needs and hasn't got is named, told once, and shown wherever one looks; see also
`tests/unit/test_alert_policy.py`."""

from typing import Any

import pytest

from tests.ground.command import Command
from tests.ground.project import Project

NEEDY = """
    needy:
      schedule: "0 * * * *"
      entrypoint: workers.echo:run
      requires: {env: [SOME_TOKEN], paths: [data/in]}
"""
LACKING = """
    from loom.worker import Skip, WorkerContext, WorkerOutput

    LIBRARIES = ("json", "feedparser_elsewhere", "xml.no_such_part")

    def run(context: WorkerContext) -> WorkerOutput:
        raise Skip("the library 'feedparser_elsewhere' isn't installed: pip install 'loom-runner[workers]'")
"""


def at(minute: str) -> tuple[str, str]:
    return "--at", f"2026-11-20T{minute}:00Z"


def shown(loom: Command, project: Project) -> dict[str, Any]:
    (row,) = loom("status", "--json", cwd=project.root).json()["workers"]
    return dict(row)


def test_a_missing_secret_and_folder_are_named_told_once_and_shown_until_they_are_there(
    loom: Command, project: Project
) -> None:
    project.entries(NEEDY)
    named = "SOME_TOKEN is not set; data/in is not there"
    first = loom("run", *at("12:10"), "--json", cwd=project.root)
    assert first.exit_code == 1, str(first)
    (run,) = first.json()["runs"]
    assert (run["outcome"], run["final"], run["open_reason"]) == ("skipped", False, "requirement")
    assert named in run["reason"]
    assert [alert["event"] for alert in first.json()["alerts"]] == ["worker.failing"]
    assert named in first.stderr
    for minute in ("12:40", "13:10"):
        again = loom("run", *at(minute), "--json", cwd=project.root)
        assert again.exit_code == 1, str(again)
        assert again.json()["alerts"] == [], "it was told already"
    row = shown(loom, project)
    assert (row["health"], row["needs"]) == ("down", f"requirement: {named}")
    assert f"needy can't run: {named}" in loom("status", cwd=project.root).stdout
    checked = loom("check", cwd=project.root)
    assert (checked.exit_code, f"worker needy  {named}" in checked.stdout) == (0, True)
    (project.root / "data" / "in").mkdir(parents=True)
    mended = loom("run", *at("13:40"), "--json", cwd=project.root, env={"SOME_TOKEN": "long-enough-value"})
    assert mended.exit_code == 0, str(mended)
    assert [alert["event"] for alert in mended.json()["alerts"]] == ["worker.recovered"]
    row = shown(loom, project)
    assert (row["needs"], row["last_run"]["outcome"], row["last_run"]["reason"]) == (None, "succeeded", None)


def test_a_path_that_cannot_even_be_looked_at_holds_up_its_own_worker_and_no_other(
    loom: Command, project: Project
) -> None:
    project.entries(
        f"""
        needy: {{schedule: "0 6 * * *", entrypoint: "workers.echo:run", requires: {{paths: [{"x" * 300}]}}}}
        echo: {{schedule: "0 6 * * *", entrypoint: "workers.echo:run"}}
        """
    )
    tick = loom("run", *at("12:10"), "--json", cwd=project.root)
    assert tick.exit_code == 1, tick
    told = {run["worker"]: (run["outcome"], run["reason"]) for run in tick.json()["runs"]}
    assert told["echo"][0] == "succeeded"
    assert "can't be looked at: File name too long" in told["needy"][1]
    assert "can't be looked at" in loom("check", cwd=project.root).stdout


def test_by_hand_too_status_says_what_was_missing(loom: Command, project: Project) -> None:
    project.entries(NEEDY)
    assert loom("run", "--worker", "needy", cwd=project.root).exit_code == 1
    why = "requirement: SOME_TOKEN is not set; data/in is not there"
    assert shown(loom, project)["last_run"]["reason"] == why
    assert f"needy skipped its last run: {why}" in loom("status", cwd=project.root).stdout


def test_a_worker_without_its_library_is_skipped_and_the_command_to_install_it_is_shown(
    loom: Command, project: Project
) -> None:
    project.worker("echo", LACKING)
    ticked = loom("run", *at("12:10"), "--json", cwd=project.root)
    assert ticked.exit_code == 0, str(ticked)
    (run,) = ticked.json()["runs"]
    assert run["outcome"] == "skipped"
    why = "the library 'feedparser_elsewhere' isn't installed: pip install 'loom-runner[workers]'"
    assert run["reason"] == why
    assert shown(loom, project)["last_run"]["reason"] == why
    assert f"echo skipped its last run: {why}" in loom("status", cwd=project.root).stdout
    assert why in loom("history", cwd=project.root).stdout
    narrow = loom.in_terminal("history", cwd=project.root, columns=60).stdout
    assert "the library 'feedparser_elsewhere'" in narrow


def test_check_names_the_libraries_that_a_worker_says_it_needs(loom: Command, project: Project) -> None:
    project.worker("echo", LACKING)
    checked = loom("check", "--json", cwd=project.root)
    assert checked.exit_code == 0, str(checked)
    (answer,) = [each for each in checked.json()["answers"] if each["what"] == "worker echo"]
    assert (answer["level"], answer["detail"]) == (
        "warning",
        "'feedparser_elsewhere' and 'xml.no_such_part' aren't installed, so it skips its runs",
    )
    assert "pip install 'loom-runner[workers]'" in answer["do"]


@pytest.mark.parametrize(
    ("libraries", "level"),
    [("('json',)", "ok"), ("['yaml']", "ok"), ("'json'", "warning"), ("(1,)", "warning")],
)
def test_libraries_are_a_list_of_names(loom: Command, project: Project, libraries: str, level: str) -> None:
    project.worker("echo", LACKING.replace('("json", "feedparser_elsewhere", "xml.no_such_part")', libraries))
    checked = loom("check", "--json", cwd=project.root)
    assert checked.exit_code == 0, str(checked)
    assert [each["level"] for each in checked.json()["answers"] if each["what"] == "worker echo"] == [level]
