"""due_slots.py CONTENDER FILE seconds|lists: the slots of many expressions, as one contender names them.

FILE holds JSON: {"zone": ..., "expressions": [text, ...], "spans": {name: {"start": s, "end": s, "asked":
[number of an expression, ...]}}}; times are seconds since 1970, spans half-open [start, end).

`seconds` prints how long each expression took: {"parsing": [s, ...], of equal texts the first, "spans":
{name: [s, ...]}, "slots": {name: how many}}; `lists` prints {"spans": {name: [digest of the list, ...]}}.
Where a contender doesn't take an expression, or raises, or never comes to an end, its digest is null.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

_MOST = 600_000  # more than a year has minutes: whoever names more of them doesn't stop
_Reading = Callable[[str], Any]
# Text, what was read of it, and a span on the zone's clock -> what is timed. Whose engine can't start anew
# without reading the text again reads it before.
_Ready = Callable[[str, Any, datetime, datetime], Callable[[], Iterator[datetime]]]


def _loom(zone: ZoneInfo) -> tuple[_Reading, _Ready]:
    """As a tick asks it: the slots in (mark, now]."""
    import croniter  # noqa: F401  (with the reading of the first expression it would come otherwise)

    from loom.domain.cron import parse_cron
    from loom.domain.schedule import Schedule
    from loom.slots.calendar import instants

    instant = timedelta(microseconds=1)
    return (
        lambda text: Schedule(text, parse_cron(text), zone.key),
        lambda _, schedule, start, end: lambda: instants(schedule, start - instant, end - instant),
    )


def _croniter(zone: ZoneInfo) -> tuple[_Reading, _Ready]:
    """With the option by which it reads the day fields as cron does."""
    from croniter import croniter

    def read(text: str, after: datetime) -> Any:
        return croniter(text, after, ret_type=datetime, implement_cron_bug=True)

    return _from_the_text(zone, read, lambda engine: engine.all_next())


def _cronsim(zone: ZoneInfo) -> tuple[_Reading, _Ready]:
    from cronsim import CronSim

    return _from_the_text(zone, CronSim, iter)


def _from_the_text(
    zone: ZoneInfo, read: Callable[[str, datetime], Any], after: Callable[[Any], Iterator[datetime]]
) -> tuple[_Reading, _Ready]:
    """For an engine that is made of a text and the time after which it is to name slots."""

    def ready(text: str, _: Any, start: datetime, end: datetime) -> Callable[[], Iterator[datetime]]:
        engine = read(text, start - timedelta(seconds=1))
        return lambda: takewhile(lambda at: at < end, after(engine))

    any_time = datetime(2026, 1, 1, tzinfo=zone)
    return lambda text: read(text, any_time), ready


def _apscheduler(zone: ZoneInfo) -> tuple[_Reading, _Ready]:
    """As its scheduler asks for what a job has missed."""
    from apscheduler.triggers.cron import CronTrigger

    def slots(trigger: Any, start: datetime, end: datetime) -> Iterator[datetime]:
        at = trigger.get_next_fire_time(None, start)
        while at is not None and at < end:
            yield at
            at = trigger.get_next_fire_time(at, end)

    return (
        lambda text: CronTrigger.from_crontab(text, timezone=zone),
        lambda _, trigger, start, end: lambda: slots(trigger, start, end),
    )


_CONTENDERS = {
    "loom": _loom,
    "croniter": _croniter,
    "cronsim": _cronsim,
    "apscheduler": _apscheduler,
}


def _timed(act: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Seconds of the processor and the answer; nothing of either where it raised."""
    # All of it is arithmetic in one thread: what else the machine does meanwhile is its own affair.
    began = time.thread_time()
    try:
        answer = act(*arguments)
    except Exception:  # noqa: BLE001  (whatever it is, it is no answer)
        return 0.0, None
    return time.thread_time() - began, answer


def _listed(act: Callable[[], Iterator[datetime]]) -> list[datetime]:
    return list(islice(act(), _MOST))


def _digest(slots: list[datetime] | None) -> str | None:
    if slots is None or len(slots) == _MOST:
        return None
    return hashlib.sha256(",".join(str(at.timestamp()) for at in slots).encode()).hexdigest()


def _forget() -> None:
    """What an engine has worked out for one span must not help it with the next."""
    for module in list(sys.modules.values()):
        if module.__name__.partition(".")[0] == "loom":
            for each in list(vars(module).values()):
                if hasattr(each, "cache_clear") and not isinstance(each, type):
                    each.cache_clear()


def main(contender: str, file: str, wanted: str) -> None:
    asked = json.loads(Path(file).read_text(encoding="utf-8"))
    zone = ZoneInfo(asked["zone"])
    read, ready = _CONTENDERS[contender](zone)
    texts = asked["expressions"]
    # An engine may know a text again; here each counts once.
    known = {text: _timed(read, text) for text in dict.fromkeys(texts)}
    parsed = [known[text] for text in texts]
    told: dict[str, Any] = {"parsing": [took for took, _ in known.values()], "spans": {}, "slots": {}}
    for name, span in asked["spans"].items():
        _forget()
        start, end = (datetime.fromtimestamp(span[side], UTC).astimezone(zone) for side in ("start", "end"))
        found, count = [], 0
        for number in span["asked"]:
            _, act = _timed(ready, texts[number], parsed[number][1], start, end)
            took, listed = _timed(_listed, act)
            found.append(took if wanted == "seconds" else _digest(listed))
            count += len(listed or ())
        told["spans"][name], told["slots"][name] = found, count
    print(json.dumps(told))


main(*sys.argv[1:])
