"""What is to be expected of a slot that hasn't come yet, asked of the function that will decide it."""

from datetime import datetime, timedelta

from loom.domain.reasons import Fact, Topic
from loom.domain.worker import Worker
from loom.report.words import ago, one_line
from loom.slots.life import decide
from loom.why.circumstances import pause_words
from loom.why.evidence import Evidence

_INSTANT = timedelta(microseconds=1)


def foreseen(evidence: Evidence, worker: Worker, at: datetime) -> tuple[str, list[Fact]]:
    """The verdict, and what a tick at `at` would do if all stays as it is and no run is alive.

    at: a slot of `worker` later than `evidence.now`, UTC.
    """
    times = evidence.times
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
    comes = (
        f"{evidence.id} hasn't run for {times.at(at)}, because that is still to come, {ago(at, evidence.now)}"
    )
    facts = []
    if decision.start:
        does, matters = "it would run", False
    elif decision.hold:
        reason, detail = decision.hold[0].reason, one_line(decision.hold[0].detail, 400)
        does, matters = f"it would wait ({reason}: {detail})", True
    elif decision.close:
        closing = decision.close[0]
        does, matters = f"it would be recorded as {closing.outcome} ({closing.reason})", True
        if closing.reason == "paused" and evidence.pause is not None:
            facts.append(
                Fact(topic=Topic.PAUSE, says=f"It is {pause_words(evidence.pause, evidence)}.", matters=True)
            )
    else:
        does, matters = "nothing would be done or recorded", True
    facts.append(
        Fact(
            topic=Topic.NEXT,
            says=f"If a tick came then and all else stayed as it is now, {does}.",
            matters=matters,
        )
    )
    return f"{comes}; if all stays as it is, {does}.", facts
