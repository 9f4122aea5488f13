"""media-pre-production against real files and a real local server. Now is 15 June 2026, 09:00 in Chicago."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from loom.sample.exchange import Answered, Asked, serving
from loom.worker import PermanentError, Skip, TransientError
from tests.ground.command import Command
from tests.ground.project import Project
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
from workers.media_pre_production import KINDS, Output, Settings, reads, run

SOUND = {
    "show": "Sessions",
    "number": "12",
    "title": "The long tail",
    "status": "planned",
    "recording": "2026-06-16 10:00",
    "guest": "{name: Ada Marsh, consent: 2026-06-01}",
    "outline": "Who, what, why",
    "artwork": "https://cdn.example/12.png",
}


def episode(**keys: str | None) -> str:
    """A planned episode with nothing wrong with it, recorded tomorrow, unless `keys` say otherwise."""
    return "".join(f"{key}: {value}\n" for key, value in {**SOUND, **keys}.items() if value is not None)


def ics(*events: str) -> str:
    begun = "".join(
        f"BEGIN:VEVENT\nUID:{number}\n{lines}\nEND:VEVENT\n" for number, lines in enumerate(events)
    )
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{begun}END:VCALENDAR\n"


BOOKED = "SUMMARY:Recording: episode 12\nDTSTART:20260616T150000Z\nDTEND:20260616T160000Z"


def scan(
    contexts: Contexts,
    files: Mapping[str, str | bytes],
    *,
    now: datetime = SAMPLE_NOW,
    previous: Output | None = None,
    **settings: object,
) -> Output:
    write(contexts.project, files)
    before = previous.model_dump(mode="json") if previous else None
    return run(contexts(Settings.model_validate(settings), now=now, previous=before))


def one(contexts: Contexts, *, calendar: str | bytes | None = ics(BOOKED), **keys: str | None) -> Output:
    files: dict[str, str | bytes] = {"episodes/012.yaml": episode(**keys)}
    return scan(contexts, files | ({} if calendar is None else {"calendar.ics": calendar}))


def kinds(output: Output) -> dict[str, int]:
    return counted(output, KINDS)


# The sample company


def test_every_fault_planted_in_the_sample_company_is_found_and_nothing_else(contexts: Contexts) -> None:
    sample = planted("media-pre-production")
    settings = Settings.model_validate(sample.settings)
    output = run(contexts(settings, project=COMPANY, now=SAMPLE_NOW))
    assert_found(output, sample, KINDS)
    assert (output.episodes_checked, output.metrics["recordings_ahead"]) == (9, 6)
    assert all(finding.action for finding in output.findings)


# What a recording needs


def test_a_sound_episode_booked_at_its_time_is_no_finding(contexts: Contexts) -> None:
    output = one(contexts)
    assert output.findings == []
    assert output.episodes_checked == 1
    assert output.summary == ("1 planned episodes checked, 1 of them recorded within 14 days, 0 findings.")


@pytest.mark.parametrize(
    ("keys", "kind", "severity", "line"),
    [
        ({"guest": None}, "guest", "critical", None),
        ({"guest": "TBD"}, "guest", "critical", 6),
        ({"guest": "{contact: 'hubspot:1'}"}, "guest", "critical", 6),
        ({"guest": "Ada Marsh"}, "consent", "critical", 6),
        ({"guest": "{name: Ada Marsh, consent: no}"}, "consent", "critical", 6),
        ({"guest": "{name: Ada Marsh, consent: 2026-06-16}"}, "consent", "critical", 6),
        ({"outline": None}, "outline", "critical", None),
        ({"outline": "gone.md"}, "outline", "critical", 7),
        ({"outline": "Notes.md"}, "outline", "critical", 7),
        ({"outline": "empty.md"}, "outline", "critical", 7),
        ({"outline": "../outside.md"}, "outline", "critical", 7),
        ({"title": None}, "title", "warning", None),
        ({"title": "'Untitled'"}, "title", "warning", 3),
        ({"artwork": None}, "artwork", "warning", None),
        ({"artwork": "art/12.png"}, "artwork", "warning", 8),
    ],
)
def test_what_a_recording_lacks_is_found_where_it_is_or_should_be_written(
    keys: dict[str, str | None], kind: str, severity: str, line: int | None, contexts: Contexts
) -> None:
    write(contexts.project, {"notes.md": "Who", "empty.md": ""})
    write(contexts.project.parent, {"outside.md": "Who"})
    output = one(contexts, **keys)
    finding = only(output)
    assert kinds(output) == {kind: 1}
    assert finding.severity == severity
    assert finding.subject == ("episodes/012.yaml" if line is None else f"episodes/012.yaml:{line}")
    assert "tomorrow, at 2026-06-16 10:00 CDT" in finding.detail
    assert "episodes/012.yaml" in finding.action or kind == "consent"


@pytest.mark.parametrize(
    "keys",
    [
        {"guest": None, "solo": "yes"},
        {"guest": "{name: Ada Marsh, consent: yes}"},
        {"guest": "{name: Ada Marsh, consent: 2026-06-15}"},
        {"outline": "notes.md", "artwork": "art/12.png"},
        {"outline": "|\n  See notes.md\n  and more"},
        {"status": "recorded", "guest": None, "outline": None},
        {"status": "published", "published": "2026-06-01", "guest": None},
    ],
)
def test_what_isnt_lacking_is_no_finding(keys: dict[str, str | None], contexts: Contexts) -> None:
    write(contexts.project, {"notes.md": "Who", "art/12.png": b"\x89PNG"})
    assert one(contexts, **keys).findings == []


@pytest.mark.parametrize(
    ("day", "severity"),
    [
        ("2026-06-15", "critical"),
        ("2026-06-17", "critical"),
        ("2026-06-18", "warning"),
        ("2026-06-22", "warning"),
        ("2026-06-23", "info"),
        ("2026-06-29", "info"),
        ("2026-06-30", None),
    ],
)
def test_the_days_left_decide_how_bad_a_lack_is(day: str, severity: str | None, contexts: Contexts) -> None:
    write(contexts.project, {"calendar.ics": ics()})
    output = one(contexts, recording=f"{day} 10:00", outline=None, calendar=None)
    found = [finding.severity for finding in output.findings if "outline" in finding.title]
    assert found == ([severity] if severity else [])


def test_a_day_is_counted_in_the_workers_zone(contexts: Contexts) -> None:
    late = datetime(2026, 6, 15, 23, 30, tzinfo=CHICAGO)  # already the 16th in UTC
    files = {"episodes/012.yaml": episode(recording="2026-06-16 00:30", outline=None)}
    output = scan(contexts, files, now=late)
    assert any("tomorrow, at 2026-06-16 00:30 CDT" in finding.detail for finding in output.findings)


def test_a_planned_recording_whose_time_has_passed_is_overdue_and_one_that_goes_on_isnt(
    contexts: Contexts,
) -> None:
    output = one(contexts, recording="2026-06-15 07:59", outline=None)
    assert kinds(output) == {"overdue": 1}
    assert only(output).subject == "episodes/012.yaml:5"
    now = ics("SUMMARY:Recording #12\nDTSTART:20260615T131500Z\nDURATION:PT1H")
    assert one(contexts, recording="2026-06-15 08:15", calendar=now).findings == []


def test_an_episode_due_soon_without_a_recording_and_one_due_before_it_are_found(contexts: Contexts) -> None:
    assert kinds(one(contexts, recording=None, published="2026-06-29")) == {"unscheduled": 1}
    assert kinds(one(contexts, recording=None, published="2026-06-30")) == {}
    assert kinds(one(contexts, recording=None)) == {}
    assert kinds(one(contexts, published="2026-06-15")) == {"order": 1}
    assert kinds(one(contexts, published="2026-06-16")) == {}


# Clashes


def test_recordings_that_overlap_are_found_and_those_that_touch_arent(contexts: Contexts) -> None:
    files = {
        "episodes/a.yaml": episode(number="1", title="Number one", recording="2026-06-16 10:00"),
        "episodes/b.yaml": episode(
            number="2", title="Number two", recording="2026-06-16T16:30:00+00:00", recording_minutes="30"
        ),
        "calendar.ics": ics(
            "SUMMARY:Recording: number one\nDTSTART:20260616T150000Z\nDURATION:PT1H",
            "SUMMARY:Recording: number two\nDTSTART:20260616T163000Z\nDURATION:PT1H",
        ),
    }
    assert scan(contexts, files).findings == []
    files["episodes/a.yaml"] += "recording_minutes: 91\n"
    output = scan(contexts, files)
    assert kinds(output) == {"overlap": 1}
    assert only(output).severity == "critical"
    assert "episodes/b.yaml:5" in only(output).detail


def test_recordings_overlap_by_their_true_length_where_clocks_go_back(contexts: Contexts) -> None:
    """From 00:30, two hours are over at 01:30 the second time, and one hour at 01:30 the first time."""
    files = {
        "episodes/a.yaml": episode(number="1", recording="2026-11-01 00:30", recording_minutes="120"),
        "episodes/b.yaml": episode(number="2", recording="2026-11-01T01:45-06:00"),
        "episodes/c.yaml": episode(number="3", recording="2026-11-01T01:25-06:00", recording_minutes="20"),
        "episodes/d.yaml": episode(number="4", recording="2026-10-31 23:30", recording_minutes="60"),
        "episodes/e.yaml": episode(number="5", recording="2026-11-02 01:00", recording_minutes="60"),
    }
    output = scan(contexts, files, now=datetime(2026, 10, 30, 9, tzinfo=CHICAGO), calendar="none.ics")
    overlaps = [finding.title for finding in output.findings if "overlap" in finding.title]
    assert overlaps == ["Recordings of episodes 1 and 3 overlap"]
    files["episodes/a.yaml"] = episode(number="1", recording="2026-11-01 00:30", recording_minutes="60")
    output = scan(contexts, files, now=datetime(2026, 10, 30, 9, tzinfo=CHICAGO), calendar="none.ics")
    assert not [finding for finding in output.findings if "overlap" in finding.title]


def test_a_time_that_occurs_twice_is_found_in_the_calendar(contexts: Contexts) -> None:
    files = {
        "episodes/012.yaml": episode(recording="2026-11-01 01:30"),
        "calendar.ics": ics("SUMMARY:Recording #12\nDTSTART:20261101T063000Z\nDURATION:PT1H"),
    }
    assert scan(contexts, files, now=datetime(2026, 10, 30, 9, tzinfo=CHICAGO)).findings == []


@pytest.mark.parametrize(
    ("event", "clashes"),
    [
        ("DTSTART:20260616T153000Z\nDTEND:20260616T170000Z", True),
        ("DTSTART;TZID=America/Chicago:20260616T093000\nDURATION:PT40M", True),
        ("DTSTART:20260616T103000\nDURATION:PT10M", True),
        ("DTSTART;VALUE=DATE:20260616\nTRANSP:OPAQUE", True),
        ("DTSTART;VALUE=DATE:20260616", False),
        ("DTSTART:20260616T160000Z\nDURATION:PT1H", False),
        ("DTSTART:20260616T140000Z\nDURATION:PT1H", False),
        ("DTSTART:20260616T153000Z\nDURATION:PT1H\nTRANSP:TRANSPARENT", False),
        ("DTSTART:20260616T153000Z\nDURATION:PT1H\nSTATUS:CANCELLED", False),
        ("DTSTART:20260616T103000Z\nDURATION:PT1H", False),
    ],
)
def test_an_event_that_takes_the_time_of_a_recording_clashes(
    event: str, clashes: bool, contexts: Contexts
) -> None:
    output = one(contexts, calendar=ics(BOOKED, f"SUMMARY:Board meeting\n{event}"))
    assert kinds(output) == ({"clash": 1} if clashes else {})
    if clashes:
        assert only(output).title == "Recording of episode 12 clashes with 'Board meeting'"


def test_another_recording_that_the_calendar_has_at_this_time_clashes(contexts: Contexts) -> None:
    files = {
        "episodes/a.yaml": episode(number="1", title="Number one", recording="2026-06-16 10:00"),
        "episodes/b.yaml": episode(number="2", title="Number two", recording="2026-06-17 10:00"),
        "calendar.ics": ics(
            "SUMMARY:Recording: number one\nDTSTART:20260616T150000Z\nDURATION:PT1H",
            "SUMMARY:Recording: number two\nDTSTART:20260616T153000Z\nDURATION:PT1H",
        ),
    }
    output = scan(contexts, files)
    assert kinds(output) == {"clash": 1, "other_time": 1}
    assert [finding.subject for finding in output.findings if "clashes" in finding.title] == [
        "episodes/a.yaml:5"
    ]


# In the calendar, and at the same time


@pytest.mark.parametrize(
    "summary",
    [
        "Recording: episode 12",
        "EP. 012",
        "Sessions 12 with a guest",
        "rec. of the long tail, studio B",
        "e12-the-long-tail",
        "Studio session",
        "Recording with Ada Marsh",
        "Block\nDESCRIPTION:For episode 12",
    ],
)
def test_the_event_of_a_recording_is_known_by_what_it_says_and_its_time(
    summary: str, contexts: Contexts
) -> None:
    files = {
        "episodes/e12-the-long-tail.yaml": episode(),
        "calendar.ics": ics(f"SUMMARY:{summary}\nDTSTART:20260616T150000Z\nDURATION:PT1H"),
    }
    assert scan(contexts, files).findings == []


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], {"not_in_calendar": 1}),
        (
            ["SUMMARY:Recording: episode 121\nDTSTART:20260616T150000Z\nDURATION:PT1H"],
            {"not_in_calendar": 1, "clash": 1},
        ),
        (["SUMMARY:Recording: episode 12\nDTSTART:20260616T140000Z\nDURATION:PT1H"], {"other_time": 1}),
        (["SUMMARY:Recording with Ada Marsh\nDTSTART:20260620T150000Z"], {"other_time": 1}),
        (["SUMMARY:Coffee with Ada Marsh\nDTSTART:20260620T150000Z"], {"not_in_calendar": 1}),
        (["SUMMARY:Recording: episode 12\nDTSTART:20260601T150000Z\nDURATION:PT1H"], {"not_in_calendar": 1}),
        ([f"{BOOKED}\nSTATUS:CANCELLED"], {"not_in_calendar": 1}),
        (
            ["SUMMARY:Recording: episode 12\nDTSTART:20260616T100000Z"],
            {"other_time": 1},
        ),  # local taken for UTC
    ],
)
def test_a_recording_that_isnt_in_the_calendar_or_is_there_at_another_time(
    events: list[str], expected: dict[str, int], contexts: Contexts
) -> None:
    assert kinds(one(contexts, calendar=ics(*events))) == expected


def test_with_two_shows_a_number_alone_names_none(contexts: Contexts) -> None:
    files = {
        "episodes/a.yaml": episode(show="Sessions", title="Number one"),
        "episodes/b.yaml": episode(show="Backstage", title="Number two", recording="2026-06-17 10:00"),
        "calendar.ics": ics(
            "SUMMARY:Recording: Backstage episode 12\nDTSTART:20260617T150000Z",
            "SUMMARY:Recording: episode 12\nDTSTART:20260618T150000Z",
        ),
    }
    output = scan(contexts, files)
    assert kinds(output) == {"not_in_calendar": 1}
    assert only(output).subject.startswith("episodes/a.yaml")


def test_a_recording_of_another_episode_isnt_taken_for_this_ones_by_the_guest(contexts: Contexts) -> None:
    files = {
        "episodes/a.yaml": episode(number="11", title="Number one"),
        "episodes/b.yaml": episode(recording="2026-06-17 10:00"),
        "calendar.ics": ics("SUMMARY:Recording: episode 12 with Ada Marsh\nDTSTART:20260617T150000Z"),
    }
    assert kinds(scan(contexts, files)) == {"not_in_calendar": 1}


def test_a_floating_time_is_local_and_a_difference_says_so(contexts: Contexts) -> None:
    floating = "SUMMARY:Recording #12\nDTSTART:20260616T{hour}0000\nDURATION:PT1H"
    assert one(contexts, calendar=ics(floating.format(hour=10))).findings == []
    assert "without a zone" in only(one(contexts, calendar=ics(floating.format(hour=11)))).detail


def test_a_repeating_event_is_checked_at_its_first_date_and_said_to_be(contexts: Contexts) -> None:
    weekly = "SUMMARY:Planning\nDTSTART:20260609T150000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY"
    output = one(contexts, calendar=ics(BOOKED, weekly))
    assert kinds(output) == {"unchecked": 1}
    assert "Planning" in only(output).detail


# A calendar at an address


class Feed:
    """A calendar's server: what it answers, and what it was asked."""

    def __init__(self, *answers: Answered) -> None:
        self.answers, self.asked = list(answers), list[Asked]()

    def __call__(self, asked: Asked) -> Answered:
        self.asked.append(asked)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def fetch(contexts: Contexts, feed: Feed, **settings: object) -> Output:
    write(contexts.project, {"episodes/012.yaml": episode()})
    with serving({"/team": feed}) as base, httpx.Client(trust_env=False) as client:
        given = Settings.model_validate({"calendar": f"{base}/team/key-4711.ics", **settings})
        secrets = {"TEAM_CALENDAR": f"{base}/team/key-4711.ics"}
        return run(contexts(given, now=SAMPLE_NOW, http=client, secrets=secrets))


