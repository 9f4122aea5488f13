"""One tick after another, in this process: what the runner joins together."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from loom.domain.health import Health
from loom.domain.pause import Pause
from loom.domain.record import Entry
from loom.domain.run import OpenReason, Outcome, Trigger
from loom.domain.slot import Ticket, TicketState
from loom.domain.tick import TickReport
from loom.errors import ClaimLost, ExitCode, StaleDecision
from loom.ledger.memory import MemoryLedger
from loom.runner.request import TickRequest
from loom.settings import read_settings
from loom.status import as_they_stand, board
from loom.wiring.parts import read_registry
from tests.ground.project import Project
from tests.ground.rehearsal import Rehearsal

START = datetime(2026, 11, 20, 12, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

FAILING = """
    from loom.worker import WorkerContext, WorkerOutput

    def run(context: WorkerContext) -> WorkerOutput:
        if (context.project / "mended").exists():
            return WorkerOutput(summary="fine")
        raise ValueError("broken")
"""


@pytest.fixture
def rehearsal(project: Project) -> Rehearsal:
    return Rehearsal(project, START)


def told(report: TickReport) -> list[tuple[str, str, int]]:
    return [(run.worker, run.outcome.value, run.count) for run in report.runs]


def test_a_minutely_worker_after_a_month_away_writes_three_records(rehearsal: Rehearsal) -> None:
    rehearsal.project.entries('busy: {schedule: "* * * * *", entrypoint: "workers.echo:run"}')
    rehearsal.tick()
    report = rehearsal.tick(later=timedelta(days=30))
    assert told(report) == [
        ("busy", "missed", 30 * 1440 - 1441),
        ("busy", "superseded", 1440),
        ("busy", "succeeded", 1),
    ]
    assert rehearsal.heard() == ["slot.missed", "worker.recovered"]


def test_catch_up_all_runs_oldest_first_one_at_a_time(rehearsal: Rehearsal) -> None:
    rehearsal.project.entries(
        'each: {schedule: "0 * * * *", entrypoint: "workers.each:run", catch_up: {policy: all}}'
    )
    rehearsal.project.worker(
        "each",
        """
        import threading
        from loom.worker import WorkerContext, WorkerOutput

        LOCK = threading.Lock()

        def run(context: WorkerContext) -> WorkerOutput:
            assert LOCK.acquire(blocking=False), "two at once"
            with (context.project / "order.txt").open("a") as file:
                file.write(context.slot.strftime("%H") + "\\n")
            LOCK.release()
            return WorkerOutput(summary="done")
        """,
    )
    rehearsal.tick()
    report = rehearsal.tick(later=4 * HOUR)
    assert [run.outcome for run in report.runs] == [Outcome.SUCCEEDED] * 4
    assert (rehearsal.project.root / "order.txt").read_text().split() == ["06", "07", "08", "09", "10"]


def test_a_rename_carries_mark_history_health_and_the_open_episode(rehearsal: Rehearsal) -> None:
    rehearsal.project.worker("flaky", FAILING)
    rehearsal.project.entries('before: {schedule: "0 * * * *", entrypoint: "workers.flaky:run"}')
    rehearsal.tick()
    rehearsal.project.entries('after: {schedule: "0 * * * *", entrypoint: "workers.flaky:run", was: before}')
    assert rehearsal.tick(later=timedelta(minutes=5)).runs == (), "its slot was decided under the old id"
    (run,) = rehearsal.history("after")
    assert run.outcome is Outcome.FAILED
    (rehearsal.project.root / "mended").touch()
    rehearsal.tick(later=HOUR)
    assert rehearsal.heard() == ["worker.down", "worker.recovered"]
    assert rehearsal.ledger.snapshot().standings["after"].consecutive_failures == 0


_RENAMED = 'after: {schedule: "0 * * * *", entrypoint: "workers.echo:run", was: before}'


def test_what_ends_on_the_tick_of_a_rename_ends_under_the_new_name(rehearsal: Rehearsal) -> None:
    rehearsal.project.worker(
        "busy",
        """
        from loom.worker import TransientError, WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            raise TransientError("later")
        """,
    )
    rehearsal.project.entries(
        'before: {schedule: "0 * * * *", entrypoint: "workers.busy:run", retry: {attempts: 1}}'
    )
    rehearsal.tick()
    rehearsal.project.entries(_RENAMED)
    rehearsal.tick(later=HOUR)
    assert [(run.outcome, run.final) for run in rehearsal.history("after")] == [
        (Outcome.FAILED, True),
        (Outcome.SUCCEEDED, True),
    ]
    assert rehearsal.history("before") == []
    assert {alert.worker for alert in rehearsal.hook.delivered if alert.at > START} == {"after"}


def test_a_slot_run_by_hand_before_its_tick_is_not_run_again_under_a_new_name(rehearsal: Rehearsal) -> None:
    rehearsal.project.entries('before: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}')
    rehearsal.tick()
    rehearsal.clock.advance(HOUR)
    rehearsal.tick(request=TickRequest(workers=("before",), slot=START.replace(hour=13, minute=0)))
    rehearsal.project.entries(_RENAMED)
    assert rehearsal.tick().runs == ()


def test_a_worker_that_is_removed_closes_its_open_slots_and_its_episode_without_a_word(
    rehearsal: Rehearsal,
) -> None:
    rehearsal.project.entries(
        """
        gone: {schedule: "0 * * * *", entrypoint: "workers.echo:run", requires: {env: [SOME_TOKEN]}}
        """
    )
    rehearsal.tick()
    assert [t.reason for t in rehearsal.ledger.snapshot().tickets.values()] == [OpenReason.REQUIREMENT]
    rehearsal.project.entries('other: {schedule: "30 3 * * *", entrypoint: "workers.echo:run"}')
    one_alone = rehearsal.tick(later=timedelta(minutes=5))
    assert one_alone.runs == (), "it may go by an older registry than the tick before"
    assert rehearsal.ledger.snapshot().episodes
    report = rehearsal.tick(later=timedelta(minutes=5))
    assert [(run.worker, run.outcome, run.reason) for run in report.runs] == [
        ("gone", Outcome.SKIPPED, "removed")
    ]
    snapshot = rehearsal.ledger.snapshot()
    assert not snapshot.tickets
    assert not snapshot.episodes
    assert rehearsal.heard() == ["worker.failing"]


@pytest.mark.parametrize(
    ("overlap", "told_as"),
    [
        ("skip", (Outcome.SKIPPED, True, None)),
        ("wait", (Outcome.SKIPPED, False, OpenReason.OVERLAP)),
        ("allow", (Outcome.SUCCEEDED, True, None)),
    ],
)
def test_a_run_that_is_still_alive_elsewhere_is_respected_as_the_worker_says(
    rehearsal: Rehearsal, overlap: str, told_as: tuple[Outcome, bool, OpenReason | None]
) -> None:
    rehearsal.project.entries(
        f'echo: {{schedule: "0 * * * *", entrypoint: "workers.echo:run", overlap: {overlap}}}'
    )
    rehearsal.running.add("memory-99-other")
    rehearsal.ledger.record(
        [
            Ticket(
                key="echo@2026-11-20T11:00:00Z",
                worker="echo",
                slot=START - timedelta(hours=1, minutes=10),
                trigger=Trigger.SCHEDULE,
                state=TicketState.STARTED,
                starts=1,
                run_id="another",
                claimer="memory-99-other",
                lease_until=START + 5 * HOUR,
            )
        ]
    )
    report = rehearsal.tick()
    (run,) = report.runs
    assert (run.outcome, run.final, run.open_reason) == told_as
    assert report.exit_code is ExitCode.OK

    rehearsal.running.clear()
    report = rehearsal.tick(later=timedelta(minutes=10))
    told_now = [(run.outcome, run.slot) for run in report.runs]
    died = START - timedelta(hours=1, minutes=10)
    assert told_now == [
        (Outcome.ABANDONED, died),
        (Outcome.SUCCEEDED, START.replace(minute=0) if overlap == "wait" else died),
    ], "the newest slot that is still open runs"


def test_a_run_that_died_is_recorded_also_when_a_person_starts_its_slot_again(rehearsal: Rehearsal) -> None:
    slot = START.replace(minute=0)
    rehearsal.ledger.record(
        [
            Ticket(
                key="echo@2026-11-20T12:00:00Z",
                worker="echo",
                slot=slot,
                trigger=Trigger.SCHEDULE,
                state=TicketState.STARTED,
                starts=1,
                run_id="the one that died",
                claimer="memory-99-other",
                lease_until=START + 5 * HOUR,
            )
        ]
    )
    report = rehearsal.tick(request=TickRequest(workers=("echo",), slot=slot))
    assert [(run.run_id, run.outcome, run.final) for run in report.runs[:1]] == [
        ("the one that died", Outcome.ABANDONED, False)
    ]
    assert [(run.trigger, run.outcome, run.final) for run in report.runs[1:]] == [
        (Trigger.MANUAL, Outcome.SUCCEEDED, True)
    ]
    assert rehearsal.heard() == ["worker.failing", "worker.recovered"]


def test_a_pause_in_the_ledger_skips_slots_until_it_runs_out(rehearsal: Rehearsal) -> None:
    rehearsal.tick()
    rehearsal.ledger.record(
        [Pause(worker="echo", by="ann", at=rehearsal.clock.now(), until=START + 3 * HOUR, reason="holiday")]
    )
    for _ in range(2):
        (run,) = rehearsal.tick(later=HOUR).runs
        said = "paused by ann until 2026-11-20T09:10-06:00: holiday"
        assert (run.outcome, run.reason) == (Outcome.SKIPPED, said)
    assert [run.outcome for run in rehearsal.tick(later=2 * HOUR).runs][-1] is Outcome.SUCCEEDED


def test_an_episode_opens_reminds_after_a_day_and_recovers(rehearsal: Rehearsal) -> None:
    rehearsal.project.worker("echo", FAILING)
    rehearsal.tick()
    for _ in range(25):
        rehearsal.tick(later=HOUR)
    assert rehearsal.heard() == ["worker.down", "worker.down"]
    assert all(run.episode for run in rehearsal.history("echo"))
    (rehearsal.project.root / "mended").touch()
    rehearsal.tick(later=HOUR)
    assert rehearsal.heard()[-1] == "worker.recovered"


def test_every_outcome_that_waits_for_the_threshold_says_how_long(rehearsal: Rehearsal) -> None:
    rehearsal.project.worker("echo", FAILING)
    rehearsal.project.entries(
        'echo: {schedule: "0 * * * *", entrypoint: "workers.echo:run", alert: {after: 3}}'
    )
    rehearsal.tick()
    rehearsal.tick(later=HOUR)
    assert rehearsal.heard() == []
    rehearsal.tick(later=HOUR)
    assert rehearsal.heard() == ["worker.down"]
    episodes = [run.episode for run in rehearsal.history("echo")]
    assert episodes[:2] == ["held 1 of 3", "held 2 of 3"]
    assert episodes[2] not in ("", "held 3 of 3")


class _Rival(MemoryLedger):
    """A ledger that another tick writes to just before the first claims."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def claim(self, entries: Sequence[Entry], *, revision: int) -> None:
        if self.times:
            self.times -= 1
            super().record([Pause(worker="nobody", by="rival", at=START)])
        super().claim(entries, revision=revision)


