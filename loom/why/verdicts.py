"""The answer for one slot in one sentence: whether it ran, and why or why not."""

from loom.domain.reasons import SlotFate
from loom.domain.run import Outcome
from loom.report.words import count, span
from loom.why.evidence import Evidence
from loom.why.fates import ENDED, RUN_BY_HAND

_NEVER_BEGAN = {
    Outcome.BLOCKED: "was blocked before it began",
    Outcome.SKIPPED: "was skipped",
    Outcome.SUPERSEDED: "was superseded",
    Outcome.MISSED: "was missed",
}


def of_fate(evidence: Evidence, found: SlotFate) -> str:
    """``sentinel ran 5 h late for its slot of Sat 21 Nov 06:00 CST, and succeeded: no tick came ...``"""
    times, id_ = evidence.times, evidence.id
    slot = times.range(found.slot, found.last)
    if found.count > 1:
        slot += f" ({count(found.count, 'slot')})"
    outcome, why = found.outcome, f": {found.reason}" if found.reason else ""
    if outcome is Outcome.ABANDONED:
        return f"{id_} was started for {slot}, and abandoned{why}."
    if outcome is None:
        return f"{id_} hasn't run for {slot} yet{why}."
    if not found.began:
        late = f"; before, {found.late_because}" if found.late_because else ""
        if outcome in (Outcome.SUPERSEDED, Outcome.MISSED):
            late = f", because {found.late_because}" if found.late_because else ""
            return f"{id_} did not run at {slot}{late}; the slot {_NEVER_BEGAN[outcome]}{why}."
        if not found.final:
            return f"{id_} hasn't run for {slot} yet{why}{late}."
        return f"{id_} did not run at {slot}: it {_NEVER_BEGAN.get(outcome, ENDED[outcome])}{why}{late}."
    ended = ENDED[outcome]
    if outcome is Outcome.SUCCEEDED and found.reason == "on time":
        return f"{id_} ran for {slot} and succeeded, on time."
    if found.late_because and found.tick_at is not None and found.late is not None:
        # How late the run itself was isn't known of one that a tick only found, and that waited then.
        late = f"{span(found.late.total_seconds())} late" if found.at_once else "late"
        reason = found.reason
        if found.by_hand and found.at_once:
            by_hand = f"{RUN_BY_HAND} at {times.beside(found.tick_at, found.slot)}"
            reason = reason.replace(RUN_BY_HAND, by_hand, 1)
        why = "; ".join(filter(None, (reason, found.late_because)))
        return f"{id_} ran {late} for its slot of {slot}, and {ended}: {why}."
    return f"{id_} ran for {slot} and {ended}{why}."
