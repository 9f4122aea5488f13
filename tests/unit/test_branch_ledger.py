"""The ledger on a git branch: what is pushed when, and what becomes of it when runners or wires fail."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from loom.domain.alert import DeliveryState
from loom.domain.pause import Pause, Span
from loom.domain.record import Renamed, RunQuery
from loom.domain.run import OpenReason, Outcome, RunError
from loom.domain.slot import TicketState
from loom.domain.tick import Mark
from loom.errors import ExitCode, LedgerError, StaleDecision, StateUnpushed
from loom.ledger.branch import BranchLedger
from loom.ledger.git import RemoteBranch
from loom.ledger.sqlite import SqliteLedger
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


@pytest.fixture
def here(remote: Remote) -> BranchLedger:
    return remote.ledger(remote.clone("here"))


@pytest.fixture
def there(remote: Remote) -> BranchLedger:
    return remote.ledger(remote.clone("there"))


def lines(remote: Remote) -> list[dict[str, Any]]:
    return [json.loads(line) for text in remote.files().values() for line in text.splitlines()]


def same(one: Ledger, other: Ledger) -> None:
    """Both say the same of everything but logs."""
    first, second = one.snapshot(), other.snapshot()
    assert replace(first, revision=0) == replace(second, revision=0)
    everything = RunQuery(limit=10_000)
    assert [replace(run, log="") for run in one.runs(everything)] == list(other.runs(everything))
    assert one.ticks(since=SIX - 400 * DAY) == other.ticks(since=SIX - 400 * DAY)


# -- what goes to the branch, and when -----------------------------------------------------------------------


def test_an_idle_tick_is_one_commit_of_two_readable_lines(remote: Remote, here: BranchLedger) -> None:
    marks = [Mark(f"worker-{number}", SIX) for number in range(12)]
    here.claim([a_tick("t1", finished_at=SIX, exit_code=0), *marks], revision=here.snapshot().revision)
    here.publish()
    assert remote.commits() == 1
    assert list(remote.files()) == ["2026/03/2026-03-03.jsonl"]
    tick, moved = lines(remote)
    assert (tick["kind"], tick["part"], tick["value"]["id"]) == ("Tick", "1/2", "t1")
    assert moved["kind"] == "Marks"
    assert moved["value"] == {"at": SIX.isoformat(), "workers": [mark.worker for mark in marks]}


def test_a_working_tick_is_two_commits_however_often_it_records(remote: Remote, here: BranchLedger) -> None:
    mine = claim(here, a_ticket())
    here.record([replace(mine, state=TicketState.STARTED, starts=1)])
    here.record([closed(mine), a_run("run-0001"), a_delivery("d1", "run-0001")])
    here.record([a_delivery("d1", "run-0001", state=DeliveryState.SENDING)])
    here.record([a_delivery("d1", "run-0001", state=DeliveryState.SENT), a_tick("t1", finished_at=SIX)])
    assert remote.commits() == 1
    assert list(here.publish()) == []
    assert remote.commits() == 2
    said = [(line["kind"], line["value"].get("state")) for line in lines(remote)]
    assert said == [
        ("Ticket", "started"),
        ("Ticket", "closed"),
        ("Run", None),
        ("Delivery", "sent"),
        ("Tick", None),
    ]
    here.publish()
    assert remote.commits() == 2, "nothing new, no commit"


def test_a_commit_says_what_is_in_it_and_that_it_is_loom_s(remote: Remote, here: BranchLedger) -> None:
    mine = claim(here, a_ticket())
    here.record([closed(mine), a_run("run-0001", outcome=Outcome.FAILED), a_delivery("d1")])
    here.publish()
    assert git(remote.bare, "log", "-1", "--format=%an <%ae>%n%B", STATE).split("\n") == [
        "Loom <loom@localhost>",
        "state: 1 run, 1 delivery",
        "",
        "echo: failed",
    ]
    assert "claimed echo@2026-03-03T06:00:00Z" in git(remote.bare, "log", "--format=%B", STATE)


def test_another_runner_reads_what_was_published_and_nothing_else(
    here: BranchLedger, there: BranchLedger
) -> None:
    mine = claim(here, a_ticket())
    here.record([closed(mine), a_run("run-0001", log="line one\n")])
    assert list(there.runs(RunQuery())) == []
    here.publish()
    there.sync()
    assert list(there.runs(RunQuery())) == [a_run("run-0001")], "the log stays where it was written"
    assert here.run("run-0001") == a_run("run-0001", log="line one\n")
    same(here, there)


def test_everything_that_can_be_recorded_reads_back_on_another_machine(
    here: BranchLedger, there: BranchLedger
) -> None:
    here.record([Mark("old", SIX), a_ticket("old", reason=OpenReason.RETRY, detail="Zürich \udcff")])
    here.record([Renamed("old", "new"), Pause(worker="new", by="ann", at=SIX), an_episode("e1", "new")])
    here.record(
        [
            a_run(
                "run-0001",
                "new",
                output={"summary": "ok", "findings": [{"title": "a", "n": [1, None]}]},
                errors=(RunError("type", "1 is no text"),),
                settings={"days": 3},
            ),
            a_run("run-0002", "new", outcome=Outcome.FAILED, final=False, open_reason=OpenReason.RETRY),
        ]
    )
    here.record([a_run("run-0002", "new", outcome=Outcome.SUCCEEDED), a_tick("t1", host="here")])
    here.publish()
    same(here, there)
    here.record(
        [a_run("run-0003", "new", outcome=Outcome.FAILED), Pause(worker="new", by="a", at=SIX, lifted=True)]
    )
    here.publish()
    there.sync()
    same(here, there)


def test_each_day_has_its_file_and_an_older_one_is_never_written_again(
    remote: Remote, here: BranchLedger, there: BranchLedger
) -> None:
    remote.clock.advance(18 * HOUR)
    here.claim([Mark("echo", SIX)], revision=here.snapshot().revision)
    remote.clock.advance(-timedelta(minutes=3))
    there.claim([Mark("echo", SIX + HOUR)], revision=there.snapshot().revision)
    assert [*remote.files()] == ["2026/03/2026-03-04.jsonl"], "a runner whose clock is slow writes on"


# -- claims --------------------------------------------------------------------------------------------------


def test_who_pushes_second_must_decide_again_and_keeps_nothing(
    remote: Remote, here: BranchLedger, there: BranchLedger
) -> None:
    revision = there.snapshot().revision
    claim(here, a_ticket(), "host-1-a")
    with pytest.raises(StaleDecision):
        there.claim([a_ticket(state=TicketState.CLAIMED, fence=1), Mark("echo", SIX)], revision=revision)
    assert there.snapshot().marks == {}
    assert [ticket.claimer for ticket in there.snapshot().tickets.values()] == ["host-1-a"]
    assert remote.commits() == 1


def test_two_runners_that_both_make_the_branch_race_like_any_others(
    remote: Remote, here: BranchLedger, there: BranchLedger
) -> None:
    ours, theirs = here.snapshot().revision, there.snapshot().revision
    here.claim([Mark("echo", SIX)], revision=ours)
    with pytest.raises(StaleDecision):
        there.claim([Mark("echo", SIX + HOUR)], revision=theirs)
    there.claim([Mark("echo", SIX + HOUR)], revision=there.snapshot().revision)
    here.sync()
    assert here.snapshot().marks == {"echo": SIX + HOUR}
    assert git(remote.bare, "merge-base", STATE, "main", check=False) == "", "an orphan branch"


def test_a_claim_counts_as_a_start_to_everybody_else(here: BranchLedger, there: BranchLedger) -> None:
    mine = claim(here, a_ticket(starts=1))
    (seen,) = there.snapshot().tickets.values()
    assert (seen.state, seen.starts, seen.fence) == (TicketState.STARTED, 2, mine.fence)
    assert seen.started_at == SIX
    assert here.snapshot().tickets == {mine.key: mine}
    here.record([replace(mine, state=TicketState.STARTED, starts=2, started_at=SIX)])
    here.publish()
    there.sync()
    assert there.snapshot().tickets[mine.key].starts == 2, "the start itself isn't counted again"


def test_who_was_overtaken_while_at_work_publishes_the_rest_and_learns_what_was_lost(
    here: BranchLedger, there: BranchLedger
) -> None:
    slow, mine = claim(here, a_ticket("slow")), claim(here, a_ticket("good"))
    theirs = claim(there, a_ticket("slow"), "host-2-b")
    assert theirs.fence == 2
    here.record([replace(closed(slow), run_id="run-0001"), a_run("run-0001", "slow", outcome=Outcome.FAILED)])
    here.record([a_delivery("d1", "run-0001"), closed(mine), a_run("run-0002", "good")])
    assert list(here.publish()) == [slow.key]
    assert [run.run_id for run in here.runs(RunQuery())] == ["run-0002"]
    assert here.deliveries(run_id="run-0001") == []
    assert "slow" not in here.snapshot().standings
    assert list(here.publish()) == [], "said once"
    there.record([replace(closed(theirs), run_id="run-0003"), a_run("run-0003", "slow")])
    there.publish()
    here.sync()
    same(here, there)


# -- what a crash leaves -------------------------------------------------------------------------------------


def test_what_a_crash_left_unpushed_goes_out_with_the_next_claim(remote: Remote, there: BranchLedger) -> None:
    clone = remote.clone("crashed")
    with closing(remote.ledger(clone)) as before:
        mine = claim(before, a_ticket())
        before.record([closed(mine), a_run("run-0001", log="kept here")])
    with closing(remote.ledger(clone)) as after:
        after.claim([Mark("echo", SIX)], revision=after.snapshot().revision)
        assert after.run("run-0001") == a_run("run-0001", log="kept here")
        same(after, there)
    assert remote.commits() == 2


class _Died(BaseException):
    """The process ends here."""


@pytest.fixture
def dies_after_push(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    real = RemoteBranch.push

    def push(self: RemoteBranch, commit: str, *, instead_of: str | None = None) -> None:
        real(self, commit, instead_of=instead_of)
        raise _Died

    monkeypatch.setattr(RemoteBranch, "push", push)
    return monkeypatch


def test_a_crash_between_the_push_of_a_claim_and_the_local_commit_leaves_a_claim_that_everybody_sees(
    remote: Remote, there: BranchLedger, dies_after_push: pytest.MonkeyPatch
) -> None:
    clone = remote.clone("crashed")
    with closing(remote.ledger(clone)) as before:
        revision = before.snapshot().revision
        with pytest.raises(_Died):
            before.claim([a_ticket(state=TicketState.CLAIMED, fence=1)], revision=revision)
    dies_after_push.undo()
    with closing(remote.ledger(clone)) as after:
        assert [ticket.fence for ticket in after.snapshot().tickets.values()] == [1]
        same(after, there)


def test_a_crash_between_the_push_of_records_and_the_local_commit_repeats_none(
    remote: Remote, there: BranchLedger, dies_after_push: pytest.MonkeyPatch
) -> None:
    clone = remote.clone("crashed")
    with closing(remote.ledger(clone)) as before:
        before.record([a_ticket()])
        before.record([a_run("run-0001", outcome=Outcome.FAILED)])
        before.record([a_run("run-0002", outcome=Outcome.FAILED)])
        with pytest.raises(_Died):
            before.publish()
    dies_after_push.undo()
    with closing(remote.ledger(clone)) as after:
        after.sync()
        after.publish()
        assert remote.commits() == 1, "it turned out to be there"
        assert after.snapshot().standings["echo"].consecutive_failures == 2
        same(after, there)


def test_a_claim_whose_answer_got_lost_on_the_way_is_ours(
    remote: Remote, here: BranchLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loom.ledger.git import GitFailed

    real = RemoteBranch.push

    def push(self: RemoteBranch, commit: str, *, instead_of: str | None = None) -> None:
        real(self, commit, instead_of=instead_of)
        raise GitFailed("the connection was reset")

    monkeypatch.setattr(RemoteBranch, "push", push)
    revision = here.snapshot().revision
    here.claim([a_ticket(state=TicketState.CLAIMED, fence=1, claimer="me")], revision=revision)
    assert [ticket.claimer for ticket in here.snapshot().tickets.values()] == ["me"]
    assert remote.commits() == 1


# -- a remote that takes nothing -----------------------------------------------------------------------------


def test_what_cannot_be_published_is_said_kept_and_delivered_later(
    remote: Remote, here: BranchLedger, there: BranchLedger, tmp_path: Path
) -> None:
    mine = claim(here, a_ticket())
    here.record([closed(mine), a_run("run-0001")])
    remote.refuse(why="this branch is protected")
    with pytest.raises(StateUnpushed) as unpushed:
        here.publish()
    assert unpushed.value.exit_code is ExitCode.UNDELIVERED
    said = str(unpushed.value)
    assert "this branch is protected" in said
    assert str(tmp_path / "here" / ".loom") in said
    assert "contents: write" in said
    assert len(remote.waits) == 3
    assert here.run("run-0001") is not None
    remote.refuse()
    here.publish()
    same(here, there)


def test_a_claim_that_cannot_be_pushed_is_no_claim(
    remote: Remote, here: BranchLedger, there: BranchLedger
) -> None:
    remote.refuse(why="not today")
    with pytest.raises(StateUnpushed, match=r"Nothing was started.*not today"):
        claim(here, a_ticket())
    assert here.snapshot().tickets == {}
    remote.refuse()
    claim(there, a_ticket(), "host-2-b")
    here.sync()
    assert [ticket.claimer for ticket in here.snapshot().tickets.values()] == ["host-2-b"]


def test_a_folder_that_was_kept_delivers_on_another_machine(
    remote: Remote, here: BranchLedger, there: BranchLedger, tmp_path: Path
) -> None:
    mine = claim(here, a_ticket())
    here.record([closed(mine), a_run("run-0001")])
    here.close()
    there.claim([Mark("other", SIX)], revision=there.snapshot().revision)
    elsewhere = remote.clone("elsewhere")
    (tmp_path / "here" / ".loom").rename(elsewhere / ".loom")
    with closing(remote.ledger(elsewhere)) as restored:
        restored.snapshot()
        restored.publish()
    there.sync()
    assert there.run("run-0001") == a_run("run-0001")
    assert there.snapshot().tickets == {}


# -- copies that are old, foreign or new ---------------------------------------------------------------------


def test_an_older_copy_put_back_catches_up(remote: Remote, here: BranchLedger, tmp_path: Path) -> None:
    clone = remote.clone("restored")
    with closing(remote.ledger(clone)) as early:
        early.record([a_run("run-0001")])
        early.publish()
    kept = (clone / ".loom" / "ledger.db").read_bytes()
    with closing(remote.ledger(clone)) as late:
        late.record([a_run("run-0002")])
        late.publish()
    (clone / ".loom" / "ledger.db").write_bytes(kept)
    with closing(remote.ledger(clone)) as again:
        again.sync()
        same(again, here)
        assert len(again.runs(RunQuery())) == 2


def test_a_ledger_that_was_here_before_the_branch_is_what_the_branch_begins_with(
    remote: Remote, there: BranchLedger
) -> None:
    clone = remote.clone("grown")
    local = clone / ".loom" / "ledger.db"
    with closing(SqliteLedger(local)) as plain:
        plain.record([a_tick("t1"), Mark("echo", SIX), a_run("run-0001", outcome=Outcome.FAILED, log="x")])
        plain.record([a_ticket("late", reason=OpenReason.RETRY), an_episode("e1"), closed(a_ticket())])
    with closing(remote.ledger(clone)) as grown:
        grown.claim([Mark("echo", SIX + HOUR)], revision=grown.snapshot().revision)
        same(grown, there)
    assert there.snapshot().standings["echo"].consecutive_failures == 1
    assert list(remote.files()) == ["2026-03.jsonl", "2026/03/2026-03-03.jsonl"]


def test_a_ledger_that_the_branch_never_heard_of_is_put_aside_not_lost(
    remote: Remote, there: BranchLedger
) -> None:
    there.record([a_run("run-0001")])
    there.publish()
    clone = remote.clone("foreign")
    local = clone / ".loom" / "ledger.db"
    with closing(SqliteLedger(local)) as plain:
        plain.record([Mark("echo", SIX), a_run("run-0009")])
    with closing(remote.ledger(clone)) as joined:
        same(joined, there)
    (aside,) = local.parent.glob("ledger.db.before-*")
    with closing(SqliteLedger(aside)) as kept:
        assert kept.run("run-0009") is not None


def test_what_was_written_without_the_branch_in_mind_does_not_mix_with_it(
    remote: Remote, here: BranchLedger, there: BranchLedger, tmp_path: Path
) -> None:
    here.claim([Mark("echo", SIX)], revision=here.snapshot().revision)
    with closing(SqliteLedger(tmp_path / "here" / ".loom" / "ledger.db")) as plain:
        plain.record([Mark("echo", SIX + DAY)])
    there.claim([Mark("echo", SIX + HOUR)], revision=there.snapshot().revision)
    here.sync()
    assert here.snapshot().marks == {"echo": SIX + HOUR}


def test_a_branch_that_was_deleted_is_made_again_from_what_lies_here(
    remote: Remote, here: BranchLedger, there: BranchLedger
) -> None:
    here.claim([Mark("echo", SIX)], revision=here.snapshot().revision)
    here.record([a_run("run-0001")])
    here.publish()
    git(remote.bare, "update-ref", "-d", f"refs/heads/{STATE}")
    here.sync()
    here.record([a_run("run-0002")])
    here.publish()
    same(here, there)
    assert len(there.runs(RunQuery())) == 2


def test_the_same_machine_with_the_same_file_needs_no_branch_to_agree(remote: Remote) -> None:
    clone = remote.clone("one")
    with closing(remote.ledger(clone)) as first, closing(remote.ledger(clone)) as second:
        revision = second.snapshot().revision
        claim(first, a_ticket())
        with pytest.raises(StaleDecision):
            second.claim([Mark("echo", SIX)], revision=revision)
        first.record([a_run("run-0001")])
        assert second.run("run-0001") == a_run("run-0001")
        second.publish()
        assert list(first.publish()) == []
    assert remote.commits() == 2


# -- reading from a laptop -----------------------------------------------------------------------------------


def test_reading_says_how_old_the_copy_is_and_survives_a_remote_that_is_gone(
    remote: Remote, here: BranchLedger
) -> None:
    here.record([a_run("run-0001")])
    here.publish()
    clone = remote.clone("laptop")
    with closing(remote.ledger(clone, reading=True)) as offline:
        assert offline.in_step_at is None
        assert list(offline.runs(RunQuery())) == []
        offline.sync()
        assert offline.in_step_at == SIX
        remote.clock.advance(3 * HOUR)
        remote.bare.rename(remote.bare.with_name("gone.git"))
        with pytest.raises(LedgerError, match="There is no such remote"):
            offline.sync()
        assert offline.snapshot().standings.keys() == {"echo"}
        assert offline.in_step_at == SIX, "three hours old"


def test_what_is_opened_to_be_read_writes_nothing(remote: Remote, here: BranchLedger) -> None:
    clone = remote.clone("laptop")
    writes: Sequence[Any] = (
        lambda ledger: ledger.claim([Mark("echo", SIX)], revision=0),
        lambda ledger: ledger.record([Mark("echo", SIX)]),
        lambda ledger: ledger.publish(),
    )
    with closing(remote.ledger(clone, reading=True)) as laptop:
        for write in writes:
            with pytest.raises(LedgerError, match="read only"):
                write(laptop)
    assert remote.tip() == ""


def test_a_tick_whose_fetch_fails_is_told_what_to_do(remote: Remote) -> None:
    clone = remote.clone("cut")
    git(clone, "remote", "remove", "origin")
    with closing(remote.ledger(clone)) as cut, pytest.raises(LedgerError, match="git remote add"):
        cut.snapshot()


# -- what must not leave -------------------------------------------------------------------------------------


def _redact(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("ann@example.org", "[mail]")
    if isinstance(value, list):
        return [_redact(each) for each in value]
    if isinstance(value, dict):
        return {key: _redact(each) for key, each in value.items()}
    return value


def test_personal_data_stays_here_and_ids_go_along(remote: Remote, there: BranchLedger) -> None:
    mail = "ann@example.org"
    clone = remote.clone("careful")
    run = a_run(
        f"id-{mail}",
        reason=f"told {mail}",
        output={"summary": mail, "findings": [{"detail": mail}]},
        rejected=[mail],
        error=RunError("ValueError", mail, mail),
        errors=(RunError("e", mail),),
        settings={"to": mail},
        log=mail,
    )
    told = replace(a_delivery("d1").alert, summary=mail, error=run.error, run_id=run.run_id)
    delivery = a_delivery("d1", alert=told, error=mail)
    with closing(remote.ledger(clone, redact=_redact)) as careful:
        careful.record([run, delivery, an_episode("e1", last_alert=told), a_ticket(detail=mail)])
        earlier = (Span(SIX - timedelta(hours=1), SIX, mail),)
        careful.record(
            [Pause(worker="echo", by=mail, at=SIX, reason=mail, until=SIX, ended_by=mail, earlier=earlier)]
        )
        careful.publish()
        assert careful.run(run.run_id) == run
    text = "\n".join(remote.files().values())
    assert text.count(mail) == text.count(f'"run_id":"id-{mail}"') == 3
    assert there.snapshot().deliveries[0].alert.summary == "[mail]"
    paused = there.snapshot().pauses["echo"]
    assert (paused.by, paused.ended_by, paused.earlier[0].by) == ("[mail]", "[mail]", "[mail]")
    seen = there.run(run.run_id)
    assert seen is not None
    assert seen.output == {"summary": "[mail]", "findings": [{"detail": "[mail]"}]}
    assert (seen.log, seen.rejected, seen.settings) == ("", ["[mail]"], {"to": "[mail]"})


def test_a_ledger_that_becomes_the_branch_s_first_content_is_redacted_too(remote: Remote) -> None:
    clone = remote.clone("careful")
    with closing(SqliteLedger(clone / ".loom" / "ledger.db")) as plain:
        plain.record([a_run("run-0001", reason="told ann@example.org", log="ann@example.org")])
    with closing(remote.ledger(clone, redact=_redact)) as careful:
        careful.claim([Mark("echo", SIX)], revision=careful.snapshot().revision)
    text = "\n".join(remote.files().values())
    assert "told [mail]" in text
    assert "ann@example.org" not in text


# -- lines that nobody wrote like that -----------------------------------------------------------------------


def _day(remote: Remote) -> tuple[str, list[str]]:
    ((path, text),) = remote.files().items()
    return path, text.splitlines()


@pytest.mark.parametrize(
    "wrong",
    ["<<<<<<< HEAD", '{"v":1,"batch":"x","part":"1/1","kind":"Run"}', "[]", "{}", "null", '"', "\x00"],
)
def test_a_line_that_cannot_be_read_is_reported_and_the_rest_is_read(
    remote: Remote, here: BranchLedger, there: BranchLedger, wrong: str
) -> None:
    here.record([a_run("run-0001")])
    here.record([a_run("run-0002")])
    here.publish()
    path, rows = _day(remote)
    remote.edit({path: "\n".join([rows[0], wrong, rows[1]]) + "\n"})
    assert len(there.runs(RunQuery())) == 0
    there.sync()
    assert len(there.runs(RunQuery())) == 2
    assert [(each.file, each.line) for each in there.damage][:1] == [(path, 2)]
    assert "not a line of Loom's" in str(there.damage[0])
    here.sync()
    assert here.damage == there.damage
    remote.edit({path: "\n".join(rows) + "\n"})
    there.sync()
    assert there.damage == ()


def test_a_line_that_was_cut_off_does_not_swallow_the_next_one(
    remote: Remote, here: BranchLedger, there: BranchLedger
) -> None:
    here.record([a_run("run-0001"), a_run("run-0002")])
    here.publish()
    path, rows = _day(remote)
    remote.edit({path: rows[0] + "\n" + rows[1][:40]})
    there.record([a_run("run-0003")])
    there.sync()
    there.publish()
    here.sync()
    assert sorted(run.run_id for run in here.runs(RunQuery())) == ["run-0001", "run-0003"]
    assert [(each.file, each.line) for each in here.damage] == [(path, 2)]


def test_a_line_that_was_cut_off_and_is_made_whole_again_is_read(
    remote: Remote, here: BranchLedger, there: BranchLedger
) -> None:
    here.record([a_run("run-0001"), a_run("run-0002")])
    here.publish()
    path, rows = _day(remote)
    remote.edit({path: rows[0] + "\n" + rows[1][:40]})
    there.sync()
    assert [(each.file, each.line) for each in there.damage] == [(path, 2)]
    remote.edit({path: "\n".join(rows) + "\n"})
    there.sync()
    assert there.damage == ()
    assert there.run("run-0002") is not None


def test_a_line_that_was_taken_out_is_noticed(
    remote: Remote, here: BranchLedger, there: BranchLedger
) -> None:
    here.record([a_run("run-0001"), a_run("run-0002"), a_run("run-0003")])
    here.record([a_run("run-0004")])
    here.publish()
    path, rows = _day(remote)
    remote.edit({path: "\n".join([rows[0], *rows[2:]]) + "\n"})
    there.sync()
    assert len(there.runs(RunQuery())) == 3
    assert [(each.file, each.line) for each in there.damage] == [(path, 2)]


def test_a_ticket_that_a_hand_put_out_of_order_breaks_no_law(
    remote: Remote, here: BranchLedger, there: BranchLedger
) -> None:
    mine = claim(here, a_ticket())
    here.record([closed(mine)])
    here.publish()
    path, rows = _day(remote)
    remote.edit({path: "\n".join([*rows, rows[0]]) + "\n"})
    there.sync()
    assert there.snapshot().tickets == {}
    assert there.closed_slots("echo", after=SIX - HOUR) == {SIX}
    (problem,) = there.damage
    assert (problem.file, problem.line) == (path, 3)
    assert mine.key in problem.message


def test_a_line_of_a_newer_loom_is_refused_not_left_out(
    remote: Remote, here: BranchLedger, there: BranchLedger
) -> None:
    here.record([a_run("run-0001")])
    here.publish()
    path, rows = _day(remote)
    remote.edit({path: rows[0].replace('"v":1', '"v":2') + "\n"})
    with pytest.raises(LedgerError, match=rf"{path}:1 .*upgrade Loom"):
        there.sync()


def test_a_branch_of_somebody_else_is_refused(remote: Remote) -> None:
    with (
        closing(remote.ledger(remote.clone("wrong"), branch="main")) as wrong,
        pytest.raises(LedgerError, match=r"'main' holds files that aren't Loom's, such as 'code.py'"),
    ):
        wrong.snapshot()


@pytest.mark.parametrize(
    "statement", ["UPDATE unpushed SET entries = '[7'", "UPDATE branch SET in_step_at = 'lately'"]
)
def test_a_copy_whose_own_notes_are_damaged_says_so(
    remote: Remote, here: BranchLedger, statement: str
) -> None:
    with closing(here):
        here.record([a_run("run-pushed")])
        here.publish()
        here.record([a_run("run-waiting")])
        with closing(sqlite3.connect(local(here))) as db, db:
            db.execute(statement)
        with pytest.raises(LedgerError, match="`loom ledger repair`"):
            _ = here.whereabouts


def local(ledger: BranchLedger) -> Path:
    return ledger._path