def test_a_tick_that_was_overtaken_reads_again_and_decides_again(project: Project) -> None:
    rehearsal = Rehearsal(project, START, ledger=_Rival(3))
    assert told(rehearsal.tick()) == [("echo", "succeeded", 1)]


class _Overtaken(MemoryLedger):
    """A ledger that other work keeps busy just before the first claim."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._meanwhile = [meanwhile]

    def claim(self, entries: Sequence[Entry], *, revision: int) -> None:
        if self._meanwhile:
            self._meanwhile.pop()()
        super().claim(entries, revision=revision)


def test_a_tick_that_waited_long_for_its_turn_takes_no_clock_for_one_that_went_back(project: Project) -> None:
    overtaken = _Overtaken(lambda: waiting.tick(later=HOUR))
    waiting = Rehearsal(project, START, ledger=overtaken)
    assert waiting.tick().runs == ()
    assert waiting.heard() == []


class _TakenOver(MemoryLedger):
    """A ledger in which another process takes every ticket over while its worker runs."""

    def record(self, entries: Sequence[Entry]) -> None:
        lost = [e.key for e in entries if isinstance(e, Ticket) and e.state is TicketState.CLOSED]
        if lost:
            raise ClaimLost(lost)
        super().record(entries)


def test_whoever_lost_a_claim_records_and_tells_nothing_as_its_own(project: Project) -> None:
    project.worker("echo", FAILING)
    rehearsal = Rehearsal(project, START, ledger=_TakenOver())
    report = rehearsal.tick()
    assert report.runs == ()
    assert rehearsal.history("echo") == []
    assert rehearsal.heard() == []


def test_claims_are_refused_once_the_ledger_moved_on(rehearsal: Rehearsal) -> None:
    before = rehearsal.ledger.snapshot().revision
    rehearsal.tick()
    with pytest.raises(StaleDecision):
        rehearsal.ledger.claim([], revision=before)


@pytest.mark.parametrize(
    ("change", "health"),
    [
        (lambda r: r.tick(), Health.UP),
        (lambda r: r.clock.now(), Health.NEW),
        (lambda r: (r.tick(), r.clock.advance(2 * HOUR)), Health.LATE),
        (lambda r: (r.project.worker("echo", FAILING), r.tick()), Health.DOWN),
        (lambda r: r.project.entries(_echo("status: paused")), Health.PAUSED),
        (lambda r: r.project.entries(_echo("status: disabled")), Health.DISABLED),
        (lambda r: (r.project.entries(_echo("requires: {env: [SOME_TOKEN]}")), r.tick()), Health.DOWN),
    ],
)
def test_the_board_shows_each_health(
    rehearsal: Rehearsal, change: Callable[[Rehearsal], object], health: Health
) -> None:
    change(rehearsal)
    registry = read_registry(read_settings({}, cwd=rehearsal.project.root, project=None))
    shown = board(registry, rehearsal.ledger, now=rehearsal.clock.now())
    assert [row.health for row in shown.rows] == [health]
    assert bool(shown.rows[0].needs) == (health is Health.DOWN)


def _echo(more: str) -> str:
    return f'echo: {{schedule: "0 * * * *", entrypoint: "workers.echo:run", {more}}}'


@pytest.mark.parametrize("seen", [True, False])
def test_a_slot_that_failed_by_hand_before_its_tick_runs_by_hand_once_more(
    rehearsal: Rehearsal, seen: bool
) -> None:
    rehearsal.project.worker("echo", FAILING)
    if seen:
        rehearsal.tick()
    rehearsal.clock.advance(HOUR)
    by_hand = TickRequest(workers=("echo",), slot=START.replace(hour=13, minute=0))
    tried = [run for _ in range(2) for run in rehearsal.tick(request=by_hand).runs]
    assert [(run.outcome, run.by_hand) for run in tried] == [(Outcome.FAILED, False), (Outcome.FAILED, True)]


def test_the_figures_count_what_was_promised(rehearsal: Rehearsal) -> None:
    rehearsal.tick()
    rehearsal.tick(later=3 * HOUR)
    rehearsal.project.worker("echo", FAILING)
    rehearsal.tick(later=HOUR)
    registry = read_registry(read_settings({}, cwd=rehearsal.project.root, project=None))
    figures = board(registry, rehearsal.ledger, now=rehearsal.clock.now()).figures
    assert (figures.slots, figures.on_time) == (5, 3)
    assert (figures.runs, figures.under_digest) == (3, 3)
    assert (figures.bad, figures.bad_delivered) == (1, 1)


def test_a_clock_set_back_is_alerted_and_runs_nothing_twice(rehearsal: Rehearsal) -> None:
    rehearsal.tick()
    rehearsal.tick(later=HOUR)
    rehearsal.clock.set(START - timedelta(days=2))
    report = rehearsal.tick()
    assert report.runs == ()
    assert rehearsal.heard() == ["clock.backwards"]
    rehearsal.clock.set(START + timedelta(hours=1, minutes=-3))
    assert rehearsal.tick().runs == ()
    assert rehearsal.heard() == ["clock.backwards"], "runners' clocks differ by minutes"


def test_old_records_are_forgotten_after_the_time_the_registry_says(rehearsal: Rehearsal) -> None:
    rehearsal.project.entries(_echo("description: short"), top="state: {keep: 10d}")
    rehearsal.tick()
    first = rehearsal.history("echo")[0].run_id
    rehearsal.tick(later=5 * DAY)
    assert rehearsal.ledger.run(first) is not None
    rehearsal.tick(later=6 * DAY)
    assert rehearsal.ledger.run(first) is None


def test_a_request_for_two_workers_runs_both_and_one_mistake_stops_neither(rehearsal: Rehearsal) -> None:
    rehearsal.project.worker("bad", FAILING)
    rehearsal.project.entries(
        """
        echo: {agent: Echo, schedule: "0 * * * *", entrypoint: "workers.echo:run"}
        bad: {agent: Bad, schedule: "0 * * * *", entrypoint: "workers.bad:run"}
        """
    )
    report = rehearsal.tick(request=TickRequest(workers=("ECHO", "bad")))
    assert sorted(told(report)) == [("bad", "failed", 1), ("echo", "succeeded", 1)]
    assert report.exit_code is ExitCode.BAD_RUN
    assert replace(report.tick, finished_at=None).trigger == "manual"


def test_a_request_by_hand_that_the_registry_is_too_broken_for_is_recorded_and_told(
    rehearsal: Rehearsal,
) -> None:
    rehearsal.tick()
    by_hand = TickRequest(workers=("echo",))
    rehearsal.project.write("worker-registry.yaml", "version: 2\n")
    whole = rehearsal.tick(later=HOUR, request=by_hand)
    assert (whole.runs, whole.exit_code) == ((), ExitCode.BROKEN)
    assert "'version'" in " ".join(whole.problems)
    rehearsal.project.entries('echo: {schedule: "0 * * *", entrypoint: "workers.echo:run"}')
    entry = rehearsal.tick(later=HOUR, request=by_hand)
    assert (entry.runs, entry.exit_code) == ((), ExitCode.BROKEN)
    assert rehearsal.heard() == ["registry.broken", "registry.mended", "registry.broken"]
    assert len(rehearsal.ledger.ticks(since=START)) == 3


def test_a_later_start_of_a_slot_is_a_retry_and_the_run_before_it_no_longer_says_that_it_is_open(
    rehearsal: Rehearsal,
) -> None:
    rehearsal.project.worker(
        "flaky",
        """
        from loom.worker import TransientError, WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            if (context.project / "mended").exists():
                return WorkerOutput(summary="fine")
            raise TransientError("later")
        """,
    )
    rehearsal.project.entries(
        'flaky: {schedule: "0 * * * *", entrypoint: "workers.flaky:run", retry: {attempts: 1}}'
    )
    rehearsal.tick()
    waiting = as_they_stand(rehearsal.history("flaky"), rehearsal.ledger.snapshot())
    assert [(run.trigger, run.final, run.open_reason) for run in waiting] == [
        (Trigger.SCHEDULE, False, OpenReason.RETRY)
    ]
    (rehearsal.project.root / "mended").touch()
    rehearsal.tick(later=timedelta(minutes=5))
    over = as_they_stand(rehearsal.history("flaky"), rehearsal.ledger.snapshot())
    assert [(run.trigger, run.final, run.open_reason, run.not_before) for run in over] == [
        (Trigger.SCHEDULE, False, None, None),
        (Trigger.RETRY, True, None, None),
    ]
    assert rehearsal.ledger.promises(since=START).slots == 1


def test_a_slot_that_is_claimed_again_and_never_begins_ends_as_its_last_attempt_did(
    rehearsal: Rehearsal,
) -> None:
    rehearsal.project.worker("flaky", FAILING.replace("ValueError", "ConnectionError"))
    rehearsal.project.entries(
        'flaky: {schedule: "0 * * * *", entrypoint: "workers.flaky:run", retry: {attempts: 1}}'
    )
    (first,) = (run for run in rehearsal.tick().runs if run.worker == "flaky")
    key = "flaky@2026-11-20T12:00:00Z"
    before = rehearsal.ledger.snapshot()
    held = before.tickets[key]
    again = replace(
        held, state=TicketState.CLAIMED, fence=held.fence + 1, run_id="never begun", claimer="memory-99-other"
    )
    again = replace(again, lease_until=START + HOUR, reason=None, not_before=None)
    rehearsal.ledger.claim([again], revision=before.revision)
    rehearsal.tick(later=timedelta(days=3))
    assert rehearsal.ledger.run("never begun") is None
    (last,) = (run for run in rehearsal.history("flaky") if run.slot == first.slot and run.final)
    assert (last.run_id, last.outcome, last.error) == (first.run_id, Outcome.FAILED, first.error)


def test_a_parameter_on_an_undecided_slot_leaves_the_slot_to_its_tick(rehearsal: Rehearsal) -> None:
    rehearsal.tick()
    slot = START.replace(minute=0) + HOUR
    tried = TickRequest(workers=("echo",), slot=slot, params={"word": "ahoy"})
    (by_hand,) = rehearsal.tick(later=HOUR, request=tried).runs
    assert (by_hand.slot, by_hand.by_hand, by_hand.counts) == (slot, True, False)
    (own,) = rehearsal.tick().runs
    assert (own.slot, own.by_hand, own.outcome) == (slot, False, Outcome.SUCCEEDED)


def test_bad_outcomes_are_undelivered_for_as_long_as_their_episode_is(rehearsal: Rehearsal) -> None:
    rehearsal.project.worker("flaky", FAILING)
    rehearsal.project.entries('flaky: {schedule: "0 * * * *", entrypoint: "workers.flaky:run"}')
    rehearsal.hook.fail_with = "nobody there"
    for _ in range(3):
        rehearsal.tick(later=HOUR)
    registry = read_registry(read_settings({}, cwd=rehearsal.project.root, project=None))
    figures = board(registry, rehearsal.ledger, now=rehearsal.clock.now()).figures
    assert (figures.bad, figures.bad_delivered) == (3, 0)
    rehearsal.hook.fail_with = None
    rehearsal.tick()
    figures = board(registry, rehearsal.ledger, now=rehearsal.clock.now()).figures
    assert (figures.bad, figures.bad_delivered) == (3, 3)


def test_what_is_refused_while_parameters_are_tried_is_what_the_run_records(rehearsal: Rehearsal) -> None:
    rehearsal.project.worker(
        "hiding",
        """
        import socket
        from pydantic import BaseModel
        from loom.worker import WorkerContext, WorkerOutput

        try:
            with socket.socket() as connection:
                connection.connect(("127.0.0.1", 9))
        except BaseException:
            pass

        class Settings(BaseModel):
            word: str = "a"

        def run(context: WorkerContext[Settings]) -> WorkerOutput:
            return WorkerOutput(summary=context.settings.word)
        """,
    )
    rehearsal.project.entries('hiding: {schedule: "0 * * * *", entrypoint: "workers.hiding:run"}')
    (run,) = rehearsal.tick(request=TickRequest(workers=("hiding",), params={"word": "b"})).runs
    assert (run.outcome, run.refusals) == (Outcome.BLOCKED, 1)
