"""How late a slot was first dealt with, and what kept it: mostly that no tick came."""

from datetime import datetime, timedelta

from loom.domain.tick import Tick
from loom.errors import ExitCode
from loom.report.words import count, span
from loom.slots.calendar import next_instant
from loom.values import dataclass
from loom.why.evidence import LOOKS_BACK, Evidence

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Lateness:
    """late: from the slot to the tick. on_time: it was the tick that was to deal with the slot, or came
    before the next one was expected. why: a clause that says what kept it, or empty when it is on time."""

    late: timedelta
    on_time: bool
    why: str

    @property
    def words(self) -> str:
        """``at once``, ``5 min after it``"""
        seconds = self.late.total_seconds()
        return f"{span(seconds)} after it" if seconds >= 1 else "at once"


def lateness(evidence: Evidence, slot: datetime, dealt: datetime) -> Lateness:
    """slot: the instant. dealt: when the tick came that dealt with it first."""
    late = dealt - slot
    first = next_instant(evidence.ticks_expected, slot - _INSTANT)
    following = next_instant(evidence.ticks_expected, first) if first is not None else None
    if following is None or dealt < following:
        return Lateness(late, True, "")
    return Lateness(late, False, what_kept(evidence, slot, dealt))


def what_kept(evidence: Evidence, slot: datetime, until: datetime) -> str:
    """Why nothing was decided of `slot` before `until`, as a clause: 'no tick came between ...'."""
    times = evidence.times
    came = evidence.ticks_between(slot, until)
    if came:
        return _they_did_not_decide(evidence, came, slot, until)
    end = "now" if until == evidence.now else times.at(until)
    before = evidence.last_tick_before(slot)
    if before is not None:
        beside = [times.beside(before.at, slot), end if end == "now" else times.beside(until, slot)]
        if beside[0] != times.at(before.at):
            return f"no tick came between {' and '.join(beside)}"
        return f"no tick came between {beside[0]} and {end}"
    days = f"{LOOKS_BACK.days} days before it" if evidence.ticks_since <= slot - LOOKS_BACK else "time before"
    return f"no tick came before {end} (none is on record in the {days})"


def _they_did_not_decide(evidence: Evidence, came: list[Tick], slot: datetime, until: datetime) -> str:
    times = evidence.times
    which = f"the tick at {times.beside(came[0].at, slot)}"
    if len(came) > 1:
        last = times.beside(came[-1].at, slot)
        which = f"the {count(len(came), 'tick')} from {times.beside(came[0].at, slot)} to {last}"
    if troubles := evidence.set_up_troubles(slot, until):
        where = "worker-registry.yaml" if troubles[0].subject == "loom:registry" else "its registry entry"
        return f"{which} could not decide it, because {where} was broken"
    if all(tick.exit_code is None for tick in came):
        return f"{which} never told its end: its process died" if len(came) == 1 else f"{which} died"
    if all(tick.exit_code == ExitCode.BROKEN for tick in came):
        return f"{which} could not decide it: the exit code was 3, so the registry was broken then"
    return f"{which} went by a registry that had no such slot"
