"""Loading the folder: whole, or not at all."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loom.domain.enforcement import EnforcementContext
from loom.domain.rules import Guidance, HttpAllowance, HttpRule, OutputPattern, OutputRule
from loom.enforcement.folder import LARGEST, digest_of, digest_of_folder
from loom.enforcement.reading.loader import load
from loom.enforcement.reading.sealing import seal
from loom.errors import EnforcementError, ExitCode, Problem

CALENDAR = """\
id: calendar
kind: http
applies_to: [echo, "media-*", Sentinel]
why: The calendar is read.
hosts: [calendar.example.org, "*.example.net:8443"]
allow:
  - methods: [GET, HEAD]
    paths: [/**]
  - methods: [POST]
    paths: [/query/*/run]
    hosts: [calendar.example.org]
    https_only: true
"""
CODENAMES = """\
id: no-codenames
kind: output
why: Codenames stay inside.
action: redact
patterns:
  - name: codename
    pattern: 'Project (?P<hit>[A-Z]{4,12})'
  - name: card number
    pattern: '\\d{16}'
    check: luhn
"""
TONE = "Be plain.\n"


def pin(name: str, text: str) -> str:
    return f"- {{id: {name}, sha256: {hashlib.sha256(text.encode()).hexdigest()}}}"


MANIFEST = f"""\
version: 1
rules:
  {pin("calendar", CALENDAR)}
  {pin("no-codenames", CODENAMES)}
guidance:
  {pin("tone", TONE)}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "enforcement"
    write(folder, "manifest.yaml", MANIFEST)
    write(folder, "rules/calendar.yaml", CALENDAR)
    write(folder, "rules/no-codenames.yaml", CODENAMES)
    write(folder, "guidance/tone.md", TONE)
    return folder


