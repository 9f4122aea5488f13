"""instruction-optimizer against real files. Today is 15 June 2026."""

from datetime import date
from pathlib import Path

import pytest

from loom.cli import COMMANDS
from loom.worker import Skip
from tests.ground.command import Command
from tests.ground.project import Project
from tests.sample.planted import assert_found, planted
from tests.workers.conftest import Contexts
from tests.workers.documents_sample import SAMPLE_NOW, company, run_by_command, write
from tests.workers.outputs import counted, only
from workers.instruction_optimizer import KINDS, LOOM_COMMANDS, Output, Settings, reads, run
from workers.sources.wording import VAGUE, passed_days, vague_phrases

LONG = "Episode pages live under the address of the season, with the number in two digits"


class Agents:
    """A project whose AGENTS.md, and other files, say what a test has them say."""

    def __init__(self, contexts: Contexts, root: Path) -> None:
        self._contexts, self.root = contexts, root

    def __call__(self, text: str = "", previous: Output | None = None, **settings: object) -> Output:
        write(self.root, {"AGENTS.md": text})
        before = previous.model_dump(mode="json") if previous else None
        chosen = Settings.model_validate(settings)
        return run(self._contexts(chosen, now=SAMPLE_NOW, previous=before))


@pytest.fixture
def agents(contexts: Contexts, tmp_path: Path) -> Agents:
    return Agents(contexts, tmp_path)


def kinds(output: Output) -> dict[str, int]:
    return counted(output, KINDS)


def test_every_fault_planted_in_the_sample_company_is_found_and_nothing_else(
    contexts: Contexts, tmp_path: Path
) -> None:
    sample = planted("instruction-optimizer")
    root = company(tmp_path)
    output = run(contexts(Settings.model_validate(sample.settings), project=root, now=SAMPLE_NOW))
    assert_found(output, sample, KINDS)
    assert all(finding.action for finding in output.findings)


# Passages across files


def test_a_passage_that_stands_in_two_files_is_told_with_both_places_and_a_link_instead(
    agents: Agents,
) -> None:
    write(agents.root, {"enforcement/guidance/pages.md": f"# Pages\n\n{LONG.replace('live', 'are')}.\n"})
    finding = only(agents(f"# All\n\n- First.\n- {LONG}.\n"))
    assert finding.subject == "enforcement/guidance/pages.md:3"
    assert "AGENTS.md:4 and enforcement/guidance/pages.md:3" in finding.detail
    assert finding.action.endswith("with: See [AGENTS.md](../../AGENTS.md).")


def test_a_file_that_is_a_copy_of_another_is_told_once(agents: Agents) -> None:
    text = "\n\n".join(
        f"{LONG} of rule {number}, which is the rule of number {number}." for number in "ABCDE"
    )
    write(agents.root, {"CLAUDE.md": text})
    finding = only(agents(text, similarity=100))
    assert finding.title == "5 passages stand in AGENTS.md and in CLAUDE.md"
    assert finding.action.endswith("begin it with: Read [AGENTS.md](AGENTS.md) first.")


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (f"{LONG}.\n\n{LONG}.", "Nothing of the kind."),
        ("Read this first.", "Read this first."),
        (f"{LONG}.", "Episode pages have three pictures, a title of sixty letters and the show notes."),
        (f"# {LONG}", f"# {LONG}"),
    ],
)
def test_what_is_short_or_in_one_file_or_something_else_is_no_duplicate(
    here: str, there: str, agents: Agents
) -> None:
    write(agents.root, {"CLAUDE.md": there})
    assert kinds(agents(here)) == {}


def test_contradicting_directives_are_critical_and_propose_both_edits(agents: Agents) -> None:
    write(agents.root, {"CLAUDE.md": "Intro.\n\nWrite well;\nnever push to the main branch.\n"})
    finding = only(agents("- Always push to the main branch.\n"))
    assert (finding.severity, finding.subject) == ("critical", "CLAUDE.md:3")
    assert "delete 'never push to the main branch.' in CLAUDE.md" in finding.action
    assert "delete 'Always push to the main branch.' in AGENTS.md:1" in finding.action


def test_one_passage_may_make_an_exception_and_a_readme_only_describes(agents: Agents) -> None:
    write(agents.root, {"README.md": "You should always push to the main branch. Set it up properly."})
    text = "Never push to the main branch. Always push to the main branch in the sandbox.\n"
    assert kinds(agents(text)) == {}


# Dead references


