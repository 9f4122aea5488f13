"""What is to be expected of a slot that hasn't come yet, asked of the function that will decide it."""

from datetime import datetime, timedelta

from loom.domain.reasons import Fact, Topic
from loom.domain.worker import Worker
from loom.report.words import ago, one_line
from loom.slots.life import decide
from loom.why.circumstances import pause_words
from loom.why.evidence import Evidence

_INSTANT = timedelta(microseconds=1)


def foreseen(evidence: Evidence, worker: Worker, at: datetime) -> tuple[str, Fact]:
    """The verdict, and what a tick at `at` would do if all stays as it is and no run is alive.

    at: a slot of `worker` later than `evidence.now`, UTC.
    """
    decision = decide(
        worker,
        mark=at - _INSTANT,
        now=at,
        due=(at,),
        tickets=(),
        paused=evidence.pause,
        obstacle=evidence.obstacles[0] if evidence.obstacles else None,
        alive=lambda _: False,
    )
    if decision.start:
        does = "run it"
    elif decision.hold:
        does = f"hold it open ({decision.hold[0].reason}: {one_line(decision.hold[0].detail, 400)})"
    elif decision.close:
        closing, pause = decision.close[0], evidence.pause
        by_hand = pause is not None and (pause.in_force(at) or pause.covers(at))
        why = pause_words(pause, evidence) if by_hand and pause is not None else closing.reason
        does = f"record it as {closing.outcome} ({why})"
    else:
        does = "neither run it nor record anything of it"
    slot = evidence.times.at(at)
    verdict = (
        f"{evidence.id} hasn't run for {slot} yet: that is to come {ago(at, evidence.now)}. "
        f"If all stays as it is, a tick would then {does}."
    )
    says = f"If a tick came at {slot} and all stayed as it is now, it would {does}."
    return verdict, Fact(topic=Topic.NEXT, says=says, matters=not decision.start)
