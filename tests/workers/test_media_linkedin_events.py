"""media-linkedin-events against real files. Now is 15 June 2026, 09:00 in Chicago."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from loom.worker import Skip
from tests.ground.command import Command
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY
from tests.sample.planted import assert_found, planted
from tests.workers.conftest import Contexts
from tests.workers.media_sample import (
    CHICAGO,
    COMPANY,
    SAMPLE_NOW,
    by_command,
    write,
)
from tests.workers.outputs import counted, only
from workers.media_linkedin_events import KINDS, Output, Settings, reads, run

SOUND = {
    "title": "Live from the archive",
    "starts": "2026-07-15 17:00",
    "status": "open",
    "where": "Studio A",
    "host": "Mara Ellison",
    "image": "https://cdn.example/live.png",
}


def entry(**keys: str | None) -> str:
    """An event a month ahead with nothing wrong with it, unless `keys` say otherwise."""
    lines = [f"{key}: {value}\n" for key, value in {**SOUND, **keys}.items() if value is not None]
    return "  - " + "    ".join(lines)


def scan(contexts: Contexts, text: str | bytes, previous: Output | None = None, **settings: object) -> Output:
    write(contexts.project, {"events.yaml": text})
    before = previous.model_dump(mode="json") if previous else None
    return run(contexts(Settings.model_validate(settings), now=SAMPLE_NOW, previous=before))


def one(contexts: Contexts, **keys: str | None) -> Output:
    return scan(contexts, f"events:\n{entry(**keys)}")


def kinds(output: Output) -> dict[str, int]:
    return counted(output, KINDS)


# The sample company


def test_every_fault_planted_in_the_sample_company_is_found_and_nothing_else(contexts: Contexts) -> None:
    sample = planted("media-linkedin-events")
    settings = Settings.model_validate(sample.settings)
    output = run(contexts(settings, project=COMPANY, now=SAMPLE_NOW))
    assert_found(output, sample, KINDS)
    assert (output.events_checked, output.metrics["events_ahead"]) == (7, 3)
    assert all(finding.action for finding in output.findings)


# Events that lack something


def test_a_whole_event_a_month_ahead_is_no_finding(contexts: Contexts) -> None:
    output = one(contexts)
    assert output.findings == []
    assert output.summary == "1 events checked, 1 of them ahead, 0 findings."


@pytest.mark.parametrize(
    ("keys", "lack"),
    [
        ({"title": None}, "a title"),
        ({"title": "'  '"}, "a title"),
        ({"starts": None}, "a time (`starts`)"),
        ({"where": None}, "a place or a link"),
        ({"where": None, "link": "javascript:alert(1)"}, "a link that is an address"),
        ({"host": None}, "a host"),
        ({"image": None}, "an image"),
        ({"image": "art/gone.png"}, "an image. There is no file art/gone.png."),
        ({"image": "art/empty.png"}, "an image. art/empty.png is empty."),
        ({"image": "../outside.png"}, "an image. There is no file ../outside.png."),
    ],
)
def test_what_the_page_of_an_event_would_lack_is_found(
    keys: dict[str, str | None], lack: str, contexts: Contexts
) -> None:
    write(contexts.project, {"art/empty.png": b""})
    write(contexts.project.parent, {"outside.png": b"\x89PNG"})
    output = one(contexts, **keys)
    assert kinds(output) == {"incomplete": 1}
    assert only(output).subject == "events.yaml:2"
    assert f"It lacks {lack}" in only(output).detail


def test_a_link_alone_or_a_file_for_an_image_will_do(contexts: Contexts) -> None:
    write(contexts.project, {"art/live.png": b"\x89PNG"})
    assert one(contexts, where=None, link="https://example.org/live", image="art/live.png").findings == []


@pytest.mark.parametrize(
    ("starts", "severity"),
    [
        ("2026-06-15 10:00", "critical"),
        ("2026-06-17 23:59", "critical"),
        ("2026-06-18 00:00", "warning"),
        ("2026-06-29 23:59", "warning"),
        ("2026-06-30 00:00", "info"),
        ("2026-08-14 12:00", "info"),
        ("2026-08-15 00:00", None),
    ],
)
def test_the_days_left_decide_how_bad_a_lack_is(
    starts: str, severity: str | None, contexts: Contexts
) -> None:
    output = one(contexts, starts=starts, host=None)
    found = [finding.severity for finding in output.findings if "incomplete" in finding.title]
    assert found == ([severity] if severity else [])


def test_events_that_are_over_and_still_open_are_found_and_those_that_go_on_or_are_closed_arent(
    contexts: Contexts,
) -> None:
    assert kinds(one(contexts, starts="2026-06-15 08:59")) == {"past": 1}
    assert kinds(one(contexts, starts="2026-06-15 08:59", status="draft")) == {"past": 1}
    assert kinds(one(contexts, starts="2026-06-15 08:00", ends="2026-06-15 10:00")) == {}
    assert kinds(one(contexts, starts="2026-06-15 08:00", status="closed", host=None)) == {}
    assert kinds(one(contexts, starts="2026-06-16 08:00", status="cancelled", host=None)) == {}


def test_an_event_that_is_there_twice_or_ends_before_it_begins_is_found(contexts: Contexts) -> None:
    output = scan(contexts, f"events:\n{entry()}{entry(starts='2026-07-15T22:00Z', where='Studio B')}")
    assert kinds(output) == {"twice": 1}
    assert only(output).subject == "events.yaml:8"
    assert kinds(one(contexts, ends="2026-07-15 16:00")) == {"order": 1}


# Posts


def posts(
    contexts: Contexts, starts: str, *ready: str, days: Sequence[int] = (14, 7, 1)
) -> list[tuple[str, str]]:
    """Severity and number of days before, of the posts that are found wanting."""
    entries = "".join(f"      - {{{each}}}\n" for each in ready)
    text = f"events:\n{entry(starts=starts)}" + (f"    posts:\n{entries}" if ready else "")
    output = scan(contexts, text, post_days=list(days))
    found = [finding for finding in output.findings if finding.title.startswith("Post ")]
    assert len(found) == len(output.findings)
    return [(finding.severity, finding.title.split()[1]) for finding in found]


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ("2026-07-03 17:00", []),
        ("2026-07-02 17:00", [("info", "14")]),
        ("2026-06-30 17:00", [("warning", "14")]),
        ("2026-06-29 17:00", [("warning", "14")]),
        ("2026-06-28 17:00", [("warning", "14")]),  # it should have gone out yesterday
        ("2026-06-25 17:00", [("warning", "14"), ("info", "7")]),
        ("2026-06-20 17:00", [("warning", "7")]),  # the one of 14 days before is past mending
        ("2026-06-19 17:00", [("warning", "7"), ("info", "1")]),
        ("2026-06-16 17:00", [("warning", "7"), ("warning", "1")]),
        ("2026-06-15 17:00", [("warning", "1")]),
    ],
)
def test_posts_due_soon_and_the_last_that_should_have_gone_out_are_found(
    starts: str, expected: list[tuple[str, str]], contexts: Contexts
) -> None:
    assert posts(contexts, starts) == expected


def test_a_post_is_ready_when_its_text_or_the_file_of_it_is_there(contexts: Contexts) -> None:
    write(contexts.project, {"posts/a.md": "Come", "posts/empty.md": ""})
    starts = "2026-06-29 17:00"
    assert posts(contexts, starts, "days_before: 14, text: Come and listen") == []
    assert posts(contexts, starts, "days_before: 14, text: posts/a.md") == []
    assert posts(contexts, starts, "days_before: 14, text: posts/empty.md") == [("warning", "14")]
    assert posts(contexts, starts, "days_before: 14, text: posts/gone.md") == [("warning", "14")]
    assert posts(contexts, starts, "days_before: 14") == [("warning", "14")]
    assert posts(contexts, starts, "days_before: 7, text: Come") == [("warning", "14")]


def test_when_posts_go_out_is_a_setting(contexts: Contexts) -> None:
    assert posts(contexts, "2026-07-15 17:00", days=[30]) == [("warning", "30")]
    assert posts(contexts, "2026-06-16 17:00", days=[]) == []


def test_a_day_is_counted_in_the_workers_zone(contexts: Contexts) -> None:
    """20:00 in Chicago on the 29th is the 30th in UTC."""
    assert posts(contexts, "2026-06-30T01:00Z") == [("warning", "14")]
    write(contexts.project, {"events.yaml": f"events:\n{entry(starts='2026-06-30 20:00')}"})
    late = datetime(2026, 6, 15, 23, 0, tzinfo=CHICAGO)
    output = run(contexts(Settings(), now=late))
    assert "It goes out on 2026-06-16." in only(output).detail


# Bad input, limits, and the output


@pytest.mark.parametrize(
    ("text", "where", "expected"),
    [
        ("", "events.yaml:1", "Expected `events:`"),
        ("- a\n", "events.yaml:1", "Expected `events:`"),
        ("# none\nevents:\n", "events.yaml:2", "Expected `events:`"),
        ("events: {a: b}\n", "events.yaml:1", "Expected `events:`"),
        ("events:\n  - title: 'Half", "events.yaml:2", "isn't YAML"),
        ("events:\n  - &a {title: b}\n  - *a\n", "events.yaml:3", "an alias"),
        (b"events:\n  - title: Gr\xfc\xdfe\n", "events.yaml", "isn't UTF-8"),
        (b"# " + b"x" * 600_000, "events.yaml", "more than the limit of 500,000"),
    ],
)
def test_a_file_that_cant_be_read_is_a_finding_with_its_line(
    text: str | bytes, where: str, expected: str, contexts: Contexts
) -> None:
    output = scan(contexts, text)
    assert kinds(output) == {"unreadable": 1}
    assert only(output).subject == where
    assert expected in only(output).detail
    assert output.events_checked == 0


@pytest.mark.parametrize(
    ("bad", "line", "expected"),
    [
        ("  - just text\n", 8, "found text"),
        (entry(status="soon"), 10, "`status` has 'soon'"),
        (entry(status=None), 8, "`status` is missing"),
        (entry(starts="2026-13-01 10:00"), 9, "a day and a time"),
        (entry(starts="2027-03-14 02:30"), 9, "clocks leave out"),
        (entry(posts="\n      - {days_before: soon}"), 15, "`posts.0.days_before` has 'soon'"),
        (entry(posts="\n      - {days: 3}"), 15, "`posts.0.days"),
        (entry(hots="Mara"), 14, "`hots` isn't known"),
    ],
)
def test_an_event_that_cant_be_read_hides_no_other(
    bad: str, line: int, expected: str, contexts: Contexts
) -> None:
    output = scan(contexts, f"events:\n{entry()}{bad}{entry(title='Third', host=None)}")
    troubles = [finding for finding in output.findings if finding.title == "Mistake in an events file"]
    assert any(
        finding.subject == f"events.yaml:{line}" and expected in finding.detail for finding in troubles
    )
    assert kinds(output)["incomplete"] == 1


def test_names_with_control_characters_and_markup_are_shown_plain(contexts: Contexts) -> None:
    output = one(contexts, title='"<script>\\e[2J\\u202e"', host=None)
    assert "<script>" in only(output).title
    assert f"{only(output).title}{only(output).detail}{only(output).action}".isprintable()


def test_events_beyond_the_limit_are_said_to_be_unread(contexts: Contexts) -> None:
    output = scan(contexts, "events:\n" + entry() + entry(title="b") + entry(title="c"), max_events=2)
    assert (output.events_checked, kinds(output)) == (2, {"unreadable": 1})
    assert "1 events lie beyond the limit of 2" in only(output).detail


def test_without_an_events_file_the_run_is_skipped_and_says_what_to_do(contexts: Contexts) -> None:
    with pytest.raises(Skip, match=r"there is no events.yaml: .* worker-registry.yaml"):
        run(contexts(Settings(), now=SAMPLE_NOW))


def test_a_second_run_tells_new_from_resolved(contexts: Contexts) -> None:
    first = one(contexts, host=None)
    second = scan(contexts, f"events:\n\n{entry(starts='2026-06-15 08:00')}", previous=first)
    assert (second.metrics["new"], second.metrics["resolved"]) == (1, 1)


def test_what_a_run_would_read_is_told_without_reading_it(contexts: Contexts) -> None:
    assert list(reads(Settings(), contexts.project)) == ["events.yaml: no such file"]
    write(contexts.project, {"events.yaml": "half: ["})
    assert list(reads(Settings(), contexts.project)) == ["events.yaml: 1 file"]


# By the real command


def test_it_stays_disabled_and_runs_guarded_with_force_and_a_breach_of_expect_is_invalid(
    loom: Command, project: Project
) -> None:
    entries = yaml.safe_load((REPOSITORY / "worker-registry.yaml").read_text())["workers"]
    assert entries["media-linkedin-events"]["status"] == "disabled"
    assert entries["media-linkedin-events"]["expect"]
    write(project.root, {"events.yaml": f"events:\n{entry(host=None)}"})
    expect = "{non_empty: [summary], min: {events_checked: 1}}"
    (ran,) = by_command(loom, project, "media-linkedin-events", expect).json()["runs"]
    assert (ran["outcome"], ran["output"]) == ("skipped", None), ran
    (ran,) = by_command(loom, project, "media-linkedin-events", expect, "--force").json()["runs"]
    assert ran["outcome"] == "succeeded", ran
    titles = [finding["title"] for finding in ran["output"]["findings"]]
    assert titles == ["The event 'Live from the archive' is incomplete"]
    Path(project.root / "events.yaml").write_text("events: []\n")
    (ran,) = by_command(loom, project, "media-linkedin-events", expect, "--force").json()["runs"]
    assert ran["outcome"] == "invalid", ran
    assert "events_checked" in ran["error"]["where"], ran
