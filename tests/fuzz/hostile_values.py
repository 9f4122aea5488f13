"""Values that no worker should return. See `hostile`."""

import collections
import datetime
import decimal
import fractions
import io
import logging
import math
import pathlib
import re
import sys
import time
import types
import uuid
import weakref
from collections.abc import Callable
from typing import Any
from unittest import mock

from pydantic import SecretStr

from loom.worker import (
    Finding,
    WorkerOutput,
)

from .hostile_objects import (
    Array,
    Chance,
    Colour,
    Data,
    Dumping,
    Extra,
    Mute,
    Other,
    Output,
    Raising,
    Rooted,
    Serialised,
    hostile_class,
    hostile_object,
)


def _nested(chance: Chance) -> object:
    value: Any = chance.choice([None, 1, "x", math.nan, object()])
    for _ in range(chance.choice([3, 29, 30, 31, 199, 201, 260, 900, 1_100, 20_000, 100_000])):
        value = chance.choice([[value], {"a": value}, (value,)])
    return value


def _circle(chance: Chance) -> object:
    inner: Any = chance.choice([[], {}])
    outer = {"a": [1, (inner,)], "b": inner}
    inner.append(outer) if isinstance(inner, list) else inner.update(again=outer)
    return chance.choice([inner, outer, [outer, outer]])


def text(chance: Chance) -> str:
    return chance.choice(_TEXTS) * chance.choice([1, 1, 1, 1, 50, 5_000])


# fmt: off
_TEXTS = (
    "", " ", "plain", "\ud83d", "\udcff", "a\x00b", "\x1b[31mred\x1b[0m", "\u202eevil", "\u2028", "\ufeff",
    "\U0010ffff", "é" * 3, "e\u0301" * 3, "\r\n::error::x", "::set-output name=x::y", "##[error]x",
    "<script>", "</td>|`|*_[x](y)", "{{7*7}}", "%s %d {} {0}", "\\", "'\"`", "[bold red]x[/]", "[/]",
    "[link=x]", ":smile:", "=1+1", "\t|\t|", "null", "jane.roe@example.org", "+1 312 555 0142",
    "pat-na1-00000000-0000-0000-0000-000000000000", "sk-" + "a" * 40, "---",
)
# fmt: on


def _number(chance: Chance) -> object:
    return chance.choice(
        [
            *(
                0,
                -1,
                2**53 + 1,
                2**63,
                -(2**64),
                10**400,
                10**4_299,
                10**5_000,
                -(10**5_000),
                True,
                1.5,
                -0.0,
                5e-324,
            ),
            *(math.nan, math.inf, -math.inf, 1e308, decimal.Decimal("NaN"), decimal.Decimal("1E+999999")),
            *(decimal.Decimal("0.1"), fractions.Fraction(1, 3), 1j, complex(math.nan, math.inf), sys.maxsize),
        ]
    )


def _thing(chance: Chance) -> object:
    """Something that isn't JSON, or only just."""
    makers: tuple[Callable[[], object], ...] = (
        lambda: b"\xff\x00",
        lambda: bytearray(b"abc"),
        lambda: memoryview(b"abc"),
        lambda: {1, "a", (2,)},
        lambda: frozenset({text(chance)}),
        lambda: (number for number in range(3)),
        lambda: (_ for _ in [1, object()]),
        lambda: (1 / (2 - number) for number in range(4)),
        lambda: iter([1, 2]),
        lambda: map(str, [1]),
        lambda: range(10**9),
        lambda: datetime.datetime.min,  # noqa: DTZ901
        lambda: datetime.datetime.max.replace(tzinfo=datetime.UTC),
        lambda: datetime.datetime(2026, 3, 8, 2, 30),  # noqa: DTZ001  (a worker may well)
        lambda: datetime.timedelta.max,
        lambda: datetime.date.max,
        lambda: datetime.time(23, 59, 59, 999_999),
        lambda: uuid.UUID(int=0),
        lambda: pathlib.PurePosixPath("a\x00b"),
        lambda: re.compile("x"),
        lambda: Colour.RED,
        lambda: Colour.BLUE,
        lambda: SecretStr("hush"),
        lambda: Data(value(chance, 2)),
        lambda: types.SimpleNamespace(a=1),
        lambda: types.MappingProxyType({"a": value(chance, 2)}),
        lambda: collections.OrderedDict(a=1),
        lambda: collections.defaultdict(list, a=[1]),
        lambda: collections.deque([1, 2], maxlen=2),
        lambda: collections.Counter("aab"),
        lambda: time.gmtime(0),
        lambda: Array(),
        lambda: mock.MagicMock(),
        lambda: mock.AsyncMock(),
        lambda: weakref.proxy(Data(1)),
        lambda: logging.getLogger("x"),
        lambda: io.StringIO("x"),
        lambda: sys.modules,
        lambda: value,
        lambda: int,
        lambda: Output,
        lambda: NotImplemented,
        lambda: Ellipsis,
        lambda: Mute(),
        lambda: ValueError(object()),
        lambda: Finding.model_construct(severity=object(), title=3),
        lambda: Other(more=value(chance, 2)),
        lambda: Rooted(value(chance, 2)),
        lambda: sys._getframe(),
        lambda: _coroutine(),
    )
    return chance.choice(makers)()


async def _coroutine() -> int:
    return 1


def _mapping(chance: Chance, depth: int) -> object:
    keys: list[Any] = [
        text(chance),
        1,
        "1",
        1.0,
        True,
        None,
        (1, 2),
        frozenset(),
        b"k",
        math.nan,
        Colour.BLUE,
    ]
    keys += [
        datetime.date.max,
        uuid.UUID(int=1),
        "\ud800",
        "x" * 3_000,
        "summary",
        "findings",
        "__class__",
        10**5_000,
    ]
    return {key: value(chance, depth + 1) for key in chance.sample(keys, chance.randint(0, 4))}


def value(chance: Chance, depth: int = 0) -> Any:
    """Anything at all."""
    kind = chance.random()
    if depth > 3 or kind < 0.15:
        return text(chance)
    if kind < 0.3:
        return _number(chance)
    if kind < 0.5:
        return _thing(chance)
    if kind < 0.62:
        return hostile_object(chance)
    if kind < 0.64:
        return hostile_class(chance)
    if kind < 0.72:
        return _nested(chance)
    if kind < 0.76:
        return _circle(chance)
    if kind < 0.88:
        return _mapping(chance, depth)
    if kind < 0.9:
        return "x" * chance.choice([100_000, 1_000_000, 6_000_000])
    return [value(chance, depth + 1) for _ in range(chance.randint(0, 4))]


def output(chance: Chance) -> Any:
    """A model, validated or not."""
    model = chance.choice([Output, Output, Output, WorkerOutput, Raising, Serialised, Dumping, Extra])
    fields = {"summary": text(chance), "anything": value(chance), "number": _number(chance)}
    fields |= {"words": [text(chance)], "de-ep": value(chance), "metrics": {"a": _number(chance)}}
    findings = [Finding(severity="critical", title=text(chance), detail=text(chance), url=text(chance))]
    kept = {name: fields[name] for name in fields if chance.random() < 0.6}
    kept["summary"] = text(chance) if chance.random() < 0.9 else value(chance)
    kept["findings"] = chance.choice([[], findings, findings * 300, [value(chance)]])
    if chance.random() < 0.5:
        return model.model_construct(**kept)
    made = model.model_validate(kept)
    if chance.random() < 0.3:
        made.__dict__[chance.choice(["summary", "findings", "metrics", "new"])] = value(chance)
    return made
