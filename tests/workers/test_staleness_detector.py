"""staleness-detector against real files and a real git repository. Today is 15 June 2026."""

import os
import shutil
from pathlib import Path

import pytest

from tests.sample.planted import assert_found, planted
from tests.workers.conftest import Contexts, Repository
from tests.workers.documents_sample import SAMPLE_NOW, company
from tests.workers.outputs import counted, only
from workers.staleness_detector import KINDS, Output, Settings, reads, run

FRESH = "---\nreview_by: 2027-01-31\n---\n"


def scan(contexts: Contexts, root: Path, previous: Output | None = None, **settings: object) -> Output:
    before = previous.model_dump(mode="json") if previous else None
    return run(contexts(Settings.model_validate(settings), project=root, previous=before))


def kinds(output: Output) -> dict[str, int]:
    return counted(output, KINDS)


@pytest.fixture
def one(repository: Repository, contexts: Contexts) -> "OneDocument":
    return OneDocument(repository, contexts)


class OneDocument:
    """A project of files committed this month, one of which a test looks at."""

    def __init__(self, repository: Repository, contexts: Contexts) -> None:
        self.repository, self.contexts = repository, contexts

    def __call__(self, text: str, path: str = "docs/a.md", **others: str) -> Output:
        self.repository.commit({path: FRESH + text, **others})
        return scan(self.contexts, self.repository.root)


def test_every_fault_planted_in_the_sample_company_is_found_and_nothing_else(
    contexts: Contexts, tmp_path: Path
) -> None:
    sample = planted("staleness-detector")
    root = company(tmp_path)
    output = run(contexts(Settings.model_validate(sample.settings), project=root, now=SAMPLE_NOW))
    assert_found(output, sample, KINDS)


# Age


def test_a_document_is_stale_once_its_last_commit_is_older_than_the_limit(
    repository: Repository, contexts: Contexts
) -> None:
    repository.commit({"old.md": "old", "edge.md": "edge", "new.md": "new"}, on="2025-01-01")
    repository.commit({"edge.md": "edge 2"}, on="2025-12-17")  # 180 days before
    repository.commit({"new.md": "new 2"}, on="2026-06-01")
    output = scan(contexts, repository.root)
    assert kinds(output) == {"stale": 1, "unreviewed": 1}
    stale = output.findings[0]
    assert (stale.severity, stale.subject) == ("warning", "old.md")
    assert "530 days ago" in stale.detail
    assert output.metrics["oldest_age_days"] == 530
    assert output.documents_checked == 3


def test_the_limit_is_a_setting(repository: Repository, contexts: Contexts) -> None:
    repository.commit({"a.md": "a"}, on="2026-06-01")
    assert kinds(scan(contexts, repository.root, stale_after_days=13)) == {"stale": 1, "unreviewed": 1}
    assert kinds(scan(contexts, repository.root, stale_after_days=14)) == {"unreviewed": 1}


def test_a_renamed_document_counts_from_its_renaming(repository: Repository, contexts: Contexts) -> None:
    repository.commit({"old.md": "the same text\n" * 5}, on="2024-01-01")
    repository.git("mv", "old.md", "new.md")
    repository.commit(on="2026-06-01")
    assert kinds(scan(contexts, repository.root)) == {"unreviewed": 1}


def test_a_document_changed_only_in_a_merge_counts_from_the_merge(
    repository: Repository, contexts: Contexts
) -> None:
    repository.commit({"a.md": "first\n"}, on="2024-01-01")
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit({"a.md": "side\n"}, on="2024-02-01")
    repository.git("checkout", "--quiet", "main")
    repository.commit({"a.md": "main\n"}, on="2024-02-02")
    with pytest.raises(Exception, match="merge"):
        repository.git("merge", "side")
    repository.commit({"a.md": "resolved\n"}, on="2026-06-01")
    assert kinds(scan(contexts, repository.root)) == {"unreviewed": 1}


def test_a_document_being_edited_isnt_stale(repository: Repository, contexts: Contexts) -> None:
    repository.commit({"a.md": "a"}, on="2024-01-01")
    repository.write({"a.md": "b"})
    assert kinds(scan(contexts, repository.root)) == {"unreviewed": 1}


def test_a_document_that_git_doesnt_know_yet_is_named_whatever_its_file_date(
    repository: Repository, contexts: Contexts
) -> None:
    repository.commit({"a.md": FRESH})
    repository.write({"new.md": FRESH})
    os.utime(repository.root / "new.md", (0, 0))
    finding = only(scan(contexts, repository.root))
    assert (finding.severity, finding.title) == ("info", "Documents not in git yet")
    assert "new.md" in finding.detail