@pytest.mark.parametrize(
    ("text", "kind", "line", "action"),
    [
        ("[x](docs/tone.md)", "dead_link", 1, "with `docs/tone-of-voice.md`"),
        ("a\n[x](docs/tone-of-voice.md#what-we-say)", "dead_link", 2, "`docs/tone-of-voice.md#how-we-say`"),
        ("[x](Docs/tone-of-voice.md)", "dead_link", 1, "with `docs/tone-of-voice.md`"),
        ("[x](../elsewhere.md)", "dead_link", 1, "Take out"),
        ("[x]()", "dead_link", 1, "Take out"),
        ("![x](docs/none.png)", "dead_link", 1, "Take out"),
        ("a\nb `src/mian.py` c", "dead_path", 2, "with `src/main.py`"),
        ("`src/new/thing`", "dead_path", 1, "Take out"),
        ("`tools/run.sh:12`", "dead_path", 1, "Take out"),
        ("Run `make tset`", "dead_command", 1, "with `make test`"),
        ("```sh\nmake test lnit\n```", "dead_command", 2, "with `make test lint`"),
        ("    $ npm run biuld\n", "dead_command", 1, "with `npm run build`"),
        ("```console\n$ X=1 yarn run nothing && ls\n```", "dead_command", 2, "Take out"),
        ("`npm start`", "dead_command", 1, "Take out"),
        ("`python tools/gone.py --fast`", "dead_command", 1, "Take out"),
        ("`python3 maine.py`", "dead_command", 1, "with `python3 src/main.py`"),
        ("```\n./gone.sh\n```", "dead_command", 2, "Take out"),
        ("`loom statsu`", "dead_command", 1, "with `loom status`"),
        ("`loom run --worker fogre`", "dead_command", 1, "--worker forge`"),
    ],
)
def test_a_reference_to_what_isnt_there_is_told_with_its_line_and_an_edit(
    text: str, kind: str, line: int, action: str, agents: Agents
) -> None:
    _furnish(agents.root)
    output = agents(text)
    assert kinds(output) == {kind: 1}
    finding = only(output)
    assert finding.subject == f"AGENTS.md:{line}"
    assert action in finding.action


@pytest.mark.parametrize(
    "text",
    [
        "[x](docs/tone-of-voice.md#how-we-say) [x](docs) [x](#top)",
        "[x](https://example.org/a) [x](mailto:a@example.org)",
        "`src/main.py` `./src/main.py:3` `docs/` `and/or` `GET /v1/x.json` `application/json` `a/b`",
        "`api.example.org/v1/x.json` `../up/x.py` `dist/app.js` `.loom/ledger.db` `src/<name>.py` `src/*.py`",
        "`rules/ID.yaml` `docs/NAME.md` `src/main.py`",
        "`make` `make test` `make -C sub all` `make <target>` `make TARGET` `make X=1 test`",
        "`npm install` `npm run build -- --watch` `npm test` `yarn add x` `npm run $SCRIPT` `pnpm dlx x`",
        "`python -m thing` `python main.py` `python src/main.py` `bash -c 'x'` `./src/main.py` `ls gone/x`",
        "`loom run --worker FORGE` `loom run --worker Audit` `loom --version` `loom run --worker NAME`",
        "`loom` `loom enforcement seal` `loom show RUN` `git push` 'loom stats' make it so",
        "```python\nmake tset\n./gone.sh\n```\n\n```yaml\nrun: loom stats\n```",
        "`an open ' quote` `x && ` `| |`",
    ],
)
def test_what_is_there_or_isnt_the_projects_is_no_finding(text: str, agents: Agents) -> None:
    _furnish(agents.root)
    assert agents(text).findings == []


def _furnish(root: Path) -> None:
    write(
        root,
        {
            "docs/tone-of-voice.md": "# How we say\n",
            "src/main.py": "",
            "Makefile": "X := 1\n.PHONY: test lint\ntest lint: src\n\techo a: b\nsrc:\n",
            "package.json": '{"scripts": {"build": "x", "test": "y"}}',
            "worker-registry.yaml": "workers:\n  forge: {agent: Smith}\n  audit: {}\n",
        },
    )


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"Makefile": "include other.mk\n"}, "`make anything`"),
        ({"Makefile": "%.html: %.md\n"}, "`make anything`"),
        ({"Makefile": b"\0"}, "`make anything`"),
        ({"package.json": '{"scripts": {"bui'}, "`npm run anything`"),
        ({"package.json": "[1]"}, "`npm run anything`"),
        ({"worker-registry.yaml": "workers: [\n"}, "`loom run --worker anything`"),
        ({"worker-registry.yaml": "a: 2026-13-45\nworkers: 1\n"}, "`loom run --worker anything`"),
    ],
)
def test_where_the_names_cant_be_told_nothing_is_said_against_one(
    files: dict[str, str | bytes], text: str, agents: Agents
) -> None:
    write(agents.root, files)
    assert agents(text).findings == []


