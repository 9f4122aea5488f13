"""How one worker stands, as the rest of a sentence that begins with its name."""

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile
from zoneinfo import ZoneInfo

from loom.domain.board import Row
from loom.domain.health import Health
from loom.domain.run import OpenReason, Outcome
from loom.domain.slot import Ticket
from loom.report.words import about, count, one_line, short_id, when_near

_WENT = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.FAILED: "failed",
    Outcome.INVALID: "returned an output that was refused",
    Outcome.TIMED_OUT: "ran out of time",
    Outcome.BLOCKED: "was stopped by the rules",
    Outcome.SKIPPED: "was skipped",
    Outcome.SUPERSEDED: "was superseded by a later slot",
    Outcome.MISSED: "missed its slot",
    Outcome.ABANDONED: "was cut off: its process died",
}
_LONGEST = 240


def state_in_words(row: Row, now: datetime, zone: ZoneInfo) -> tuple[str, str] | None:
    """Why a worker that is down or late is so, as the rest of a sentence that begins with its name, and the
    command that helps; None if it is neither."""
    why = f"loom why {row.worker}"
    if row.health is None:
        problem = one_line(row.needs, _LONGEST)
        return f"doesn't run, because its entry is broken: {problem}", "loom check"
    if row.health is Health.DOWN:
        held = [t for t in row.owed if t.reason in (OpenReason.REQUIREMENT, OpenReason.ENFORCEMENT)]
        if held:
            return _held(held, now, zone), why if held[0].reason is OpenReason.REQUIREMENT else "loom check"
        return _went(row, now, zone), f"loom show {short_id(row.last_run_id or '')}"
    if row.health is Health.LATE:
        owed = next((t for t in row.owed if t.reason is not None), None)
        if owed is not None:
            return _tried_again(row, owed, now, zone), why
        if row.undecided is not None:
            at = when_near(row.undecided, now, zone)
            due = f"has a slot that came due {about(row.undecided, now)} ({at})"
            return f"{due}{', too old to run by now' if row.too_old else ''}; the next tick decides it", why
    return None


def under_way_in_words(row: Row, now: datetime, zone: ZoneInfo) -> str:
    """Of a worker with a run under way, the rest of a sentence that begins with its name."""
    run = row.under_way
    if run is None:
        return "is not under way"
    slot = f" with its slot of {when_near(run.slot, now, zone)}" if run.slot is not None else ""
    by_hand = ", by hand" if run.by_hand else ""
    if run.since is None and run.alive is False:
        return f"had its turn coming{slot}, and the process died; the next tick takes it"
    if run.since is None:
        return f"has its turn coming{slot}{by_hand}, in the tick that is under way"
    since = f"since {when_near(run.since, now, zone)}"
    if run.alive is False:
        return f"was under way {since}{by_hand}, and its process died; the next tick records that"
    return f"is under way{slot} {since}{by_hand}"


def _held(held: Sequence[Ticket], now: datetime, zone: ZoneInfo) -> str:
    first = held[0]
    since = f"since {when_near(first.slot, now, zone)}" if first.slot is not None else ""
    waits = f"{count(len(held), 'slot')} {'waits' if len(held) == 1 else 'wait'} {since}".strip()
    detail = one_line(first.detail, _LONGEST)
    if first.reason is OpenReason.ENFORCEMENT:
        return f"may not run, because the rules aren't whole: {detail} ({waits})"
    return f"can't run: {detail} ({waits}, and will run by itself once that is there)"


def _went(row: Row, now: datetime, zone: ZoneInfo) -> str:
    went = _WENT[row.last_outcome] if row.last_outcome is not None else "went badly"
    streak = ""
    if row.last_outcome in (Outcome.SKIPPED, Outcome.SUPERSEDED):
        times = "once" if row.consecutive_failures == 1 else f"{row.consecutive_failures:,} times"
        went = f"went badly {times} and hasn't succeeded since; its last run {went}"
    elif row.consecutive_failures > 1 and _alike(row):
        went += f" {row.consecutive_failures:,} times in a row, last"
    elif row.consecutive_failures > 1:
        streak = f", the last of {row.consecutive_failures:,} bad outcomes in a row"
    at = (
        f" {about(row.last_at, now)} ({when_near(row.last_at, now, zone)})" if row.last_at is not None else ""
    )
    said = f": {one_line(row.said, _LONGEST)}" if row.said else ""
    return f"{went}{at}{streak}{said}"


def _alike(row: Row) -> bool:
    """Whether it is known that its bad outcomes in a row were all of one kind."""
    newest = takewhile(lambda each: each.outcome is not Outcome.SUCCEEDED, reversed(row.recent))
    bad = [each for each in newest if each.outcome.bad]
    return len(bad) >= row.consecutive_failures and all(each.outcome is row.last_outcome for each in bad)


def _tried_again(row: Row, owed: Ticket, now: datetime, zone: ZoneInfo) -> str:
    slot = f"its slot of {when_near(owed.slot, now, zone)}" if owed.slot is not None else "a run by hand"
    if owed.not_before is not None and owed.not_before > now:
        then = f"not before {when_near(owed.not_before, now, zone)}"
    else:
        then = "on the next tick"
    match owed.reason:
        case OpenReason.RETRY:
            said = f": {one_line(row.said, _LONGEST)}" if row.said else ""
            went = _WENT[owed.outcome] if owed.outcome is not None else "went badly"
            return f"{went} for {slot} and is tried again, {then}{said}"
        case OpenReason.ABANDONED:
            return f"was cut off in {slot} and is started again, {then}"
        case OpenReason.BUDGET:
            return f"waits with {slot}: the tick ran out of time; it is first, {then}"
        case OpenReason.OVERLAP:
            return f"waits with {slot}: the run before it is still going"
        case _:
            return f"waits with {slot}: {one_line(owed.detail, _LONGEST)}"
