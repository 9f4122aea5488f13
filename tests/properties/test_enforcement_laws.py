"""Laws of enforcement, on whatever Hypothesis can think of."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loom.domain.rules import HttpRule, OutputRule
from loom.enforcement.judges.http import Asked, decide_http
from loom.enforcement.judges.output import rule_on
from loom.enforcement.reading.loader import load
from loom.enforcement.reading.sealing import seal

SHIPPED = load(Path(__file__).parents[2] / "enforcement")

PIECES = ["crm", "v3", "v4", "objects", "associations", "contacts", "search", "batch", "read", "create", "x"]
TRICKS = [
    "/",
    "//",
    ".",
    "..",
    "%2e",
    "%2E%2e",
    "%2f",
    "%252f",
    "%5c",
    "\\",
    ";",
    ";a=b",
    "%3b",
    "%00",
    "%",
    "%73",
]
READ = "/crm/v3/objects/contacts/search"

targets = st.one_of(
    st.lists(st.sampled_from(PIECES + TRICKS), max_size=12).map(lambda parts: "/" + "/".join(parts)),
    st.lists(st.sampled_from([*PIECES, *TRICKS, *"/////"]), max_size=20).map("".join),
    st.tuples(
        st.integers(0, len(READ)), st.sampled_from(TRICKS), st.sampled_from(["", "?a=/search", "#x"])
    ).map(lambda cut: READ[: cut[0]] + cut[1] + READ[cut[0] :] + cut[2]),
)
READING = re.compile(
    r"/crm/v3/objects/[^/]+/(search|batch/read)|/crm/v[34]/associations/[^/]+/[^/]+/batch/read"
)


def most_generous_reading(target: str) -> str:
    """The path as the most obliging server might read it."""
    path = target.partition("?")[0].partition("#")[0]
    for _ in range(5):
        path = unquote(path)
    path = re.sub(r";[^/]*", "", path.replace("\\", "/"))
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept)


@given(target=targets, method=st.sampled_from(["POST", "PUT", "PATCH", "DELETE"]))
def test_whatever_is_allowed_of_hubspot_beside_get_is_a_read_to_every_server(
    target: str, method: str
) -> None:
    asked = Asked(method, "https", "api.hubapi.com", 443, target)
    if decide_http(SHIPPED.of(HttpRule), "echo", None, asked) is None:
        assert method == "POST"
        assert READING.fullmatch(most_generous_reading(target))


words = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["a@b.org", "+1 312 555 0142", "4111111111111111", "phone", "tel: ", "%40", "2026-11-21"]
    ),
)
texts = st.lists(words, max_size=6).map("".join)
outputs: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


@given(output=outputs)
def test_a_ruling_keeps_the_shape_and_changes_nothing_without_saying_so(output: Any) -> None:
    found = rule_on(SHIPPED.of(OutputRule), output)
    assert shape(found.value) == shape(output)
    said = bool(found.redacted) or found.refusal is not None
    assert said == (found.value != output)


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return [shape(each) for each in value.values()]
    if isinstance(value, list):
        return [shape(each) for each in value]
    return type(value)


names = st.from_regex(r"[a-z]{1,3}", fullmatch=True)
folders = st.dictionaries(names, st.binary(min_size=1, max_size=4).map(bytes.hex), min_size=1, max_size=3)


@settings(max_examples=40)
@given(one=folders, other=folders)
def test_two_folders_have_the_same_digest_only_if_they_are_the_same(
    one: dict[str, str], other: dict[str, str]
) -> None:
    assume(one != other)
    assert digest(one) == digest(dict(reversed(one.items())))
    assert digest(one) != digest(other)


def digest(guidance: dict[str, str]) -> str:
    rule = b"id: x\nkind: output\nwhy: w\naction: redact\npatterns: [{name: n, pattern: p}]\n"
    with TemporaryDirectory() as place:
        folder = Path(place) / "enforcement"
        (folder / "rules").mkdir(parents=True)
        (folder / "guidance").mkdir()
        (folder / "rules/x-rule.yaml").write_bytes(rule.replace(b"id: x", b"id: x-rule"))
        for name, text in guidance.items():
            (folder / "guidance" / f"{name}.md").write_text(text)
        named = ", ".join(f"'{name}'" for name in sorted(guidance))
        (folder / "manifest.yaml").write_text(f"version: 1\nrules: [x-rule]\nguidance: [{named}]\n")
        seal(folder)
        return load(folder).digest
