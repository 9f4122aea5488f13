"""pattern-memory-analyzer against real files, and what the ledger remembers. Today is 15 June 2026."""

import json
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loom.worker import PastRun, Skip
from tests.ground.command import Command
from tests.ground.project import Project
from tests.sample.planted import assert_found, planted
from tests.workers.conftest import Contexts
from tests.workers.documents_sample import SAMPLE_NOW, company, run_by_command, write
from tests.workers.outputs import counted, only
from workers.pattern_memory_analyzer import KINDS, Output, Settings, reads, run
from workers.sources.failures import shape

LOST = "The chapter marks were lost in the export"


def line(text: str, **fields: object) -> str:
    return json.dumps({"text": text, **fields})


def past(
    worker: str = "audit",
    *,
    days_ago: float = 1,
    outcome: str = "failed",
    kind: str = "TransientError",
    message: str = "HTTP 503",
    slot: datetime | None = None,
) -> PastRun:
    at, bad = SAMPLE_NOW - timedelta(days=days_ago), outcome != "succeeded"
    return PastRun(
        worker=worker,
        agent=None,
        slot=slot,
        outcome=outcome,
        final=True,
        reason="",
        error_kind=kind if bad else None,
        error_message=message if bad else None,
        error_where=None,
        tick_at=at,
        started_at=at,
        duration_s=1.0,
    )


class Notes:
    """A project whose memories hold what a test puts there."""

    def __init__(self, contexts: Contexts, root: Path) -> None:
        self._contexts, self.root = contexts, root

    def __call__(
        self,
        *lines: str,
        previous: Output | None = None,
        history: Sequence[PastRun] = (),
        **settings: object,
    ) -> Output:
        write(self.root, {"memories/a.jsonl": "\n".join(lines)})
        chosen = Settings.model_validate(settings)
        before = previous.model_dump(mode="json") if previous else None
        return run(self._contexts(chosen, now=SAMPLE_NOW, previous=before, history=history))


@pytest.fixture
def notes(contexts: Contexts, tmp_path: Path) -> Notes:
    return Notes(contexts, tmp_path)


def kinds(output: Output) -> dict[str, int]:
    return counted(output, KINDS)


def test_every_fault_planted_in_the_sample_company_is_found_and_nothing_else(
    contexts: Contexts, tmp_path: Path
) -> None:
    sample = planted("pattern-memory-analyzer")
    root = company(tmp_path)
    output = run(contexts(Settings.model_validate(sample.settings), project=root, now=SAMPLE_NOW))
    assert_found(output, sample, KINDS)
    assert all(finding.action for finding in output.findings)


# Patterns


def test_three_notes_alike_are_a_pattern_with_count_days_and_examples(notes: Notes) -> None:
    write(notes.root, {"memories/b.md": f"# Log\n\n## 2026-05-02\n\n- {LOST}\n- something else happened\n"})
    output = notes(
        line(f"{LOST}!", at="2026-05-30T23:30:00-05:00"),
        line("chapter marks were LOST in the export again", created_at="2026-04-01"),
    )
    assert kinds(output) == {"pattern": 1}
    finding = only(output)
    assert "3 notes, first seen 2026-04-01, last seen 2026-05-31" in finding.detail
    assert "memories/a.jsonl:2, memories/b.md:5, memories/a.jsonl:1" in finding.detail
    assert finding.action
    (pattern,) = output.patterns
    assert (pattern.count, pattern.last_seen) == (3, datetime(2026, 5, 31, 4, 30, tzinfo=UTC))


def test_two_notes_alike_are_none_and_the_number_is_a_setting(notes: Notes) -> None:
    assert notes(line(LOST), line(LOST)).findings == []
    assert kinds(notes(line(LOST), line(LOST), min_count=2)) == {"pattern": 1}


def test_notes_for_and_against_the_same_are_no_pattern(notes: Notes) -> None:
    output = notes(
        *[line("Always cut the intro of the episode")] * 2, line("Never cut the intro of the episode")
    )
    assert kinds(output) == {"contradiction": 1}


def test_notes_of_two_words_say_too_little(notes: Notes) -> None:
    assert notes(*[line("all good")] * 5).findings == []


