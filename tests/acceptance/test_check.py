"""`loom check` answers: would the next tick work?"""

import json
import subprocess
from pathlib import Path

import pytest

from tests.ground.command import Command
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY


def test_a_project_that_works_passes(loom: Command, project: Project) -> None:
    checked = loom("check", "--project", project.root)
    assert checked.exit_code == 0, checked
    assert "The next tick would work" in checked.stdout


def test_every_kind_of_mistake_is_found_and_nothing_is_run(loom: Command, project: Project) -> None:
    project.entries(
        """
        good: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}
        typo: {schedule: "0 * * *", entrypoint: "workers.echo:run"}
        broken: {schedule: "0 * * * *", entrypoint: "workers.broken:run"}
        shapeless: {schedule: "0 * * * *", entrypoint: "workers.shapeless:run"}
        unset: {schedule: "0 * * * *", entrypoint: "workers.echo:run", settings: {wrod: ahoy}}
        needy: {schedule: "0 * * * *", entrypoint: "workers.echo:run", requires: {env: [SOME_TOKEN]}}
        """
    )
    project.write("workers/broken.py", "import nowhere\n")
    project.write("workers/shapeless.py", "def run(context):\n    open('ran', 'w')\n")
    checked = loom("check", "--json", "--project", project.root, env={"OTHER_TOKEN": "hush-hush"})
    assert checked.exit_code == 3
    answers = {(a["what"], a["level"]): a["detail"] for a in checked.json()["answers"]}
    assert "five fields" in answers["worker typo", "error"]
    assert "nowhere" in answers["worker broken", "error"]
    assert ("worker shapeless", "error") in answers
    assert "wrod" in answers["worker unset", "error"]
    assert "SOME_TOKEN is not set" in answers["worker needy", "warning"]
    assert ("worker good", "ok") in answers
    assert not (project.root / "ran").exists()
    assert "hush-hush" not in checked.stdout


def test_a_broken_enforcement_context_fails_the_check(loom: Command, project: Project) -> None:
    (project.root / "enforcement" / "manifest.yaml").unlink()
    checked = loom("check", "--project", project.root)
    assert checked.exit_code == 3
    assert "manifest.yaml" in checked.stdout


def test_a_test_alert_goes_through_every_hook_and_failures_are_exit_4(
    loom: Command, project: Project
) -> None:
    project.registry(
        """
        version: 1
        timezone: America/Chicago
        alerts: [{kind: file, path: heard.jsonl}]
        workers: {}
        """
    )
    assert loom("check", "--send-test-alert", "--project", project.root).exit_code == 0
    heard = json.loads((project.root / "heard.jsonl").read_text())
    assert "test alert" in heard["summary"]
    project.registry(
        """
        version: 1
        timezone: America/Chicago
        alerts: [{kind: command, command: [./nothing-here]}]
        workers: {}
        """
    )
    failed = loom("check", "--send-test-alert", "--project", project.root)
    assert failed.exit_code == 4
    assert "nothing-here" in failed.stdout


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ("{kind: webhook, url_env: CHAT}", "CHAT: the URL isn't a web address"),
        ("{kind: webhook, url_env: CHAT, optional: true}", "CHAT: the URL isn't a web address"),
        ('{kind: webhook, url: "https://chat.example:99999/x"}', "the URL isn't a web address"),
        ("{kind: github-issue, token_env: TOKEN, repository: a/b}", "TOKEN holds something that is no token"),
    ],
)
def test_a_hook_whose_alerts_could_never_be_sent_fails_the_check_before_there_is_one(
    loom: Command, project: Project, hook: str, said: str
) -> None:
    project.entries('echo: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}')
    text = (project.root / "worker-registry.yaml").read_text()
    (project.root / "worker-registry.yaml").write_text(text.replace("- {kind: stderr}", f"- {hook}"))
    wrong = {"CHAT": "hooks.example.com/services/T0", "TOKEN": "two words"}
    checked = loom("check", "--project", project.root, env=wrong)
    assert checked.exit_code == 3, checked
    assert said in " ".join(checked.stdout.split())
    assert "T0" not in checked.stdout + checked.stderr


