"""What goes wrong is said, recorded, alerted, and stops nothing else."""

import json
import sqlite3
import time

import pytest

from tests.ground.command import Command
from tests.ground.project import Project

AT = ("--at", "2026-11-20T12:10:00Z")
LATER = ("--at", "2026-11-20T12:50:00Z")

TWO = """
    good: {agent: Good, schedule: "0 * * * *", entrypoint: "workers.echo:run"}
    bad: {agent: Bad, schedule: "0 * * * *", entrypoint: "workers.bad:run", timeout: 2s}
"""
HEADER = """
    import sys, time
    from loom.worker import Finding, Skip, TransientError, WorkerContext, WorkerOutput

    def run(context: WorkerContext) -> WorkerOutput:
"""


def outcomes(answer: dict[str, list[dict[str, object]]]) -> dict[object, object]:
    return {run["worker"]: run["outcome"] for run in answer["runs"]}


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("raise ValueError('broken')", "failed"),
        ("sys.exit(0)", "failed"),
        ("raise KeyboardInterrupt", "failed"),
        ("f = lambda n: f(n + 1)\n        return f(0)", "failed"),
        ("time.sleep(60)", "timed_out"),
        ("return None", "invalid"),
        ("return {'summary': 1}", "invalid"),
        ("return WorkerOutput(summary='x' * 30_000_000)", "invalid"),
        ("raise Skip('nothing to do')", "skipped"),
        ("context.http.post('https://api.hubapi.com/crm/v3/objects/contacts', json={})", "blocked"),
    ],
)
def test_a_bad_worker_ends_in_its_own_outcome_and_leaves_its_neighbour_alone(
    loom: Command, project: Project, body: str, outcome: str
) -> None:
    # Only what is to overrun has little time: the rest may be slow on a busy machine.
    project.entries(TWO if outcome == "timed_out" else TWO.replace("timeout: 2s", "timeout: 50s"))
    project.write("workers/bad.py", HEADER + f"        {body}\n")
    tick = loom("run", *AT, "--json", "--project", project.root)
    answer = tick.json()
    assert outcomes(answer) == {"good": "succeeded", "bad": outcome}
    assert tick.exit_code == (0 if outcome == "skipped" else 1)
    alerts = [(alert["event"], alert["worker"], alert["delivered"]) for alert in answer["alerts"]]
    if outcome == "skipped":
        assert alerts == []
    else:
        event = "worker.failing" if outcome == "timed_out" else "worker.down"
        assert alerts == [(event, "bad", True)]
        assert "bad" in tick.stderr


@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_an_output_whose_own_validator_never_ends_is_timed_out_and_the_tick_goes_on(
    loom: Command, project: Project, isolation: str
) -> None:
    project.entries(TWO.replace("timeout: 2s", f"timeout: 4s, isolation: {isolation}"))
    project.worker(
        "bad",
        """
        import time
        from loom.worker import WorkerContext, WorkerOutput
        from pydantic import field_validator

        class Output(WorkerOutput):
            @field_validator("summary")
            @classmethod
            def slow(cls, value: str) -> str:
                while True:
                    time.sleep(0.05)

        def run(context: WorkerContext) -> Output:
            return Output.model_construct(summary="never judged", findings=[], metrics={})
        """,
    )
    tick = loom("run", *AT, "--json", "--project", project.root)
    assert outcomes(tick.json()) == {"good": "succeeded", "bad": "timed_out"}, tick


def test_a_worker_may_mean_something_else_by_findings_and_is_shown_all_the_same(
    loom: Command, project: Project
) -> None:
    project.worker(
        "echo",
        """
        from loom.worker import WorkerContext, WorkerOutput

        class Output(WorkerOutput):
            findings: list[str]  # type: ignore[assignment]

        def run(context: WorkerContext) -> Output:
            return Output(summary="two words", findings=["first word", "second word"])
        """,
    )
    tick = loom("run", *AT, "--project", project.root)
    assert tick.exit_code == 0, tick
    (run,) = loom("history", "--json", "--project", project.root).json()["runs"]
    shown = loom("show", run["run_id"], "--project", project.root)
    assert shown.exit_code == 0, shown
    assert "second word" in shown.stdout