@pytest.mark.parametrize(
    ("before", "now", "kind", "title"),
    [
        (3, 3, "pattern", "Recurring pattern"),
        (5, 6, "pattern", "Recurring pattern"),
        (4, 5, "rising", "Rising pattern"),
        (4, 3, "fading", "Fading pattern"),
        (0, 3, "rising", "Rising pattern"),
        (4, 0, "fading", "Faded pattern"),
    ],
)
def test_a_pattern_rises_or_fades_against_the_previous_run(
    before: int, now: int, kind: str, title: str, notes: Notes
) -> None:
    rest = line("Something else entirely was noted")
    first = notes(rest, *[line(LOST)] * before)
    second = notes(rest, *[line(f"{LOST}.")] * now, previous=first)
    assert kinds(second) == {kind: 1}
    assert only(second).title.startswith(f"{title}: ")
    assert (str(before) if before else "not yet") in only(second).detail


def test_an_output_of_another_shape_is_no_previous_run(contexts: Contexts, tmp_path: Path) -> None:
    write(tmp_path, {"memories/a.jsonl": "\n".join([line(LOST)] * 3)})
    for before in ({}, {"patterns": None}, {"patterns": [1, {"text": "x"}]}):
        output = run(contexts(Settings(), now=SAMPLE_NOW, previous=before))
        assert output.patterns[0].count == 3


def test_dated_notes_before_the_window_are_left_out_and_undated_ones_count(notes: Notes) -> None:
    old = (SAMPLE_NOW - timedelta(days=91)).timestamp()
    new = (SAMPLE_NOW - timedelta(days=89)).timestamp() * 1_000
    output = notes(line(LOST, at=old), line(LOST, at=new), line(LOST))
    assert (output.notes_analyzed, output.findings) == (2, [])
    assert kinds(notes(line(LOST, at=old), line(LOST, at=new), line(LOST), window_days=92)) == {"pattern": 1}


# Contradictions


def test_contradicting_notes_name_both_places_and_the_later_one_is_the_subject(notes: Notes) -> None:
    output = notes(
        line("She avoids calls before noon.", subject="Nora", at="2026-06-02"),
        line("prefers calls before noon", about="Nora", at="2026-05-02"),
        line("prefers calls before noon", subject="Theo", at="2026-06-10"),
    )
    assert kinds(output) == {"contradiction": 1}
    finding = only(output)
    assert finding.subject == "memories/a.jsonl:1"
    assert "memories/a.jsonl:2 says 'prefers calls before noon'" in finding.detail
    assert "first seen 2026-05-02, last seen 2026-06-02" in finding.detail
    assert "most likely the earlier one" in finding.action


def test_a_note_that_weighs_both_sides_contradicts_nobody(notes: Notes) -> None:
    assert notes(line("Always sign letters. Never sign letters.")).findings == []


# Workers that fail the same way again


def test_a_worker_that_fails_the_same_way_three_times_is_told_with_the_last_message(notes: Notes) -> None:
    history = [
        past(days_ago=1, message="HTTP 503 after 4.2 s for '/contacts/1'"),
        past(days_ago=9, message="HTTP 503 after 11 s for '/contacts/77'"),
        past(days_ago=3, message="HTTP 503 after 7 s for '/contacts/9'"),
        past("forge", days_ago=3),
        past(days_ago=4, kind="PermanentError"),
        past(days_ago=30, outcome="succeeded"),
    ]
    output = notes(line("A single note"), history=history)
    assert kinds(output) == {"repeated_failure": 1}
    finding = only(output)
    assert (finding.severity, finding.subject) == ("warning", "audit")
    assert "3 times, first seen 2026-06-06, last seen 2026-06-14" in finding.detail
    assert "4.2 s" in finding.detail
    assert "loom history --worker audit" in finding.action
    assert (output.memories_analyzed, output.runs_analyzed) == (7, 6)


def test_a_worker_that_has_succeeded_since_is_only_mentioned(notes: Notes) -> None:
    bad = [past(days_ago=days) for days in (5, 6, 7)]
    output = notes(history=[past(days_ago=1, outcome="succeeded"), *bad])
    assert only(output).severity == "info"
    assert "It has succeeded since." in only(output).detail


