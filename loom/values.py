"""`dataclass` for frozen, slotted values, made in a fraction of the time that the standard library takes.

A tick makes some ninety classes of values before it knows that nothing is due. For each of them `dataclasses`
makes a second class and compiles six functions, which was a quarter of an idle tick. Here the methods are
closures over the names of the fields, and the only function that is compiled is `__init__`, for classes of
which many values are made. The fields are the standard library's own, so `fields`, `is_dataclass`, pattern
matching and type checkers find what they know. Order isn't offered, nor are classes that can be changed or
have no slots, nor `InitVar`, nor being inherited from by what the standard library makes: take
`dataclasses.dataclass` for all of those.
"""

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, get_origin

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
        kind = type(value)
        copying = _copying.get(kind) or _learn_to_copy(kind)
        if copying is None:
            return dataclasses.replace(value, **changes)
        read, put = copying
        new = object.__new__(kind)
        for write, each in zip(put.values(), read(value)):  # noqa: B905  (as many: it is the same fields)
            write(new, each)
        for name, each in changes.items():
            if name not in put:
                raise TypeError(f"{kind.__qualname__} has no field {name!r}")
            put[name](new, each)
        if hasattr(new, "__post_init__"):
            new.__post_init__()
        return new


def make_ready(*classes: type[Any]) -> None:
    """Compile now what the first value of each class would compile: for where there may be no memory then."""
    for cls in classes:
        cls.__init__ = _init(cls, cls.__every__)


_Copying = tuple[Callable[[Any], tuple[Any, ...]], dict[str, Callable[[Any, Any], None]]]
_copying: dict[type[Any], _Copying] = {}
"""How a value of each class that `replace` met is read, and how each field of another one is set."""


def _learn_to_copy(kind: type[Any]) -> _Copying | None:
    """None where values are made in another way than field by field."""
    if not kind.__dict__.get("__copied__"):
        return None
    put = {each.name: getattr(kind, each.name).__set__ for each in kind.__dict__["__every__"]}
    _copying[kind] = values_of(tuple(put)), put
    return _copying[kind]


_Methods = dict[str, Any]
_Fields = tuple[Field[Any], ...]


def _value(cls: type[Any], kw_only: bool) -> type[Any]:
    body = {name: each for name, each in cls.__dict__.items() if name not in ("__dict__", "__weakref__")}
    inherited = {each.name: each for base in reversed(cls.__mro__[1:]) for each in _fields_of(base)}
    own = _own_fields(cls, body, kw_only)
    every = tuple((inherited | own).values())
    _refuse_disorder(cls, every)
    methods = _compared(every) | _shown(every) | _kept(every)
    methods |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete, "__replace__": replace}
    classes: list[type[Any]] = []
    methods["__init__"] = _first_init(classes, every)
    copied = body.get("__init__") is None and all(each.init for each in every)
    body |= {name: method for name, method in methods.items() if body.get(name) is None}
    body |= {
        "__qualname__": cls.__qualname__,
        "__slots__": tuple(name for name in own if name not in inherited),
        "__match_args__": tuple(each.name for each in every if each.init and not each.kw_only),
        "__dataclass_fields__": _StandardFields(every),
        "__every__": every,
        "__copied__": copied,
    }
    # Slots are only made with a class, never added to it: this is a second one.
    metaclass: Any = type(cls)
    classes.append(metaclass(cls.__name__, cls.__bases__, body))
    return classes[0]


def _fields_of(base: type[Any]) -> _Fields:
    every: _Fields | None = base.__dict__.get("__every__")
    return every if every is not None else tuple(base.__dict__.get("__dataclass_fields__", {}).values())


def _own_fields(cls: type[Any], body: dict[str, Any], kw_only: bool) -> dict[str, Field[Any]]:
    """Those that the class itself names, in order. Their defaults are taken out of `body`, where slots will
    stand."""
    own: dict[str, Field[Any]] = {}
    annotations: dict[str, Any] = inspect.get_annotations(cls)
    for name, kind in annotations.items():
        if kind is ClassVar or get_origin(kind) is ClassVar:
            continue
        given = body.pop(name, MISSING)
        # A type checker is told a lie about what `field` returns.
        each: Any = given if isinstance(given, Field) else field(default=given)
        if each.default is not MISSING and each.default.__class__.__hash__ is None:
            raise ValueError(f"{cls.__qualname__}: {name} has a default that can change; use default_factory")
        each.name, each.type = name, kind
        if each.kw_only is MISSING:
            each.kw_only = kw_only
        own[name] = each
    return own


class _StandardFields:
    """`__dataclass_fields__`, completed by the standard library when it is first asked for."""

    def __init__(self, every: _Fields) -> None:
        self._every = every
        self._complete: dict[str, Field[Any]] | None = None

    def __get__(self, value: object, cls: type[Any]) -> dict[str, Field[Any]]:
        if self._complete is None:
            named = {each.name: each for each in self._every}
            types = {each.name: each.type for each in self._every}
            body = {**named, "__annotations__": types, "__module__": cls.__module__}
            body["__doc__"] = cls.__name__  # or the standard library works out a signature to say there
            twin = type(cls.__name__, (), body)
            made: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(twin)
            self._complete = made.__dataclass_fields__
        return self._complete


def _refuse_disorder(cls: type[Any], every: _Fields) -> None:
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


def _compared(every: _Fields) -> _Methods:
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


def _shown(every: _Fields) -> _Methods:
    names = tuple(each.name for each in every if each.repr)

    def __repr__(self: Any) -> str:  # noqa: N807
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({shown})"

    return {"__repr__": __repr__}


def _kept(every: _Fields) -> _Methods:
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


_FEW = 100
"""Of most classes a tick makes no more values than this, and compiling takes as long as making them does."""


def _first_init(classes: list[type[Any]], every: _Fields) -> Any:
    """Sets the fields one by one for the first few values; then, or where what is given doesn't fit, the real
    one is made and takes its place. classes: will hold the class, once it is there."""
    plan: _Plan | None = None
    left = _FEW

    def __init__(self: Any, /, *unnamed: Any, **named: Any) -> None:  # noqa: N807
        nonlocal plan, left
        plan = plan or _Plan(classes[0], every)
        left -= 1
        given = dict(zip(plan.positional, unnamed, strict=False)) | named
        fits = len(given) == len(unnamed) + len(named) and given.keys() <= plan.taken
        if left < 0 or not fits or not _fill(self, plan, given):
            plan.cls.__init__ = _init(plan.cls, every)
            plan.cls.__init__(self, *unnamed, **named)
        elif plan.checked:
            self.__post_init__()

    return __init__


class _Plan:
    """What the first few values are made by."""

    def __init__(self, cls: Any, every: _Fields) -> None:
        self.cls = cls
        self.positional = cls.__match_args__
        self.taken = frozenset(each.name for each in every if each.init)
        self.setters = [(each, getattr(cls, each.name).__set__) for each in every]
        self.checked = hasattr(cls, "__post_init__")


def _fill(self: Any, plan: _Plan, given: dict[str, Any]) -> bool:
    """Whether there was a value for every field that needs one."""
    for each, set_to in plan.setters:
        if each.name in given:
            set_to(self, given[each.name])
        elif each.default is not MISSING:
            set_to(self, each.default)
        elif each.default_factory is not MISSING:
            set_to(self, each.default_factory())
        elif each.init:
            return False
    return True


def _init(cls: type[Any], every: _Fields) -> Any:
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
