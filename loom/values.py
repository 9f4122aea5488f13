"""`dataclass` for frozen, slotted values, made in a fraction of the time that the standard library takes.

A tick makes some eighty classes of values before it knows that nothing is due. For each of them `dataclasses`
makes a second class and compiles six functions, which was a quarter of an idle tick. Here all classes share
their methods, which look up what they need of the fields when they first meet a class, and the only function
that is compiled is `__init__`, for classes of which many values are made. The standard library's `fields`,
`is_dataclass` and `replace`, pattern matching and type checkers find what they know. Order isn't offered, nor
are classes that can be changed or have no slots, nor `InitVar`, nor inheriting from what the standard library
makes or being inherited from by it: take `dataclasses.dataclass` for all of those.
"""

import inspect
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

__all__ = [
    "MISSING",
    "Field",
    "dataclass",
    "field",
    "fields",
    "is_value",
    "make_ready",
    "replace",
    "values_of",
]

MISSING: Any = object()
"""Stands for a default that there isn't."""


class Field:
    """As `dataclasses.Field`, with `MISSING` of this module."""

    __slots__ = ("compare", "default", "default_factory", "hash", "init", "kw_only", "name", "repr", "type")

    name: str
    type: Any

    def __init__(
        self,
        default: Any = MISSING,
        default_factory: Any = MISSING,
        init: bool = True,
        repr: bool = True,
        hash: bool | None = None,
        compare: bool = True,
        kw_only: bool | None = None,
    ) -> None:
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.repr = repr
        self.hash = hash
        self.compare = compare
        self.kw_only = kw_only


if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    field = Field

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
            import dataclasses

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


def is_value(cls: type[Any]) -> bool:
    """Whether it is a class that `dataclass` made, or inherits from one."""
    return hasattr(cls, "__given__")


def fields(cls: type[Any]) -> tuple[Field, ...]:
    """Those of a class that `dataclass` made, in order."""
    return _every.get(cls) or _learn_fields(cls)


def make_ready(*classes: type[Any]) -> None:
    """Compile now what the first value of each class would compile: for where there may be no memory then."""
    for cls in classes:
        cls.__init__ = _init(cls, fields(cls))


_Copying = tuple[Callable[[Any], tuple[Any, ...]], dict[str, Callable[[Any, Any], None]]]
_copying: dict[type[Any], _Copying] = {}
"""How a value of each class that `replace` met is read, and how each field of another one is set."""


def _learn_to_copy(kind: type[Any]) -> _Copying | None:
    """None where values are made in another way than field by field."""
    if not kind.__dict__.get("__copied__") or not all(each.init for each in fields(kind)):
        return None
    put = {each.name: getattr(kind, each.name).__set__ for each in fields(kind)}
    _copying[kind] = values_of(tuple(put)), put
    return _copying[kind]


_Fields = tuple[Field, ...]
_every: dict[type[Any], _Fields] = {}
"""The fields of each class of which they were asked for."""


def _value(cls: type[Any], kw_only: bool) -> type[Any]:
    body = dict(cls.__dict__)
    body.pop("__dict__", None)
    body.pop("__weakref__", None)
    given: dict[str, Any] = {}
    doubtful = False
    before: Any = MISSING
    annotations: dict[str, Any] = inspect.get_annotations(cls)
    for name, kind in annotations.items():
        if kind is ClassVar or getattr(kind, "__origin__", None) is ClassVar:
            continue
        default = given[name] = body.pop(name, MISSING)  # a slot will stand there
        if default is MISSING:
            doubtful = doubtful or (before is not MISSING and not kw_only)
        elif default.__class__ is Field or default.__class__.__hash__ is None:
            doubtful = True
        before = default
    inherited = {name for base in cls.__mro__[1:] for name in base.__dict__.get("__given__", ())}
    classes: list[type[Any]] = []
    body["__copied__"] = body.get("__init__") is None
    for name, method in (*_METHODS, ("__init__", _first_init(classes))):
        if body.get(name) is None:
            body[name] = method
    body["__qualname__"] = cls.__qualname__
    body["__slots__"] = tuple([name for name in given if name not in inherited])
    body["__match_args__"] = _POSITIONAL
    body["__dataclass_fields__"] = _STANDARD_FIELDS
    body["__given__"] = given
    body["__kw_only__"] = kw_only
    # Slots are only made with a class, never added to it: this is a second one.
    metaclass: Any = type(cls)
    classes.append(metaclass(cls.__name__, cls.__bases__, body))
    if doubtful or inherited:
        _refuse_disorder(classes[0])
    return classes[0]


def _learn_fields(cls: type[Any]) -> _Fields:
    every: dict[str, Field] = {}
    for base in reversed(cls.__mro__):
        every |= _own_fields(base)
    _every[cls] = tuple(every.values())
    return _every[cls]


def _own_fields(cls: type[Any]) -> dict[str, Field]:
    own: dict[str, Field] = {}
    given: dict[str, Any] = cls.__dict__.get("__given__", {})
    types = inspect.get_annotations(cls) if given else {}
    for name, default in given.items():
        each = own[name] = default if isinstance(default, Field) else Field(default)
        each.name, each.type = name, types[name]
        if each.kw_only is None:
            each.kw_only = cls.__dict__["__kw_only__"]
    return own


def _refuse_disorder(cls: type[Any]) -> None:
    optional = ""
    for each in fields(cls):
        if each.default is not MISSING and each.default.__class__.__hash__ is None:
            told = f"{each.name} has a default that can change; use default_factory"
            raise ValueError(f"{cls.__qualname__}: {told}")
        if each.kw_only or not each.init:
            continue
        if each.default is not MISSING or each.default_factory is not MISSING:
            optional = each.name
        elif optional:
            told = f"{each.name} has no default and follows {optional}, which has one"
            raise TypeError(f"{cls.__qualname__}: {told}")