def test_nothing_but_the_answer_reaches_stdout_whatever_a_worker_prints_or_starts(
    loom: Command, project: Project
) -> None:
    project.entries(TWO)
    project.write(
        "workers/bad.py",
        HEADER
        + """
        import os, subprocess
        print("a print")
        os.write(1, b"a write\\n")
        subprocess.run(["echo", "a program"], check=True)
        return WorkerOutput(summary="fine")
        """,
    )
    tick = loom("run", *AT, "--json", "--project", project.root)
    assert outcomes(tick.json()) == {"good": "succeeded", "bad": "succeeded"}
    assert loom("check", "--json", "--project", project.root).json()["exit_code"] == 0


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_name_that_is_no_text_is_shown_as_well_as_can_be(
    loom: Command, project: Project, encoding: str
) -> None:
    project.worker(
        "echo",
        """
        from loom.worker import WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            raise ValueError("can't read caf\\udce9")
        """,
    )
    env = {"PYTHONIOENCODING": encoding}
    tick = loom("run", "--at", "2026-03-03T06:01:00Z", cwd=project.root, env=env)
    assert tick.exit_code == 1, tick
    assert "can't read caf" in tick.stdout, tick
    run = loom("history", "--json", cwd=project.root).json()["runs"][0]["run_id"]
    for arguments in (["show", run], ["history"], ["status"], ["show", run, "--json"]):
        shown = loom(*arguments, cwd=project.root, env=env)
        assert shown.exit_code == 0, shown
    shown_as = {"utf-8": "caf\\udce9", "ascii": "caf?"}[encoding]
    assert f"can't read {shown_as}" in loom("show", run, cwd=project.root, env=env).stdout


def test_a_mistake_in_one_entry_stops_that_worker_alone_and_is_said_once(
    loom: Command, project: Project
) -> None:
    project.entries(
        """
        good: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}
        typo: {shedule: "0 3 * *", entrypoint: "workers.echo:run"}
        """
    )
    tick = loom("run", *AT, "--json", "--project", project.root)
    assert tick.exit_code == 3
    answer = tick.json()
    assert outcomes(answer) == {"good": "succeeded"}
    assert [(a["event"], a["worker"]) for a in answer["alerts"]] == [("registry.broken", "typo")]
    assert "at worker 'typo'" in tick.stderr
    assert "worker-registry.yaml:" in tick.stderr

    again = loom("run", *LATER, "--json", "--project", project.root)
    assert again.exit_code == 3
    assert again.json()["alerts"] == []


def test_slots_of_a_broken_entry_are_found_once_it_is_mended(loom: Command, project: Project) -> None:
    project.entries('typo: {schedule: "0 6 * *", entrypoint: "workers.echo:run"}')
    loom("run", *AT, "--project", project.root)
    project.entries('typo: {schedule: "0 6 * * *", entrypoint: "workers.echo:run"}')
    mended = loom("run", "--at", "2026-11-20T15:00:00Z", "--json", "--project", project.root)
    assert mended.exit_code == 0, mended
    answer = mended.json()
    assert [(run["slot"], run["outcome"]) for run in answer["runs"]] == [
        ("2026-11-20T06:00:00-06:00", "succeeded")
    ]
    assert [alert["event"] for alert in answer["alerts"]] == ["registry.mended"]


def test_a_broken_file_stops_the_tick_and_is_alerted_through_the_last_valid_hooks(
    loom: Command, project: Project
) -> None:
    heard = project.root / "heard.jsonl"
    project.registry(
        """
        version: 1
        timezone: America/Chicago
        alerts: [{kind: file, path: heard.jsonl}]
        workers:
          echo: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}
        """
    )
    assert loom("run", *AT, "--project", project.root).exit_code == 0
    project.registry("version: 2\nworkers: [\n")
    broken = loom("run", "--at", "2026-11-20T14:00:00Z", "--json", "--project", project.root)
    assert broken.exit_code == 3
    assert broken.json()["runs"] == []
    events = [json.loads(line)["event"] for line in heard.read_text().splitlines()]
    assert events == ["registry.broken"]