def test_a_makefile_or_package_nearer_to_the_file_may_have_the_command(agents: Agents) -> None:
    _furnish(agents.root)
    text = "`make clean` `npm run watch`"
    write(agents.root, {"sub/AGENTS.md": text, "sub/deep/AGENTS.md": text})
    assert kinds(agents()) == {"dead_command": 4}
    write(agents.root, {"sub/Makefile": "", "sub/package.json": "{}"})
    assert kinds(agents()) == {}


def test_a_command_without_the_file_that_would_define_it_is_dead(agents: Agents) -> None:
    output = agents("`make test` and `npm run build` and `npm run build`")
    assert kinds(output) == {"dead_command": 2}
    assert "no Makefile" in output.findings[0].detail
    assert "no package.json" in output.findings[1].detail


def test_a_readmes_commands_may_be_an_example_and_its_links_may_not(agents: Agents) -> None:
    write(agents.root, {"README.md": "`loom stats` [x](none.md)"})
    output = agents()
    assert [(one.severity, one.title[:4]) for one in output.findings] == [
        ("warning", "Link"),
        ("info", "Comm"),
    ]


def test_the_commands_of_loom_that_instructions_may_name_are_those_there_are() -> None:
    assert {*COMMANDS, "sample"} == set(LOOM_COMMANDS)


# Wording, days and size


@pytest.mark.parametrize("phrase", sorted(VAGUE))
def test_every_vague_phrase_is_told_once_with_the_sentence_to_write_instead(
    phrase: str, agents: Agents
) -> None:
    output = agents(f"# About {phrase} things\n\nBe here. Now {phrase.upper()} write, and {phrase} read\n")
    finding = next(one for one in output.findings if f"'{phrase}'" in one.title)
    assert (finding.severity, finding.subject) == ("info", "AGENTS.md:3")
    assert phrase.upper() not in finding.action
    assert (VAGUE[phrase] or "Now write") in finding.action


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("Try to run the tests.", "Run the tests."),
        ("Run them, where possible, twice.", "Run them, twice."),
        ("If possible, run them.", "Run them."),
        ("Lint, test etc.", "Lint, test [name the rest]."),
        ("First. Answer promptly! Then rest.", "Answer [within how long]!"),
        ("Retry\nas   needed.", "Retry [say when]."),
    ],
)
def test_the_proposed_sentence_reads_as_one(text: str, instead: str) -> None:
    (remark,) = vague_phrases(text)
    assert remark.instead == instead


def test_words_in_code_or_quotes_or_longer_words_are_not_vague() -> None:
    text = "Say `as needed`, \"as needed\", “properly” or 'promptly', inappropriately, well-properly."
    assert list(vague_phrases(text)) == []


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Valid until 2026-06-14.", date(2026, 6, 14)),
        ("Send it by June 1, 2026", date(2026, 6, 1)),
        ("Send it no later than 1st Jun 2026", date(2026, 6, 1)),
        ("Deadline: 3 March 2026", date(2026, 3, 3)),
        ("through May 2026", date(2026, 5, 31)),
        ("Last updated on 2025-11-30", date(2025, 11, 30)),
        ("As of November 2025 we pay", date(2025, 11, 30)),
        ("currently (2025-01-01)", date(2025, 1, 1)),
        ("until\n2026-01-01", date(2026, 1, 1)),
    ],
)
def test_a_day_that_has_passed_is_told(text: str, day: date) -> None:
    (passed,) = passed_days(text, date(2026, 6, 15), stale_after_days=180)
    assert passed.day == day


@pytest.mark.parametrize(
    "text",
    [
        "until 2026-06-15",
        "by June 2026",
        "as of 2026-01-01",
        "born 2001-01-01",
        "until 2026-02-31",
        "`until 2020-01-01`",
        "until version 2020-01-01-rc",
        "bystander 2020-01-01",
        "until 3333333-01-01",
    ],
)
def test_a_day_to_come_or_of_no_such_meaning_is_no_finding(text: str) -> None:
    assert list(passed_days(text, date(2026, 6, 15), stale_after_days=180)) == []


def test_a_stale_day_proposes_what_to_delete_or_to_check(agents: Agents) -> None:
    output = agents("Do it. The old feed stays\nuntil 2026-01-01. More.\n\nLast reviewed 2025-01-01.\n")
    assert [one.subject for one in output.findings] == ["AGENTS.md:2", "AGENTS.md:4"]
    assert "Delete 'The old feed stays until 2026-01-01.'" in output.findings[0].action
    assert "write today's date" in output.findings[1].action