@pytest.mark.parametrize("settings", [{}, {"calendar_secret": "TEAM_CALENDAR", "calendar": "unused.ics"}])
def test_a_calendar_is_read_from_an_address_given_openly_or_as_a_secret(
    settings: dict[str, str], contexts: Contexts
) -> None:
    feed = Feed(Answered(200, ics(BOOKED).encode(), {"Content-Type": "text/calendar"}))
    assert fetch(contexts, feed, **settings).findings == []
    assert [asked.method for asked in feed.asked] == ["GET"]


def test_a_calendar_too_many_askers_wait_for_is_asked_for_once_more(contexts: Contexts) -> None:
    feed = Feed(Answered(429, headers={"Retry-After": "0"}), Answered(200, ics(BOOKED).encode()))
    assert fetch(contexts, feed).findings == []
    assert len(feed.asked) == 2


@pytest.mark.parametrize(
    ("answer", "error", "expected"),
    [
        (Answered(401), PermanentError, "no longer be shared"),
        (Answered(403), PermanentError, "no longer be shared"),
        (Answered(404), PermanentError, "answers 404"),
        (Answered(302, headers={"Location": "ftp://x"}), PermanentError, "redirect to no address"),
        (Answered(302, headers={"Location": "/team/key-4711.ics"}), PermanentError, "redirect loop"),
        (Answered(429, headers={"Retry-After": "3600"}), TransientError, "429"),
        (Answered(503), TransientError, "answers 503"),
    ],
)
def test_an_address_that_fails_is_an_error_that_doesnt_tell_the_address(
    answer: Answered, error: type[Exception], expected: str, contexts: Contexts
) -> None:
    with pytest.raises(error, match=expected) as raised:
        fetch(contexts, Feed(answer))
    assert "4711" not in str(raised.value)
    if isinstance(raised.value, TransientError) and answer.status == 429:
        assert raised.value.retry_after == timedelta(hours=1)


