"""Under GitHub Actions: what a person sees there, and what a worker's text can't do there."""

import json
from pathlib import Path

import pytest

from tests.ground.actions_runner import read
from tests.ground.command import Command
from tests.ground.project import Project

AT = ("--at", "2026-11-20T12:10:00Z")


@pytest.fixture
def actions(tmp_path: Path, project: Project) -> dict[str, str | None]:
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "acme/ops",
        "GITHUB_RUN_ID": "42",
        "GITHUB_WORKSPACE": str(project.root),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_OUTPUT": str(tmp_path / "output.txt"),
    }


def test_a_tick_leaves_summary_annotations_groups_outputs_and_masks(
    loom: Command, project: Project, actions: dict[str, str | None], tmp_path: Path
) -> None:
    project.registry(
        """
        version: 1
        timezone: America/Chicago
        alerts: [{kind: file, path: heard.jsonl}]
        workers:
          echo: {agent: Echo, schedule: "0 * * * *", entrypoint: "workers.echo:run"}
          bad:
            schedule: "0 * * * *"
            entrypoint: workers.bad:run
            requires: {env: [SOME_TOKEN]}
        """
    )
    project.worker(
        "bad",
        """
        from loom.worker import WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            context.log.info("working with %s", context.secret("SOME_TOKEN"))
            raise ValueError("broken")
        """,
    )
    tick = loom("run", *AT, "--project", project.root, env={**actions, "SOME_TOKEN": "swordfish-value"})
    assert tick.exit_code == 1, tick
    log = read(tick.stdout.splitlines())
    assert [mask.data for mask in log.named("add-mask")] == ["swordfish-value"]
    (error,) = log.named("error")
    assert "ValueError: broken" in error.data
    assert error.properties["file"] == "workers/bad.py"
    assert any("bad" in group.data for group in log.named("group"))
    assert not log.stopped

    summary = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert "bad" in summary
    assert "echo" in summary
    assert "swordfish-value" not in summary + tick.stdout.replace("::add-mask::swordfish-value", "")
    outputs = (tmp_path / "output.txt").read_text(encoding="utf-8")
    assert "failed" in outputs
    assert json.dumps("bad") in outputs
    heard = json.loads((project.root / "heard.jsonl").read_text())
    assert heard["run_url"] == "https://github.example/acme/ops/actions/runs/42"


@pytest.mark.parametrize(
    ("event", "words", "trigger"),
    [
        ("workflow_dispatch", (), "workflow_dispatch"),
        ("push", (), "push"),
        ("schedule", ("--worker", "echo"), "manual"),
    ],
)
def test_a_tick_says_what_woke_it(
    loom: Command,
    project: Project,
    actions: dict[str, str | None],
    event: str,
    words: tuple[str, ...],
    trigger: str,
) -> None:
    told = {**actions, "GITHUB_EVENT_NAME": event}
    tick = loom("run", *AT, *words, "--json", "--project", project.root, env=told)
    assert tick.json()["tick"]["trigger"] == trigger


def test_a_workers_text_gives_no_orders(
    loom: Command, project: Project, actions: dict[str, str | None], tmp_path: Path
) -> None:
    project.worker(
        "echo",
        r"""
        import os
        from loom.worker import Finding, WorkerContext, WorkerOutput

        EVIL = "\n::error file=forged.py::forged\n::set-output name=forged::1\n##[error]forged\n<b>forged</b>"

        def run(context: WorkerContext) -> WorkerOutput:
            print(EVIL)
            os.write(1, EVIL.encode())
            context.log.info(EVIL)
            assert "GITHUB_OUTPUT" not in os.environ
            return WorkerOutput(
                summary=EVIL, findings=[Finding(severity="critical", title=EVIL, detail=EVIL, subject=EVIL)]
            )
        """,
    )
    for arguments in ((), ("--json",)):
        tick = loom("run", "--worker", "echo", *arguments, "--project", project.root, env=actions)
        assert tick.exit_code == 0, tick
        for stream in (tick.stdout, tick.stderr):
            for obeyed in read(stream.splitlines()).obeyed:
                assert obeyed.name != "set-output"
                assert obeyed.data != "forged"
                assert obeyed.properties.get("file") != "forged.py"
    assert "<b>" not in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_the_summary_says_of_what_comes_next_that_it_is_paused(
    loom: Command, project: Project, actions: dict[str, str | None], tmp_path: Path
) -> None:
    project.entries("echo: {schedule: '0 6 * * *', entrypoint: 'workers.echo:run'}")
    loom(
        "pause",
        "echo",
        "--by",
        "Ada",
        "--reason",
        "holiday",
        "--at",
        "2026-11-20T12:05:00Z",
        "--project",
        project.root,
    )
    loom("run", *AT, "--project", project.root, env=actions)
    _, _, coming = (tmp_path / "summary.md").read_text(encoding="utf-8").partition("### Next")
    assert "paused by Ada" in coming


def test_the_runner_obeys_nothing_that_a_command_shows_of_a_worker(
    loom: Command, project: Project, actions: dict[str, str | None]
) -> None:
    project.entries(
        """
        bad: {schedule: "0 * * * *", entrypoint: "workers.bad:run", retry: {later_ticks: 0, attempts: 1},
              description: "##[group]described"}
        """
    )
    project.worker(
        "bad",
        """
        from loom.worker import WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            print("::set-output name=x::y")
            raise ValueError("##[error]planted\\n::error::planted too")
        """,
    )
    loom("run", *AT, "--project", project.root)
    for asked in (
        ("status",),
        ("status", "--worker", "bad"),
        ("history",),
        ("show", "bad"),
        ("logs", "bad"),
        ("why", "bad"),
        ("brief", "--since", "2026-11-20", "--peek"),
        ("brief", "--since", "2026-11-20", "--peek", "--format", "markdown"),
    ):
        shown = loom(*asked, "--project", project.root, env=actions)
        assert shown.exit_code == 0, shown
        assert read([*shown.stdout.splitlines(), *shown.stderr.splitlines()]).obeyed == [], shown