def test_a_file_too_large_is_told_with_its_largest_sections(agents: Agents) -> None:
    text = f"# A\n\n{'x' * 392}\n\n# B\n\n{'y ' * 400}\n"
    output = agents(text, max_tokens=250)
    finding = only(output)
    assert finding.subject == "AGENTS.md:5"
    assert f"About {output.tokens['AGENTS.md']} tokens" in finding.detail
    assert "'B' (line 5, about 20" in finding.detail
    assert finding.action.startswith("Move 'B'")
    assert 298 <= output.tokens["AGENTS.md"] <= 304  # 1,206 characters
    assert agents(text, max_tokens=304).findings == []


def test_a_file_that_is_one_long_section_is_to_be_split_by_subject(agents: Agents) -> None:
    finding = only(agents(f"# A\n\n{'x ' * 400}\n", max_tokens=100))
    assert finding.action == "Shorten 'A', or give each of its subjects a file of its own."


# Bad input, limits, and the output


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (b"\x89PNG\0\0", "unreadable", "binary"),
        (b"ok\ncaf\xe9", "unreadable", "line 2 has the byte 0xe9"),
        (b"x" * 500_001, "unreadable", "500,001 bytes"),
        (b"---\na: b: c\n---\n", "front_matter", "isn't YAML"),
        (b"---\na: b\n\n", "front_matter", "no closing"),
        (b">" * 9_000, None, ""),
        (b"[" * 9_000, None, ""),
        (b"`" * 9_000 + b"\n" + b"'" * 9_000, None, ""),
        (b"", None, ""),
    ],
)
def test_a_file_that_cant_be_read_is_a_finding_and_the_others_are_reviewed(
    content: bytes, kind: str | None, says: str, agents: Agents
) -> None:
    write(agents.root, {"CLAUDE.md": content})
    output = agents("One instruction.\n", max_tokens=10_000)
    assert kinds(output) == ({kind: 1} if kind else {})
    assert says in "".join(one.detail for one in output.findings)
    assert output.instructions_reviewed >= 1


def test_links_out_of_the_project_are_not_followed_and_a_linked_twin_is_no_duplicate(
    agents: Agents, tmp_path: Path
) -> None:
    outside = write(tmp_path.parent / "elsewhere", {"README.md": f"{LONG}."})
    (agents.root / "README.md").symlink_to(outside / "README.md")
    (agents.root / "CLAUDE.md").symlink_to("AGENTS.md")
    output = agents(f"{LONG}. See [the readme](README.md#none).")
    assert (output.files_reviewed, output.findings) == (1, [])


def test_files_beyond_the_limit_are_said_to_be_unread(agents: Agents) -> None:
    write(agents.root, {"CLAUDE.md": "Two."})
    output = agents("One.", max_files=1)
    assert (output.files_reviewed, kinds(output)) == (1, {"unchecked": 1})


def test_without_instructions_the_run_is_skipped_and_says_what_to_set(contexts: Contexts) -> None:
    with pytest.raises(Skip, match=r"AGENTS\.md.*setting `instructions`"):
        run(contexts(Settings()))


def test_a_second_run_tells_new_from_resolved(agents: Agents) -> None:
    first = agents("`make a`\n\n`make b`\n")
    second = agents("One more line.\n\n`make b`\n\n`make c`\n", previous=first)
    assert (second.metrics["new"], second.metrics["resolved"]) == (1, 1)


def test_reads_names_the_patterns_and_what_says_which_commands_there_are(tmp_path: Path) -> None:
    write(tmp_path, {"AGENTS.md": "", "sub/AGENTS.md": "", "Makefile": ""})
    told = list(reads(Settings(), tmp_path))
    assert told[0] == "AGENTS.md: 2 files"
    assert told[-1] == "Makefile: what the project has to run"


def test_by_the_real_command_under_the_guard_it_succeeds(loom: Command, project: Project) -> None:
    write(
        project.root, {"AGENTS.md": "- Always sign the letters.\n", "CLAUDE.md": "Never sign the letters.\n"}
    )
    told = run_by_command(loom, project, "instruction-optimizer")
    assert told["outcome"] == "succeeded"
    assert told["output"]["metrics"]["contradiction"] == 1


def test_instructions_of_which_nothing_could_be_read_break_what_is_expected(
    loom: Command, project: Project
) -> None:
    write(project.root, {"AGENTS.md": b"\0"})
    settings = {"instructions": ["AGENTS.md"]}
    told = run_by_command(loom, project, "instruction-optimizer", settings=settings)
    assert told["outcome"] == "invalid"
    assert "instructions_reviewed" in told["error"]["where"]