def test_an_address_where_nobody_answers_is_worth_another_try(contexts: Contexts) -> None:
    with serving({}) as base:
        pass
    write(contexts.project, {"episodes/012.yaml": episode()})
    with httpx.Client(trust_env=False) as client, pytest.raises(TransientError, match="can't be reached"):
        run(contexts(Settings(calendar=f"{base}/a.ics"), now=SAMPLE_NOW, http=client))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<!doctype html><title>Sign in</title>", "doesn't begin with BEGIN:VCALENDAR"),
        (b"BEGIN:VCALENDAR\n" + b"X:" + b"x" * 10_000_000 + b"\nEND:VCALENDAR", "too large"),
        (b"BEGIN:VCALENDAR\nSUMMARY:\xff\nEND:VCALENDAR", "isn't UTF-8"),
    ],
    ids=["a page", "10 MB", "latin-1"],
)
def test_an_answer_that_is_no_calendar_is_critical_and_the_episodes_are_checked_all_the_same(
    body: bytes, expected: str, contexts: Contexts
) -> None:
    output = fetch(contexts, Feed(Answered(200, body)))
    assert kinds(output) == {"calendar": 1}
    assert only(output).severity == "critical"
    assert expected in only(output).detail
    assert output.episodes_checked == 1


# Bad input, limits, and the output