def test_a_test_alert_is_one_that_the_hook_takes_and_with_no_such_hook_it_fails(
    loom: Command, project: Project
) -> None:
    registry = """
        version: 1
        timezone: America/Chicago
        alerts: {hooks}
        workers: {{}}
        """
    project.registry(registry.format(hooks="[{kind: file, path: heard.jsonl, events: [slot.missed]}]"))
    sent = loom("check", "--send-test-alert", "--project", project.root)
    assert sent.exit_code == 0, sent
    assert json.loads((project.root / "heard.jsonl").read_text())["event"] == "slot.missed"
    project.registry(registry.format(hooks="[{kind: webhook, url_env: NOWHERE, optional: true}]"))
    silent = loom("check", "--send-test-alert", "--project", project.root)
    assert silent.exit_code != 0
    assert "nobody would hear of anything" in silent.stdout


def test_under_actions_a_ledger_that_stays_behind_fails_the_check_and_is_said_by_every_tick(
    loom: Command, project: Project
) -> None:
    actions = {"GITHUB_ACTIONS": "true"}
    checked = loom("check", "--project", project.root, env=actions)
    assert checked.exit_code == 3
    assert "memory between runners" in checked.stdout
    tick = loom("run", "--at", "2026-11-20T12:10:00Z", "--project", project.root, env=actions)
    assert "no memory between runners: only this hour's slots are seen" in tick.stdout
    assert tick.exit_code == 0, tick


def test_this_repository_would_work_at_the_next_tick(loom: Command, project: Project) -> None:
    for name in ("workers", "enforcement", "worker-registry.yaml"):
        (project.root / name).rename(project.root / f"{name}.old")
        (project.root / name).symlink_to(REPOSITORY / name)
    checked = loom("check", "--project", project.root)
    assert checked.exit_code == 0, checked
    assert "12 workers, 11 active" in checked.stdout


def test_the_schema_is_printed_as_json(loom: Command) -> None:
    printed = loom("schema")
    assert printed.exit_code == 0
    assert printed.json()["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize(
    ("sound", "mistaken", "complaint", "level"),
    [
        ("LOOM_STATE_BRANCH: loom-state", "OTHER: x", "nothing carries the ledger", "error"),
        ("contents: write", "contents: read", "may not push", "error"),
        ('cron: "17 * * * *"', 'cron: "0 * * * *"', "full hour", "warning"),
        ('cron: "17 * * * *"', 'cron: "27 * * * *"', "expects ticks at 17", "warning"),
        ("cancel-in-progress: false", "cancel-in-progress: true", "ends one that runs", "error"),
        ("timeout-minutes: 30", "env: {}", "six hours", "warning"),
        ("timeout-minutes: 30", "timeout-minutes: 300", "outlast it", "error"),
        ("timeout-minutes: 30", "timeout-minutes: 22", "make it 17m at most", "error"),
        ("workflow_dispatch:", "workflow_call:", "by hand", "warning"),
    ],
)
def test_what_the_hourly_workflow_lacks_is_said(
    loom: Command, tmp_path: Path, sound: str, mistaken: str, complaint: str, level: str
) -> None:
    loom("init", "fresh")
    assert loom("check", cwd=tmp_path / "fresh").exit_code == 0
    workflow = tmp_path / "fresh" / ".github" / "workflows" / "loom.yml"
    text = workflow.read_text(encoding="utf-8")
    assert sound in text
    workflow.write_text(text.replace(sound, mistaken), encoding="utf-8")
    answers = loom("check", "--json", cwd=tmp_path / "fresh").json()["answers"]
    said = [a for a in answers if a["what"].endswith("loom.yml")]
    assert any(complaint in a["detail"] and a["level"] == level for a in said), said


@pytest.mark.parametrize(("private", "warned"), [(True, False), (False, True)])
def test_a_state_branch_that_everybody_can_read_is_warned_of(
    loom: Command, project: Project, tmp_path: Path, private: bool, warned: bool
) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"repository": {"private": private}}), encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "origin.git"], check=True)
    subprocess.run(["git", "init", "--quiet", project.root], check=True)
    subprocess.run(["git", "remote", "add", "origin", tmp_path / "origin.git"], cwd=project.root, check=True)
    env = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(event), "LOOM_STATE_BRANCH": "loom-state"}
    checked = loom("check", "--project", project.root, env=env)
    assert ("the repository is public" in checked.stdout) is warned, checked
    assert "memory between runners" not in checked.stdout


