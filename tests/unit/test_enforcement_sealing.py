"""Sealing: the manifest holds every file to its bytes, and is otherwise left as it was written."""

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loom.enforcement.reading.loader import load
from loom.enforcement.reading.sealing import Unsealed, seal, unsealed
from loom.errors import EnforcementError

RULE = "id: {}\nkind: output\nwhy: w\naction: redact\npatterns: [{{name: n, pattern: p}}]\n"
NONE = "0" * 64


def write(folder: Path, manifest: str, *, rules: str = "one two", guidance: str = "tone") -> Path:
    for kind in ("rules", "guidance"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for name in rules.split():
        (folder / "rules" / f"{name}.yaml").write_text(RULE.format(f"'{name}'"))
    for name in guidance.split():
        (folder / "guidance" / f"{name}.md").write_text(f"Be {name}.\n")
    (folder / "manifest.yaml").write_bytes(manifest.encode())
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "enforcement"


def sha256(folder: Path, file: str) -> str:
    return hashlib.sha256((folder / file).read_bytes()).hexdigest()


def manifest_of(folder: Path) -> str:
    return (folder / "manifest.yaml").read_bytes().decode()


WRITTEN = """\
# Ours, since 2026.
version: 1
rules:
  # the first
  - one  # why it is here
  - id: two   # altered below
    sha256: 1111111111111111111111111111111111111111111111111111111111111111
  - {id: three}
  - {sha256: abc, id: four}  # a bad hash
  - id: five
    sha256:
  -   "six"
  - id: seven

guidance: [tone, {id: more, sha256: ~}]
# the end"""
SEALED = """\
# Ours, since 2026.
version: 1
rules:
  # the first
  - id: one  # why it is here
    sha256: <rules/one.yaml>
  - id: two   # altered below
    sha256: <rules/two.yaml>
  - {id: three, sha256: <rules/three.yaml>}
  - {sha256: <rules/four.yaml>, id: four}  # a bad hash
  - id: five
    sha256: <rules/five.yaml>
  -   id: "six"
      sha256: <rules/six.yaml>
  - id: seven
    sha256: <rules/seven.yaml>

guidance: [{id: tone, sha256: <guidance/tone.md>}, {id: more, sha256: <guidance/more.md>}]
# the end"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_entry_gets_its_hash_and_comments_order_and_line_ends_stay(
    folder: Path, line_end: str, mark: str
) -> None:
    write(
        folder,
        mark + WRITTEN.replace("\n", line_end),
        rules="one two three four five six seven",
        guidance="tone more",
    )
    changed = seal(folder)
    expected = re.sub("<(.+?)>", lambda found: sha256(folder, found[1]), SEALED)
    assert manifest_of(folder) == mark + expected.replace("\n", line_end)
    assert [(each.file, each.before) for each in changed] == [
        ("rules/one.yaml", None),
        ("rules/two.yaml", "1" * 64),
        ("rules/three.yaml", None),
        ("rules/four.yaml", "abc"),
        ("rules/five.yaml", None),
        ("rules/six.yaml", None),
        ("rules/seven.yaml", None),
        ("guidance/tone.md", None),
        ("guidance/more.md", None),
    ]
    assert load(folder).rule_ids == ("five", "four", "one", "seven", "six", "three", "two", "more", "tone")
    assert sorted(path.name for path in folder.parent.iterdir()) == ["enforcement"]


def test_a_sealed_folder_is_left_alone_to_the_byte_and_the_second(folder: Path) -> None:
    write(folder, "version: 1\nrules: [one, two]\nguidance: [tone]\n")
    seal(folder)
    before = (manifest_of(folder), (folder / "manifest.yaml").stat())
    assert (unsealed(folder), seal(folder)) == ((), ())
    assert (manifest_of(folder), (folder / "manifest.yaml").stat()) == before


def test_an_edited_rule_changes_one_hash_and_nothing_else(folder: Path) -> None:
    write(folder, "version: 1\nrules:\n  - one\n  - two\nguidance:\n  - tone\n")
    (folder / "manifest.yaml").chmod(0o640)
    seal(folder)
    before, old = manifest_of(folder), sha256(folder, "rules/two.yaml")
    (folder / "rules" / "two.yaml").write_text(RULE.format("two").replace("why: w", "why: because"))
    with pytest.raises(EnforcementError, match=r"rules/two\.yaml was altered"):
        load(folder)
    new = sha256(folder, "rules/two.yaml")
    assert unsealed(folder) == (Unsealed("rules/two.yaml", old, new),)
    assert manifest_of(folder) == before
    assert seal(folder) == (Unsealed("rules/two.yaml", old, new),)
    assert manifest_of(folder) == before.replace(old, new)
    assert (folder / "manifest.yaml").stat().st_mode & 0o777 == 0o640
    load(folder)


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("version: 1\nrules: [one, gone]\nguidance: [tone]\n", "rules/gone.yaml must be present"),
        ("version: 1\nrules: [one, one]\n", "named twice"),
        ("version: 1\nrules: {one: two}\n", "expected a list"),
        ("version: 1\nrules: [one\n", "isn't valid YAML"),
        ("version: 2\nrules: [one]\n", "a newer file needs a newer Loom"),
        ("version: 1\nrules: [{id: one, sha265: abc}]\n", "unknown key"),
        ("", "expected a mapping"),
    ],
)
def test_a_manifest_that_can_not_be_sealed_is_told_and_left_alone(
    folder: Path, manifest: str, message: str
) -> None:
    write(folder, manifest)
    for ask in (seal, unsealed):
        with pytest.raises(EnforcementError, match=message):
            ask(folder)
    assert manifest_of(folder) == manifest


def test_no_folder_and_no_manifest_are_told(folder: Path) -> None:
    with pytest.raises(EnforcementError, match="can't be read"):
        seal(folder)
    write(folder, "version: 1\nrules: [one]\n")
    (folder / "manifest.yaml").unlink()
    with pytest.raises(EnforcementError, match="is missing"):
        seal(folder)


def test_a_rule_that_is_a_link_is_not_sealed(folder: Path) -> None:
    write(folder, "version: 1\nrules: [one, two]\n")
    (folder / "rules/two.yaml").unlink()
    (folder / "rules/two.yaml").symlink_to("one.yaml")
    with pytest.raises(EnforcementError, match="symbolic link"):
        seal(folder)


@pytest.mark.parametrize("name", ["no", "7", "2026-01-01", "null"])
def test_the_line_to_write_is_read_back_whatever_yaml_makes_of_its_words(folder: Path, name: str) -> None:
    write(folder, f"version: 1\nrules:\n  - '{name}'\n", rules=name, guidance="")
    with pytest.raises(EnforcementError) as caught:
        load(folder)
    (problem,) = caught.value.problems
    line = problem.message.rpartition("  ")[2]
    write(folder, f"version: 1\nrules:\n  {line}\n", rules=name, guidance="")
    assert load(folder).rule_ids == (name,)
    write(folder, f"version: 1\nrules:\n  - '{name}'\n", rules=name, guidance="")
    seal(folder)
    assert load(folder).rule_ids == (name,)


ids = st.from_regex(r"[a-z]{1,4}(-[a-z0-9]{1,3})?", fullmatch=True).map(lambda word: f"x{word}")
comments = st.sampled_from(["", "  # a note", " # - id: {x"])
hashes = st.sampled_from([NONE, "'abc'", "~", "7", '"a b"'])


@st.composite
def manifests(draw: st.DrawFn) -> tuple[str, list[str]]:
    names = draw(st.lists(ids, min_size=1, max_size=5, unique=True))
    indent = " " * draw(st.integers(0, 4))
    lines = ["version: 1  # one", "rules:"]
    if draw(st.booleans()):
        return f"version: 1\nrules: [{', '.join(draw(_entry(name)) for name in names)}]\n", names
    for name in names:
        if draw(st.booleans()):
            lines.append(f"{indent}-  {draw(_entry(name))}{draw(comments)}")
        else:
            keys = draw(st.permutations([f"id: {name}", f"sha256: {draw(hashes)}"]))
            lines.append(f"{indent}- {keys[0]}{draw(comments)}")
            lines.append(f"{indent}  {keys[1]}{draw(comments)}")
        lines += draw(st.lists(st.sampled_from(["", "# a line", f"{indent}# - another"]), max_size=1))
    return "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n"])), names


@st.composite
def _entry(draw: st.DrawFn, name: str) -> str:
    return draw(
        st.sampled_from(
            [name, f"'{name}'", f"{{id: {name}}}", f"{{sha256: {NONE}, id: {name}}}", f'{{"id": "{name}"}}']
        )
    )


@given(given_=manifests())
def test_however_a_manifest_is_written_it_is_sealed_and_loses_no_word(
    given_: tuple[str, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text, names = given_
    folder = write(tmp_path_factory.mktemp("any") / "enforcement", text, rules=" ".join(names), guidance="")
    assert [each.file for each in seal(folder)] == [f"rules/{name}.yaml" for name in names]
    by_file = sorted(names, key=lambda name: f"{name}.yaml")
    assert load(folder).rule_ids == tuple(by_file)
    # What was there is there still, in its order, but for the hashes.
    kept = re.sub(r"sha256: (0{64}|'abc'|~|7|\"a b\")", "sha256: ", text)
    left = iter(manifest_of(folder))
    assert all(letter in left for letter in kept)