def test_a_broken_enforcement_context_blocks_every_due_slot_until_it_is_whole(
    loom: Command, project: Project
) -> None:
    rule = project.root / "enforcement" / "rules" / "hubspot-read-only.yaml"
    text = rule.read_text()
    rule.unlink()
    blocked = loom("run", *AT, "--json", "--project", project.root)
    assert blocked.exit_code == 3
    answer = blocked.json()
    (run,) = answer["runs"]
    assert (run["outcome"], run["final"], run["attempts"]) == ("blocked", False, 0)
    assert [alert["event"] for alert in answer["alerts"]] == ["enforcement.broken"]
    by_hand = loom("run", "--worker", "echo", "--force", *LATER, "--json", "--project", project.root)
    assert by_hand.exit_code == 3
    assert outcomes(by_hand.json()) == {"echo": "blocked"}

    rule.write_text(text)
    whole = loom("run", "--at", "2026-11-20T12:55:00Z", "--json", "--project", project.root)
    assert whole.exit_code == 0, whole
    answer = whole.json()
    assert [(run["slot"], run["outcome"]) for run in answer["runs"]] == [
        ("2026-11-20T06:00:00-06:00", "succeeded")
    ]
    assert [alert["event"] for alert in answer["alerts"]] == ["enforcement.restored"]


def test_a_missing_secret_keeps_the_slot_open_is_alerted_once_and_runs_when_it_is_set(
    loom: Command, project: Project
) -> None:
    project.entries(
        """
        needy:
          schedule: "0 * * * *"
          entrypoint: workers.needy:run
          requires: {env: [SECRET_TOKEN], paths: [data]}
        """
    )
    project.write(
        "workers/needy.py",
        """
        import os
        from loom.worker import WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            assert "SECRET_TOKEN" not in os.environ
            print("the token is", context.secret("SECRET_TOKEN"))
            return WorkerOutput(summary=f"{len(context.secret('SECRET_TOKEN'))} characters")
        """,
    )
    waiting = loom("run", *AT, "--json", "--project", project.root)
    assert waiting.exit_code == 1
    (run,) = waiting.json()["runs"]
    assert (run["outcome"], run["final"]) == ("skipped", False)
    assert "SECRET_TOKEN is not set" in run["reason"]
    assert len(waiting.json()["alerts"]) == 1
    assert "SECRET_TOKEN" in loom("status", "--project", project.root).stdout

    still = loom("run", "--at", "2026-11-20T12:20:00Z", "--json", "--project", project.root)
    assert still.exit_code == 1
    assert still.json()["alerts"] == []

    (project.root / "data").mkdir()
    env = {"SECRET_TOKEN": "swordfish-value"}
    ran = loom("run", *LATER, "--json", "--project", project.root, env=env)
    assert ran.exit_code == 0, ran
    (run,) = ran.json()["runs"]
    assert (run["outcome"], run["output"]["summary"]) == ("succeeded", "15 characters")
    shown = loom("show", run["run_id"], "--project", project.root)
    assert "the token is" in shown.stdout
    assert "swordfish-value" not in shown.stdout + project.ledger.read_bytes().decode("latin-1")


def test_what_failed_for_a_passing_reason_is_tried_again_on_a_later_tick_and_recovers(
    loom: Command, project: Project
) -> None:
    project.entries(
        """
        flaky:
          schedule: "0 6 * * *"
          entrypoint: workers.flaky:run
          retry: {attempts: 2, backoff: 1s, max_backoff: 1s, jitter: 0}
        """
    )
    project.write(
        "workers/flaky.py",
        """
        from loom.worker import TransientError, WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            if not (context.project / "mended").exists():
                raise TransientError("the other side is down")
            return WorkerOutput(summary="fine")
        """,
    )
    failed = loom("run", *AT, "--json", "--project", project.root)
    assert failed.exit_code == 1
    (run,) = failed.json()["runs"]
    assert (run["outcome"], run["attempts"], run["final"]) == ("failed", 2, False)
    assert [alert["event"] for alert in failed.json()["alerts"]] == ["worker.failing"]
    assert "late" in loom("status", "--project", project.root).stdout

    (project.root / "mended").touch()
    mended = loom("run", "--at", "2026-11-20T13:10:00Z", "--json", "--project", project.root)
    assert mended.exit_code == 0, mended
    (run,) = mended.json()["runs"]
    assert (run["outcome"], run["slot"], run["final"]) == ("succeeded", "2026-11-20T06:00:00-06:00", True)
    assert [alert["event"] for alert in mended.json()["alerts"]] == ["worker.recovered"]