def test_one_slot_tried_three_times_is_one_occasion(notes: Notes) -> None:
    history = [past(days_ago=1 + number / 24, slot=SAMPLE_NOW - timedelta(days=1)) for number in range(3)]
    assert notes(history=history).findings == []
    assert kinds(notes(history=history, min_failures=2)) == {}


@pytest.mark.parametrize("outcome", ["succeeded", "skipped", "superseded", "missed"])
def test_what_is_no_failure_of_the_worker_isnt_counted(outcome: str, notes: Notes) -> None:
    assert notes(history=[past(days_ago=days, outcome=outcome) for days in (1, 2, 3)]).findings == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("HTTP 503 for 'a'", "HTTP 502 for 'b'", True),
        ("run 0190a7f2-aa01-7c31 died", "run 0190b000-bb01-7c31 died", True),
        ("at 2026-06-01T10:00:00Z it broke", "at 2026-06-02T11:30:00Z it broke", True),
        ("no module named requests", "no module named httpx", False),
    ],
)
def test_a_messages_shape_leaves_out_what_changes(one: str, other: str, same: bool) -> None:
    assert (shape(one) == shape(other)) is same


# Bad input, limits, and the output


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"text": "half a li', "cut off"),
        ('{"text": "whole", "at": ', "cut off"),
        ("not json", "no JSON"),
        ("[1, 2]", "no JSON object"),
        ('{"subject": "x"}', "has no text"),
        ('{"text": 5}', "has no text"),
        ('{"text": "a", "at": "yesterday"}', "a time that can't be read: 'yesterday'"),
        ('{"text": "a", "at": 1e400}', "a time that can't be read"),
        ("[" * 100_000, "nested too deeply"),
        ('{"text": ' + "1" * 5_000 + "}", "a number that is too long"),
    ],
)
def test_a_line_that_cant_be_read_is_a_finding_and_the_others_count(
    text: str, says: str, notes: Notes
) -> None:
    output = notes(line(LOST), "", text, line(LOST), line(LOST))
    assert kinds(output) == {"pattern": 1, "malformed": 1}
    bad = output.findings[0]
    assert bad.subject == "memories/a.jsonl:3"
    assert says in bad.detail


@pytest.mark.parametrize(
    ("path", "content", "says"),
    [
        ("memories/x.md", b"caf\xe9", "byte 0xe9"),
        ("memories/x.jsonl", b"\x00\x01", "binary"),
        ("memories/x.md", b"x" * 1_001, "1,001 bytes"),
    ],
)
def test_a_file_that_isnt_text_is_a_finding(path: str, content: bytes, says: str, notes: Notes) -> None:
    write(notes.root, {path: content})
    output = notes(line(LOST), max_file_bytes=1_000)
    assert kinds(output) == {"unreadable": 1}
    assert says in only(output).detail


def test_markdown_with_front_matter_that_cant_be_read_is_a_finding_and_its_notes_count(notes: Notes) -> None:
    write(notes.root, {"memories/x.md": f"---\na: b: c\n---\n- {LOST}\n- {LOST}\n- {LOST}\n"})
    output = notes(line("another note, all alone"))
    assert kinds(output) == {"pattern": 1, "malformed": 1}


def test_links_out_of_the_project_are_not_followed(notes: Notes, tmp_path: Path) -> None:
    outside = write(tmp_path.parent / "elsewhere", {"secret.jsonl": line("A secret of another project")})
    (notes.root / "memories").mkdir()
    (notes.root / "memories" / "link.jsonl").symlink_to(outside / "secret.jsonl")
    (notes.root / "memories" / "more").symlink_to(outside, target_is_directory=True)
    output = notes(line("A single note"))
    assert (output.notes_analyzed, output.findings) == (1, [])


