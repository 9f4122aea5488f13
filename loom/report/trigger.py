"""Trigger health in plain sentences, and in JSON."""

from typing import Any

from loom.domain.trigger import TriggerHealth, TriggerSpan
from loom.report.words import count, span

_NAMES = {24: "24 h", 168: "7 days"}


def sentences(health: TriggerHealth) -> tuple[str, ...]:
    """One for the last 24 hours and one for the last 7 days; one alone while no clock has brought a tick."""
    if health.week.longest_gap_s is None:
        since = "yet" if health.silent_s is None else f"for {span(health.silent_s)}"
        return (f"No clock has brought a tick {since}; expected: {health.cron} ({health.zone}).",)
    return tuple(_sentence(each) for each in (health.day, health.week))


def as_json(health: TriggerHealth) -> dict[str, Any]:
    """What `loom status --json` says under ``ticks``; lengths of time in seconds."""
    form: dict[str, Any] = {"schedule": health.cron, "timezone": health.zone}
    for each, name in ((health.day, "24h"), (health.week, "7d")):
        form |= {
            f"expected_{name}": each.expected,
            f"received_{name}": each.received,
            f"dropped_{name}": each.dropped,
            f"lateness_median_{name}_s": each.lateness_median_s,
            f"lateness_p95_{name}_s": each.lateness_p95_s,
            f"longest_gap_{name}_s": each.longest_gap_s,
        }
    return form


def _sentence(each: TriggerSpan) -> str:
    if not each.expected:
        return f"No tick was expected in the last {_NAMES[each.hours]}."
    gap = f"longest gap {span(each.longest_gap_s or 0.0)}"
    late = ""
    if each.lateness_median_s is not None and each.lateness_p95_s is not None:
        late = f"; lateness median {span(each.lateness_median_s)}, 95% within {span(each.lateness_p95_s)}"
    came = f"{each.received:,} of {count(each.expected, 'tick')} came in the last {_NAMES[each.hours]}"
    if not each.dropped:
        return f"{came}{late}; {gap}."
    dropped = f"{each.dropped:,} {'was' if each.dropped == 1 else 'were'} dropped by the trigger"
    return f"{came}; {dropped}; {gap}{late}."
