"""content-queue-scanner against real files. Today is Monday 15 June 2026."""

import os
from pathlib import Path

import pytest

from loom.worker import Skip
from tests.ground.command import Command
from tests.ground.project import Project
from tests.sample.planted import assert_found, planted
from tests.workers.conftest import Contexts
from tests.workers.documents_sample import SAMPLE_NOW, company, run_by_command, write
from tests.workers.outputs import counted, only
from workers.content_queue_scanner import KINDS, Output, Settings, reads, run

TEXT = "word " * 60


def piece(body: str = TEXT, **keys: str) -> str:
    """A piece with these keys; by default one that is sound, on the blog, and out today."""
    given = {
        "title": "A title", "status": "draft", "owner": "Nora", "due": "2026-06-15", "channel": "blog",
        "since": "2026-06-15",
    } | keys  # fmt: skip
    lines = [f"{name}: {value}" for name, value in given.items() if value]
    return "\n".join(["---", *lines, "---", "", body])


class Queue:
    """A project whose queue holds what a test puts into it."""

    def __init__(self, contexts: Contexts, root: Path) -> None:
        self._contexts, self.root = contexts, root

    def __call__(self, *texts: str, previous: Output | None = None, **settings: object) -> Output:
        for number, text in enumerate(texts):
            write(self.root, {f"queue/{number}.md": text})
        # No cadence that a test doesn't set: gaps are tested by themselves.
        chosen = Settings.model_validate({"cadence": {"blog": None, "podcast": None}} | settings)
        before = previous.model_dump(mode="json") if previous else None
        return run(self._contexts(chosen, project=self.root, now=SAMPLE_NOW, previous=before))


@pytest.fixture
def queue(contexts: Contexts, tmp_path: Path) -> Queue:
    return Queue(contexts, tmp_path)


def kinds(output: Output) -> dict[str, int]:
    return counted(output, KINDS)


def test_every_fault_planted_in_the_sample_company_is_found_and_nothing_else(
    contexts: Contexts, tmp_path: Path
) -> None:
    sample = planted("content-queue-scanner")
    root = company(tmp_path)
    output = run(contexts(Settings.model_validate(sample.settings), project=root, now=SAMPLE_NOW))
    assert_found(output, sample, KINDS)
    assert all(finding.action for finding in output.findings)
    assert output.planned == {"blog": 4, "newsleter": 0, "newsletter": 1, "podcast": 2, "video": 0}


# Days


@pytest.mark.parametrize(
    ("due", "severity"),
    [
        ("2026-06-15", None),
        ("2026-06-14", "warning"),
        ("2026-06-08", "warning"),
        ("2026-06-07", "critical"),
        ("2026-06-14T23:59:00-05:00", "warning"),
        ("'2026-06-14'", "warning"),
    ],
)
def test_a_piece_is_overdue_from_the_day_after_and_badly_so_after_a_week(
    due: str, severity: str | None, queue: Queue
) -> None:
    output = queue(piece(due=due))
    assert [finding.severity for finding in output.findings] == ([severity] if severity else [])
    assert kinds(output) == ({"overdue": 1} if severity else {})
    if severity:
        finding = only(output)
        assert finding.subject == "queue/0.md:5"
        assert "still draft, with Nora" in finding.detail
        assert "set `status` to published" in finding.action


@pytest.mark.parametrize("status", ["published", "dropped"])
def test_what_is_out_or_dropped_is_never_late_nor_stuck(status: str, queue: Queue) -> None:
    assert queue(piece(status=status, due="2020-01-01", since="2020-01-01", owner="")).findings == []


def test_today_is_the_day_in_the_workers_zone(contexts: Contexts, tmp_path: Path) -> None:
    root = write(tmp_path, {"queue/a.md": piece(due="2026-06-15")})
    late = SAMPLE_NOW.replace(hour=23)  # already the 16th in UTC
    assert kinds(run(contexts(Settings(), project=root, now=late))) == {}