class _Positional:
    """`__match_args__`."""

    def __get__(self, value: object, cls: type[Any]) -> tuple[str, ...]:
        return tuple(each.name for each in fields(cls) if each.init and not each.kw_only)


class _StandardFields:
    """`__dataclass_fields__`, made by the standard library when it is first asked for."""

    def __init__(self) -> None:
        self._made: dict[_Fields, dict[str, Any]] = {}

    def __get__(self, value: object, cls: type[Any]) -> dict[str, Any]:
        every = fields(cls)
        if every not in self._made:
            self._made[every] = _standard_fields(cls, every)
        return self._made[every]


def _standard_fields(cls: type[Any], every: _Fields) -> dict[str, Any]:
    import dataclasses

    body: dict[str, Any] = {"__annotations__": {each.name: each.type for each in every}}
    for each in every:
        said = {name: getattr(each, name) for name in Field.__slots__ if name not in ("name", "type")}
        body[each.name] = dataclasses.field(**{name: it for name, it in said.items() if it is not MISSING})
    body["__module__"] = cls.__module__
    body["__doc__"] = cls.__name__  # or the standard library works out a signature to say there
    twin: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(type(cls.__name__, (), body))
    made: dict[str, Any] = twin.__dataclass_fields__
    return made


def values_of(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """What reads these attributes; `attrgetter` gives no tuple for fewer than two."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


_Reading = Callable[[Any], tuple[Any, ...]]
_compared: dict[type[Any], _Reading] = {}
_hashed: dict[type[Any], _Reading] = {}
"""What is read of a value of each class that was compared, or hashed."""


def _learn_to_compare(cls: type[Any]) -> _Reading:
    _compared[cls] = values_of(tuple(each.name for each in fields(cls) if each.compare))
    return _compared[cls]


def _learn_to_hash(cls: type[Any]) -> _Reading:
    hashable = (each for each in fields(cls) if (each.compare if each.hash is None else each.hash))
    _hashed[cls] = values_of(tuple(each.name for each in hashable))
    return _hashed[cls]


def _equal(self: Any, other: object) -> Any:
    cls = self.__class__
    if cls is not other.__class__:
        return NotImplemented
    read = _compared.get(cls) or _learn_to_compare(cls)
    return read(self) == read(other)


def _hash(self: Any) -> int:
    read = _hashed.get(self.__class__) or _learn_to_hash(self.__class__)
    return hash(read(self))


def _shown(self: Any) -> str:
    shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(type(self)) if each.repr)
    return f"{self.__class__.__qualname__}({shown})"


def _state(self: Any) -> list[Any]:
    """For copies and pickles, which would set attributes."""
    return [getattr(self, each.name) for each in fields(type(self))]


def _take_state(self: Any, state: list[Any]) -> None:
    for each, value in zip(fields(type(self)), state, strict=True):
        object.__setattr__(self, each.name, value)


def _refuse_to_set(_self: object, name: str, _value: object) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


_POSITIONAL, _STANDARD_FIELDS = _Positional(), _StandardFields()
_METHODS: tuple[tuple[str, Any], ...] = (
    ("__eq__", _equal),
    ("__hash__", _hash),
    ("__repr__", _shown),
    ("__getstate__", _state),
    ("__setstate__", _take_state),
    ("__setattr__", _refuse_to_set),
    ("__delattr__", _refuse_to_delete),
)

_FEW = 16
"""Of most classes a tick makes no more values than this, and compiling takes as long as making them does."""


def _first_init(classes: list[type[Any]]) -> Any:
    """Sets the fields one by one for the first few values; then, or where what is given doesn't fit, the real
    one is made and takes its place. classes: will hold the class, once it is there."""
    plan: _Plan | None = None
    left = _FEW

    def __init__(self: Any, /, *unnamed: Any, **named: Any) -> None:  # noqa: N807
        nonlocal plan, left
        plan = plan or _Plan(classes[0])
        left -= 1
        given = dict(zip(plan.positional, unnamed, strict=False)) | named
        fits = len(given) == len(unnamed) + len(named) and given.keys() <= plan.defaults.keys()
        if left < 0 or not fits or not _fill(self, plan, given):
            plan.cls.__init__ = _init(plan.cls, fields(plan.cls))
            plan.cls.__init__(self, *unnamed, **named)
        elif plan.checked:
            self.__post_init__()

    return __init__


class _Plan:
    """What the first few values are made by: what the class was given, of which most fields need no more.
    defaults: of each field, or MISSING, or a Field that has another sort of default."""

    def __init__(self, cls: Any) -> None:
        self.cls = cls
        self.defaults: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            self.defaults |= base.__dict__.get("__given__", {})
        usual = (
            Field not in map(type, self.defaults.values()) and self.defaults.keys() == cls.__given__.keys()
        )
        if not usual:
            self.positional = cls.__match_args__
        elif cls.__kw_only__:
            self.positional = ()
        else:
            self.positional = tuple(self.defaults)
        self.setters = {name: getattr(cls, name).__set__ for name in self.defaults}
        self.checked = hasattr(cls, "__post_init__")


def _fill(self: Any, plan: _Plan, given: dict[str, Any]) -> bool:
    """Whether there was a value for every field that needs one, and for no other."""
    for name, default in plan.defaults.items():
        value = given.get(name, default)
        if value.__class__ is Field:
            if not value.init:
                return False
            value = value.default if value.default_factory is MISSING else value.default_factory()
        if value is MISSING:
            return False
        plan.setters[name](self, value)
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