def test_an_alert_that_cannot_be_delivered_is_exit_4_and_is_tried_again(
    loom: Command, project: Project
) -> None:
    project.registry(
        """
        version: 1
        timezone: America/Chicago
        alerts: [{kind: command, command: ["./tell"]}]
        workers:
          bad: {schedule: "0 6 * * *", entrypoint: "workers.bad:run"}
        """
    )
    project.write("workers/bad.py", HEADER + "        raise ValueError('broken')\n")
    deaf = loom("run", *AT, "--json", "--project", project.root)
    assert deaf.exit_code == 4
    assert deaf.json()["alerts"][0]["delivered"] is False
    assert loom("status", "--json", "--project", project.root).json()["alerts"] == {"undelivered": 1}

    tell = project.write("tell", "#!/bin/sh\ncat > heard.json\n")
    tell.chmod(0o755)
    heard = loom("run", *LATER, "--json", "--project", project.root)
    assert heard.exit_code == 0, heard
    assert [(a["event"], a["delivered"]) for a in heard.json()["alerts"]] == [("worker.down", True)]
    assert json.loads((project.root / "heard.json").read_text())["worker"] == "bad"


@pytest.mark.parametrize("ruin", [b"this is no database", b""])
def test_a_ledger_that_is_no_ledger_stops_the_tick_and_is_alerted(
    loom: Command, project: Project, ruin: bytes
) -> None:
    loom("run", *AT, "--project", project.root)
    with sqlite3.connect(project.ledger) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    if not ruin:
        ruin = project.ledger.read_bytes()[: 3 * 4096]
    project.ledger.write_bytes(ruin)
    broken = loom("run", *LATER, "--project", project.root)
    assert broken.exit_code == 3
    assert "ledger.db" in broken.stderr
    assert "ledger.broken" in broken.stderr
    assert "Traceback" not in broken.stderr


def test_a_ledger_that_fails_before_the_work_is_alerted_as_a_tick_in_which_nothing_runs(
    loom: Command, project: Project
) -> None:
    project.ledger.mkdir(parents=True)
    broken = loom("run", *AT, "--project", project.root)
    assert broken.exit_code == 3
    assert "ledger.broken: the ledger can't be used, so nothing runs: " in broken.stderr


def test_a_ledger_that_fails_during_the_work_is_alerted_with_what_had_started(
    loom: Command, project: Project
) -> None:
    project.worker(
        "echo",
        """
        import time
        from loom.worker import WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            (context.project / "started").touch()
            while not (context.project / "ruined").exists():
                time.sleep(0.02)
            return WorkerOutput(summary="done")
        """,
    )
    tick = loom.start("run", "--worker", "echo", *AT, "--project", project.root)
    for _ in range(2400):
        if (project.root / "started").exists():
            break
        time.sleep(0.05)
    with sqlite3.connect(project.ledger) as other:
        other.execute("DROP TABLE runs")
    other.close()
    (project.root / "ruined").touch()
    _, talk = tick.communicate(timeout=120)
    assert tick.returncode == 3, talk
    assert "ledger.broken: the ledger failed after echo had started in this tick" in talk
    assert "nothing runs" not in talk
    assert "Traceback" not in talk


def test_a_clock_that_went_backwards_is_alerted_and_nothing_runs_twice(
    loom: Command, project: Project
) -> None:
    refused = loom("run", "--at", "2199-01-01T00:00:00Z", "--project", project.root)
    assert refused.exit_code == 2
    assert "future" in refused.stderr
    loom("run", *LATER, "--project", project.root)
    refused = loom("run", *AT, "--project", project.root)
    assert refused.exit_code == 2
    assert "last tick" in refused.stderr
    rehearsed = loom("run", *AT, "--dry-run", "--json", "--project", project.root)
    assert rehearsed.exit_code == 0