def test_ten_thousand_notes_take_seconds_and_every_pattern_among_them_is_found(notes: Notes) -> None:
    chance = random.Random(4711)  # noqa: S311
    vocabulary = [f"word{min(int(chance.paretovariate(0.5)), 9_999)}" for _ in range(5_000)]
    others = [line(" ".join(chance.choices(vocabulary, k=chance.randint(12, 30)))) for _ in range(9_400)]
    said = [" ".join(f"{name}{number}" for name in "abcdefghijkl") for number in range(200)]
    patterns = [line(f"{text} {tail}") for text in said for tail in ("again", "once", "today")]
    lines = others + patterns
    chance.shuffle(lines)
    started = time.thread_time()
    output = notes(*lines, max_patterns=10_000)
    assert time.thread_time() - started < 60
    assert output.notes_analyzed == 10_000
    found = {pattern.text.rpartition(" ")[0] for pattern in output.patterns}
    assert set(said) <= found
    assert len(output.findings) <= Settings().max_findings + 1


def test_more_notes_than_the_limit_are_said_to_be_unchecked_and_the_newest_are_kept(notes: Notes) -> None:
    lines = [line(LOST, at=f"2026-06-{day:02}") for day in (1, 2, 3, 4)]
    output = notes(*lines, max_memories=3)
    assert kinds(output) == {"pattern": 1, "unchecked": 1}
    assert output.patterns[0].first_seen == datetime(2026, 6, 2, tzinfo=UTC)


def test_without_notes_and_without_history_the_run_is_skipped_and_says_what_to_set(
    contexts: Contexts,
) -> None:
    with pytest.raises(Skip, match=r"memories/\*\*/\*\.jsonl.*setting `memories`"):
        run(contexts(Settings()))


def test_without_notes_the_ledger_is_memory_enough(contexts: Contexts) -> None:
    output = run(contexts(Settings(), now=SAMPLE_NOW, history=[past(days_ago=days) for days in (1, 2, 3)]))
    assert kinds(output) == {"repeated_failure": 1}
    assert (output.memories_analyzed, output.notes_analyzed) == (3, 0)


def test_reads_names_the_patterns_and_the_ledger(tmp_path: Path) -> None:
    write(tmp_path, {"memories/a.jsonl": "", "memories/b/c.md": "", "memories/d.txt": ""})
    assert list(reads(Settings(), tmp_path)) == [
        "memories/**/*.jsonl: 1 file",
        "memories/**/*.md: 1 file",
        "Loom's ledger: the runs of the last 90 days",
    ]


def test_by_the_real_command_it_reads_notes_and_ledger_and_a_second_run_compares(
    loom: Command, project: Project
) -> None:
    write(project.root, {"memories/a.jsonl": "\n".join([line(LOST)] * 3)})
    first = run_by_command(loom, project, "pattern-memory-analyzer")
    assert (first["outcome"], first["output"]["runs_analyzed"]) == ("succeeded", 0)
    assert first["output"]["metrics"]["pattern"] == 1
    write(project.root, {"memories/b.jsonl": "\n".join([line(LOST)] * 3)})
    second = run_by_command(loom, project, "pattern-memory-analyzer")
    assert second["output"]["runs_analyzed"] == 1
    assert second["output"]["metrics"]["rising"] == 1


def test_what_a_rule_redacts_from_a_kept_pattern_makes_it_neither_rise_nor_fade(
    loom: Command, project: Project
) -> None:
    text = "ann.of.the.long.name@example.org wrote, call +1 312 555 0134"
    write(project.root, {"memories/a.jsonl": "\n".join([line(text)] * 3)})
    first = run_by_command(loom, project, "pattern-memory-analyzer")
    assert "redacted]" in first["output"]["patterns"][0]["text"]
    second = run_by_command(loom, project, "pattern-memory-analyzer")
    metrics = second["output"]["metrics"]
    assert (metrics["pattern"], metrics["rising"], metrics["fading"]) == (1, 0, 0)


def test_notes_of_which_nothing_could_be_read_break_what_is_expected(loom: Command, project: Project) -> None:
    write(project.root, {"memories/a.jsonl": "half a li"})
    told = run_by_command(loom, project, "pattern-memory-analyzer")
    assert told["outcome"] == "invalid"
    assert "memories_analyzed" in told["error"]["where"]