@pytest.mark.parametrize(
    ("status", "since", "stuck"),
    [
        ("review", "2026-06-10", False),
        ("review", "2026-06-09", True),
        ("draft", "2026-06-01", False),
        ("draft", "2026-05-31", True),
        ("idea", "2020-01-01", False),
        ("Review", "2026-06-09", True),
    ],
)
def test_a_piece_is_stuck_once_it_is_longer_in_its_stage_than_meant(
    status: str, since: str, stuck: bool, queue: Queue
) -> None:
    output = queue(piece(status=status, since=since))
    assert kinds(output) == ({"stuck": 1} if stuck else {})
    if stuck:
        assert only(output).subject == "queue/0.md:7"
        assert f"There since {since}" in only(output).detail


def test_the_stages_and_their_days_are_settings_and_updated_does_for_since(queue: Queue) -> None:
    text = piece(status="brewing", since="", updated="2026-06-12")
    assert kinds(queue(text, stages={"brewing": 2})) == {"stuck": 1}
    assert kinds(queue(text, stages={"brewing": 3})) == {}
    assert kinds(queue(text, stages={"brewing": None})) == {}


def test_pieces_whose_time_in_their_stage_is_unknown_are_told_once(queue: Queue) -> None:
    output = queue(piece(since=""), piece(title="Another matter", since=""))
    assert kinds(output) == {"undated": 1}
    assert "queue/0.md, queue/1.md" in only(output).detail


# Parts and names


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        ({"owner": ""}, "`owner`"),
        ({"due": ""}, "`due`"),
        ({"channel": ""}, "`channel`"),
        ({"title": ""}, "`title`"),
        ({"body": "Too short."}, "a text (it has 2 words of 50)"),
        ({"body": TEXT + "\n\nTBD: the end"}, "what line 12 leaves open"),
        ({"image": "pictures/lost.png"}, "the file pictures/lost.png"),
        ({"image": "../outside.png"}, "the file ../outside.png"),
        ({"channel": "podcast"}, "`audio`"),
    ],
)
def test_a_scheduled_piece_lacks_what_is_required_of_it(
    change: dict[str, str], lacks: str, queue: Queue
) -> None:
    write(queue.root.parent, {"outside.png": "png"})
    output = queue(piece(**{"status": "scheduled", **change}), channel_parts={"podcast": ["audio"]})
    assert kinds(output) == {"incomplete": 1}
    assert lacks in only(output).detail


def test_a_scheduled_piece_with_all_its_parts_is_sound(queue: Queue) -> None:
    write(queue.root, {"pictures/there.png": "png"})
    parts = {"status": "scheduled", "channel": "[blog, podcast]", "audio": "https://cdn.example.org/1.mp3"}
    output = queue(piece(image="pictures/there.png", **parts), channel_parts={"podcast": ["audio"]})
    assert output.findings == []


@pytest.mark.parametrize(
    ("change", "kind", "subject"),
    [
        ({"owner": "Nora Dias"}, "unknown_owner", "queue/0.md:4"),
        ({"owner": "[Nora Diaz, Theo]"}, "front_matter", "queue/0.md:4"),
        ({"owner": ""}, "unowned", "queue/0.md"),
        ({"status": "drafft"}, "unknown_status", "queue/0.md:3"),
        ({"status": ""}, "unknown_status", "queue/0.md"),
        ({"channel": "[blog, bolg]"}, "unknown_channel", "queue/0.md:6"),
    ],
)
def test_names_that_nobody_knows_are_told_with_their_line(
    change: dict[str, str], kind: str, subject: str, queue: Queue
) -> None:
    output = queue(piece(**{"owner": "nora diaz", **change}), owners=["Nora Diaz"])
    assert kind in kinds(output)
    assert [one.subject for one in output.findings if one.subject == subject]


def test_an_owner_called_no_and_a_title_that_is_a_number_are_text(queue: Queue) -> None:
    assert queue(piece(owner="No", title="1984"), owners=["No"]).findings == []


def test_an_idea_needs_no_owner_and_without_a_list_anyone_may_be_one(queue: Queue) -> None:
    assert queue(piece(status="idea", owner=""), piece(title="Other", owner="Whoever")).findings == []


# Gaps and titles


def published(day: str) -> str:
    return piece(title=f"Out on {day}", status="published", due=day)


def planned(day: str) -> str:
    return piece(title=f"For {day}", due=day)


