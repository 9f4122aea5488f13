"""Objects and models that misbehave when they are looked at. See `hostile`."""

import collections
import dataclasses
import enum
import math
import random
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel, computed_field, field_serializer

from loom.worker import (
    WorkerOutput,
)


class Settings(BaseModel):
    case: str


class Output(WorkerOutput):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    anything: Any = None
    number: float = 0.0
    words: list[str] = Field(default_factory=list)
    deep: dict[str, Any] = Field(default_factory=dict, alias="de-ep")


Chance = random.Random

# -- objects that misbehave when they are looked at -------------------------------------------------------


def misbehave(chance: Chance, *, endless: bool = False) -> Any:
    """What a special method does instead of its work. endless: with any answer it would never come to an end,
    and a worker that never ends is the deadline's business."""
    kind = chance.choice(
        [ValueError, TypeError, AttributeError, KeyError, RecursionError, SystemExit, Odd, Mute]
    )
    result = chance.choice(
        [None, -1, 10**9, "", "\udcff", b"", NotImplemented, (), [1], Ellipsis, math.nan, Shout("hi")]
    )

    def method(self: Any, *arguments: Any, **named: Any) -> Any:
        if raising:
            raise kind("no")
        return result

    raising = chance.random() < 0.6 or endless
    return method


class Shout(str):
    """Text that can't be cut, measured or written."""

    def __getitem__(self, place: Any) -> str:
        raise ValueError("no part of me")

    strip = encode = __len__ = __iter__ = __getitem__  # type: ignore[assignment]


class Odd(BaseException):
    pass


class Mute(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)

    __repr__ = __str__


# fmt: off
_SPECIAL = (
    "__repr__", "__str__", "__eq__", "__hash__", "__bool__", "__len__", "__iter__", "__getattr__",
    "__format__", "__getitem__", "__contains__", "__int__", "__float__", "__index__", "__bytes__",
    "__dir__", "__next__", "__call__", "__await__", "__enter__", "__fspath__", "__array__", "__json__",
    "tolist", "item", "model_dump", "dict", "keys", "items", "values", "isoformat", "total_seconds",
    "encode", "__reduce__", "__sizeof__", "__lt__", "__del__", "__getattribute__", "__instancecheck__",
    "__get_pydantic_core_schema__", "__iter__", "__reversed__", "__copy__",
)
_PARENTS = (
    object, dict, list, str, int, float, tuple, set, bytes, collections.UserDict, collections.abc.Mapping,
)
# fmt: on


def hostile_object(chance: Chance) -> object:
    names = chance.sample(_SPECIAL, chance.randint(1, 5))
    body = {name: misbehave(chance, endless=name in ("__getitem__", "__next__")) for name in names}
    body.pop("__del__", None)
    if chance.random() < 0.3:
        body["__class__"] = property(misbehave(chance))
    if chance.random() < 0.2:
        lie = chance.choice([dict, str, list, WorkerOutput, Output, type(None), int, type])
        body["__class__"] = property(lambda _: lie)
    parent = chance.choice(_PARENTS)
    try:
        made: object = type(chance.choice(["Hostile", "\u202e", "x" * 5_000, "a\nb"]), (parent,), body)()
    except BaseException:  # noqa: BLE001  (it misbehaves before it is born)
        return object()
    return made


def hostile_class(chance: Chance) -> object:
    meta = type("Meta", (type,), {name: misbehave(chance) for name in ("__repr__", "__eq__", "__hash__")})
    try:
        return meta("Strange", (), {})()
    except BaseException:  # noqa: BLE001  (as above)
        return object()


class Array:
    """As numpy's look."""

    dtype = "float64"
    shape = (2,)

    def __array__(self) -> list[float]:
        return [1.0, 2.0]

    def tolist(self) -> list[float]:
        return [1.0, math.nan]

    def __len__(self) -> int:
        return 2

    def __getitem__(self, place: int) -> float:
        return [1.0, 2.0][place]

    def __bool__(self) -> bool:
        raise ValueError("the truth value of an array is ambiguous")

    def __eq__(self, other: object) -> Any:
        return [False, True]

    __hash__ = None  # type: ignore[assignment]


class Colour(enum.Enum):
    RED = object()
    BLUE = "blue"


@dataclasses.dataclass
class Data:
    part: Any


class Other(BaseModel):
    summary: int = 3
    more: Any = None


class Raising(Output):
    @computed_field
    def late(self) -> int:
        raise Mute


class Serialised(Output):
    @field_serializer("anything")
    def explode(self, value: object) -> object:
        raise Odd("while it is written")


class Dumping(Output):
    def model_dump(self, **named: Any) -> Any:
        return {"summary": object()}

    def model_dump_json(self, **named: Any) -> Any:
        raise Mute


class Extra(Output):
    model_config = ConfigDict(extra="allow")


class Rooted(RootModel[Any]):
    pass
