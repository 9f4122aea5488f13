"""The schema of a rule and its reader agree, on whatever Hypothesis can make of rules.

What the schema refuses the reader refuses; what the reader refuses beyond that is what no schema can say.
"""

import copy
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it comes without types
import pytest
import yaml
from hypothesis import event, given, settings
from hypothesis import strategies as st

from loom.enforcement.reading.document import Document
from loom.enforcement.reading.rules import KINDS, read_rule, rule_schema

SHIPPED = [
    yaml.safe_load(file.read_text(encoding="utf-8"))
    for file in sorted((Path(__file__).parents[2] / "enforcement" / "rules").glob("*.yaml"))
]
WRITTEN = """
- kind: http
  hosts: [api.example.org, "*.example.org:8443", "[::1]:80", "*"]
  allow:
    - {methods: [GET, POST], paths: [/**, /a/*/b, /c/**], hosts: ["*"], https_only: true}
- kind: sockets
  allow: {connect: ["db.example.org:5432", "localhost:*", "unix:/run/x.sock"], listen: ["[::1]:53"]}
  deny: ["db.example.org:22"]
- kind: files
  allow: {write: [drafts/**, /var/lib/x, $TMP/**, a*/b]}
  deny: {write: [drafts/kept], read: [$HOME/.ssh/**]}
- kind: process
  allow:
    programs: [{program: git, arguments: [[log, show], "*", "**"], never: ["--exec*"]}, {program: bin/x}]
    fork: true
    native: false
  deny: {programs: [sh], modules: [boto*, a.b]}
- {kind: secrets, allow: [HUBSPOT_*], deny: [AWS_SECRET]}
- {kind: limits, requests: 5, bytes_out: 1MB, bytes_in: 512KiB, output_bytes: 1000, findings: 0}
- kind: output
  action: reject
  patterns: [{name: a key, pattern: 'sk-\\d+', check: luhn}]
"""
RULES = [
    {"id": "a-rule", "why": "It matters.", "applies_to": ["echo", "media-*"]} | rule
    for rule in [*yaml.safe_load(WRITTEN), *[{**each, "id": "a-rule"} for each in SHIPPED]]
]
VALIDATORS = {kind: jsonschema.Draft202012Validator(rule_schema(kind)) for kind in KINDS}

HEAD = ("id", "kind", "why", "applies_to")

BEYOND = {
    "a rule is called as its file": r"isn't the name of its file",
    "a port is below 65536 and an address an address": r"isn't a host|isn't a place to connect to",
    "a path has no dot segments; ** is the last name": r"isn't a path",
    "an allowance's hosts are among the rule's": r"isn't among the hosts of the rule",
    "** is the last argument": r"so it must come last",
    "a pattern is a regular expression that finds something": r"isn't a regular exp|fits the empty text",
    "1.0 is a whole number to a schema": r"got \d+\.0|got \d+e\+\d+|got \d\.\d+e\+\d+",
    "YAML has no such letter": r"isn't valid YAML",
    # Python's $ also fits before a final line end; ECMA's, which a schema means, doesn't.
    "a name has no line end": r"\\n['\"] isn't",
}

WORDS = st.sampled_from(
    [
        *(
            "",
            " ",
            "*",
            "**",
            "a",
            "A",
            "..",
            ".",
            "/",
            "//",
            "x/../y",
            "a/",
            "~/x",
            "$TMP/x",
            "$TMP",
            "$X/y",
        ),
        *("git log", "localhost:70000", "db:0", "db:99", "[::1::2]:80", "unix:/a", "unix:x", "a\0b", "a..b"),
        *(
            "import",
            "1a",
            "ü",
            "1MB",
            "1 MB",
            "99GiB",
            "GET",
            "get",
            "no",
            "true",
            "a-rule",
            "luhn",
            "redact",
        ),
        *("(", "x*", "api.example.org"),
    ]
)
KEYS = st.one_of(WORDS, st.sampled_from(["allow", "deny", "write", "hosts", "check", "never"]))
SCALARS = st.one_of(
    WORDS, st.text(max_size=6), st.integers(-2, 10**16), st.floats(allow_nan=False), st.booleans(), st.none()
)
ANYTHING = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(WORDS, SCALARS, max_size=2))


class Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, each in inner for found in places(each, (*path, key)))]


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A rule as a person wrote it, after a few slips."""
    rule: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(RULES)))
    head = draw(st.integers(0, 9)) == 0
    for _ in range(draw(st.integers(1, 3))):
        paths = [path for path in places(rule) if path and (head or path[0] not in HEAD)]
        if not paths:
            return rule
        path = draw(st.sampled_from(paths))
        outer: Any = rule
        for key in path[:-1]:
            outer = outer[key]
        last = path[-1]
        old = outer.get(last) if isinstance(outer, dict) else outer[last]
        slip = draw(st.sampled_from(["other", "away", "more", "twice", "letter", "letter", "letter", "key"]))
        if slip == "away":
            del outer[last]
        elif slip == "more" and isinstance(old, list):
            old.append(draw(ANYTHING))
        elif slip == "twice" and isinstance(outer, list):
            outer.append(copy.deepcopy(old))
        elif slip == "letter" and isinstance(old, str):
            at = draw(st.integers(0, len(old)))
            outer[last] = old[:at] + draw(st.one_of(WORDS, st.characters(codec="utf-8"))) + old[at:]
        elif slip == "key" and isinstance(outer, dict):
            outer[draw(st.one_of(WORDS, st.sampled_from(["allow", "deny", "write", "hosts"])))] = draw(
                ANYTHING
            )
        else:
            outer[last] = draw(ANYTHING)
    return rule


def refusals(rule: dict[str, Any]) -> list[str]:
    document = Document("a-rule.yaml", yaml.dump(rule, Dumper=Plain, sort_keys=False).encode())
    found = read_rule(document, "a-rule")
    assert (found is None) == bool(document.problems)
    return [problem.message for problem in document.problems]


@settings(max_examples=600)
@given(rule=damaged())
def test_what_the_schema_refuses_the_reader_refuses_and_beyond_it_only_what_no_schema_can_say(
    rule: dict[str, Any],
) -> None:
    kind = rule.get("kind")
    validator = VALIDATORS.get(kind) if isinstance(kind, str) else None
    told = refusals(rule)
    if validator is None or not validator.is_valid(rule):
        event("the schema refuses it")
        assert told, rule
        return
    for message in told:
        reasons = [name for name, words in BEYOND.items() if re.search(words, message)]
        assert reasons, (message, rule)
        event(reasons[0])
    event("both accept it" if not told else "the reader alone refuses it")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["kind"]))
def test_the_rules_that_are_damaged_are_whole_before(rule: dict[str, Any]) -> None:
    assert refusals(rule) == []
    VALIDATORS[rule["kind"]].validate(rule)
