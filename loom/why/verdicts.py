"""The answer for one slot in one sentence: whether it ran, and why or why not."""

from loom.domain.reasons import SlotFate
from loom.domain.run import Outcome
from loom.report.words import count, span
from loom.why.evidence import Evidence

_BEGAN = {
    Outcome.SUCCEEDED: "ran for {slot} and succeeded",
    Outcome.FAILED: "ran for {slot} and failed",
    Outcome.INVALID: "ran for {slot}, and what it returned was rejected as invalid",
    Outcome.TIMED_OUT: "ran for {slot} and was stopped when its time was up (timed_out)",
    Outcome.BLOCKED: "was blocked at {slot}",
    Outcome.SKIPPED: "was skipped at {slot}",
    Outcome.SUPERSEDED: "did not run for {slot}; it was superseded",
    Outcome.MISSED: "did not run for {slot}; it was missed",
    Outcome.ABANDONED: "was started for {slot} and abandoned",
}


def of_fate(evidence: Evidence, found: SlotFate) -> str:
    """``sentinel did not run at Sat 21 Nov 06:00 CST, because ...; the tick at 11:02 ran it 5 h late.``"""
    times = evidence.times
    slot = times.range(found.slot, found.last)
    if found.count > 1:
        slot += f" ({count(found.count, 'slot')})"
    if found.outcome is None or not found.final:
        if found.slot > evidence.now:
            return f"{evidence.id} hasn't run for {slot}: {found.reason}."
        tried = f" It {_tried(found.outcome)} so far." if found.outcome in _TRIED else ""
        return f"{evidence.id} has no final outcome for {slot} yet: {found.reason}.{tried}"
    if found.outcome is Outcome.SUCCEEDED and found.reason == "on time":
        return f"{evidence.id} ran for {slot} and succeeded, on time."
    if found.outcome is Outcome.SUCCEEDED and found.reason.startswith("no tick came") and found.late:
        tick = times.beside(found.tick_at or found.slot, found.slot)
        late = span(found.late.total_seconds())
        why, _, rest = found.reason.partition("; ")
        rest = f" ({rest})" if rest else ""
        return (
            f"{evidence.id} did not run at {slot}, because {why}; "
            f"the tick at {tick} ran it {late} late, and it succeeded{rest}."
        )
    said = _BEGAN[found.outcome].format(slot=slot)
    return f"{evidence.id} {said}: {found.reason}." if found.reason else f"{evidence.id} {said}."


_TRIED = frozenset({Outcome.FAILED, Outcome.TIMED_OUT, Outcome.ABANDONED})


def _tried(outcome: Outcome | None) -> str:
    return {Outcome.FAILED: "failed", Outcome.TIMED_OUT: "timed out"}.get(
        outcome or Outcome.ABANDONED, "was abandoned"
    )
