"""A file of tick traces -> when ticks came.

    {"traces": [{"name": "...", "ticks": ["2026-09-01T13:06:00Z", ...]}, ...],
     "lateness_minutes": [{"name": "...", "minutes": [44, 286, 732]}, ...]}

Either key may be left out, and any other (`cron`, `source`, `note`) is there for people.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count, takewhile
from pathlib import Path
from typing import Any, TypeVar

from loom.domain.replay import TickTrace
from loom.errors import ConfigurationError, Problem
from loom.instants import read_instant
from loom.values import dataclass

_FORMAT = '{"traces": [{"name": "mine", "ticks": ["2026-09-01T13:06:00Z"]}]}'
_HOUR = timedelta(hours=1)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Delays:
    """By how much the ticks of some clock came late, one after the other."""

    name: str
    late: tuple[timedelta, ...]

    def hourly(self, start: datetime, end: datetime) -> TickTrace:
        """A tick for every hour from `start` on (UTC), each late by the next of the delays, over and over;
        those that come by `end`, in the order in which they come."""
        scheduled = takewhile(lambda at: at <= end, (start + number * _HOUR for number in count()))
        came = (at + self.late[number % len(self.late)] for number, at in enumerate(scheduled))
        return TickTrace(name=self.name, ticks=tuple(sorted(at for at in came if at <= end)), made=True)


@dataclass(frozen=True, slots=True)
class TraceFile:
    traces: tuple[TickTrace, ...]
    delays: tuple[Delays, ...]


def read_traces(path: Path) -> TraceFile:
    """Read a file of traces; ticks may stand in any order. Raises ConfigurationError with every mistake."""
    reading = _Reading(str(path))
    found = reading.whole(path)
    traces = tuple(reading.entries(found, "traces", "trace", _trace))
    delays = tuple(reading.entries(found, "lateness_minutes", "lateness", _delays))
    if not (traces or delays or reading.problems):
        reading.mistake((), f"there is neither a trace nor a list of delays; write {_FORMAT}")
    if reading.problems:
        raise ConfigurationError(reading.problems)
    return TraceFile(traces, delays)


class _Reading:
    """Gathers what is wrong with one file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.problems: list[Problem] = []

    def mistake(self, address: tuple[str, ...], message: str, line: int | None = None) -> None:
        self.problems.append(Problem(self._file, line, address, message))

    def whole(self, path: Path) -> dict[str, Any]:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            self.mistake((), f"can't be read: {error.strerror}; name a file of tick traces")
        except json.JSONDecodeError as error:
            self.mistake(
                (), f"isn't JSON: {error.msg} in column {error.colno}; write {_FORMAT}", error.lineno
            )
        except (ValueError, RecursionError) as error:
            self.mistake((), f"isn't JSON in UTF-8: {error}; write {_FORMAT}")
        else:
            if isinstance(found, dict):
                return found
            self.mistake((), f"expected an object, got {_kind(found)}; write {_FORMAT}")
        return {}

    def entries(
        self,
        found: dict[str, Any],
        key: str,
        one: str,
        read: Callable[["_Reading", tuple[str, ...], str, dict[str, Any]], _Value | None],
    ) -> Iterator[_Value]:
        """What `read` makes of each object in the list at `key`."""
        listed = found.get(key, [])
        if not isinstance(listed, list):
            self.mistake((f"key '{key}'",), f"expected a list, got {_kind(listed)}; write {_FORMAT}")
            return
        for number, entry in enumerate(listed, start=1):
            if not isinstance(entry, dict):
                self.mistake((f"{one} {number}",), f"expected an object, got {_kind(entry)}; write {_FORMAT}")
                continue
            name = str(entry.get("name") or f"{one} {number}")
            value = read(self, (f"{one} '{name}'",), name, entry)
            if value is not None:
                yield value

    def items(
        self, address: tuple[str, ...], entry: dict[str, Any], key: str, read: Callable[[Any], _Value]
    ) -> Sequence[_Value]:
        """What `read` makes of each item of the list at `key`; `read` raises ValueError for a mistake."""
        listed = entry.get(key)
        if not isinstance(listed, list) or not listed:
            got = "nothing" if key not in entry else _kind(listed) if listed else "an empty list"
            self.mistake((*address, f"key '{key}'"), f"expected a list, got {got}; add '{key}': [...]")
            return ()
        values: list[_Value] = []
        for number, item in enumerate(listed, start=1):
            try:
                values.append(read(item))
            except ValueError as error:
                self.mistake((*address, f"item {number} of '{key}'"), str(error))
        return values


def _trace(reading: _Reading, address: tuple[str, ...], name: str, entry: dict[str, Any]) -> TickTrace | None:
    ticks = reading.items(address, entry, "ticks", _instant)
    return TickTrace(name=name, ticks=tuple(sorted(ticks))) if ticks else None


def _delays(reading: _Reading, address: tuple[str, ...], name: str, entry: dict[str, Any]) -> Delays | None:
    late = reading.items(address, entry, "minutes", _minutes)
    return Delays(name, tuple(late)) if late else None


def _instant(item: Any) -> datetime:
    if not isinstance(item, str):
        wrong = f"{item!r:.100} is no ISO 8601 time; write it like 2026-09-01T13:06:00Z"
        raise ValueError(wrong)  # noqa: TRY004  (told like every other mistake)
    return read_instant(item)


def _minutes(item: Any) -> timedelta:
    if isinstance(item, bool) or not isinstance(item, int | float) or not 0 <= item <= 525_600:
        raise ValueError(f"{item!r} is no delay; write a number of minutes from 0 to 525600, such as 44")
    return timedelta(minutes=item)


def _kind(value: Any) -> str:
    names: Iterable[tuple[type, str]] = (
        (bool, "true or false"), (dict, "an object"), (list, "a list"), (str, "a text"), (int, "a number"),
        (float, "a number"),
    )  # fmt: skip
    return next((name for kind, name in names if isinstance(value, kind)), "null")
