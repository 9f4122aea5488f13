"""Exceptions that no worker should raise. See `hostile`."""

import asyncio
import datetime
from collections.abc import Callable
from typing import Any, cast

from loom.worker import (
    PermanentError,
    Refused,
    Skip,
    TransientError,
)

from .hostile_objects import Chance, Mute, Odd, misbehave
from .hostile_values import text, value


def _hostile_exception(chance: Chance) -> BaseException:
    parent = chance.choice(
        [
            Exception,
            ValueError,
            OSError,
            SystemExit,
            Skip,
            TransientError,
            PermanentError,
            SyntaxError,
            Odd,
            KeyError,
        ]
    )
    body: dict[str, Any] = {"__str__": misbehave(chance), "__repr__": misbehave(chance)}
    if chance.random() < 0.3:
        body[chance.choice(["__eq__", "__hash__", "__bool__", "__getattribute__", "args", "errno"])] = (
            misbehave(chance)
        )
    if chance.random() < 0.2:
        body["__class__"] = property(misbehave(chance))
    try:
        made = type(chance.choice(["Hostile", "x" * 5_000, "\udcff", "a\nb"]), (parent,), body)("hello")
    except BaseException:  # noqa: BLE001  (it misbehaves before it is born)
        return Odd("unborn")
    assert BaseException in type(made).__mro__
    return cast(BaseException, made)


def exception(chance: Chance, depth: int = 0) -> BaseException:
    """Something to raise."""
    unfit: Any = value(chance, 2)
    makers: tuple[Callable[[], BaseException], ...] = (
        lambda: _hostile_exception(chance),
        lambda: _hostile_exception(chance),
        lambda: Exception(unfit),
        lambda: Exception(*[unfit] * 5),
        lambda: Exception("x" * 3_000_000),
        lambda: Exception(text(chance)),
        lambda: KeyError(unfit),
        lambda: OSError(2, text(chance), text(chance)),
        lambda: OSError(unfit, unfit),
        lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, text(chance)),
        lambda: SyntaxError(text(chance), (text(chance), 10**9, -5, text(chance))),
        lambda: SystemExit(unfit),
        lambda: SystemExit(0),
        lambda: KeyboardInterrupt(),
        lambda: GeneratorExit(),
        lambda: StopIteration(unfit),
        lambda: StopAsyncIteration(),
        lambda: asyncio.CancelledError(text(chance)),
        lambda: MemoryError(),
        lambda: RecursionError(),
        lambda: AssertionError(),
        lambda: Mute(),
        lambda: Skip(unfit),
        lambda: Skip(),
        lambda: Refused(unfit),
        lambda: TransientError(text(chance), retry_after=unfit),
        lambda: TransientError(text(chance), retry_after=datetime.timedelta.max),
        lambda: PermanentError(unfit),
        lambda: _group(chance, depth),
    )
    made = chance.choice(makers)()
    try:
        if chance.random() < 0.2:
            made.__cause__ = exception(chance, depth + 1) if depth < 3 else made
        if chance.random() < 0.1:
            made.__context__ = made
        if chance.random() < 0.2:
            made.__notes__ = chance.choice([["note"], [unfit], unfit, 5])  # type: ignore[list-item]
    except BaseException:  # noqa: BLE001  (it doesn't want to be changed)
        return made
    return made


def _group(chance: Chance, depth: int) -> BaseException:
    if depth > 2:
        return Odd("deep enough")
    inner = [exception(chance, depth + 1) for _ in range(chance.randint(1, 3))]
    group = BaseExceptionGroup(text(chance), inner)
    for _ in range(chance.choice([0, 0, 3, 2_000])):
        group = BaseExceptionGroup("more", [group])
    return group