def test_what_git_ignores_or_the_settings_exclude_isnt_checked(
    repository: Repository, contexts: Contexts
) -> None:
    broken = "[x](nowhere.md)"
    repository.commit({"a.md": FRESH, ".gitignore": "out/\n", "old/b.md": broken, "deep/drafts/c.md": broken})
    repository.write({"out/d.md": broken, "node_modules/e/f.md": broken, ".venv/g.md": broken})
    output = scan(contexts, repository.root, exclude=["node_modules", ".venv", "old/*", "drafts"])
    assert (output.documents_checked, output.findings) == (1, [])


def test_a_shallow_clone_says_what_it_cant_know(
    repository: Repository, contexts: Contexts, tmp_path: Path
) -> None:
    repository.commit({"a.md": "a", "b.md": "b"}, on="2024-01-01")
    repository.commit({"b.md": "b 2"}, on="2026-05-01")
    repository.commit({"c.md": "c"}, on="2026-06-01")
    clone = tmp_path / "clone"
    repository.git("clone", "--quiet", "--depth", "1", f"file://{repository.root}", str(clone))
    output = scan(contexts, clone)
    assert kinds(output) == {"unreviewed": 1, "age_unknown": 1}
    unknown = next(finding for finding in output.findings if "older than they seem" in finding.title)
    assert "3 documents" in unknown.detail
    assert "shallow" in unknown.detail
    # Old enough even by the little that is known: stale, at least so many days.
    output = scan(contexts, clone, stale_after_days=10)
    assert kinds(output) == {"unreviewed": 1, "stale": 3}
    assert "at least 14 days ago" in output.findings[0].detail


def test_history_beyond_the_commit_limit_is_said_to_be_unknown(
    repository: Repository, contexts: Contexts
) -> None:
    repository.commit({"a.md": FRESH}, on="2024-01-01")
    repository.commit({"b.md": FRESH}, on="2026-06-01")
    finding = only(scan(contexts, repository.root, max_commits=1))
    assert "1 document: a.md." in finding.detail
    assert "only the newest 1 commits were read" in finding.detail


@pytest.mark.parametrize("state", ["no repository", "no commits", "broken repository", "ignored by another"])
def test_without_history_the_ages_are_unknown_and_the_rest_is_checked(
    state: str, contexts: Contexts, tmp_path: Path
) -> None:
    root = tmp_path / "project"
    if state == "no commits":
        Repository(root).git("add", "--all")
    elif state == "broken repository":
        Repository(root)
        (root / ".git" / "HEAD").write_text("nonsense")
    elif state == "ignored by another":
        Repository(tmp_path).commit({".gitignore": "project/\n"})
    root.mkdir(exist_ok=True)
    (root / "a.md").write_text(FRESH + "[x](nowhere.md)")
    output = scan(contexts, root)
    assert kinds(output) == {"broken_link": 1, "age_unknown": 1}
    assert output.documents_checked == 1


