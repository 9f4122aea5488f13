"""A pause and a tick at once: whoever comes second decides on what the first one wrote."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from loom.domain.pause import Pause
from loom.domain.record import Entry
from loom.domain.registry import Registry
from loom.domain.run import Outcome, Trigger
from loom.domain.slot import Slot, Ticket, TicketState
from loom.domain.tick import Mark
from loom.errors import ClaimLost, LedgerError, StaleDecision
from loom.ledger.memory import MemoryLedger
from loom.ledger.sqlite import SqliteLedger
from loom.pausing import in_force, pause, resume
from loom.ports import Ledger
from loom.registry import load
from loom.runner.renaming import carry_over
from tests.ground.project import Project
from tests.ground.rehearsal import Rehearsal

START = datetime(2026, 11, 20, 12, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def registry_of(project: Project) -> Registry:
    return load(project.root / "worker-registry.yaml", project=project.root)


def give_pause(registry: Registry, ledger: Ledger, now: datetime) -> None:
    (echo,) = registry.workers
    reason = "budget freeze"
    pause(registry, ledger, echo, by="Ada", reason=reason, now=now, until=None, alive=lambda _: False)


class _PausedMeanwhile(MemoryLedger):
    """A person pauses the worker after a tick has decided, and before it claims."""

    registry: Registry | None = None
    stale = 0

    def claim(self, entries: Sequence[Entry], *, revision: int) -> None:
        if self.registry is not None:
            registry, self.registry = self.registry, None
            give_pause(registry, self, START + HOUR)
        try:
            super().claim(entries, revision=revision)
        except StaleDecision:
            self.stale += 1
            raise


def test_a_tick_that_was_deciding_when_a_pause_came_decides_anew(project: Project) -> None:
    ledger = _PausedMeanwhile()
    rehearsal = Rehearsal(project, START, ledger=ledger)
    assert [run.outcome for run in rehearsal.tick().runs] == [Outcome.SUCCEEDED]
    ledger.registry = registry_of(project)
    (run,) = rehearsal.tick(later=HOUR).runs
    assert (run.outcome, run.reason) == (Outcome.SKIPPED, "paused by Ada: budget freeze")
    assert ledger.stale == 1
    assert run.on_time, "told to stand still, a worker is on time when it does"


class _NeverStill(MemoryLedger):
    """Others always write first."""

    def claim(self, entries: Sequence[Entry], *, revision: int) -> None:
        raise StaleDecision("another was faster")


def test_an_order_that_never_gets_through_says_that_it_did_not(project: Project) -> None:
    with pytest.raises(LedgerError, match="echo is not paused: the ledger changed 60 times"):
        give_pause(registry_of(project), _NeverStill(), START)


def test_a_pause_goes_with_its_worker_over_a_rename(project: Project) -> None:
    ledger = MemoryLedger()
    rehearsal = Rehearsal(project, START, ledger=ledger)
    rehearsal.tick()
    give_pause(registry_of(project), ledger, START + timedelta(minutes=5))
    project.entries('parrot: {schedule: "0 * * * *", entrypoint: "workers.echo:run", was: echo}')
    renamed = registry_of(project)
    now = START + timedelta(minutes=10)
    assert [(each.worker, each.by) for each in in_force(renamed, ledger, now=now)] == [("parrot", "Ada")]
    done = resume(renamed, ledger, renamed.workers[0], by="Bob", now=now)
    assert done.pause is not None
    assert in_force(renamed, ledger, now=now) == []
    (run,) = rehearsal.tick(later=HOUR).runs
    assert (run.worker, run.outcome) == ("parrot", Outcome.SUCCEEDED)


def test_an_order_between_a_rename_and_the_next_tick_holds_and_can_be_ended(project: Project) -> None:
    ledger = SqliteLedger(project.ledger)
    ledger.record([Mark("echo", START)])
    (echo,) = registry_of(project).workers
    give_pause(registry_of(project), ledger, START + timedelta(minutes=1))
    resume(registry_of(project), ledger, echo, by="Ada", now=START + timedelta(minutes=2))
    project.entries('alpha: {schedule: "0 * * * *", entrypoint: "workers.echo:run", was: echo}')
    renamed = registry_of(project)
    give_pause(renamed, ledger, START + timedelta(minutes=3))
    assert [each.worker for each in in_force(renamed, ledger, now=START + timedelta(minutes=4))] == ["alpha"]
    (alpha,) = renamed.workers
    ended = resume(renamed, ledger, alpha, by="Bob", now=START + timedelta(minutes=5)).pause
    assert ended is not None
    assert ended.ended_by == "Bob"
    assert in_force(renamed, ledger, now=START + timedelta(minutes=6)) == []
    ledger.close()


@pytest.mark.parametrize("names", [("echo", "parrot"), ("parrot", "echo")])
@pytest.mark.parametrize("lifted", [True, False])
def test_of_two_pauses_of_a_renamed_worker_the_ledger_and_its_reader_know_the_same(
    project: Project, names: tuple[str, str], *, lifted: bool
) -> None:
    ledger = MemoryLedger()
    ledger.record([Mark("echo", START)])
    for name in names:
        ledger.record([Pause(worker=name, by=name, at=START, lifted=lifted and name == "parrot")])
    project.entries('parrot: {schedule: "0 * * * *", entrypoint: "workers.echo:run", was: echo}')
    read, entries = carry_over(registry_of(project), ledger.snapshot())
    ledger.record(entries)
    assert read.pauses == ledger.snapshot().pauses
    assert read.pauses["parrot"].by == ("echo" if lifted else "parrot")


@pytest.mark.parametrize("take_back", [True, False])
def test_what_a_tick_has_claimed_is_taken_back_or_said_to_run_still(
    project: Project, *, take_back: bool
) -> None:
    ledger, registry = MemoryLedger(), registry_of(project)
    slots = [START - HOUR * number for number in range(3)]
    started = Ticket(
        key=Slot("echo", slots[0]).key,
        worker="echo",
        slot=slots[0],
        trigger=Trigger.SCHEDULE,
        state=TicketState.STARTED,
        fence=1,
        claimer="here",
        run_id="a-run-of-echo",
    )
    others = [
        replace(started, key=Slot("echo", at).key, slot=at, state=TicketState.CLAIMED) for at in slots[1:]
    ]
    ledger.claim([Mark("echo", START), started, *others], revision=ledger.snapshot().revision)
    (echo,) = registry.workers
    done = pause(
        registry,
        ledger,
        echo,
        by="A",
        reason="",
        now=START,
        until=None,
        alive=lambda _: True,
        take_back=take_back,
    )
    assert (done.running, done.waiting, done.claimed) == (started, *((2, 0) if take_back else (0, 2)))
    begin = [replace(each, state=TicketState.STARTED) for each in others]
    if take_back:
        with pytest.raises(ClaimLost):
            ledger.record(begin)
    else:
        ledger.record(begin)
    ledger.record([replace(started, state=TicketState.CLOSED, outcome=Outcome.SUCCEEDED)])
