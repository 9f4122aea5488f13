"""The page that walks a newcomer from the registry to the alert names what is there."""

import ast
import re

import pytest

from tests.ground.shut import REPOSITORY

PAGE = REPOSITORY / "docs" / "one-slot.md"
NAMED = re.findall(r"`(loom/[\w/]+\.py):(\w+)`", PAGE.read_text(encoding="utf-8"))
ROOMS = re.findall(r"`(\w+(?:\.py|/))`", PAGE.read_text(encoding="utf-8").partition("## A tick wakes")[0])


@pytest.mark.parametrize(("file", "function"), NAMED, ids=lambda each: str(each))
def test_a_function_of_the_walk_is_defined_in_the_file_it_is_named_with(file: str, function: str) -> None:
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert function in defined


def test_the_walk_begins_at_the_command_and_ends_with_the_exit_code() -> None:
    assert NAMED[0] == ("loom/cli/run_command.py", "command")
    assert NAMED[-1] == ("loom/runner/waking.py", "exit_code")


def test_the_house_on_the_page_has_every_room_and_no_other() -> None:
    here = (REPOSITORY / "loom").iterdir()
    rooms = {
        f"{each.name}/" if each.is_dir() else each.name for each in here if not each.name.startswith("_")
    }
    assert set(ROOMS) == rooms - {"py.typed"}