def test_without_git_on_the_machine_the_rest_is_checked(
    repository: Repository, contexts: Contexts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repository.commit({"a.md": FRESH + "[x](nowhere.md)"})
    monkeypatch.setenv("PATH", str(tmp_path))
    output = scan(contexts, repository.root)
    assert kinds(output) == {"broken_link": 1, "age_unknown": 1}
    assert "git isn't installed" in output.findings[1].detail


def test_the_projects_folder_decides_not_a_variable_that_points_git_elsewhere(
    repository: Repository, contexts: Contexts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = Repository(tmp_path / "other")
    other.commit({"z.md": "z"}, on="2020-01-01")
    repository.commit({"a.md": FRESH})
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    assert scan(contexts, repository.root).findings == []


def test_a_project_inside_a_larger_repository_sees_its_own_files_only(
    repository: Repository, contexts: Contexts
) -> None:
    repository.commit({"sub/a.md": "a", "b.md": "b"}, on="2024-01-01")
    output = scan(contexts, repository.root / "sub")
    assert output.documents_checked == 1
    assert output.findings[0].subject == "a.md"
    assert kinds(output) == {"stale": 1, "unreviewed": 1}


def test_reading_leaves_the_repository_as_it_was(repository: Repository, contexts: Contexts) -> None:
    repository.commit({"a.md": "a"})
    index = repository.root / ".git" / "index"
    os.utime(repository.root / "a.md", (1, 1))  # git would refresh its index if it could take the lock
    before = index.read_bytes()
    scan(contexts, repository.root)
    assert index.read_bytes() == before


# Review days


@pytest.mark.parametrize(
    ("keys", "kind", "severity", "text"),
    [
        ("review_by: 2026-06-14", "overdue", "warning", "2026-06-14"),
        ("review_by: 2026-03-17", "overdue", "warning", "2026-03-17"),
        ("review_by: 2026-03-16", "overdue", "critical", "2026-03-16"),
        ("review_by: 2026-06-15", "due_soon", "info", "2026-06-15"),
        ("review_by: 2026-06-29", "due_soon", "info", "2026-06-29"),
        ("review_by: '2026-06-14'", "overdue", "warning", "2026-06-14"),
        ("review_by: 2026-06-14T08:00:00", "overdue", "warning", "2026-06-14"),
        ("last_reviewed: 2026-03-01\nreview_every: 90d", "overdue", "warning", "2026-05-30"),
        ("last_reviewed: 2026-04-01\nreview_every: 10w", "overdue", "warning", "2026-06-10"),
        ("last_reviewed: 2025-06-12\nreview_every: 1y", "overdue", "warning", "2026-06-12"),
        ("last_reviewed: 2025-12-01", "overdue", "warning", "2026-05-30"),
        ("review_every: 7d", "overdue", "warning", "2026-06-08"),
    ],
)
def test_a_review_day_is_due_then_overdue_then_long_overdue(
    keys: str, kind: str, severity: str, text: str, repository: Repository, contexts: Contexts
) -> None:
    repository.commit({"a.md": f"---\ntitle: A\n{keys}\n---\n# A\n"})
    output = scan(contexts, repository.root)
    assert kinds(output) == {kind: 1}
    finding = only(output)
    assert finding.severity == severity
    assert text in finding.title
    assert finding.subject == "a.md:3"


@pytest.mark.parametrize(
    "keys",
    ["review_by: 2026-06-30", "last_reviewed: 2026-06-15", "review_every: 1y", "review_by: 9999-12-31"],
)
def test_a_review_day_to_come_is_no_finding_however_old_the_document(
    keys: str, repository: Repository, contexts: Contexts
) -> None:
    day = "2025-07-15" if "every" in keys else "2020-01-01"
    repository.commit({"a.md": f"---\n{keys}\n---\n"}, on=day)
    assert scan(contexts, repository.root).findings == []


@pytest.mark.parametrize(
    ("front", "line", "expected"),
    [
        ("review_by: next week", 2, "expected a day"),
        ("title: x\nreview_by: 2026-13-45", 3, "2026-13-45"),
        ("review_by:", 2, "nothing"),
        ("review_by: [2026-01-01]", 2, "nothing"),
        ("last_reviewed: 2027-01-01", 2, "a day that has been"),
        ("last_reviewed: 2026-01-01\nreview_every: soon", 3, "90d, 12w or 1y"),
        ("review_every: 0d", 2, "90d, 12w or 1y"),
        ("a: b: c", 2, "isn't YAML"),
        ("title: 'open\nreview_by: 2026-01-01", 3, "isn't YAML"),
        ("- a\n- b", 2, "key: value"),
        ("a: " + "[" * 3000, 1, "too deeply"),
    ],
)
def test_front_matter_that_cant_be_read_is_a_finding_with_its_line(
    front: str, line: int, expected: str, repository: Repository, contexts: Contexts
) -> None:
    repository.commit({"a.md": f"---\n{front}\n---\n# A\n"})
    output = scan(contexts, repository.root)
    found = [finding for finding in output.findings if "Front matter" in finding.title]
    assert len(found) == kinds(output)["front_matter"] == 1
    assert expected in found[0].detail
    assert found[0].subject == f"a.md:{line}"


def test_a_review_day_beyond_the_calendar_is_refused(repository: Repository, contexts: Contexts) -> None:
    repository.commit({"a.md": "---\nlast_reviewed: 2026-01-01\nreview_every: 9999y\n---\n"})
    assert kinds(scan(contexts, repository.root)) == {
        "front_matter": 1,
    }


def test_unclosed_front_matter_is_a_finding_and_a_rule_across_the_page_is_not(
    repository: Repository, contexts: Contexts
) -> None:
    repository.commit({"a.md": "---\nreview_by: 2026-01-01\n\ntext", "b.md": "---\n\nJust a rule above.\n"})
    output = scan(contexts, repository.root)
    assert kinds(output) == {"front_matter": 1, "unreviewed": 1}


def test_documents_without_a_review_day_are_named_once_up_to_ten(
    repository: Repository, contexts: Contexts
) -> None:
    repository.commit({f"d{number:02}.md": "x" for number in range(13)})
    finding = only(scan(contexts, repository.root))
    assert (finding.severity, finding.title) == ("info", "Documents without a review day")
    assert finding.detail.startswith("13 documents: d00.md, d01.md")
    assert "d09.md and 3 more." in finding.detail


# Links


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ("[x](nowhere.md)", "broken_link", 4),
        ("text\n\nmore [x]\n(no link)\nand [x](no%20where.md)", "broken_link", 8),
        ("text [x][ref]\n\n[ref]: ./nowhere.md 'title'", "broken_link", 4),
        ("| a | b |\n|---|---|\n| c | [x](nowhere.md) |", "broken_link", 6),
        ("- one\n- two\n  - [x](nowhere.md)", "broken_link", 6),
        ("> quoted [x](../nowhere/)", "broken_link", 4),
        ("[x](/docs/nowhere.md)", "broken_link", 4),
        ("[x]()", "broken_link", 4),
        ("![x](picture.png)", "broken_image", 4),
        ('<p>\n<img src="picture.png">\n</p>', "broken_image", 5),
        ('text <a href="nowhere.md">x</a>', "broken_link", 4),
        ("[x](../../elsewhere.md)", "outside", 4),
        ("[x](../../../../etc/passwd)", "outside", 4),
        ("[x](B.md)", "capitals", 4),
        ("[x](../license)", "capitals", 4),
        ("[x](#nowhere)", "broken_anchor", 4),
        ("# Setup\n[x](#Setup)", "broken_anchor", 5),
        ("[x](b.md#nowhere)", "broken_anchor", 4),
        ("[x](../src/code.py#L4)", "broken_anchor", 4),
        ("[x](b.md#anchor-2)", "broken_anchor", 4),
    ],
)
def test_a_link_that_leads_nowhere_is_found_with_its_line(
    text: str, kind: str, line: int, one: OneDocument
) -> None:
    output = one(
        text, **{"docs/b.md": FRESH + "# Anchor\n# Anchor\n", "src/code.py": "a\nb\n", "LICENSE": ""}
    )
    assert kinds(output) == {kind: 1}
    finding = only(output)
    assert (finding.severity, finding.subject) == ("warning", f"docs/a.md:{line}")


