"""Entries <-> the lines of the state branch: one JSON object a line, readable without Loom.

``{"v":1,"batch":"0f3a9c...","part":"2/3","kind":"Run","value":{...}}``. A batch is what was written at once:
its lines lie together, each saying which one of how many it is, so that one taken out by hand is noticed.
The marks of a tick, which all say the same instant, are one line of kind ``Marks``.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from loom.domain.alert import Delivery, Episode
from loom.domain.pause import Pause
from loom.domain.record import Entry, HooksInForce, Renamed
from loom.domain.run import Run
from loom.domain.slot import Ticket
from loom.domain.standing import Standing
from loom.domain.tick import Mark, Tick
from loom.errors import LedgerError
from loom.ledger.codec import UnreadableEntry, decode_strictly, encode, plain

VERSION = 1

Redact = Callable[[Any], Any]
"""A JSON value -> the same without personal data."""

Form = tuple[str, dict[str, Any]]
"""What one line says: the kind of a value, and the value as JSON."""

Written = Entry | Standing
"""What can stand on the branch: entries, and standings that compaction worked out."""

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (Tick, Mark, Ticket, Run, Episode, Delivery, Pause, Renamed, HooksInForce, Standing)
}
# Where people's words are; ids, names, instants and codes are kept as they are.
_TEXTS = {
    "Run": ("reason", "output", "rejected", "error", "errors", "settings"),
    "Ticket": ("detail",),
    "Delivery": ("error",),
    "Pause": ("by", "reason", "ended_by"),
}
_ALERTS = {"Delivery": "alert", "Episode": "last_alert"}
_ALERT_TEXTS = ("summary", "error")


class Line(NamedTuple):
    """One line as read. part, of: which one of how many of its batch. body: the value's JSON as it stands
    there, where that is known."""

    batch: str
    part: int
    of: int
    entries: tuple[Written, ...]
    body: str | None = None


def forms(entries: Sequence[Written]) -> list[Form]:
    """What the lines of these entries say, in their order."""
    found: list[Form] = []
    for (kind, at), group in groupby(entries, key=_together):
        if kind is Mark:
            workers = [mark.worker for mark in group if isinstance(mark, Mark)]
            found.append(("Marks", {"at": at.isoformat(), "workers": workers}))
        else:
            found += [(kind.__name__, encode(entry)) for entry in group]
    return found


def outward(form: Form, redact: Redact | None) -> Form:
    """`form` as it may leave this machine: a run without its log, and every text redacted."""
    kind, value = form[0], dict(form[1])
    if kind == "Run":
        value.pop("log", None)
    if redact is None:
        return kind, value
    _redact(value, _TEXTS.get(kind, ()), redact)
    if earlier := value.get("earlier") if kind == "Pause" else None:
        value["earlier"] = [dict(span) for span in earlier]
        for span in value["earlier"]:
            _redact(span, ("by",), redact)
    alert = value.get(_ALERTS.get(kind, ""))
    if alert:
        alert = value[_ALERTS[kind]] = dict(alert)
        _redact(alert, _ALERT_TEXTS, redact)
    return kind, value


def latest(given: Sequence[Form]) -> list[Form]:
    """`given` without the versions that a later one in it replaces. With a rename among them: all."""
    if any(kind == "Renamed" for kind, _ in given):
        return list(given)
    last = {_identity(form, number): number for number, form in enumerate(given)}
    return [form for number, form in enumerate(given) if last[_identity(form, number)] == number]


def to_text(batch: str, given: Sequence[Form]) -> bytes:
    """The lines of one batch, each with its newline."""
    of = len(given)
    return "".join(
        _ENCODER.encode({"v": VERSION, "batch": batch, "part": f"{part}/{of}", "kind": kind, "value": value})
        + "\n"
        for part, (kind, value) in enumerate(given, 1)
    ).encode("ascii")


def read_line(text: bytes) -> Line:
    """Raises UnreadableEntry for what isn't a line of ours, LedgerError for one of a newer Loom."""
    try:
        row = text.decode()
        # What Loom wrote and nobody touched has this very form: no need to look for another.
        if (head := _HEAD.match(row)) is not None:
            batch, part, of, kind = head.groups()
            value, end = _DECODER.raw_decode(row, head.end())
            if row[end:] == "}":
                entries = tuple(from_form((kind, value)))
                return Line(batch, int(part), int(of), entries, row[head.end() : end])
        form = json.loads(row)
        version = form["v"]
        if isinstance(version, int) and version > VERSION:
            raise LedgerError(f"a newer Loom wrote it (lines of version {version}): upgrade Loom")
        part, _, of = form["part"].partition("/")
        return Line(str(form["batch"]), int(part), int(of), tuple(from_form((form["kind"], form["value"]))))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableEntry(f"{type(error).__name__}: {error}") from error


def from_form(form: Form) -> Iterator[Written]:
    """The entries that one line stands for. Raises ValueError, KeyError, TypeError or AttributeError."""
    kind, value = form
    if kind == "Marks":
        workers, at = value["workers"], value["at"]
        if not isinstance(workers, list):
            raise TypeError(f"expected a list of workers, got {workers!r:.80}")
        for worker in workers:
            yield decode_strictly(Mark, {"worker": worker, "at": at})
    else:
        yield decode_strictly(_KINDS[kind], value)


def _together(entry: Written) -> tuple[type[Any], Any]:
    return type(entry), entry.at if isinstance(entry, Mark) else None


def _redact(value: dict[str, Any], names: Sequence[str], redact: Redact) -> None:
    for name in names:
        if value.get(name) is not None:
            value[name] = redact(value[name])


def _identity(form: Form, number: int) -> tuple[str, Any]:
    kind, value = form
    if kind == "Ticket":
        return kind, value["key"]
    if kind in ("Delivery", "Episode", "Tick"):
        return kind, value["id"]
    return kind, number


_HEAD = re.compile(r'\{"v":1,"batch":"([\w-]+)","part":"(\d+)/(\d+)","kind":"(\w+)","value":')
_DECODER = json.JSONDecoder()
_ENCODER = json.JSONEncoder(separators=(",", ":"), default=plain)
