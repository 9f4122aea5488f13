"""Which paths of an output model lead nowhere, and which can't be judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel

from loom.expectation import missing_part
from loom.worker import WorkerOutput

T = TypeVar("T")


class Colour(Enum):
    RED = "red"


@dataclass
class Typed:
    name: str


class Part(BaseModel):
    pages: int
    title: str = ""


class OtherPart(BaseModel):
    pages_of_another_kind: int
    chapters: list[str] = []


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    known: Part


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    pages_read: int


class LateCamel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, defer_build=True)
    pages_read: int


class Numbers(RootModel[list[int]]):
    pass


class Parts(RootModel[dict[str, Part]]):
    pass


class Holder(BaseModel, Generic[T]):
    held: T


class Written(BaseModel):
    one: int

    @model_serializer
    def write(self) -> dict[str, int]:
        return {"two": self.one}


class PartlyWritten(BaseModel):
    one: Part
    two: Part
    three: Part

    @field_serializer("one")
    def write_one(self, value: Part) -> dict[str, int]:
        return {"other": value.pages}

    @field_validator("two", mode="wrap")
    @classmethod
    def read_two(cls, value: Any, handler: Any) -> Any:
        return handler(value)


class Wrapped(BaseModel):
    one: int

    @model_validator(mode="wrap")
    @classmethod
    def read(cls, value: Any, handler: Any) -> Any:
        return handler(value)


class OwnDump(BaseModel):
    one: int

    def model_dump_json(self, **_: Any) -> str:
        return '{"two": 2}'


class Node(BaseModel):
    name: str
    children: "list[Node]" = []


class Output(WorkerOutput):
    number: int
    day: datetime
    colour: Colour
    choice: Literal["a", "b"]
    price: Decimal
    anything: Any
    part: Part
    maybe: Part | None
    either: Part | OtherPart
    part_or_text: Part | str
    part_or_anything: Part | Any
    parts: list[Part]
    lists: list[list[int]]
    pair: tuple[Part, int]
    many: tuple[Part, ...]
    bare: list  # type: ignore[type-arg]
    sequence: Sequence[Part]
    by_name: dict[str, Part]
    counted: dict[str, dict[str, int]]
    mapping: Mapping[str, Part]
    bare_dict: dict  # type: ignore[type-arg]
    typed: Typed
    open: Open
    camel: Camel
    late: LateCamel
    numbers: Numbers
    named_parts: Parts
    held: Holder[Part]
    written: Written
    partly: PartlyWritten
    wrapped: Wrapped
    own_dump: OwnDump
    node: Node
    limited: Annotated[Part, Field(description="a part")]
    made: Annotated[Part, PlainSerializer(lambda part: {"other": part.pages})]
    renamed: int = Field(serialization_alias="newName", validation_alias="newName")
    read_as: int = Field(validation_alias="readAs")
    unsaid: int = Field(exclude=True)

    @computed_field
    def total(self) -> Part:
        return self.part

    @computed_field(alias="grandTotal")
    def grand_total(self) -> int:
        return 1


@pytest.mark.parametrize(
    "path",
    [
        "summary",
        "findings",
        "findings.0",
        "findings.0.title",
        "metrics",
        "metrics.anything",
        "number",
        "day",
        "part",
        "part.pages",
        "maybe",
        "maybe.pages",
        "either.pages",
        "either.chapters.3",
        "part_or_text.pages",
        "part_or_anything.nothing",
        "anything",
        "anything.at.all",
        "parts.0",
        "parts.17.title",
        "lists.0.0",
        "pair.0.pages",
        "pair.1",
        "pair.2",
        "many.3.pages",
        "bare.0.x",
        "by_name.x",
        "by_name.x.pages",
        "by_name.17.pages",
        "counted.a.b",
        "bare_dict.x.y",
        "open.known.pages",
        "open.unknown.x",
        "camel.pagesRead",
        "late.pagesRead",
        "numbers.0",
        "named_parts.x.pages",
        "held.held.pages",
        "node.children.0.children.1.name",
        "limited.pages",
        "newName",
        "read_as",
        "total.pages",
        "grandTotal",
        "colour.x",
        "price.x",
        "sequence.x",
        "mapping.x.nothing",
        "typed.nothing",
        "written.two",
        "written.three",
        "partly.one.other",
        "partly.two.other",
        "wrapped.two",
        "own_dump.two",
        "made.other",
    ],
)
def test_a_path_that_leads_somewhere_or_cannot_be_judged_is_let_pass(path: str) -> None:
    assert missing_part(Output, path) is None


@pytest.mark.parametrize(
    ("path", "part", "choice"),
    [
        ("sumary", "sumary", "summary"),
        ("", "", "summary"),
        ("number.x", "x", None),
        ("day.year", "year", None),
        ("choice.x", "x", None),
        ("summary.0", "0", None),
        ("part.page", "page", "pages"),
        ("maybe.page", "page", "pages"),
        ("either.page", "page", "pages"),
        ("part_or_text.page", "page", "pages"),
        ("parts.pages", "pages", None),
        ("parts.0.page", "page", "pages"),
        ("parts.-1.pages", "-1", None),
        ("lists.0.x", "x", None),
        ("lists.0.0.x", "x", None),
        ("many.3.page", "page", "pages"),
        ("by_name.x.page", "page", "pages"),
        ("counted.a.b.c", "c", None),
        ("open.known.page", "page", "pages"),
        ("camel.pages_read", "pages_read", "pagesRead"),
        ("late.pages_read", "pages_read", "pagesRead"),
        ("numbers.x", "x", None),
        ("pair.x.y", "x", None),
        ("named_parts.x.page", "page", "pages"),
        ("held.held.page", "page", "pages"),
        ("held.holds", "holds", "held"),
        ("node.children.0.child", "child", "children"),
        ("limited.page", "page", "pages"),
        ("renamed", "renamed", "newName"),
        ("readAs", "readAs", "read_as"),
        ("unsaid", "unsaid", "summary"),
        ("partly.three.page", "page", "pages"),
        ("total.page", "page", "pages"),
        ("grand_total", "grand_total", "grandTotal"),
        ("metrics.pages.x", "x", None),
        ("findings.0.severity.x", "x", None),
    ],
)
def test_a_path_that_leads_nowhere_is_found_with_what_there_is_instead(
    path: str, part: str, choice: str | None
) -> None:
    missing = missing_part(Output, path)
    assert missing is not None
    assert missing.part == part
    assert choice in missing.choices if choice else not missing.choices


def test_a_model_that_cannot_be_looked_at_is_let_pass() -> None:
    class Unfinished(WorkerOutput):
        part: "NobodyKnows"  # type: ignore[name-defined]  # noqa: F821

    assert missing_part(Unfinished, "part.x") is None
    assert missing_part(Unfinished, "nothing") is None