@pytest.mark.parametrize(
    "text",
    [
        "[x](b.md) [x](./b.md) [x](../docs/b.md) [x](/docs/b.md) [x](b.md?raw=1)",
        "[x](../src) [x](../src/) [x](..) [x](.) [x](/)",
        "[x](ü%20b.md) [x](<ü b.md>) [x](%C3%BC%20b.md)",
        "![x](picture%20one.png) <img src='picture one.png'>",
        "[x](https://example.org/nowhere.md) [x](mailto:a@example.org) <https://example.org>",
        "[x](//example.org/a)",
        "```\n[x](nowhere.md)\n```\n\n    [x](nowhere.md)\n\n`[x](nowhere.md)` \\[x](nowhere.md)",
        "<!-- [x](nowhere.md) <a href='nowhere.md'> -->",
        "[x](../../issues) [x](../../actions/workflows/ci.yml/badge.svg) [x](../../wiki)",
        "[x]({{ site.url }}/nowhere) [x](<{% link nowhere.md %}>)",
        "# Über uns: `code_x` & [more](b.md)!\n[x](#über-uns-code_x--more) [x](#%C3%BCber-uns-code_x--more)",
        "# A b\n# A b\n## A b\n[x](#a-b) [x](#a-b-1) [x](#a-b-2)",
        "Setext\n===\n[x](#setext) [x](#top) [x](#)",
        'text <a id="here"></a> <a name="there"></a> [x](#here) [x](#there)',
        '<div id="block">\n</div>\n\n[x](#block)',
        "# 🚀 Go\n[x](#-go)",
        "[x](b.md#anchor) [x](b.md#anchor-1) [x](b.md#user-content-anchor) [x](b.md#L1)",
        "[x](../src/code.py#L1-L3) [x](../src/code.py#L2) [x](../src/code.py#part) [x](../src#readme)",
        "[undefined][nowhere] and matrix[i][j]",
    ],
)
def test_what_a_reader_can_follow_is_no_finding(text: str, one: OneDocument) -> None:
    output = one(
        text,
        **{
            "docs/b.md": FRESH + "# Anchor\n# Anchor\n",
            "docs/ü b.md": FRESH,
            "docs/picture one.png": "png",
            "src/code.py": "a\nb\n",
        },
    )
    assert output.findings == []


