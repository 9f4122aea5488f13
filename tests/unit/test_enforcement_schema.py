"""The JSON Schemas of rules and manifest: whole, told by the command, and as strict as they can be."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it comes without types
import pytest
import yaml

from loom.cli import schema_command
from loom.enforcement.reading.manifest import schema as manifest_schema
from loom.enforcement.reading.rules import KINDS, guidance_schema, rule_schema
from tests.ground.command import Command
from tests.ground.shut import REPOSITORY

SHIPPED = sorted((REPOSITORY / "enforcement" / "rules").glob("*.yaml"))
SCHEMAS = {kind: rule_schema(kind) for kind in KINDS} | {
    "manifest": manifest_schema(),
    "guidance": guidance_schema(),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_a_schema_in_which_every_key_says_what_it_is_for(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    assert [key for key, description in _keys(SCHEMAS[name]) if len(description) < 10] == []


def _keys(part: Any) -> Iterator[tuple[str, str]]:
    if isinstance(part, list):
        for item in part:
            yield from _keys(item)
    if isinstance(part, dict):
        for key, value in part.get("properties", {}).items():
            yield key, value.get("description", "")
        for value in part.values():
            yield from _keys(value)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_every_shipped_rule_fits_the_schema_of_its_kind_and_of_no_other(file: Path) -> None:
    rule = yaml.safe_load(file.read_text(encoding="utf-8"))
    fits = [kind for kind in KINDS if jsonschema.Draft202012Validator(SCHEMAS[kind]).is_valid(rule)]
    assert fits == [rule["kind"]]


def test_the_shipped_manifest_fits_its_schema() -> None:
    manifest = yaml.safe_load((REPOSITORY / "enforcement" / "manifest.yaml").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(SCHEMAS["manifest"]).validate(manifest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version: 1",
        "version: 2\nrules: [a]",
        "version: 1\nrules: []",
        "version: 1\nrules: a",
        "version: 1\nrules: [../a]",
        "version: 1\nrules: [{sha256: x}]",
        "version: 1\nrules: [{id: a, sha256: x}]",
        "version: 1\nrules: [a]\nguidence: [b]",
    ],
)
def test_a_manifest_that_the_loader_refuses_is_refused_by_its_schema(text: str) -> None:
    assert not jsonschema.Draft202012Validator(SCHEMAS["manifest"]).is_valid(yaml.safe_load(text))


def test_the_command_prints_each_of_them(loom: Command) -> None:
    assert schema_command._KINDS == KINDS
    for kind in KINDS:
        assert json.loads(loom("schema", "--rule", kind).stdout) == SCHEMAS[kind]
    assert json.loads(loom("schema", "--manifest").stdout) == SCHEMAS["manifest"]
    assert "workers" in loom("schema").json()["properties"]
    both = loom("schema", "--manifest", "--rule", "http")
    assert (both.exit_code, both.stdout) == (2, "")
