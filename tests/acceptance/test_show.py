"""`loom show`: everything about one run, for a tired person at any width."""

import re

from tests.ground.command import Command
from tests.ground.project import Project

INVALID = """
    from loom.worker import WorkerContext, WorkerOutput


    class Output(WorkerOutput):
        contacts_checked: int
        emails: list[str]
        seen: int


    def run(context: WorkerContext) -> Output:
        context.log.warning("the list is odd")
        return Output.model_construct(summary="s", contacts_checked="many", emails=["a", 4])
"""
MENDS = """
    from loom.worker import Finding, TransientError, WorkerContext, WorkerOutput

    tries = []


    def run(context: WorkerContext) -> WorkerOutput:
        tries.append(1)
        if (context.project / "down").exists() or len(tries) < 2:
            raise TransientError("502 from [bold]the other side[/bold]")
        found = Finding(severity="warning", title="stale", subject="docs/a.md", action="look at it")
        return WorkerOutput(summary="all fine but one", findings=[found], metrics={"seen": 3})
"""
ENTRIES = """
    odd: {schedule: "0 * * * *", entrypoint: "workers.odd:run"}
    mends: {schedule: "0 * * * *", entrypoint: "workers.mends:run", retry: {attempts: 2, backoff: 10ms}}
"""
ALERTS = "alerts: [{kind: file, path: alerts.jsonl}, {kind: command, command: [sh, -c, 'exit 3']}]"
AT, LATER = ("--at", "2026-11-20T12:05:00Z"), ("--at", "2026-11-20T12:40:00Z")


def words(text: str) -> str:
    return " ".join(text.split())


def test_show_tells_what_was_wrong_who_was_told_and_what_to_do(loom: Command, project: Project) -> None:
    root = ("--project", project.root)
    project.worker("odd", INVALID)
    project.worker("mends", MENDS)
    project.entries(ENTRIES)
    registry = project.root / "worker-registry.yaml"
    registry.write_text(registry.read_text().replace("alerts:\n  - {kind: stderr}", ALERTS))
    project.root.joinpath("down").touch()
    ran = loom("run", *AT, "--json", *root)
    odd = next(run["run_id"] for run in ran.json()["runs"] if run["worker"] == "odd")

    plain = loom("show", odd, *root).stdout
    for field, got, expected in (
        ("contacts_checked", "'many'", "a valid integer"),
        ("emails.1", "4", "a valid string"),
        ("seen", "nothing", "this field; it is required"),
    ):
        assert re.search(rf"{field}\s*\n\s+got\s+{got}\s*\n\s+expected\s+{expected}", plain), plain
    assert "worker.down by file: delivered Fri 20 Nov" in words(plain)
    assert "by command: NOT delivered, 1 try" in words(plain)
    assert "each tick tries again" in plain
    assert f"loom retry {odd[-12:]}" in plain
    assert "loom why odd --at 2026-11-20T06:00-06:00" in words(plain)
    assert "hubspot-read-only" in plain
    assert "0 acts judged, 0 refused" in words(plain)
    assert "rejected output" in plain
    assert re.search(r"\+[\d.]+s WARNING +the list is odd", plain)
    for columns in (60, 80, 140):
        shown = loom.in_terminal("show", odd, *root, columns=columns, rows=200).stdout
        assert max(map(len, shown.splitlines())) <= columns
        assert words(plain.partition("enforcement")[0]) == words(shown.partition("enforcement")[0])

    failed = loom("show", "mends", *root).stdout
    assert "TransientError: 502 from [bold]the other side[/bold]" in failed, "foreign text is no markup"
    assert "1 of 2 failed: TransientError; trying again in" in words(failed)
    assert "still open (retry)" in failed
    project.root.joinpath("down").unlink()
    loom("run", *LATER, *root)
    again = loom("show", "mends", *root).stdout
    assert "all fine but one" in again
    assert "docs/a.md: stale" in again
    assert re.search(r"before +\w{12} +✗ failed", again), again
    former = loom("history", "--worker", "mends", "--json", *root).json()["runs"][-1]["run_id"]
    before = loom("show", former, *root).stdout
    assert "tried again since" in before
    assert re.search(r"after +\w{12} +✓ succeeded", before), before
    assert "a later run of this slot went well" in before
    assert [run["outcome"] for run in loom("show", former, "--json", *root).json()["other_runs"]] == [
        "succeeded"
    ]


def test_how_late_a_run_was_is_said_as_it_was_and_times_in_reasons_are_told(
    loom: Command, project: Project
) -> None:
    root = ("--project", project.root)
    loom("run", "--at", "2026-11-20T12:05:00Z", *root)
    prompt = words(loom("show", "echo", *root).stdout)
    assert "recorded by the tick of Fri 20 Nov 06:05 CST" in prompt
    assert ", on time" in prompt
    late = loom("run", "--at", "2026-11-20T15:05:00Z", "--json", *root).json()["runs"]
    shown = words(loom("show", "echo", *root).stdout)
    assert "on time" in shown, "65 min would be late; the newest slot is 5 min old"
    superseded = next(run["run_id"] for run in late if run["outcome"] == "superseded")
    told = loom("show", superseded, *root).stdout
    assert "the slot of Fri 20 Nov 09:00 CST runs instead" in told
    project.entries('daily: {schedule: "0 3 * * *", entrypoint: "workers.echo:run"}')
    loom("run", "--at", "2026-11-21T08:30:00Z", *root)
    loom("run", "--at", "2026-11-21T11:05:00Z", *root)
    daily = words(loom("show", "daily", *root).stdout)
    assert "2 h 5 min after its time, by the first tick that came" in daily
    assert "on time" not in daily


def test_a_command_stands_whole_on_its_line_and_fits_what_was_recorded(
    loom: Command, project: Project
) -> None:
    root = ("--project", project.root)
    entry = '{schedule: "0 * * * *", entrypoint: "workers.echo:run", catch_up: {policy: none}}'
    project.entries(f"content-calendar-auditor: {entry}")
    loom("run", "--at", "2026-11-20T12:05:00Z", *root)
    loom("run", "--at", "2026-11-20T14:05:00Z", *root)
    missed = loom("history", "--outcome", "missed", "--json", *root).json()["runs"][0]["run_id"]
    for columns in (60, 80, 140):
        shown = loom.in_terminal("show", missed, *root, columns=columns, rows=100).stdout
        lines = [line.strip() for line in shown.splitlines()]
        assert max(map(len, shown.splitlines())) <= columns
        for command in (
            f"loom retry {missed[-12:]}",
            "loom why content-calendar-auditor --at 2026-11-20T07:00-06:00",
        ):
            assert len(command) > columns - 2 or any(line.startswith(command) for line in lines), shown
        assert "run it after all" in shown