def test_a_link_to_a_moved_or_removed_file_says_where_it_went(one: OneDocument) -> None:
    repository = one.repository
    repository.commit({"docs/moved.md": FRESH + "much the same text\n" * 9, "docs/gone.md": "x"})
    repository.git("mv", "docs/moved.md", "docs/new.md")
    repository.git("rm", "--quiet", "docs/gone.md")
    commit = repository.commit(on="2026-06-02")
    output = one("[x](moved.md)\n[y](gone.md)")
    assert kinds(output) == {"broken_link": 2}
    moved, gone = output.findings
    assert f"moved to `docs/new.md` in commit {commit[:7]} of 2026-06-02" in moved.detail
    assert f"removed in commit {commit[:7]} of 2026-06-02" in gone.detail


def test_symbolic_links_are_followed_neither_in_nor_out(one: OneDocument, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("[x](nowhere.md)\n# Secret\n")
    root = one.repository.root
    (root / "docs").mkdir()
    (root / "docs" / "linked").symlink_to(outside, target_is_directory=True)
    (root / "docs" / "secret.md").symlink_to(outside / "secret.md")
    (root / "docs" / "dangling.md").symlink_to(outside / "nothing.md")
    (root / "docs" / "loop").symlink_to(root, target_is_directory=True)
    output = one("[x](secret.md#not-a-heading)")
    assert (output.documents_checked, output.findings) == (1, [])


# Mentions


def test_inline_code_that_names_a_removed_file_is_found_once_per_document(one: OneDocument) -> None:
    one.repository.commit({"src/thing.py": "x\n" * 9, "docs/img/x.svg": "x"})
    one.repository.git("rm", "--quiet", "src/thing.py", "docs/img/x.svg")
    commit = one.repository.commit(on="2026-06-03")
    output = one("See `src/thing.py`, `./src/thing.py:12`\nand `img/x.svg`.")
    assert kinds(output) == {"gone": 2}
    assert [finding.subject for finding in output.findings] == ["docs/a.md:4", "docs/a.md:5"]
    assert f"removed in commit {commit[:7]} of 2026-06-03" in output.findings[0].detail


def test_a_mention_is_no_finding_unless_git_knew_the_file_and_nothing_took_its_place(
    one: OneDocument,
) -> None:
    one.repository.commit({"out/made.js": "x", "src/back.py": "x", "src/thing.py": "x"})
    one.repository.git("rm", "--quiet", "-r", "out", "src")
    one.repository.commit({".gitignore": "out/\n"})
    output = one(
        "`never/was.py` `a/b` `and/or` `GET /v1/x.json` `src/back.py` `docs/b.py` `out/made.js` "
        "`https://example.org/a.py` `../../../x/y.py` `back.py`\n\n```\nsrc/thing.py\n```\n",
        **{"src/back.py": "back again", "docs/b.py": ""},
    )
    assert output.findings == []


def test_a_changelog_may_speak_of_files_that_are_gone(one: OneDocument) -> None:
    one.repository.commit({"src/thing.py": "x"})
    one.repository.git("rm", "--quiet", "src/thing.py")
    one.repository.commit()
    assert one("Removed `src/thing.py`.", "CHANGELOG.md").findings == []


# Bad input, limits, and the output


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\x89PNG\0\0", "binary"),
        ("text".encode("utf-16"), "UTF-16"),
        (b"line\nGr\xfc\xdfe\n", "line 2 has the byte 0xfc"),
        (b"x" * 500_001, "500,001 bytes"),
    ],
)
def test_a_document_that_cant_be_read_is_a_finding(
    content: bytes, expected: str, repository: Repository, contexts: Contexts
) -> None:
    repository.commit({"a.md": content, "b.md": FRESH + "[x](a.md#anchor)"})
    finding = only(scan(contexts, repository.root))
    assert (finding.severity, finding.subject) == ("warning", "a.md")
    assert expected in finding.detail


def test_a_pipe_named_like_a_document_doesnt_hang_the_run(repository: Repository, contexts: Contexts) -> None:
    repository.commit({"a.md": FRESH})
    os.mkfifo(repository.root / "pipe.md")
    assert scan(contexts, repository.root).documents_checked == 1