def test_two_ticks_at_once_run_each_slot_once(loom: Command, project: Project) -> None:
    workers = "\n".join(f'w{n}: {{schedule: "0 * * * *", entrypoint: "workers.slow:run"}}' for n in range(6))
    project.entries(workers)
    project.write(
        "workers/slow.py",
        """
        import time
        from loom.worker import WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            with (context.project / "ran.txt").open("a") as file:
                file.write(context.slot_key + "\\n")
            time.sleep(0.3)
            return WorkerOutput(summary="done")
        """,
    )
    ticks = [loom.start("run", *AT, "--json", "--project", project.root) for _ in range(3)]
    answers = [json.loads(tick.communicate(timeout=120)[0]) for tick in ticks]
    ran = (project.root / "ran.txt").read_text().split()
    assert len(ran) == 6
    assert len(set(ran)) == 6
    succeeded = [r["worker"] for answer in answers for r in answer["runs"] if r["outcome"] == "succeeded"]
    assert sorted(succeeded) == [f"w{n}" for n in range(6)]


def test_a_tick_that_was_killed_leaves_an_abandoned_run_that_is_started_again(
    loom: Command, project: Project
) -> None:
    project.entries('slow: {schedule: "0 6 * * *", entrypoint: "workers.slow:run"}')
    project.write(
        "workers/slow.py",
        """
        import time
        from loom.worker import WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            started = context.project / "started"
            if not started.exists():
                started.touch()
                time.sleep(120)
            return WorkerOutput(summary="done")
        """,
    )
    tick = loom.start("run", *AT, "--project", project.root)
    for _ in range(2400):
        if (project.root / "started").exists():
            break
        tick.poll()
        time.sleep(0.05)
    tick.kill()
    tick.communicate()
    after = loom("run", *LATER, "--json", "--project", project.root)
    told = [(run["outcome"], run["final"], run["slot"]) for run in after.json()["runs"]]
    slot = "2026-11-20T06:00:00-06:00"
    assert told == [("abandoned", False, slot), ("succeeded", True, slot)]


def test_a_worker_that_ends_the_process_silences_no_alert_and_keeps_its_neighbour_from_its_work_for_a_while(
    loom: Command, project: Project
) -> None:
    project.entries(
        """
        deadly: {schedule: "0 6 * * *", entrypoint: "workers.deadly:run", retry: {later_ticks: 4}}
        good: {schedule: "0 6 * * *", entrypoint: "workers.good:run", retry: {later_ticks: 4}}
        """
    )
    project.write(
        "workers/deadly.py",
        HEADER + "        time.sleep(1)\n        import ctypes, os; ctypes.CDLL(None).kill(os.getpid(), 9)\n",
    )
    project.write(
        "workers/good.py", HEADER + "        time.sleep(4)\n        return WorkerOutput(summary='done')\n"
    )
    text = (project.root / "worker-registry.yaml").read_text()
    project.registry(text.replace("alerts:", "alerts:\n  - {kind: file, path: heard.jsonl}"))
    ticks = [
        loom("run", "--at", f"2026-11-20T12:{minute}:00Z", "--project", project.root)
        for minute in ("10", "20", "30")
    ]
    assert [tick.exit_code for tick in ticks] == [-9, -9, -9]
    heard = [json.loads(line) for line in (project.root / "heard.jsonl").read_text().splitlines()]
    assert [(alert["event"], alert["worker"]) for alert in heard[:2]] == [
        ("worker.failing", "deadly"),
        ("worker.failing", "good"),
    ], "said by the second tick, before it was ended as the first was"
    history = loom("history", "--worker", "good", "--json", "--project", project.root).json()["runs"]
    assert [run["outcome"] for run in history] == ["succeeded", "abandoned"]


NOT_FOR_EYES = "swordfish-4711-value"