@pytest.mark.parametrize(
    ("calendar", "severity", "expected"),
    [
        (None, "info", "No such file"),
        ("Dear all, the calendar", "critical", "doesn't begin with BEGIN:VCALENDAR"),
        (ics(BOOKED)[:-30], "critical", "ends in the middle"),
        (b"BEGIN:VCALENDAR\n\xff", "critical", "isn't UTF-8"),
        (b"BEGIN:VCALENDAR\n" + b"X-A:b\n" * 1_700_000, "critical", "more than the limit of 2,000,000"),
    ],
    ids=["none", "a letter", "half", "latin-1", "10 MB"],
)
def test_a_calendar_file_that_cant_be_read_is_a_finding(
    calendar: str | bytes | None, severity: str, expected: str, contexts: Contexts
) -> None:
    output = one(contexts, calendar=calendar)
    assert kinds(output) == {"calendar": 1}
    assert (only(output).severity, only(output).subject) == (severity, "calendar.ics")
    assert expected in only(output).detail
    assert "calendar_events" not in output.metrics


def test_a_calendar_that_was_asked_for_by_name_and_isnt_there_is_a_warning(contexts: Contexts) -> None:
    output = scan(contexts, {"episodes/012.yaml": episode()}, calendar="team.ics")
    assert (only(output).severity, only(output).subject) == ("warning", "team.ics")