def test_what_a_module_prints_while_it_is_imported_does_not_reach_the_answer(
    loom: Command, project: Project
) -> None:
    source = (project.root / "workers" / "echo.py").read_text(encoding="utf-8")
    noise = (
        'import os, subprocess, sys\nprint("a print")\nsys.stdout.write("a line")\nos.write(1, b"a write")\n'
    )
    noise += 'subprocess.run(["echo", "a program"], check=True)\n'
    project.write("workers/echo.py", noise + source)
    for mode in ((), ("--json",)):
        checked = loom("check", *mode, "--project", project.root)
        assert checked.exit_code == 0, checked
        for said in ("a print", "a line", "a write", "a program"):
            assert said not in checked.stdout
            assert said in checked.stderr


EXPECTING = """
    from pydantic import BaseModel, Field
    from loom.worker import WorkerContext, WorkerOutput

    class Part(BaseModel):
        pages: int = Field(serialization_alias="pagesRead")

    class Output(WorkerOutput):
        records_checked: int
        parts: list[Part]
        by_name: dict[str, Part]

    def run(context: WorkerContext) -> Output:
        return Output(summary="s", records_checked=1, parts=[], by_name={})
"""


@pytest.mark.parametrize(
    ("expect", "complaint"),
    [
        (
            "{min: {recordz_checked: 1}}",
            "'recordz_checked': Output has no 'recordz_checked'; did you mean 'records_checked'?",
        ),
        ("{non_empty: [sumary]}", "'sumary': Output has no 'sumary'; did you mean 'summary'?"),
        ("{max: {parts.0.pages: 9}}", "Part has no 'pages'; did you mean 'pagesRead'?"),
        ("{max: {parts.pagesRead: 9}}", "a list has no 'pagesRead'; its items are numbered, from 0"),
        ("{min: {summary.length: 9}}", "'summary.length': text has no 'length'"),
        ("{min: {by_name.any.thing: 9}}", "Part has no 'thing'"),
    ],
)
def test_an_expectation_that_no_output_can_meet_fails_the_check(
    loom: Command, project: Project, expect: str, complaint: str
) -> None:
    project.worker("expecting", EXPECTING)
    entry = f'expecting: {{schedule: "0 * * * *", entrypoint: "workers.expecting:run", expect: {expect}}}'
    project.entries(entry)
    checked = loom("check", "--json", "--project", project.root)
    assert checked.exit_code == 3, checked
    (answer,) = [a for a in checked.json()["answers"] if a["what"] == "worker expecting"]
    assert answer["level"] == "error"
    assert complaint in answer["detail"]
    assert "worker-registry.yaml:7: at worker 'expecting' > at key 'expect' > at key" in answer["detail"]
    # It is true: whatever the worker returns, its run is invalid.
    tick = loom("run", "--worker", "expecting", "--json", "--project", project.root)
    assert [run["outcome"] for run in tick.json()["runs"]] == ["invalid"]

    project.entries(entry.replace("schedule", "status: disabled, schedule"))
    checked = loom("check", "--json", "--project", project.root)
    assert checked.exit_code == 0, checked
    assert [a["level"] for a in checked.json()["answers"] if a["what"] == "worker expecting"] == ["warning"]


def test_an_expectation_that_can_be_met_or_cannot_be_judged_passes_the_check(
    loom: Command, project: Project
) -> None:
    project.worker("expecting", EXPECTING)
    project.entries(
        """
        expecting:
          schedule: "0 * * * *"
          entrypoint: workers.expecting:run
          expect:
            non_empty: [summary, parts.0, by_name.any, metrics.pages]
            min: {records_checked: 1, parts: 1, parts.12.pagesRead: 1, metrics.pages: 2}
            max: {by_name.any.pagesRead: 3, findings.0.title: 80}
        """
    )
    checked = loom("check", "--json", "--project", project.root)
    assert checked.exit_code == 0, checked
