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
    """``sentinel did not run at Sat 21 Nov 06:00 CST, because ...; the tick at 11:02 ran it 5 h late ...``"""
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
        tick, late = times.beside(found.tick_at, found.slot), span(found.late.total_seconds())
        dealt = f"the tick at {tick} ran it {late} late" if found.at_once else f"a tick came at {tick}"
        if found.by_hand and found.at_once:
            dealt = f"a person ran it by hand at {tick}, {late} late"
            why = "" if why == f": {RUN_BY_HAND}" else why
        return f"{id_} did not run at {slot}, because {found.late_because}; {dealt}, and it {ended}{why}."
    return f"{id_} ran for {slot} and {ended}{why}."
