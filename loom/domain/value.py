"""Value: a frozen class of named fields, as `dataclasses` makes them, at a tenth of the price.

A dataclass takes half a millisecond to come about, since its methods are compiled from text each time; a tick
with nothing due has a dozen kinds of rules to know and no time for that.
"""

from typing import Any, ClassVar, NoReturn, Self, dataclass_transform, get_origin


@dataclass_transform(frozen_default=True)
class Value:
    """Fields are the annotated names of a subclass, those of its bases first, in order; what is assigned to
    one is its default. Two are equal when their class and all their fields are.

    kw_only: whether fields are given by name alone.
    """

    _fields: ClassVar[tuple[str, ...]] = ()
    _by_name: ClassVar[bool] = False

    def __init_subclass__(cls, *, kw_only: bool = False) -> None:
        cls._by_name = kw_only
        # Since 3.10 a class has annotations of its own, if empty ones; `inspect` would cost 10 ms to import.
        own = (name for name, kind in cls.__annotations__.items() if _is_field(kind))
        cls._fields = (*cls._fields, *(name for name in own if name not in cls._fields))

    def __init__(self, *values: Any, **named: Any) -> None:
        fields = self._fields
        given = dict(zip(fields, values, strict=False))
        if (
            len(values) > (0 if self._by_name else len(fields))
            or not given.keys().isdisjoint(named)
            or named.keys() - set(fields)
        ):
            raise TypeError(f"{type(self).__name__} takes {', '.join(fields)}, got {values!r} and {named!r}")
        given.update(named)
        for name in fields:
            if name not in given:
                if not hasattr(type(self), name):
                    raise TypeError(f"{type(self).__name__} needs {name}")
                given[name] = getattr(type(self), name)
        self.__dict__.update((name, given[name]) for name in fields)

    def changed(self, **fields: Any) -> Self:
        """The same but for these fields."""
        return type(self)(**{**self.__getstate__(), **fields})

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} can't become {value!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} can't go")

    def __eq__(self, other: object) -> bool:
        return self._held() == other._held() if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        # Worked out once: a rule of sixty patterns is the key of what was compiled of it.
        found: int | None = self.__dict__.get("_hash")
        if found is None:
            found = self.__dict__["_hash"] = hash((type(self), self._held()))
        return found

    def __getstate__(self) -> dict[str, Any]:
        # Another process makes other hashes of the same text.
        return {name: self.__dict__[name] for name in self._fields}

    def _held(self) -> tuple[Any, ...]:
        return tuple(map(self.__dict__.__getitem__, self._fields))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={self.__dict__[n]!r}' for n in self._fields)})"


def _is_field(annotation: object) -> bool:
    return get_origin(annotation) is not ClassVar
