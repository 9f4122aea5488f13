"""Damage to lines of the state branch, as a hand, a merge or a bad disk does it."""

import json
import random
from typing import Any

Marked = list[tuple[bytes, bool]]
"""The lines, and whether each isn't as it was written."""

# fmt: off
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7.5, 1e300, 10**30, -(10**18), float("nan"), float("inf"), "", " ", "x",
    "0", "1/1", "2/3", "2026-06-07T06:00:00", "2026-06-07T06:00:00+00:00", "0001-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59+00:00", "2026-06-07", "1999-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59",
    "2400-06-07T06:00:00+00:00", "2199-12-31T23:59:59+00:00", "1970-01-01T00:00:00+00:00",
    "2026-13-01T00:00Z", "closed", "open", "claimed", "started", "succeeded", "failed", "missed", "retry",
    "manual", "schedule", "sent", "echo", "broken", "old", "new", "flaky", "nobody",
    "echo@2026-06-07T08:00:00Z", "echo#x", "\ud800", "\x00", "é" * 200, "x" * 70_000, [], {}, [None],
    ["echo"], {"a": 1}, [[]], {"kind": "k", "message": "m"}, {"kind": 1, "message": []}, "stderr", "file",
    "worker.down", "loom:registry", "Marks", "Run", "Ticket", "Standing", "Pause",
)
_BYTES = (
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b"\t", b"{", b"}", b'"', b"\\", b",",
    b"\xe2\x80\xa8",
)
# fmt: on


def _line(kind: str, value: str) -> bytes:
    return f'{{"v":1,"batch":"b","part":"1/1","kind":"{kind}","value":{value}}}'.encode()


_WHOLE = (
    *(b"", b"{}", b"[]", b"null", b"7", b'"x"', b"<<<<<<< HEAD", b"=======", b">>>>>>> theirs", b"# a note"),
    *(
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\xff\xfe" * 8,
        b'{"v":1}',
        b'{"v":2}',
        b'{"v":1,"batch":"b","part":"1/1"}',
    ),
    b'{"v":"1","batch":1,"part":"1/1","kind":"Run","value":{}}',
    _line("Run", "9" * 5_000),
    _line("Renamed", '{"old":"echo","new":"broken"}'),
    _line("Renamed", '{"old":"new","new":"new"}'),
    _line("Pause", '{"worker":"echo","by":"a","at":"2026-06-07T07:00:00+00:00"}'),
    _line("Marks", '{"at":"9999-12-31T23:59:59+00:00","workers":["zz"]}'),
    _line("Marks", '{"at":"2199-12-31T23:59:59+00:00","workers":["echo"]}'),
    _line("Marks", '{"at":"0001-01-01T00:00:00+00:00","workers":["zz"]}'),
    _line("Marks", '{"at":"1970-01-01T00:00:00+00:00","workers":["zz"]}'),
    _line("HooksInForce", '{"hooks":[{"kind":"nope","options":{}}]}'),
    _line("HooksInForce", '{"hooks":[{"kind":"webhook","options":{"url":1}}]}'),
    _line("Episode", '{"id":"e","subject":"loom:registry","opened_at":"2026-06-07T07:00:00+00:00"}'),
)


def spoil(marked: Marked, chance: random.Random) -> None:
    """One piece of damage to the lines; those that aren't as they were are marked."""
    if not marked:
        return
    place = chance.randrange(len(marked))
    row = marked[place][0]
    match chance.randrange(14):
        case 0:
            del marked[place]
        case 1:
            marked.insert(chance.randrange(len(marked) + 1), (row, True))
        case 2:
            other = chance.randrange(len(marked))
            marked[place], marked[other] = (marked[other][0], True), (row, True)
        case 3:
            marked[place] = (row[: chance.randrange(len(row) + 1)], True)
        case 4 if place + 1 < len(marked):
            marked[place : place + 2] = [(row + marked[place + 1][0], True)]
        case 5:
            cut = chance.randrange(len(row) + 1)
            marked[place : place + 1] = [(row[:cut], True), (row[cut:], True)]
        case 6:
            cut = chance.randrange(len(row) + 1)
            marked[place] = (row[:cut] + chance.choice(_BYTES) + row[cut + chance.randrange(3) :], True)
        case 7:
            marked.insert(place, (chance.choice(_WHOLE), True))
        case _:
            marked[place] = (_misreported(row, marked, chance), True)


def _misreported(row: bytes, marked: Marked, chance: random.Random) -> bytes:
    """The line with other things in it than were written, in the same form or another."""
    try:
        form, other = json.loads(row), json.loads(chance.choice(marked)[0])
    except (ValueError, RecursionError):
        return row
    for _ in range(chance.choice([1, 1, 2])):
        container, key = chance.choice(_places(form) or [({}, "x")])
        match chance.randrange(5):
            case 0 if isinstance(container, dict):
                container.pop(key, None)
            case 1 if isinstance(container, dict):
                container[chance.choice(["extra", "worker", "at", "slot", "state", "v"])] = chance.choice(
                    _VALUES
                )
            case 2 if found := _places(other):
                giver, its_key = chance.choice(found)
                container[key] = giver[its_key]
            case _:
                container[key] = chance.choice(_VALUES)
    shape = chance.choice([(",", ":"), (",", ":"), (", ", ": ")])
    return json.dumps(form, separators=shape).encode()


def _places(node: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [node]
    while waiting:
        each = waiting.pop()
        items = each.items() if isinstance(each, dict) else enumerate(each) if isinstance(each, list) else ()
        for key, value in items:
            found.append((each, key))
            waiting.append(value)
    return found
