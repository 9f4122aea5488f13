"""What the README says is so: its commands, its tables, its tutorial."""

import re
import shlex
from typing import Any

import pytest
import yaml

from loom.cli import COMMANDS
from loom.domain.alert import Event
from loom.domain.run import Outcome
from loom.enforcement.reading.document import Document
from loom.enforcement.reading.rules import KINDS, read_rule, rule_schema
from loom.errors import ExitCode
from loom.registry.json_schema import schema
from tests.ground.command import Command
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
TUTORIAL = README.partition("## Tutorial")[2].partition("\n## ")[0]


def _blocks(text: str, language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return ["\n".join(line.removeprefix(indent) for line in body.splitlines()) for indent, body in found]


def _commands() -> list[str]:
    """Every `loom ...` the README shows, in its code blocks and in backticks."""
    lines = [line.partition(" #")[0] for block in _blocks(README, "bash") for line in block.splitlines()]
    lines += re.findall(r"`(loom [^`]+)`", README)
    parts = [part.strip() for line in lines for part in re.split(r"&&|\|| > ", line)]
    return sorted({part for part in parts if part.startswith("loom ")})


def test_the_first_screen_says_what_it_is_what_it_isnt_and_the_two_commands() -> None:
    first_screen = "\n".join(README.splitlines()[:30])
    assert "It is not" in first_screen
    for name in ("run", "test"):
        assert re.search(rf"<!-- command: {name} -->\n```bash\n.+\n```", first_screen), name


@pytest.mark.parametrize("command", _commands())
def test_every_command_in_the_readme_exists_with_its_options(loom: Command, command: str) -> None:
    words = shlex.split(command)[1:]
    if words[0].startswith("-"):
        assert loom(words[0]).exit_code == 0
        return
    assert words[0] in COMMANDS
    help_text = loom(words[0], "--help").stdout
    if "COMMAND [ARGS]" in help_text and words[1:]:
        help_text = loom(*words[:2], "--help").stdout
    for word in words[1:]:
        if word.startswith("--"):
            assert word.partition("=")[0] in help_text, f"{word} in {help_text}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_text_and_a_line_in_the_readme(loom: Command, name: str) -> None:
    shown = loom(name, "--help")
    assert shown.exit_code == 0
    assert len(shown.stdout.splitlines()) > 5
    assert f"| `loom {name}" in README


def test_the_tables_name_every_exit_code_outcome_and_registry_key() -> None:
    table = README.partition("### Exit codes")[2].partition("###")[0]
    listed = {int(code) for row in re.findall(r"^\| ([\d, ]+) \|", table, re.M) for code in row.split(",")}
    assert listed == set(ExitCode)
    outcomes = README.partition("### Outcomes")[2].partition("###")[0]
    for outcome in Outcome:
        assert f"`{outcome.value}`" in outcomes, outcome
    keys = README.partition("### worker-registry.yaml")[2].partition("###")[0]
    properties = schema()["properties"]
    for key in properties:
        assert f"`{key}" in keys or key == "workers", key


def _rules_of_the_table() -> dict[str, dict[str, Any]]:
    """A rule of each kind, made of the examples that stand beside its keys."""
    rules: dict[str, dict[str, Any]] = {}
    kind = ""
    rows = README.partition("### Rules")[2].partition("\n### ")[0].partition("| kind | key |")[2].splitlines()
    for row in rows[2:]:
        if row.startswith("|"):
            named, keys, _, examples = (cell.strip() for cell in row.strip("|").split(" | "))
            kind = named.strip("`") or kind
            for key, example in zip(
                re.findall("`([^`]+)`", keys), re.findall("`([^`]+)`", examples), strict=True
            ):
                at = rules.setdefault(kind, {"id": "a-rule", "kind": kind, "why": "Because."})
                *outer, last = key.split(".")
                for name in outer:
                    at = at.setdefault(name, {})
                at[last] = yaml.safe_load(example)
    return rules


def test_the_table_of_rules_names_every_kind_and_key_and_its_examples_make_whole_rules() -> None:
    rules = _rules_of_the_table()
    assert tuple(rules) == KINDS
    for kind, rule in rules.items():
        document = Document("a-rule.yaml", yaml.dump(rule).encode())
        assert read_rule(document, "a-rule") is not None, document.problems
        properties = rule_schema(kind)["properties"]
        assert rule.keys() == properties.keys() - {"applies_to"}
        for key, value in rule.items():
            if "properties" in properties[key]:
                assert value.keys() == properties[key]["properties"].keys()


def test_every_alert_event_of_this_version_is_in_the_readme() -> None:
    for event in Event:
        assert f"`{event.value}`" in README, event


@pytest.mark.afresh
def test_a_worker_written_by_following_the_tutorial_runs(loom: Command, project: Project) -> None:
    folder = project.root.parent / "my-workers"
    assert loom("init", "my-workers").exit_code == 0
    started = loom("run", "--worker", "scout", cwd=folder)
    assert started.exit_code == 0, started
    assert "workers/note_finder.py" in started.stdout

    (source,) = _blocks(TUTORIAL, "python")
    (folder / "workers" / "large_files.py").write_text(source + "\n", encoding="utf-8")
    (entry,) = _blocks(TUTORIAL, "yaml")
    registry = folder / "worker-registry.yaml"
    registry.write_text(registry.read_text(encoding="utf-8") + entry + "\n", encoding="utf-8")

    checked = loom("check", cwd=folder)
    assert checked.exit_code == 0, checked
    ran = loom("run", "--worker", "weigher", cwd=folder)
    assert ran.exit_code == 0, ran
    assert "large file" in ran.stdout
    status = loom("status", cwd=folder)
    assert "large-files" in status.stdout
    assert loom("init", "my-workers").exit_code == 2
