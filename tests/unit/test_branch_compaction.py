"""Compaction of the state branch: less to read, and nobody reads anything else than before."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from loom.domain.alert import DeliveryState
from loom.domain.pause import Pause
from loom.domain.record import Entry, HooksInForce, Renamed, RunQuery
from loom.domain.registry import HookSettings
from loom.domain.run import OpenReason, Outcome
from loom.domain.slot import TicketState
from loom.domain.tick import Mark
from loom.errors import LedgerError, StaleDecision, StateUnpushed
from loom.ledger.branch import BranchLedger
from loom.ledger.git import RemoteBranch
from loom.ports import Ledger
from tests.contracts.ledger_entries import (
    DAY,
    HOUR,
    SIX,
    a_delivery,
    a_run,
    a_tick,
    a_ticket,
    an_episode,
    claim,
    closed,
)
from tests.ground.branch import STATE, Remote, git

LONG_AGO = SIX - 400 * DAY


@pytest.fixture
def here(remote: Remote) -> BranchLedger:
    return remote.ledger(remote.clone("here"))


def some_days(remote: Remote, ledger: BranchLedger, days: int = 40) -> None:
    """A slot a day for `days` days from `SIX` on, some bad, the last one open; and one of everything else."""
    ledger.record([HooksInForce((HookSettings("stderr", {}),)), Pause(worker="idle", by="ann", at=SIX)])
    ledger.record([Mark("old", SIX), a_run("run-old", "old"), Renamed("old", "new")])
    ledger.record([a_delivery("d0", "run-1000"), an_episode("e0"), an_episode("e1", "gone", closed_at=SIX)])
    for day in range(days):
        at = remote.clock.now()
        mine = claim(ledger, a_ticket(slot=at))
        outcome = Outcome.FAILED if day % 3 == 0 else Outcome.SUCCEEDED
        ran = a_run(f"run-{1000 + day}", slot=at, tick_at=at, outcome=outcome, started_at=at)
        ledger.record([a_tick(f"t{day:03}", at, finished_at=at, exit_code=0), ran])
        ledger.record(
            [replace(closed(mine), run_id=ran.run_id) if day < days - 1 else replace(mine, detail="open")]
        )
        ledger.record([Mark("echo", at), a_delivery(f"d-{day}", ran.run_id, state=DeliveryState.SENT)])
        ledger.publish()
        remote.clock.advance(DAY)


def what_anybody_reads(ledger: Ledger) -> object:
    ledger.snapshot()
    everything = ledger.runs(RunQuery(limit=10_000))
    return (
        replace(ledger.snapshot(), revision=0),
        list(everything),
        ledger.ticks(since=LONG_AGO),
        [ledger.deliveries(run_id=run.run_id) for run in everything],
        ledger.promises(since=LONG_AGO),
        ledger.closed_slots("echo", after=ledger.snapshot().marks["echo"]),
    )


def test_compaction_changes_nothing_that_anybody_reads(remote: Remote, here: BranchLedger) -> None:
    some_days(remote, here)
    with closing(remote.ledger(remote.clone("before"))) as fresh:
        before = what_anybody_reads(fresh)
    follower = remote.ledger(remote.clone("follower"))
    follower.sync()
    done = here.compact(before=remote.clock.now() - 5 * DAY, forget_before=LONG_AGO)
    assert remote.commits() == 1
    assert (done.files_before, done.files) == (40, 2 + 5)
    assert sorted(remote.files())[:2] == ["2026-03.jsonl", "2026-04.jsonl"]
    assert done.size < done.size_before
    with closing(remote.ledger(remote.clone("after"))) as fresh:
        assert what_anybody_reads(fresh) == before
        assert fresh.damage == ()
    follower.sync()
    assert what_anybody_reads(follower) == before
    assert what_anybody_reads(here) == before


def test_life_goes_on_after_a_compaction_and_through_a_second_one(remote: Remote, here: BranchLedger) -> None:
    some_days(remote, here, 10)
    here.compact(before=remote.clock.now() - 2 * DAY, forget_before=LONG_AGO)
    some_days(remote, here, 10)
    other = remote.ledger(remote.clone("other"))
    other.sync()
    before = what_anybody_reads(other)
    here.compact(before=remote.clock.now() + DAY, forget_before=LONG_AGO)
    assert [path for path in remote.files() if "/" in path] == [], "every day is over"
    with pytest.raises(StaleDecision):
        claim(other, a_ticket("late"), "host-2-b")
    claim(other, a_ticket("late"), "host-2-b")
    here.sync()
    assert "late@2026-03-03T06:00:00Z" in here.snapshot().tickets
    with closing(remote.ledger(remote.clone("fresh"))) as fresh:
        late = fresh.snapshot().tickets["late@2026-03-03T06:00:00Z"]
        fresh.record([closed(late)])
        fresh.publish()
        assert what_anybody_reads(fresh) == before


def test_what_was_over_long_ago_is_forgotten_and_what_is_open_never(
    remote: Remote, here: BranchLedger
) -> None:
    some_days(remote, here, 20)
    here.record([a_ticket("waits", reason=OpenReason.REQUIREMENT, run_id="run-wait")])
    here.record([a_run("run-wait", "waits", final=False, outcome=Outcome.SKIPPED)])
    here.publish()
    standings = here.snapshot().standings
    remote.clock.advance(DAY)
    here.compact(before=remote.clock.now(), forget_before=SIX + 15 * DAY)
    with closing(remote.ledger(remote.clone("fresh"))) as fresh:
        assert fresh.snapshot().standings == standings
        kept = {run.run_id for run in fresh.runs(RunQuery(limit=100))}
        assert kept == {f"run-{1000 + day}" for day in range(15, 20)} | {"run-wait", "run-old"}
        assert fresh.snapshot().tickets.keys() >= {"waits@2026-03-03T06:00:00Z"}


def test_a_slot_that_ran_ahead_of_its_mark_is_still_known_to_be_closed(
    remote: Remote, here: BranchLedger
) -> None:
    here.record([Mark("echo", SIX), closed(a_ticket(slot=SIX)), closed(a_ticket(slot=SIX + HOUR))])
    here.compact(before=SIX + DAY, forget_before=LONG_AGO)
    with closing(remote.ledger(remote.clone("fresh"))) as fresh:
        fresh.sync()
        assert fresh.closed_slots("echo", after=SIX) == {SIX + HOUR}


def test_who_claims_during_a_compaction_either_wins_or_decides_again(
    remote: Remote, here: BranchLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_days(remote, here, 5)
    rival = remote.ledger(remote.clone("rival"))
    stale = rival.snapshot().revision
    real = RemoteBranch.push
    came_between: list[str] = []

    def push(self: RemoteBranch, commit: str, *, instead_of: str | None = None) -> None:
        if instead_of is not None and not came_between:
            came_between.append(commit)
            claim(rival, a_ticket("rival"), "host-2-b")
        real(self, commit, instead_of=instead_of)

    monkeypatch.setattr(RemoteBranch, "push", push)
    here.compact(before=remote.clock.now(), forget_before=LONG_AGO)
    assert came_between
    assert len(remote.waits) == 1
    assert "rival@2026-03-03T06:00:00Z" in here.snapshot().tickets, "the claim was first, and is kept"
    with pytest.raises(StaleDecision):
        rival.claim([Mark("rival", SIX)], revision=stale)
    with pytest.raises(StaleDecision, match="another runner pushed first"):
        rival.claim([Mark("rival", SIX)], revision=rival.snapshot().revision)
    rival.claim([Mark("rival", SIX)], revision=rival.snapshot().revision)
    assert git(remote.bare, "rev-list", "--count", STATE) == "2", "the compacted one, and the claim on it"


def test_what_was_recorded_before_a_compaction_by_another_is_published_after_it(
    remote: Remote, here: BranchLedger
) -> None:
    some_days(remote, here, 5)
    busy = remote.ledger(remote.clone("busy"))
    mine = claim(busy, a_ticket("busy"), "host-2-b")
    busy.record([replace(mine, state=TicketState.STARTED, starts=1)])
    here.compact(before=remote.clock.now() + DAY, forget_before=LONG_AGO)
    busy.record([closed(mine), a_run("run-busy", "busy", log="kept here")])
    assert list(busy.publish()) == []
    here.sync()
    assert here.run("run-busy") == a_run("run-busy", "busy")
    assert mine.key not in here.snapshot().tickets
    assert busy.run("run-busy") == a_run("run-busy", "busy", log="kept here")


def test_lines_that_nobody_could_read_and_files_of_a_person_outlive_a_compaction(
    remote: Remote, here: BranchLedger
) -> None:
    some_days(remote, here, 2)
    path = min(remote.files())
    remote.edit({path: remote.files()[path] + "\nnot a line\n", "README.md": "what this is\n"})
    here.compact(before=remote.clock.now(), forget_before=LONG_AGO)
    files = remote.files()
    assert files["README.md"] == "what this is"
    assert files["damaged.txt"].splitlines()[1:] == ["not a line"]
    assert files["damaged.txt"].startswith(f"# {path}:")
    assert here.damage == ()
    with closing(remote.ledger(remote.clone("fresh"))) as fresh:
        fresh.sync()
        assert fresh.damage == ()
        assert fresh.run("run-1001") is not None


def test_a_compaction_that_is_refused_leaves_the_branch_as_it_was(remote: Remote, here: BranchLedger) -> None:
    some_days(remote, here, 3)
    tip = remote.tip()
    remote.refuse(why="no force")
    with pytest.raises(StateUnpushed, match=r"The branch is as it was.*no force"):
        here.compact(before=remote.clock.now(), forget_before=LONG_AGO)
    assert remote.tip() == tip
    remote.refuse()
    entries: list[Entry] = [Mark("echo", remote.clock.now())]
    here.claim(entries, revision=here.snapshot().revision)


def test_there_is_nothing_to_compact_before_there_is_a_branch(remote: Remote, here: BranchLedger) -> None:
    with pytest.raises(LedgerError, match=f"no branch '{STATE}'"):
        here.compact(before=SIX, forget_before=SIX - timedelta(days=1))