def write(folder: Path, name: str, text: str | bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def problems_of(folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(EnforcementError) as caught:
        load(folder)
    assert caught.value.exit_code == ExitCode.BROKEN
    return caught.value.problems


def test_a_whole_folder_becomes_the_context_in_force(folder: Path) -> None:
    context = load(folder)
    assert context.of(HttpRule) == (
        HttpRule(
            id="calendar",
            applies_to=("echo", "media-*", "Sentinel"),
            hosts=("calendar.example.org", "*.example.net:8443"),
            allow=(
                HttpAllowance(("GET", "HEAD"), ("/**",)),
                HttpAllowance(("POST",), ("/query/*/run",), ("calendar.example.org",), https_only=True),
            ),
            why="The calendar is read.",
        ),
    )
    assert context.of(OutputRule) == (
        OutputRule(
            id="no-codenames",
            applies_to=("*",),
            action="redact",
            patterns=(
                OutputPattern(name="codename", pattern="Project (?P<hit>[A-Z]{4,12})"),
                OutputPattern(name="card number", pattern=r"\d{16}", check="luhn"),
            ),
            why="Codenames stay inside.",
        ),
    )
    assert context.guidance == (Guidance("tone", "Be plain.\n"),)
    assert context.rule_ids == ("calendar", "no-codenames", "tone")
    assert sorted(context.sha256) == [
        "guidance/tone.md",
        "manifest.yaml",
        "rules/calendar.yaml",
        "rules/no-codenames.yaml",
    ]


def test_nothing_outside_the_folder_is_needed(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "rules-of-the-house"
    shutil.copytree(folder, elsewhere)
    assert load(elsewhere) == load(folder)


def test_the_digest_is_the_same_for_the_same_bytes_and_another_for_any_other(folder: Path) -> None:
    seen = {load(folder).digest}
    assert load(folder).digest in seen
    assert next(iter(seen)).startswith("sha256:")
    for name in ("manifest.yaml", "rules/calendar.yaml", "rules/no-codenames.yaml", "guidance/tone.md"):
        path = folder / name
        path.write_bytes(path.read_bytes() + b"\n")
        seal(folder)
        seen.add(load(folder).digest)
    write(folder, "README.md", "What this folder is.")
    seen.add(load(folder).digest)
    assert len(seen) == 6


def test_the_digest_tells_a_name_from_a_content() -> None:
    # Laid end to end, names and contents of both folders are the very same bytes.
    one = {"guidance/tone.md": b"a", "guidance/tune.md": b"bguidance/tune.mdc"}
    other = {"guidance/tone.md": b"aguidance/tune.mdb", "guidance/tune.md": b"c"}
    assert digest_of(one) != digest_of(other)


def test_a_file_whose_name_no_text_can_say_is_told_and_in_force_is_nothing(folder: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/rules/\xff.yaml")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system has no such names")
    (problem,) = problems_of(folder)
    assert problem.file == "enforcement/rules/\\xff.yaml"
    assert "doesn't belong here" in problem.message
    assert digest_of_folder(folder) is None


def test_the_digest_of_the_folder_alone_is_that_of_what_is_in_force(folder: Path) -> None:
    assert digest_of_folder(folder) == load(folder).digest_of_files
    write(folder, "rules/calendar.yaml", CALENDAR + "\n")
    assert digest_of_folder(folder) is not None
    (folder / "manifest.yaml").unlink()
    assert digest_of_folder(folder) is None


def test_a_file_that_is_not_as_the_manifest_holds_it_to_be_is_refused_with_the_line_that_mends_it(
    folder: Path,
) -> None:
    altered = CALENDAR.replace("[GET, HEAD]", "[GET, HEAD, PUT]")
    write(folder, "rules/calendar.yaml", altered)
    (problem,) = problems_of(folder)
    assert (problem.file, problem.line) == ("enforcement/manifest.yaml", 3)
    assert "rules/calendar.yaml was altered; see what changed with `git diff`" in problem.message
    assert "`loom enforcement seal`" in problem.message
    assert problem.message.endswith(f", or write instead:  {pin('calendar', altered)}")
    write(folder, "manifest.yaml", MANIFEST.replace(pin("calendar", CALENDAR), pin("calendar", altered)))
    assert "calendar" in load(folder).rule_ids


@pytest.mark.parametrize(
    ("name", "entry", "line"),
    [
        ("calendar", "- calendar", 3),
        ("calendar", "- id: calendar", 3),
        ("calendar", "- {id: calendar, sha256: }", 3),
        ("no-codenames", "- no-codenames", 4),
        ("tone", "- tone", 6),
    ],
)
def test_every_rule_and_guidance_must_be_held_to_its_bytes(
    folder: Path, name: str, entry: str, line: int
) -> None:
    whole = pin(name, {"calendar": CALENDAR, "no-codenames": CODENAMES, "tone": TONE}[name])
    write(folder, "manifest.yaml", MANIFEST.replace(whole, entry))
    (problem,) = problems_of(folder)
    assert problem.line == line
    assert "isn't held to its bytes" in problem.message
    assert problem.message.endswith(f", or write instead:  {whole}")


@pytest.mark.parametrize("wrong", ["abc", "7", "[a]", "'" + "A" * 64 + "'", "0" * 63])
def test_what_is_no_hash_is_told_with_the_line_that_mends_it(folder: Path, wrong: str) -> None:
    right = pin("calendar", CALENDAR)
    write(folder, "manifest.yaml", MANIFEST.replace(right, f"- {{id: calendar, sha256: {wrong}}}"))
    (problem,) = problems_of(folder)
    assert problem.message.startswith("expected a sha256 of 64 hexadecimal digits for rules/calendar.yaml")
    assert problem.message.endswith(f", or write instead:  {right}")


def test_a_file_that_the_manifest_does_not_name_is_told_with_the_line_that_names_it(folder: Path) -> None:
    extra = CODENAMES.replace("no-codenames", "no-names")
    write(folder, "rules/no-names.yaml", extra)
    (problem,) = problems_of(folder)
    assert problem.file == "enforcement/rules/no-names.yaml"
    assert problem.message.endswith(f"remove it, or write there:  {pin('no-names', extra)}")
    write(folder, "rules/No_Names.yaml", extra)
    told = [each.message for each in problems_of(folder) if each.file == "enforcement/rules/No_Names.yaml"]
    assert any(message.endswith("remove it, or name it in words-like-these") for message in told)


def rewrite(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        write(folder, name, text.replace(old, new))

    return change


def replace(name: str, text: str | bytes) -> Callable[[Path], None]:
    return lambda folder: write(folder, name, text)


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def link(name: str, target: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return change


def link_out(folder: Path) -> None:
    """The rules lie outside, and the folder leads there."""
    (folder / "rules").rename(folder.parent / "rules-outside")
    (folder / "rules").symlink_to(folder.parent / "rules-outside")


def make_pipe(folder: Path) -> None:
    (folder / "rules/calendar.yaml").unlink()
    os.mkfifo(folder / "rules/calendar.yaml")


def make_folder(folder: Path) -> None:
    (folder / "rules/calendar.yaml").unlink()
    (folder / "rules/calendar.yaml").mkdir()


C, N, M = "rules/calendar.yaml", "rules/no-codenames.yaml", "manifest.yaml"

BREAKAGES: list[tuple[str, Callable[[Path], None], str, int | None, str]] = [
    ("no folder", shutil.rmtree, "enforcement", None, "can't be read (No such file"),
    ("no manifest", remove(M), M, None, "is missing"),
    ("no rule", remove(C), M, 3, "rules/calendar.yaml must be present"),
    ("no guidance", remove("guidance/tone.md"), M, 6, "guidance/tone.md must be present"),
    ("no rules folder", lambda folder: shutil.rmtree(folder / "rules"), M, 3, "must be present"),
    ("an extra rule", replace("rules/extra.yaml", CALENDAR), "rules/extra.yaml", None, "isn't named under"),
    ("an extra guidance", replace("guidance/extra.md", "x"), "guidance/extra.md", None, "isn't named under"),
    ("another ending", replace("rules/extra.yml", "x"), "rules/extra.yml", None, "doesn't belong here"),
    ("a hidden file", replace("rules/.x.yaml", "x"), "rules/.x.yaml", None, "doesn't belong here"),
    ("a stray file", replace("notes.txt", "x"), "notes.txt", None, "doesn't belong here"),
    ("a stray folder", replace("old/calendar.yaml", CALENDAR), "old", None, "doesn't belong here"),
    ("a folder below", replace("rules/more/x.yaml", "x"), "rules/more", None, "doesn't belong here"),
    ("a symlink out", link(C, "../../calendar.yaml"), C, None, "symbolic link"),
    ("a symlink within", link(C, "no-codenames.yaml"), C, None, "symbolic link"),
    ("a linked folder", link_out, "rules", None, "doesn't belong here"),
    ("a linked manifest", link(M, "/dev/null"), M, None, "symbolic link"),
    ("a pipe", make_pipe, C, None, "isn't a plain file"),
    ("a folder for a file", make_folder, C, None, "isn't a plain file"),
    ("a huge file", replace(C, b"#" * (LARGEST + 1)), C, None, "more than"),
    ("an empty manifest", replace(M, ""), M, None, "expected a mapping"),
    ("a manifest of no rules", replace(M, "version: 1\nrules: []\n"), M, 2, "at least one item"),
    ("no rules key", replace(M, "version: 1\n"), M, 1, "key 'rules' is missing"),
    ("no version", rewrite(M, "version: 1\n", ""), M, 1, "key 'version' is missing"),
    ("a newer version", rewrite(M, "version: 1", "version: 2"), M, 1, "a newer file needs a newer Loom"),
    ("true for a version", rewrite(M, "version: 1", "version: true"), M, 1, "expected 1"),
    ("an unknown manifest key", rewrite(M, "guidance:", "guidence:"), M, 5, "unknown key"),
    ("a rule named twice", rewrite(M, "id: no-codenames", "id: calendar"), M, 4, "named twice"),
    ("a rule and guidance alike", rewrite(M, "id: tone", "id: calendar"), M, 6, "named twice"),
    ("an id that is a path", rewrite(M, "id: calendar", "id: ../calendar"), M, 3, "isn't an id"),
    ("a number for an id", rewrite(M, "id: calendar", "id: 7"), M, 3, "7 isn't an id"),
    ("no for an id", rewrite(M, "id: calendar", "id: no"), M, 3, "False isn't an id"),
    ("half an entry", rewrite(M, "id: calendar, ", ""), M, 3, "'id' is missing"),
    ("not UTF-8", replace(C, b"id: caf\xe9\n"), C, None, "isn't UTF-8"),
    ("not YAML", rewrite(C, "[GET, HEAD]", "[GET, HEAD"), C, 8, "isn't valid YAML"),
    ("a control character", replace(C, "id: \x00"), C, None, "isn't valid YAML"),
    ("two documents", rewrite(C, "kind: http", "---\nkind: http"), C, 2, "isn't valid YAML"),
    ("a tag", rewrite(C, "id: calendar", "id: !!python/name:os.system"), C, 1, "isn't valid YAML"),
    ("an impossible date", rewrite(C, "id: calendar", "id: 2026-02-30"), C, 1, "can't be read as"),
    ("a time that is none", rewrite(C, "id: calendar", "id: !!timestamp x"), C, 1, "can't be read as"),
    ("a truth that is none", rewrite(C, "id: calendar", "id: !!bool x"), C, 1, "can't be read as"),
    ("a number that is none", rewrite(C, "id: calendar", "id: !!int ''"), C, 1, "can't be read as"),
    ("a tagged list", rewrite(C, "[GET, HEAD]", "!!set {GET, HEAD}"), C, 7, "the tag !!set isn't read"),
    ("a stranger's tag", rewrite(C, "[GET, HEAD]", "!x [GET, HEAD]"), C, 7, "the tag !x isn't read"),
    ("cut off", replace(C, CALENDAR[: CALENDAR.index(", HEAD")]), C, 7, "isn't valid YAML"),
    ("a bottomless nest", replace(C, "[" * 100_000), C, None, "nested more than"),
    ("an alias", rewrite(C, "[GET, HEAD]", "&x [GET]\n    hosts: *x"), C, 8, "aliases"),
    ("a key twice", rewrite(C, "kind: http", "kind: http\nkind: http"), C, 3, "stands here twice"),
    ("a deep key twice", rewrite(C, "paths: [/**]", "paths: [/**]\n    paths: [/]"), C, 9, "twice"),
    ("an empty rule", replace(C, "# nothing\n"), C, None, "expected a mapping"),
    ("a list for a rule", replace(C, "- id: calendar\n"), C, 1, "expected a mapping"),
    ("another id", rewrite(C, "id: calendar", "id: calender"), C, 1, "expected 'calendar'"),
    ("no id", rewrite(C, "id: calendar\n", ""), C, 1, "key 'id' is missing"),
    ("no kind", rewrite(C, "kind: http\n", ""), C, 1, "key 'kind' is missing"),
    ("an empty kind", rewrite(C, "kind: http", "kind:"), C, 2, "expected one of 'http'"),
    ("a null for a kind", rewrite(C, "kind: http", "kind: ~"), C, 2, "expected one of 'http'"),
    ("no why", rewrite(C, "why: The calendar is read.\n", ""), C, 1, "key 'why' is missing"),
    ("an empty why", rewrite(C, "why: The calendar is read.", 'why: " "'), C, 4, "expected text"),
    ("an unknown kind", rewrite(C, "kind: http", "kind: https"), C, 2, "unknown kind 'https'"),
    ("a kind that is a list", rewrite(C, "kind: http", "kind: [http]"), C, 2, "unknown kind"),
    ("an unknown key", rewrite(C, "applies_to:", "apply_to:"), C, 3, "unknown key"),
    ("an unknown deep key", rewrite(C, "https_only: true", "https: true"), C, 12, "unknown key"),
    ("nobody it applies to", rewrite(C, '[echo, "media-*", Sentinel]', "[]"), C, 3, "at least one item"),
    ("a bad worker", rewrite(C, "[echo,", "[echo/../x,"), C, 3, "isn't a worker's id"),
    ("no hosts", rewrite(C, "hosts: [calendar.example.org,", "hosts: [" + '"",'), C, 5, "isn't a host"),
    ("a host with scheme", rewrite(C, "hosts: [c", "hosts: [https://c"), C, 5, "isn't a host"),
    ("a host in capitals", rewrite(C, "hosts: [c", "hosts: [C"), C, 5, "isn't a host"),
    (
        "a host with a path",
        rewrite(C, "hosts: [calendar.example.org", "hosts: [x.org/a"),
        C,
        5,
        "isn't a host",
    ),
    ("a star within", rewrite(C, "hosts: [calendar.", "hosts: [cal*."), C, 5, "isn't a host"),
    ("an impossible port", rewrite(C, ":8443", ":84430"), C, 5, "isn't a host"),
    ("port zero", rewrite(C, ":8443", ":0"), C, 5, "isn't a host"),
    ("a broken address", rewrite(C, "*.example.net:8443", "[::1::2]:80"), C, 5, "isn't a host"),
    ("a host in two scripts", rewrite(C, "hosts: [calendar", "hosts: [kalénder"), C, 5, "isn't a host"),
    ("a host twice", rewrite(C, '"*.example.net:8443"', "calendar.example.org"), C, 5, "twice"),
    (
        "nothing allowed",
        rewrite(C, CALENDAR[CALENDAR.index("allow:") :], "allow: []\n"),
        C,
        6,
        "at least one",
    ),
    ("a method in small letters", rewrite(C, "[POST]", "[post]"), C, 9, "isn't a method"),
    ("a method that opens all", rewrite(C, "[POST]", '["*"]'), C, 9, "isn't a method"),
    ("a number for a method", rewrite(C, "[POST]", "[1]"), C, 9, "expected text"),
    ("a path without slash", rewrite(C, "/query/*/run", "query"), C, 10, "isn't a path"),
    ("half a star", rewrite(C, "/query/*/run", "/query/a*/run"), C, 10, "isn't a path"),
    ("a tail within", rewrite(C, "/query/*/run", "/query/**/run"), C, 10, "isn't a path"),
    ("dots in a path", rewrite(C, "/query/*/run", "/query/../run"), C, 10, "isn't a path"),
    ("a doubled slash", rewrite(C, "/query/*/run", "/query//run"), C, 10, "isn't a path"),
    ("an escape in a path", rewrite(C, "/query/*/run", "/query/%2e/run"), C, 10, "isn't a path"),
    (
        "a stranger's host",
        rewrite(C, "hosts: [calendar.example.org]", "hosts: [x.org]"),
        C,
        11,
        "isn't among",
    ),
    ("yes in quotes", rewrite(C, "https_only: true", 'https_only: "true"'), C, 12, "true or false"),
    ("an unknown action", rewrite(N, "redact", "report"), N, 4, "expected one of 'reject', 'redact'"),
    ("no patterns", rewrite(N, CODENAMES[CODENAMES.index("patterns:") :], ""), N, 1, "'patterns' is missing"),
    ("a bad pattern", rewrite(N, "{4,12})", "{4,12}"), N, 7, "isn't a regular expression"),
    (
        "a pattern in doubt",
        rewrite(N, "'\\d{16}'", "'[ab--x]'"),
        N,
        9,
        "isn't a regular expression: Possible set",
    ),
    ("a pattern for nothing", rewrite(N, "'\\d{16}'", "'\\d*'"), N, 9, "fits the empty text"),
    ("a number for a pattern", rewrite(N, "'\\d{16}'", "16"), N, 9, "expected a regular expression"),
    ("a nameless pattern", rewrite(N, "name: codename", "name: ''"), N, 6, "expected text"),
    ("an unknown check", rewrite(N, "check: luhn", "check: lune"), N, 10, "expected one of 'luhn'"),
    ("empty guidance", replace("guidance/tone.md", " \n"), "guidance/tone.md", None, "is empty"),
    ("bad guidance", replace("guidance/tone.md", b"\xff"), "guidance/tone.md", None, "isn't UTF-8"),
]


@pytest.mark.parametrize(
    ("breakage", "file", "line", "message"), [row[1:] for row in BREAKAGES], ids=[row[0] for row in BREAKAGES]
)
def test_a_broken_folder_is_refused_with_the_place_of_the_mistake(
    folder: Path, breakage: Callable[[Path], None], file: str, line: int | None, message: str
) -> None:
    breakage(folder)
    problems = problems_of(folder)
    where = f"enforcement/{file}" if file != "enforcement" else str(folder)
    found = [problem for problem in problems if problem.file == where and message in problem.message]
    assert found, [str(problem) for problem in problems]
    assert found[0].line == line


def test_a_mistake_is_told_in_a_few_hundred_words_however_long_it_is(folder: Path) -> None:
    write(folder, C, CALENDAR.replace("id: calendar", f"{'k' * 900}: 1\nid: {'i' * 90_000}"))
    write(folder, M, MANIFEST.replace("- calendar", f"- {'M' * 90_000}"))
    problems = problems_of(folder)
    assert len(problems) > 2
    assert all(len(str(problem)) < 3_000 for problem in problems)


def test_every_mistake_is_listed_at_once(folder: Path) -> None:
    rewrite(M, "version: 1", "version: 9")(folder)
    rewrite(C, "[POST]", "[post, gett]")(folder)
    rewrite(C, "id: calendar", "id: other")(folder)
    rewrite(N, "action: redact", "action: shout")(folder)
    write(folder, "guidance/tone.md", "")
    write(folder, "notes.txt", "")
    problems = problems_of(folder)
    assert sorted((problem.file, problem.line, problem.address) for problem in problems if problem.line) == [
        ("enforcement/manifest.yaml", 1, ("key 'version'",)),
        ("enforcement/rules/calendar.yaml", 1, ("key 'id'",)),
        ("enforcement/rules/calendar.yaml", 9, ("key 'allow'", "item 2", "key 'methods'", "item 1")),
        ("enforcement/rules/calendar.yaml", 9, ("key 'allow'", "item 2", "key 'methods'", "item 2")),
        ("enforcement/rules/no-codenames.yaml", 4, ("key 'action'",)),
    ]
    assert sorted(problem.file for problem in problems if problem.line is None) == [
        "enforcement/guidance/tone.md",
        "enforcement/notes.txt",
    ]


@contextmanager
def without_privileges() -> Iterator[None]:
    """As somebody whom permissions bind: root reads everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("name", [C, M, "rules", "."])
def test_what_may_not_be_read_is_a_problem(folder: Path, name: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        copy = Path(place) / "enforcement"
        shutil.copytree(folder, copy)
        (copy / name).chmod(0)
        try:
            with without_privileges():
                problems = problems_of(copy)
        finally:
            (copy / name).chmod(0o755)
    assert any("can't be read" in problem.message and "denied" in problem.message for problem in problems)


def test_loading_needs_no_http_library(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from loom.enforcement.reading.loader import load; "
        "load(Path(sys.argv[1])); "
        "print([name for name in ('httpx', 'httpcore', 'anyio', 'asyncio', 'ssl', 'pydantic') "
        "if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, folder], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_the_context_can_not_be_changed(folder: Path) -> None:
    context: EnforcementContext = load(folder)
    with pytest.raises(TypeError):
        context.sha256["manifest.yaml"] = "x"  # type: ignore[index]
    with pytest.raises(AttributeError):
        context.digest = "x"  # type: ignore[misc]