@pytest.mark.parametrize(
    "text", ["", "\ufeff# A\n[x](#a)", "# A\r\n\r\n[x](#a)\r\n", ">" * 9000, "[" * 9000, "<![x"]
)
def test_odd_but_readable_documents_are_no_finding(
    text: str, repository: Repository, contexts: Contexts
) -> None:
    repository.commit({"a.md": text})
    assert kinds(scan(contexts, repository.root)) == {"unreviewed": 1}


def test_odd_file_names_are_carried_through(repository: Repository, contexts: Contexts) -> None:
    names = ["new\nline.md", "tab\t.md", 'quote".md', "ünï.md", os.fsdecode(b"latin\xfc.md"), "\x01mark.md"]
    repository.commit(dict.fromkeys(names, "[x](nowhere.md)"), on="2024-01-01")
    output = scan(contexts, repository.root)
    assert kinds(output) == {"stale": len(names), "broken_link": len(names), "unreviewed": 1}
    assert Output.model_validate_json(output.model_dump_json()) == output


def test_other_text_files_are_judged_by_age_alone(repository: Repository, contexts: Contexts) -> None:
    repository.commit({"a.rst": "---\nreview_by: x\n---\n[x](nowhere.md)", "b.md": FRESH}, on="2024-01-01")
    output = scan(contexts, repository.root, documents=["**/*.md", "*.rst"])
    assert kinds(output) == {"stale": 1}


def test_documents_beyond_the_limit_are_said_to_be_unchecked(
    repository: Repository, contexts: Contexts
) -> None:
    repository.commit({f"d{number}.md": FRESH for number in range(5)})
    output = scan(contexts, repository.root, max_documents=3)
    assert output.documents_checked == 3
    assert "5 documents, 2 more than" in only(output).detail


def test_findings_come_worst_first_and_no_more_than_the_limit(
    repository: Repository, contexts: Contexts
) -> None:
    repository.commit(
        {
            "a.md": "[x](one.md) [y](two.md)",
            "z.md": "---\nreview_by: 2020-01-01\n---\n",
            "y.md": "[x](three.md)",
        }
    )
    output = scan(contexts, repository.root, max_findings=2)
    assert [finding.severity for finding in output.findings] == ["critical", "warning", "info"]
    assert "3 more findings" in output.findings[-1].detail
    assert kinds(output) == {"overdue": 1, "broken_link": 3, "unreviewed": 1}


def test_a_second_run_tells_new_from_resolved(repository: Repository, contexts: Contexts) -> None:
    repository.commit({"a.md": FRESH + "[x](one.md)\n[y](two.md)"})
    first = scan(contexts, repository.root)
    assert "new" not in first.metrics
    repository.commit({"a.md": FRESH + "A line that moves the rest.\n\n[y](two.md)\n[z](three.md)"})
    second = scan(contexts, repository.root, previous=first)
    assert (second.metrics["new"], second.metrics["resolved"]) == (1, 1)
    assert second.summary == "1 document checked, 2 findings, 1 new and 1 resolved since the last run."


def test_a_cancelled_run_stops_between_documents(repository: Repository, contexts: Contexts) -> None:
    repository.commit({f"d{number}.md": "x" for number in range(5)})
    answers = iter([False, False, True])
    context = contexts(Settings(), project=repository.root, cancelled=lambda: next(answers))
    assert run(context).documents_checked == 2


def test_an_empty_project_has_nothing_to_find(contexts: Contexts, tmp_path: Path) -> None:
    output = scan(contexts, tmp_path)
    assert (output.documents_checked, output.findings) == (0, [])


def test_looms_own_documents_give_real_findings(contexts: Contexts, tmp_path: Path) -> None:
    here = Path(__file__).parents[2]
    copy = Repository(tmp_path / "loom")
    for path in here.rglob("*.md"):
        if not {".venv", ".git", "node_modules"} & set(path.parts):
            place = copy.root / path.relative_to(here)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    copy.write(
        {"README.md": (here / "README.md").read_bytes() if (here / "README.md").exists() else "# Loom"}
    )
    copy.commit()
    output = scan(contexts, copy.root)
    assert output.documents_checked >= 1
    assert output.findings


def test_reads_names_the_patterns_and_the_history(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("a")
    assert list(reads(Settings(), tmp_path)) == [
        "**/*.md: 1 file",
        "the project's git history: at most 20,000 commits",
    ]