@pytest.mark.parametrize(
    ("pieces", "gaps"),
    [
        ([], ["2026-06-15 to 2026-06-29"]),
        ([published("2026-06-12")], ["2026-06-15 to 2026-06-29"]),
        ([planned("2026-06-15"), planned("2026-06-22")], []),
        ([planned("2026-06-21"), planned("2026-06-28")], []),
        ([published("2026-06-12"), planned("2026-06-19"), planned("2026-06-26")], []),
        (
            [published("2026-06-12"), planned("2026-06-20"), planned("2026-06-27")],
            ["2026-06-15 to 2026-06-19"],
        ),
        ([planned("2026-06-15"), planned("2026-06-24")], ["2026-06-16 to 2026-06-23"]),
        ([planned("2026-06-18")], ["2026-06-19 to 2026-06-29"]),
        ([planned("2026-06-17"), planned("2026-07-20")], ["2026-06-18 to 2026-06-29"]),
    ],
)
def test_days_ahead_without_a_piece_are_told_where_they_are_more_than_the_cadence(
    pieces: list[str], gaps: list[str], queue: Queue
) -> None:
    write(queue.root, {"queue/none.md": piece(title="No channel", channel="")})
    # Two weeks ahead end on Monday the 29th.
    output = queue(*pieces, cadence={"blog": 7}, weeks_ahead=2)
    found = [one.title.partition(" from ")[2] for one in output.findings if one.subject == "blog"]
    assert found == gaps


def test_a_gap_that_begins_within_a_week_is_a_warning(queue: Queue) -> None:
    first = queue(planned("2026-06-20"), cadence={"blog": 7})
    assert only(first).severity == "warning"
    later = queue(planned("2026-06-21"), cadence={"blog": 7})
    assert only(later).severity == "info"


def test_without_any_cadence_a_channel_of_the_queue_wants_one_piece_in_the_weeks_ahead(queue: Queue) -> None:
    write(
        queue.root,
        {"queue/p.md": piece(title="Old", channel="podcast", status="published", due="2026-05-01")},
    )
    output = queue(planned("2026-07-10"), cadence={})
    assert only(output).title == "Nothing planned on podcast from 2026-06-15 to 2026-07-13"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("What a producer does all day", "What does a producer do all day?", True),
        ("Five microphones", "FIVE MICROPHONES!", True),
        ("Episode 41: The quiet town", "Episode 42: The quiet town", False),
        ("The June letter", "The July letter", False),
        ("How to record a guest", "How to pay a guest", False),
    ],
)
def test_titles_that_are_nearly_the_same_are_told_at_the_later_file(
    one: str, other: str, same: bool, queue: Queue
) -> None:
    output = queue(piece(title=f'"{one}"'), piece(title=f'"{other}"', status="published"))
    assert kinds(output) == ({"duplicate": 1} if same else {})
    if same:
        assert only(output).subject == "queue/1.md:2"
        assert "queue/0.md:2 has nearly the same title" in only(output).detail


# Bad input, limits, and the output


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("---\ntitle: a: b\n---\n", 2, "isn't YAML"),
        ("---\ntitle: 'open\nstatus: draft\n---\n", 3, "isn't YAML"),
        ("---\ntitle: A\n\ntext", 1, "no closing '---'"),
        ("---\n- a\n---\n", 2, "key: value"),
        ("---\n---\n", 1, "empty"),
        ("no front matter", 1, "no front matter"),
        ("", 1, "no front matter"),
        ("---\na: " + "[" * 3_000 + "\n---\n", 1, "too deeply"),
        (piece(due="2026-06-31"), 5, "expected a day such as"),
        (piece(due="soon", since="2026-06-10"), 5, "'soon'"),
        (piece(title="{a: b}"), 2, "isn't one line of text"),
        ("---\ntitle: A\n...\ntext", 1, "isn't closed"),
    ],
)
def test_front_matter_that_cant_be_read_is_a_finding_with_its_line(
    text: str, line: int, says: str, queue: Queue
) -> None:
    found = [one for one in queue(text).findings if one.title == "Front matter that can't be read"]
    assert [(one.subject, says in one.detail) for one in found] == [(f"queue/0.md:{line}", True)]


