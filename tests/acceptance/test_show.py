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
    assert "loom why odd --at 2026-11-20T12:00:00Z" in words(plain)
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
