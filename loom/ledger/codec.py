"""Entry <-> JSON. Fields at their default are left out, so that a record costs what it says.

What each field needs is worked out once per class from its annotation; what is written per entry is a
walk over that table. Values typed `Any` or `Mapping` are JSON values already and pass through.
"""

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache, partial
from itertools import compress
from operator import is_not
from typing import Any, TypeVar, get_args, get_origin

from loom.values import dataclass, fields, replace, values_of

T = TypeVar("T")

_Step = Callable[[Any], Any]


class UnreadableEntry(Exception):
    """A stored record that this Loom can't read: damaged, or written by another version."""


def to_json(entry: object) -> str:
    """`entry` (a dataclass of the domain) as one line of ASCII JSON.

    Raises ValueError for a datetime without a time zone.
    """
    return _ENCODER.encode(encode(entry))


def from_json(kind: type[T], text: str, **known: Any) -> T:
    """The entry of class `kind` that `to_json` wrote; `known` replaces fields of its JSON form.

    Raises UnreadableEntry.
    """
    try:
        form = json.loads(text)
        form.update(known)
        return decode(kind, form)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableEntry(f"{kind.__name__} {str(text)[:80]!r}: {error}") from error


def field_of(kind: type[Any], text: str, name: str) -> Any:
    """One field, as JSON has it, of the entry of class `kind` that `to_json` wrote; None if that says nothing
    of it. Raises UnreadableEntry."""
    try:
        return json.loads(text).get(name)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableEntry(f"{kind.__name__} {str(text)[:80]!r}: {error}") from error


def encode(entry: Any) -> dict[str, Any]:
    """`entry` as a dict that `json` can write: instants as RFC 3339 in UTC, enums as their values."""
    form: dict[str, Any] = {}
    table = _table(type(entry))
    values = table.read(entry)
    every = zip(table.encoders, values, table.defaults, strict=True)
    # Most fields hold the very object that is their default: those are passed over without a look.
    for (name, step), value, default in compress(every, map(is_not, values, table.defaults)):
        if value == default:
            continue
        form[name] = value if step is None or value is None else step(value)
    return form


def decode(kind: type[T], form: dict[str, Any]) -> T:
    """The entry of class `kind`; `form` belongs to this function from now on."""
    for name, step in _table(kind).decoders:
        value = form.get(name)
        if value is not None:
            form[name] = step(value)
    return kind(**form)


def decode_strictly(kind: type[T], form: dict[str, Any]) -> T:
    """As `decode`, for what others may have written: nothing of another type than its field's, no instant
    that nobody could have meant. Raises TypeError or ValueError naming the field."""
    checks = _checks(kind)
    for name, value in form.items():
        check = checks.get(name, _UNKNOWN)
        if check.allowed and type(value) not in check.allowed:
            raise TypeError(f"{name} can't be {value!r:.80}")
        if check.step is not None and value is not None:
            try:
                form[name] = check.step(value)
            except (TypeError, ValueError, KeyError) as error:
                raise TypeError(f"{name} can't be {value!r:.80}: {error}") from None
    return kind(**form)


def stamp(at: datetime) -> str:
    """An instant as text of fixed width in UTC: it sorts as time does.

    Raises ValueError for a datetime without a time zone.
    """
    return _stamped(at if at.tzinfo is UTC else _in_utc(at))


read_stamp = datetime.fromisoformat


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone: the ledger takes aware instants only")
    return at.astimezone(UTC)