def test_a_file_that_cant_be_read_hides_no_other(contexts: Contexts) -> None:
    files = {
        "episodes/011.yaml": "show: Sessions\nnumber: 11\nguest: {name: 'Ad",
        "episodes/012.yaml": episode(outline=None),
        "episodes/013.yaml": episode(number="12", title="Another"),
        "calendar.ics": ics(BOOKED),
    }
    output = scan(contexts, files)
    assert kinds(output) == {"unreadable": 2, "outline": 1, "overlap": 1}
    subjects = {finding.subject for finding in output.findings if finding.title.startswith("Mistake")}
    assert subjects == {"episodes/011.yaml:3", "episodes/013.yaml:2"}


def test_names_with_control_characters_and_markup_are_shown_plain(contexts: Contexts) -> None:
    output = one(contexts, title='"<script>\\e[2J\\u202e"', guest='{name: "Ada\\a <b>"}')
    finding = only(output)
    assert "<script>" in finding.detail
    assert not [char for char in f"{finding.title}{finding.detail}{finding.action}" if not char.isprintable()]


def test_without_any_episode_file_the_run_is_skipped_and_says_what_to_do(contexts: Contexts) -> None:
    with pytest.raises(Skip, match=r"no file fits episodes/\*.yaml, episodes/\*.yml: .*worker-registry.yaml"):
        scan(contexts, {"calendar.ics": ics(BOOKED)})


