"""Values: what a rule is made of behaves as a frozen dataclass does."""

import pickle
import subprocess
import sys

import pytest

from loom.domain.rules import FilesRule, HttpAllowance, HttpRule
from loom.domain.value import Value
from tests.ground.shut import REPOSITORY

RULE = FilesRule(id="a", why="because", write=("drafts/**",))


class Point(Value):
    x: int
    y: int = 2


def test_fields_are_given_by_place_or_name_and_have_defaults() -> None:
    assert (Point(1).x, Point(1).y, Point(y=3, x=1).y) == (1, 2, 3)
    assert repr(Point(1)) == "Point(x=1, y=2)"


@pytest.mark.parametrize("arguments", [((), {}), ((1, 2, 3), {}), ((1,), {"x": 1}), ((1,), {"z": 1})])
def test_what_is_missing_too_much_or_unknown_is_refused(
    arguments: tuple[tuple[int, ...], dict[str, int]],
) -> None:
    values, named = arguments
    with pytest.raises(TypeError, match="Point"):
        Point(*values, **named)


def test_a_rule_s_fields_are_given_by_name_alone() -> None:
    with pytest.raises(TypeError, match="FilesRule takes id"):
        FilesRule("a", why="because")  # type: ignore[call-arg]


def test_two_are_equal_when_their_class_and_their_fields_are() -> None:
    again = FilesRule(id="a", why="because", write=("drafts/**",))
    assert (again == RULE, hash(RULE) == hash(again), len({RULE, again})) == (True, True, 1)
    assert again == RULE, "also once the hash has been worked out"
    assert FilesRule(id="a", why="because", write=("other/**",)) != RULE
    assert HttpAllowance(("GET",), ("/",)) != Point(1)


def test_none_can_be_altered_but_a_copy_may_differ() -> None:
    with pytest.raises(AttributeError, match="frozen"):
        RULE.id = "b"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="frozen"):
        del RULE.id
    hash(RULE)
    other = RULE.changed(id="b")
    assert (other.id, other.write, RULE.id) == ("b", RULE.write, "a")
    assert hash(other) == hash(FilesRule(id="b", why="because", write=("drafts/**",)))


def test_one_that_another_process_is_given_is_equal_to_its_own_there() -> None:
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
