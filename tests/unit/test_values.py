"""Loom's own `dataclass` makes what the standard library's makes."""

import copy
import dataclasses
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loom import values
from loom.domain.rules import HttpAllowance, HttpRule, OutputPattern, OutputRule
from tests.ground.shut import REPOSITORY

T = TypeVar("T")


def classes(dataclass: Any) -> Mapping[str, type[Any]]:
    """The same classes, by either decorator."""

    @dataclass(frozen=True, slots=True)
    class Plain:
        """Said of it."""

        first: int
        second: str = "two"
        third: list[int] = dataclasses.field(default_factory=list, hash=False)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Named:
        name: str
        unseen: int = dataclasses.field(default=0, repr=False, compare=False)
        drawn: str = dataclasses.field(init=False, default="x")

        @property
        def loud(self) -> str:
            return self.name.upper()

    @dataclass(frozen=True, slots=True)
    class Checked(Plain):
        fourth: float = 4.0

        def __post_init__(self) -> None:
            if self.first < 0:
                raise ValueError("first can't be negative")

    @dataclass(frozen=True, slots=True)
    class Wordy(Generic[T]):
        value: T

        def __repr__(self) -> str:
            return f"<{self.value}>"

    @dataclass(frozen=True, slots=True)
    class Nothing:
        pass

    return {each.__name__: each for each in (Plain, Named, Checked, Wordy, Nothing)}


OURS, THEIRS = classes(values.dataclass), classes(dataclasses.dataclass)
MADE: Mapping[str, Callable[[Mapping[str, type[Any]]], Any]] = {
    "by position": lambda of: of["Plain"](1, "b", [3]),
    "with defaults": lambda of: of["Plain"](1),
    "by name": lambda of: of["Named"](name="n", unseen=7),
    "of a class that inherits and checks": lambda of: of["Checked"](1, fourth=2.5),
    "generic, with words of its own": lambda of: of["Wordy"](5),
    "without fields": lambda of: of["Nothing"](),
}

made = pytest.mark.parametrize("make", MADE.values(), ids=MADE)


@made
def test_a_value_reads_and_compares_as_the_standard_librarys_does(make: Callable[..., Any]) -> None:
    ours, theirs = make(OURS), make(THEIRS)
    assert repr(ours) == repr(theirs)
    assert ours == make(OURS)
    assert ours != theirs
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert type(ours).__match_args__ == type(theirs).__match_args__
    assert [each.name for each in values.fields(ours)] == [each.name for each in dataclasses.fields(theirs)]


@made
def test_a_value_can_be_copied_and_replaced_but_not_changed(make: Callable[..., Any]) -> None:
    ours = make(OURS)
    assert copy.copy(ours) == copy.deepcopy(ours) == values.replace(ours) == dataclasses.replace(ours) == ours
    with pytest.raises(dataclasses.FrozenInstanceError):
        ours.first = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del ours.first
    assert not hasattr(ours, "__dict__")


def test_values_with_equal_fields_have_one_hash_and_what_cannot_be_hashed_is_left_out() -> None:
    assert hash(MADE["with defaults"](OURS)) == hash(MADE["with defaults"](OURS))
    assert len({OURS["Named"](name="a", unseen=1), OURS["Named"](name="a", unseen=2)}) == 1


@pytest.mark.parametrize("of", [OURS, THEIRS], ids=["ours", "theirs"])
def test_what_is_given_wrongly_is_refused_by_name(of: Mapping[str, type[Any]]) -> None:
    with pytest.raises(TypeError, match=r"Plain\.__init__\(\) missing .*: 'first'"):
        of["Plain"]()
    with pytest.raises(TypeError, match=r"Named\.__init__\(\) got an unexpected keyword argument 'other'"):
        of["Named"](name="n", other=1)
    with pytest.raises(TypeError, match="positional"):
        of["Named"]("n")
    with pytest.raises(TypeError, match="drawn"):
        of["Named"](name="n", drawn="y")
    with pytest.raises(ValueError, match="negative"):
        of["Checked"](-1)
    with pytest.raises(ValueError, match="negative"):
        dataclasses.replace(of["Checked"](1), first=-1)


@dataclasses.dataclass(frozen=True)
class Standard:
    first: int


@values.dataclass(frozen=True, slots=True)
class Kept:
    """At the top of a module, as pickles need it."""

    first: int
    second: str = ""


@given(st.integers(), st.text(), st.integers())
def test_a_value_survives_a_pickle_and_takes_changes(first: int, second: str, other: int) -> None:
    kept = Kept(first, second)
    assert pickle.loads(pickle.dumps(kept)) == kept  # noqa: S301  (made a moment ago)
    assert values.replace(kept, first=other) == Kept(other, second)
    match kept:
        case Kept(found, second=said):
            assert (found, said) == (first, second)


def test_a_generic_class_can_be_called_with_its_type() -> None:
    """The standard library's, in Python 3.11, can't."""
    assert OURS["Wordy"][int](5) == OURS["Wordy"](5)


def test_a_rule_that_another_process_is_given_is_equal_to_its_own_there() -> None:
    rule = HttpRule(id="a", why="w", hosts=("x.org",), allow=(HttpAllowance(("GET",), ("/",)),))
    hash(rule)
    code = """
import pickle, sys
from loom.domain.rules import HttpAllowance, HttpRule
given = pickle.loads(bytes.fromhex(sys.argv[1]))
own = HttpRule(id="a", why="w", hosts=("x.org",), allow=(HttpAllowance(("GET",), ("/",)),))
print(given == own, given in {own})
"""
    command = [sys.executable, "-c", code, pickle.dumps(rule).hex()]
    assert subprocess.check_output(command, cwd=REPOSITORY, text=True) == "True True\n"


def test_a_class_may_say_what_its_hash_is() -> None:
    mail = OutputRule(id="mail", why="w", action="redact", patterns=(OutputPattern("mail", "@"),))
    other = values.replace(mail, patterns=(OutputPattern("phone", "[0-9]"),))
    assert hash(mail) == hash(other)
    assert mail != other
    assert len({mail, other, values.replace(mail)}) == 2


def test_what_the_standard_library_has_made_can_be_replaced_too() -> None:
    assert values.replace(Standard(1), first=2) == Standard(2)


def test_a_field_without_a_default_after_one_with_a_default_is_refused() -> None:
    with pytest.raises(TypeError, match="second has no default and follows first, which has one"):

        @values.dataclass(frozen=True, slots=True)
        class Disordered:
            first: int = 1
            second: int  # type: ignore[misc]  # what is tested


@pytest.mark.parametrize("how", [{"frozen": False, "slots": True}, {"frozen": True, "slots": False}])
def test_a_class_that_could_be_changed_is_not_made(how: dict[str, bool]) -> None:
    with pytest.raises(ValueError, match="frozen classes with slots only"):
        values.dataclass(**how)


def test_a_value_is_copied_with_changes_by_whatever_asks_it_to() -> None:
    rule = HttpAllowance(("GET",), ("/**",))
    changed = HttpAllowance(("GET",), ("/a",))
    assert rule.__replace__(paths=("/a",)) == changed  # type: ignore[attr-defined]  # as `copy.replace` does
    assert dataclasses.replace(rule, paths=("/a",)) == changed
