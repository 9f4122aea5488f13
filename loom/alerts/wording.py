"""The sentences of an alert: who, what, when, and what happens next. For a person who is tired."""

from collections.abc import Sequence
from datetime import datetime, tzinfo

from loom.domain.alert import Alert, Episode, Event
from loom.domain.run import OpenReason, Outcome, Run, RunError

_LONGEST = 300
_NAMED = 10
_STILL = {Event.WORKER_DOWN: "still down", Event.WORKER_FAILING: "still failing"}


def named(worker: str, agent: str | None) -> str:
    """'Sentinel (relationship-sentinel)', or the id alone for a worker without an agent."""
    return f"{agent} ({worker})" if agent else worker


def moment(at: datetime, zone: tzinfo) -> str:
    """'Sat 21 Nov 06:00 CST': the local time of `zone`."""
    return f"{at.astimezone(zone):%a %d %b %H:%M %Z}"


def count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def one_line(text: str) -> str:
    """White space collapsed, cut to what fits into a sentence."""
    line = " ".join(text[: 20 * _LONGEST].split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def bad_run(run: Run, zone: tzinfo) -> str:
    """What went wrong and what happens next: 'Echo (pattern-memory-analyzer): the run of ... failed: ...'."""
    return f"{named(run.worker, run.agent)}: {_what_happened(run, zone)}{_what_next(run, zone)}"


def still_bad(episode: Episode, zone: tzinfo) -> str:
    """The tail of a reminder that comes with a run."""
    return (
        f"; bad since {moment(episode.opened_at, zone)}, "
        f"{count(episode.gathered, 'bad outcome', 'bad outcomes')} so far"
    )


def reminder(episode: Episode, zone: tzinfo) -> str:
    """What is said on a tick where nothing of the worker ran but the last word was bad."""
    said = episode.last_alert
    state = _STILL.get(said.event, "no success") if said else "still down"
    text = (
        f"{named(episode.subject, said.agent if said else None)}: {state} since "
        f"{moment(episode.opened_at, zone)}, {count(episode.gathered, 'bad outcome', 'bad outcomes')} so far"
    )
    last = _last_word(said) if said else ""
    return f"{text}; the last was {last}" if last else text


def recovered(run: Run, episode: Episode, zone: tzinfo) -> str:
    return (
        f"{named(run.worker, run.agent)}: works again, {_occasion(run, zone)} succeeded; it was bad since "
        f"{moment(episode.opened_at, zone)}, {count(episode.gathered, 'bad outcome', 'bad outcomes')}"
    )


def held_up(summary: str, workers: Sequence[str]) -> str:
    """A broken enforcement context, and who is held by it. workers: those held on this tick, in order."""
    text = one_line(summary).rstrip(".")
    if not workers:
        return f"{text}; nothing runs until it is whole again"
    listed = ", ".join(workers[:_NAMED])
    more = f" and {len(workers) - _NAMED:,} more" if len(workers) > _NAMED else ""
    return f"{text}; nothing runs until it is whole again; held now: {listed}{more}"


def restored(episode: Episode, zone: tzinfo) -> str:
    return (
        "The enforcement context is whole again; held slots are tried on the next ticks. "
        f"It was broken since {moment(episode.opened_at, zone)}"
    )


def mended(episode: Episode, worker: str | None, zone: tzinfo) -> str:
    """worker: whose entry it was, or None for the registry as a whole."""
    since = f"It was broken since {moment(episode.opened_at, zone)}"
    if worker:
        return f"The registry's entry of worker '{worker}' is mended or gone. {since}"
    return f"The registry can be read again; missed slots are caught up. {since}"


def _occasion(run: Run, zone: tzinfo) -> str:
    return f"the run of {moment(run.slot, zone)}" if run.slot else "the run by hand"


def _what_happened(run: Run, zone: tzinfo) -> str:
    if run.outcome is Outcome.MISSED:
        return _missed(run, zone)
    reason = run.reason.removeprefix(f"{run.open_reason.value}: ") if run.open_reason else run.reason
    detail = _detail(run.error, reason)
    if run.open_reason is OpenReason.REQUIREMENT:
        return f"{_occasion(run, zone)} can't start{detail}"
    verb = {
        Outcome.FAILED: "failed",
        Outcome.INVALID: "returned an output that was rejected",
        Outcome.TIMED_OUT: "ran out of time",
        Outcome.BLOCKED: "was blocked",
        Outcome.ABANDONED: "was cut off, its process died",
    }.get(run.outcome, f"ended {run.outcome.value}")
    return f"{_occasion(run, zone)} {verb}{detail}"


def _missed(run: Run, zone: tzinfo) -> str:
    why = f": {one_line(run.reason)}" if run.reason else ", no tick ran in time"
    if run.slot is None or run.count == 1 or run.slot_last is None:
        return f"{_occasion(run, zone)} was missed{why}"
    span = f"between {moment(run.slot, zone)} and {moment(run.slot_last, zone)}"
    return f"{run.count:,} runs {span} were missed{why}"


def _what_next(run: Run, zone: tzinfo) -> str:
    if run.outcome is Outcome.MISSED:
        return ""
    if not run.final:
        if run.open_reason is OpenReason.REQUIREMENT:
            return "; it starts on the first tick that finds what is missing"
        return f"; will be tried again at the next tick{_not_before(run, zone)}"
    gave_up = f"gave up after {run.attempts:,} attempts" if run.attempts > 1 else "it won't be tried again"
    why = f": {one_line(run.reason)}" if run.reason and run.error else ""
    return f"; {gave_up}{why}"


def _not_before(run: Run, zone: tzinfo) -> str:
    if run.not_before is None:
        return ""
    then, now = run.not_before.astimezone(zone), run.tick_at.astimezone(zone)
    return f" after {then:%H:%M}" if then.date() == now.date() else f" after {moment(then, zone)}"


def _detail(error: RunError | None, reason: str) -> str:
    if error is not None:
        return f": {one_line(f'{error.kind}: {error.message}' if error.message else error.kind)}"
    return f": {one_line(reason)}" if reason else ""


def _last_word(said: Alert) -> str:
    outcome = said.outcome.value.replace("_", " ") if said.outcome else ""
    return f"{outcome}{_detail(said.error, '')}"