# Many entries of one tick hold the same few instants, each several times. Of instants in UTC alone: elsewhere
# two that are equal may be written in two ways.
@lru_cache(maxsize=64)
def _stamped(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")


@lru_cache(maxsize=64)
def _in_words(at: datetime) -> str:
    return at.isoformat()


def _write_instant(at: datetime) -> str:
    return _in_words(at if at.tzinfo is UTC else _in_utc(at))


def _read_instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return at


@dataclass(frozen=True, slots=True)
class _Table:
    """read: the values of every field, in order. defaults: theirs. encoders: (name, step) of each. decoders:
    (name, step) of those that need one."""

    read: Callable[[Any], tuple[Any, ...]]
    defaults: tuple[Any, ...]
    encoders: tuple[tuple[str, _Step | None], ...]
    decoders: tuple[tuple[str, _Step], ...]


_TABLES: dict[type[Any], _Table] = {}


def _table(kind: type[Any]) -> _Table:
    table = _TABLES.get(kind)
    if table is None:
        table = _TABLES[kind] = _draw_up(kind)
    return table


def _draw_up(kind: type[Any]) -> _Table:
    steps = {field.name: _steps(field.type) for field in fields(kind)}
    return _Table(
        read=values_of(tuple(steps)),
        defaults=tuple(map(_default, fields(kind))),
        encoders=tuple((name, step) for name, (step, _) in steps.items()),
        decoders=tuple((name, step) for name, (_, step) in steps.items() if step is not None),
    )


def _default(field: Field[Any]) -> Any:
    # MISSING equals nothing but itself, so a field without a default is always written.
    return field.default if field.default_factory is MISSING else field.default_factory()


def _steps(annotation: Any) -> tuple[_Step | None, _Step | None]:
    """How to write and read a value of the annotated type; None where JSON does as it is."""
    if isinstance(annotation, types.UnionType):
        (annotation,) = (part for part in get_args(annotation) if part is not types.NoneType)
    origin: Any = get_origin(annotation) or annotation
    if annotation is datetime:
        return _write_instant, _read_instant
    if origin is Mapping:
        return dict, None
    if origin is tuple:
        write, read = _steps(get_args(annotation)[0])
        return _each(write, list), _each(read, tuple)
    if isinstance(origin, type) and is_dataclass(origin):
        return encode, lambda form: decode(origin, form)
    if isinstance(origin, type) and issubclass(origin, Enum):
        return None, {member.value: member for member in origin}.__getitem__
    if origin in (str, int, float, bool, Any):
        return None, None
    raise TypeError(f"the ledger doesn't know how to write {annotation!r}; teach loom.ledger.codec")


def _each(step: _Step | None, into: type[list[Any]] | type[tuple[Any, ...]]) -> _Step:
    if step is None:
        return into
    return lambda values: into(map(step, values))


@dataclass(frozen=True, slots=True)
class _Check:
    """allowed: the types of JSON values that a field may have; empty for any."""

    allowed: frozenset[type]
    step: _Step | None


_UNKNOWN = _Check(frozenset(), None)
# As JSON says them; True is no whole number, though Python takes it for one.
_PLAIN: dict[Any, frozenset[type]] = {
    str: frozenset({str}),
    int: frozenset({int}),
    float: frozenset({float, int}),
    bool: frozenset({bool}),
    Any: frozenset(),
}


_CHECKS: dict[type[Any], dict[str, _Check]] = {}


def _checks(kind: type[Any]) -> dict[str, _Check]:
    checks = _CHECKS.get(kind)
    if checks is None:
        checks = _CHECKS[kind] = {field.name: _check(field.type) for field in fields(kind)}
    return checks


def _check(annotation: Any) -> _Check:
    if isinstance(annotation, types.UnionType):
        (inner,) = (part for part in get_args(annotation) if part is not types.NoneType)
        check = _check(inner)
        return replace(check, allowed=check.allowed | {types.NoneType})
    origin: Any = get_origin(annotation) or annotation
    if origin in _PLAIN:
        return _Check(_PLAIN[origin], None)
    if origin is datetime:
        return _Check(frozenset({str}), _read_near_instant)
    if origin is Mapping:
        return _Check(frozenset({dict}), None)
    if origin is tuple:
        return _Check(frozenset({list}), partial(_read_each, _check(get_args(annotation)[0])))
    if isinstance(origin, type) and is_dataclass(origin):
        return _Check(frozenset({dict}), partial(decode_strictly, origin))
    return _Check(frozenset({str}), _steps(annotation)[1])


def _read_near_instant(text: str) -> datetime:
    # Imported only where others may have written.
    from loom.instants import YEARS

    at = datetime.fromisoformat(text)
    if at.tzinfo is None or at.year not in YEARS:
        raise ValueError("it has no time zone, or is of another age")
    return at


def _read_each(check: _Check, values: list[Any]) -> tuple[Any, ...]:
    if check.allowed and not all(type(value) in check.allowed for value in values):
        raise TypeError("something in it is of another type")
    return tuple(values if check.step is None else map(check.step, values))


def plain(value: object) -> object:
    """For `json`: a mapping of any kind as a dict. Raises TypeError for what JSON can't say."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} isn't a JSON value: {value!r}")


# Escaping to ASCII lets a lone surrogate through, which SQLite's UTF-8 wouldn't.
_ENCODER = json.JSONEncoder(separators=(",", ":"), default=plain)