def test_findings_are_limited_and_a_second_run_tells_new_from_resolved(contexts: Contexts) -> None:
    first = one(contexts, outline=None, artwork=None)
    second = scan(contexts, {"episodes/012.yaml": episode(outline=None, guest=None)}, previous=first)
    assert (second.metrics["new"], second.metrics["resolved"]) == (1, 1)
    third = scan(contexts, {}, max_findings=1)
    assert len(third.findings) == 2
    assert third.findings[-1].title == "More findings than fit"


def test_what_a_run_would_read_is_told_without_reading_it(contexts: Contexts) -> None:
    write(contexts.project, {"episodes/012.yaml": "not even YAML: [", "calendar.ics": ""})
    assert list(reads(Settings(), contexts.project)) == [
        "episodes/*.yaml, episodes/*.yml: 1 file",
        "calendar.ics: 1 file",
    ]
    (_, gone) = reads(Settings(calendar="gone.ics"), contexts.project)
    (_, there) = reads(Settings(calendar="https://cal.example.org/key/a.ics"), contexts.project)
    (_, kept) = reads(Settings.model_validate({"calendar_secret": "TEAM_CALENDAR"}), contexts.project)
    assert (gone, there) == ("gone.ics: no such file", "GET the calendar at cal.example.org")
    assert kept == "GET the calendar whose address is the secret TEAM_CALENDAR"


# By the real command


def test_by_the_real_command_it_runs_guarded_and_a_breach_of_expect_is_invalid(
    loom: Command, project: Project
) -> None:
    write(project.root, {"episodes/012.yaml": episode(outline=None), "calendar.ics": ics(BOOKED)})
    expect = "{non_empty: [summary], min: {metrics.episodes_read: 1}}"
    (ran,) = by_command(loom, project, "media-pre-production", expect).json()["runs"]
    assert ran["outcome"] == "succeeded", ran
    assert [finding["title"] for finding in ran["output"]["findings"]] == ["No outline for episode 12"]
    Path(project.root / "episodes" / "012.yaml").write_text("title: [")
    (ran,) = by_command(loom, project, "media-pre-production", expect, "--force").json()["runs"]
    assert ran["outcome"] == "invalid", ran
    assert "episodes_read" in ran["error"]["where"], ran


def test_a_calendar_at_an_address_that_no_rule_grants_is_never_asked_for(
    loom: Command, project: Project
) -> None:
    write(project.root, {"episodes/012.yaml": episode()})
    feed = Feed(Answered(200, ics(BOOKED).encode()))
    with serving({"/team": feed}) as base:
        param = ("--param", f"calendar={base}/team/a.ics")
        ran = by_command(loom, project, "media-pre-production", "{non_empty: [summary]}", *param)
    (run_,) = ran.json()["runs"]
    assert run_["outcome"] == "blocked", run_
    assert feed.asked == []