def test_one_day_that_isnt_one_spoils_nothing_else_of_a_piece(queue: Queue) -> None:
    output = queue(piece(due="soon", status="review", since="2026-06-01"))
    assert kinds(output) == {"front_matter": 1, "stuck": 1}
    assert output.items_checked == 1


def test_front_matter_that_swells_when_it_is_read_does_no_harm(queue: Queue) -> None:
    swelling = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)
    )
    output = queue(f"---\ntitle: A\nstatus: idea\n{swelling}owner: *a29\n---\n")
    assert kinds(output) == {"front_matter": 1}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x89PNG\0\0", "binary"),
        (b"---\ntitle: caf\xe9\n---\n", "line 2 has the byte 0xe9"),
        (b"x" * 500_001, "500,001 bytes"),
    ],
)
def test_a_file_that_isnt_text_is_a_finding(content: bytes, says: str, queue: Queue) -> None:
    write(queue.root, {"queue/bad.md": content})
    output = queue(piece())
    assert kinds(output) == {"unreadable": 1}
    assert says in only(output).detail
    assert output.items_checked == 1


def test_links_out_of_the_project_are_not_followed(queue: Queue, tmp_path: Path) -> None:
    outside = write(tmp_path.parent / "elsewhere", {"a.md": piece(due="2020-01-01")})
    (queue.root / "queue").mkdir()
    (queue.root / "queue" / "link.md").symlink_to(outside / "a.md")
    (queue.root / "queue" / "folder").symlink_to(outside, target_is_directory=True)
    os.mkfifo(queue.root / "queue" / "pipe.txt")
    output = queue(piece())
    assert (output.items_checked, output.findings) == (1, [])


def test_files_beyond_the_limit_are_said_to_be_unread(queue: Queue) -> None:
    output = queue(piece(), piece(title="Second"), piece(title="Third"), max_files=2)
    assert output.items_checked == 2
    assert kinds(output) == {"unchecked": 1}
    assert "3 files fit, and 1 of them" in only(output).detail


def test_a_run_that_is_cancelled_says_what_it_left_unread(contexts: Contexts, tmp_path: Path) -> None:
    root = write(tmp_path, {"queue/a.md": piece()})
    output = run(contexts(Settings(), project=root, now=SAMPLE_NOW, cancelled=lambda: True))
    assert (output.items_checked, kinds(output)) == (0, {"unchecked": 1})


def test_without_a_queue_the_run_is_skipped_and_says_what_to_set(contexts: Contexts) -> None:
    with pytest.raises(Skip, match=r"queue/\*\*/\*\.md.*setting `queue`"):
        run(contexts(Settings()))


def test_a_second_run_tells_new_from_resolved(queue: Queue) -> None:
    first = queue(piece(owner="A"), piece(title="Second", status="x"), owners=["B"])
    second = queue(piece(owner="A"), piece(title="Second", status="y"), owners=["B"], previous=first)
    assert (second.metrics["new"], second.metrics["resolved"]) == (1, 1)


def test_reads_names_the_patterns_and_how_many_files_fit(tmp_path: Path) -> None:
    write(tmp_path, {"queue/a.md": "", "queue/b/c.md": "", "queue/README.md": ""})
    assert list(reads(Settings(), tmp_path)) == ["queue/**/*.md: 2 files"]


def test_by_the_real_command_under_the_guard_it_succeeds(loom: Command, project: Project) -> None:
    write(project.root, {"queue/a.md": piece(due="2026-06-01")})
    told = run_by_command(loom, project, "content-queue-scanner")
    assert (told["outcome"], told["output"]["items_checked"]) == ("succeeded", 1)
    assert told["output"]["metrics"]["overdue"] == 1


def test_a_queue_of_which_nothing_could_be_read_breaks_what_is_expected(
    loom: Command, project: Project
) -> None:
    write(project.root, {"queue/a.md": b"\0"})
    expect = {"non_empty": ["summary"], "min": {"items_checked": 1}}
    told = run_by_command(loom, project, "content-queue-scanner", expect=expect)
    assert told["outcome"] == "invalid"
    assert "items_checked" in told["error"]["where"]
