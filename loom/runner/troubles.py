"""What is wrong with Loom's own set-up at this tick, as the alert policy wants to hear it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from loom.domain.alert import Event
from loom.domain.run import RunError
from loom.domain.tick import Tick
from loom.errors import Problem
from loom.runner.waking import Conditions

if TYPE_CHECKING:
    from loom.alerts.policy import Trouble

CLOCK_TOLERANCE = timedelta(minutes=5)
"""Runners' clocks differ by minutes; only more than this means that a clock went backwards."""


def troubles(conditions: Conditions, *, last_tick: Tick | None, now: datetime) -> "tuple[Trouble, ...]":
    """Every trouble there is now; one that is no longer among them is over."""
    found: list[Trouble] = []
    if conditions.registry_error is not None:
        found.append(
            _configuration(
                "loom:registry",
                Event.REGISTRY_BROKEN,
                "worker-registry.yaml can't be used, so nothing runs",
                conditions.registry_error.problems,
            )
        )
    for entry in conditions.registry.broken if conditions.registry is not None else ():
        found.append(
            _configuration(
                f"loom:registry:{entry.id}",
                Event.REGISTRY_BROKEN,
                f"{entry.id} doesn't run: its entry in worker-registry.yaml has mistakes",
                entry.problems,
                worker=entry.id,
            )
        )
    broken = conditions.rules.error
    if broken is not None:
        found.append(
            _configuration(
                "loom:enforcement",
                Event.ENFORCEMENT_BROKEN,
                "the enforcement context is broken, so every due slot is blocked",
                broken.problems,
            )
        )
    if last_tick is not None and now < last_tick.at - CLOCK_TOLERANCE:
        found.append(_clock(last_tick, now))
    return tuple(found)


def _clock(last_tick: Tick, now: datetime) -> "Trouble":
    from loom.alerts.policy import Trouble

    said, last = (at.isoformat(timespec="seconds") for at in (now, last_tick.at))
    return Trouble(
        subject="loom:clock",
        event=Event.CLOCK_BACKWARDS,
        kind="clock",
        summary=f"the clock says {said}, but the last tick came at {last}: "
        "nothing is run twice; set the clock right",
        error=None,
    )


def _configuration(
    subject: str, event: Event, what: str, problems: Sequence[Problem], *, worker: str | None = None
) -> "Trouble":
    from loom.alerts.policy import Trouble

    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    place = first.file if first.line is None else f"{first.file}:{first.line}"
    return Trouble(
        subject=subject,
        event=event,
        # The mistakes themselves: when they change, there is something new to say.
        kind="; ".join(str(problem) for problem in problems)[:2000],
        summary=f"{what}: {first}{more}",
        error=RunError("configuration", str(first), place),
        worker=worker,
    )