def test_a_secret_leaves_neither_as_the_kind_of_an_error_nor_as_its_place(
    loom: Command, project: Project
) -> None:
    project.registry(
        """
        version: 1
        timezone: America/Chicago
        alerts: [{kind: stderr}, {kind: file, path: heard.jsonl}]
        workers:
          kind: {schedule: "@hourly", entrypoint: "workers.leak:kind", requires: {env: [SECRET_TOKEN]}}
          place: {schedule: "@hourly", entrypoint: "workers.leak:place", requires: {env: [SECRET_TOKEN]}}
          passing: {schedule: "@hourly", entrypoint: "workers.leak:passing", requires: {env: [SECRET_TOKEN]}}
        """
    )
    project.worker(
        "leak",
        """
        from loom.worker import TransientError, WorkerContext, WorkerOutput

        def kind(context: WorkerContext) -> WorkerOutput:
            raise type(context.secret("SECRET_TOKEN"), (Exception,), {})("x")

        def place(context: WorkerContext) -> WorkerOutput:
            file = context.project / "workers" / f"{context.secret('SECRET_TOKEN')}.py"
            exec(compile("raise ValueError('x')", str(file), "exec"))
            raise AssertionError

        def passing(context: WorkerContext) -> WorkerOutput:
            raise type("Passing\\n" * 400 + context.secret("SECRET_TOKEN"), (TransientError,), {})("x")
        """,
    )
    tick = loom("run", *AT, "--json", "--project", project.root, env={"SECRET_TOKEN": NOT_FOR_EYES})
    errors = {run["worker"]: run["error"] for run in tick.json()["runs"]}
    assert errors["kind"] == {"kind": "***", "message": "x", "where": "workers/leak.py:4"}
    assert errors["place"]["where"] == "workers/***.py:1"
    assert errors["passing"]["kind"].startswith("Passing Passing")
    assert len(errors["passing"]["kind"]) <= 200
    told = tick.stdout + tick.stderr + (project.root / "heard.jsonl").read_text()
    for run in tick.json()["runs"]:
        told += loom("show", run["run_id"], "--project", project.root).stdout
    assert NOT_FOR_EYES not in told
    assert told.count("***") > 5
    for file in project.root.glob(".loom/**/*"):
        assert not file.is_file() or NOT_FOR_EYES.encode() not in file.read_bytes(), file


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("context.http.post(HUBSPOT, json={})", "workers/bad.py:11"),
        ("swallow(lambda: context.http.post(HUBSPOT, json={}))", "workers/bad.py:11"),
        ("asyncio.run(context.http_async.post(HUBSPOT))", "workers/bad.py:11"),
        ("client.post_to(context, HUBSPOT)", "workers/sources/client.py:2"),
        ("elsewhere.post_to(context, HUBSPOT)", "workers/bad.py:11"),
    ],
)
def test_a_refused_act_is_placed_in_the_project_as_every_error_is(
    loom: Command, project: Project, asked: str, place: str
) -> None:
    project.entries('bad: {schedule: "0 * * * *", entrypoint: "workers.bad:run"}')
    project.write("workers/sources/__init__.py", "")
    for module in (project.root / "workers" / "sources" / "client.py", project.root.parent / "elsewhere.py"):
        module.write_text("def post_to(context, address):\n    context.http.post(address, json={})\n")
    project.write(
        "workers/bad.py",
        f"""
        import asyncio, sys
        from contextlib import suppress
        sys.path.append({str(project.root.parent)!r})
        import elsewhere
        from loom.worker import WorkerContext, WorkerOutput
        from workers.sources import client
        HUBSPOT = "https://api.hubapi.com/crm/v3/objects/contacts"
        def swallow(act):
            with suppress(Exception): act()
        def run(context: WorkerContext) -> WorkerOutput:
            {asked}
            return WorkerOutput(summary="nothing happened")
        """,
    )
    tick = loom("run", *AT, "--json", "--project", project.root)
    (run,) = tick.json()["runs"]
    assert run["outcome"] == "blocked", tick
    assert (run["error"]["kind"], run["error"]["where"]) == ("hubspot-read-only", place)
    assert f"at {place}" in tick.stderr
