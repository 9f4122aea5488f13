"""`dataclass` for frozen, slotted values, made in a quarter of the time that the standard library takes.

A tick makes some eighty classes of values before it knows that nothing is due. For each of them `dataclasses`
compiles six functions, which was a quarter of an idle tick. Here it is one, `__init__`, when a first value is
made; the other methods are closures over the names of the fields. The fields are the standard library's own,
so `fields`, `is_dataclass`, pattern matching and type checkers find what they know. Order isn't offered, nor
are classes that can be changed or have no slots, nor `InitVar`, nor being inherited from by what the standard
library makes: take `dataclasses.dataclass` for all of those.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

__all__ = ["dataclass", "field", "fields", "make_ready", "replace", "values_of"]

if TYPE_CHECKING:
    from dataclasses import dataclass, replace
else:

    def dataclass(*, frozen, slots, kw_only=False):
        """As `dataclasses.dataclass`. Raises ValueError for classes that aren't frozen or have no slots, and
        TypeError for a field without a default after one with a default."""
        if not (frozen and slots):
            raise ValueError("loom.values makes frozen classes with slots only")
        return lambda cls: _value(cls, kw_only)

    def replace(value, /, **changes):
        """As `dataclasses.replace`."""
        replaced = type(value).__dict__.get("__replaced__")
        if replaced is None:
            return dataclasses.replace(value, **changes)
        read, put = replaced
        new = object.__new__(type(value))
        for write, each in zip(put.values(), read(value)):  # noqa: B905  (as many: it is the same fields)
            write(new, each)
        for name, each in changes.items():
            if name not in put:
                raise TypeError(f"{type(value).__qualname__} has no field {name!r}")
            put[name](new, each)
        if hasattr(new, "__post_init__"):
            new.__post_init__()
        return new


def make_ready(*classes: type[Any]) -> None:
    """Compile now what the first value of each class would compile: for where there may be no memory then."""
    for cls in classes:
        cls.__init__ = _init(cls, fields(cls))


_Methods = dict[str, Any]


def _value(cls: type[Any], kw_only: bool) -> type[Any]:
    if cls.__doc__ is None:
        cls.__doc__ = cls.__name__  # or the standard library works out a signature to say there
    given = cls.__dict__
    # Told to make no methods, it gathers fields, defaults and slots, inherited ones too.
    cls = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
    every = fields(cls)
    _refuse_disorder(cls, every)
    methods = _compared(every) | _shown(every) | _kept(every)
    methods |= {
        "__setattr__": _refuse_to_set,
        "__delattr__": _refuse_to_delete,
        "__init__": _first_init(cls, every),
    }
    for name, method in methods.items():
        if given.get(name) is None:
            setattr(cls, name, method)
    if given.get("__init__") is None and all(each.init for each in every):
        put = {each.name: getattr(cls, each.name).__set__ for each in every}
        cls.__replaced__ = values_of(tuple(put)), put
    return cls


def _refuse_disorder(cls: type[Any], every: tuple[Field[Any], ...]) -> None:
    optional = ""
    for each in every:
        if each.kw_only or not each.init:
            continue
        if each.default is not MISSING or each.default_factory is not MISSING:
            optional = each.name
        elif optional:
            told = f"{each.name} has no default and follows {optional}, which has one"
            raise TypeError(f"{cls.__qualname__}: {told}")


def values_of(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """What reads these attributes; `attrgetter` gives no tuple for fewer than two."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _compared(every: tuple[Field[Any], ...]) -> _Methods:
    read = values_of(tuple(each.name for each in every if each.compare))
    hashable = (each.name for each in every if (each.compare if each.hash is None else each.hash))
    hashed = values_of(tuple(hashable))

    def __eq__(self: Any, other: object) -> Any:  # noqa: N807
        if self.__class__ is not other.__class__:
            return NotImplemented
        return read(self) == read(other)

    def __hash__(self: Any) -> int:  # noqa: N807
        return hash(hashed(self))

    return {"__eq__": __eq__, "__hash__": __hash__}


def _shown(every: tuple[Field[Any], ...]) -> _Methods:
    names = tuple(each.name for each in every if each.repr)

    def __repr__(self: Any) -> str:  # noqa: N807
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({shown})"

    return {"__repr__": __repr__}


def _kept(every: tuple[Field[Any], ...]) -> _Methods:
    """For copies and pickles, which would set attributes."""
    names = tuple(each.name for each in every)

    def __getstate__(self: Any) -> list[Any]:  # noqa: N807
        return [getattr(self, name) for name in names]

    def __setstate__(self: Any, state: list[Any]) -> None:  # noqa: N807
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    return {"__getstate__": __getstate__, "__setstate__": __setstate__}


def _refuse_to_set(_self: object, name: str, _value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _first_init(cls: Any, every: tuple[Field[Any], ...]) -> Any:
    """Makes the real one when it is first needed: most classes that a tick imports make no value in it."""

    def __init__(self: Any, *positional: Any, **named: Any) -> None:  # noqa: N807
        cls.__init__ = _init(cls, every)
        cls.__init__(self, *positional, **named)

    return __init__


def _init(cls: type[Any], every: tuple[Field[Any], ...]) -> Any:
    """`__init__`, compiled: a loop over the fields would cost each new value three times as much."""
    known: dict[str, Any] = {"__name__": cls.__module__, "_missing": MISSING}
    positional: list[str] = []
    by_name: list[str] = []
    body: list[str] = []
    for each in every:
        name = each.name
        known[f"_set_{name}"] = getattr(cls, name).__set__
        value = name
        parameter = name
        if each.default_factory is not MISSING:
            known[f"_make_{name}"] = each.default_factory
            parameter = f"{name}=_missing"
            value = f"_make_{name}() if {name} is _missing else {name}" if each.init else f"_make_{name}()"
        elif each.default is not MISSING:
            known[f"_default_{name}"] = each.default
            parameter = f"{name}=_default_{name}"
            value = name if each.init else f"_default_{name}"
        elif not each.init:
            continue
        if each.init:
            (by_name if each.kw_only else positional).append(parameter)
        body.append(f"_set_{name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    star = ["*", *by_name] if by_name else []
    text = f"def __init__({', '.join(['self', *positional, *star])}):\n " + "\n ".join(body or ["pass"])
    exec(text, known)  # noqa: S102  (the names of fields, which are identifiers)
    init = known["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init
