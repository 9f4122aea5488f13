"""Episode files, as workers.sources.episodes reads them."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from workers.sources.episodes import Episode, Guest, Trouble, read_episodes

CHICAGO = ZoneInfo("America/Chicago")
LEAST = "show: Sessions\nnumber: {number}\nstatus: planned\n"

WHOLE = """\
show: Brightwater Sessions
number: 012
title: No
status: published
recording: 2026-06-18 10:00
recording_minutes: 90
published: 2026-06-25
duration: 42:10
guest:
  name: Ada Marsh
  contact: hubspot:1201
  consent: 2026-06-01
outline: |
  - who
  - why
artwork: assets/012/cover.png
assets: assets/012
slug: the-long-tail
youtube: dQw4w9WgXcQ
"""


def write(folder: Path, **texts: str) -> None:
    (folder / "episodes").mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / "episodes" / f"{name}.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))


def only(folder: Path) -> tuple[Episode | None, Trouble | None]:
    episodes, troubles = read_episodes(folder, zone=CHICAGO)
    assert len(episodes) <= 1
    assert len(troubles) <= 1, troubles
    return next(iter(episodes), None), next(iter(troubles), None)


def test_a_whole_file_is_read_as_its_writer_meant_it(tmp_path: Path) -> None:
    write(tmp_path, e012=WHOLE)
    episode, trouble = only(tmp_path)
    assert trouble is None
    assert episode is not None
    assert (episode.id, episode.number, episode.title) == ("e012", 12, "No")
    assert episode.recording == datetime(2026, 6, 18, 15, tzinfo=UTC)
    assert (episode.published, episode.duration_s) == (date(2026, 6, 25), 2530)
    assert episode.guest == Guest("Ada Marsh", "hubspot:1201", date(2026, 6, 1))
    assert episode.outline == "- who\n- why"
    assert (episode.slug, episode.youtube_id) == ("the-long-tail", "dQw4w9WgXcQ")
    assert episode.where("title") == "episodes/e012.yaml:3"
    assert episode.where("description") == "episodes/e012.yaml"
    assert episode.name == "12 (No)"


def test_what_isnt_written_is_none_and_a_guest_may_be_a_name_alone(tmp_path: Path) -> None:
    write(tmp_path, a=LEAST.format(number=1) + "guest: Ada Marsh\ntitle:\noutline: ~\nartwork: '  '\n")
    episode, trouble = only(tmp_path)
    assert trouble is None
    assert episode is not None
    assert episode.guest == Guest("Ada Marsh")
    assert (episode.title, episode.outline, episode.artwork, episode.recording) == (None,) * 4
    assert episode.name == "1"


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-06-18T10:00:00-05:00", datetime(2026, 6, 18, 15, tzinfo=UTC)),
        ("2026-06-18T10:00Z", datetime(2026, 6, 18, 10, tzinfo=UTC)),
        ("2026-01-18 10:00", datetime(2026, 1, 18, 16, tzinfo=UTC)),
        ("2026-11-01 01:30", datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),  # twice on that day: the first
    ],
)
def test_a_recordings_time_is_local_unless_it_has_an_offset(
    written: str, instant: datetime, tmp_path: Path
) -> None:
    write(tmp_path, a=LEAST.format(number=1) + f"recording: {written}\n")
    episode, trouble = only(tmp_path)
    assert trouble is None
    assert episode is not None
    assert episode.recording is not None
    assert episode.recording.astimezone(timezone(timedelta(0))) == instant


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("", 1, "found nothing"),
        ("just text", 1, "found text"),
        ("- a\n- b", 1, "found a list"),
        ("show: S\nguest: {name: 'Ada\n", 3, "isn't YAML"),
        ("show: S\nnumber: 1\n status: x\n", 3, "isn't YAML"),
        ("show: S\nnumber: 1\nnumber: 2\n", 3, "twice"),
        ("show: &a S\ntitle: *a\n", 2, "alias"),
        ("show: S\n---\nshow: T\n", 2, "isn't YAML"),
        ("show: S\ntitle: \x07\n", 2, "isn't YAML"),
        ("? [a]\n: b\n", 1, "isn't text"),
        ("number: 1\nstatus: planned\n", 1, "`show` is missing"),
        ("show: S\nnumber: one\nstatus: planned\n", 2, "`number` has 'one'"),
        ("show: S\nnumber: 1\nstatus: done\n", 3, "'planned', 'recorded' or 'published'"),
        (LEAST.format(number=1) + "title: [a]\n", 4, "keys or a list"),
        (LEAST.format(number=1) + "recording: 2026-06-18\n", 4, "a day and a time such as"),
        (LEAST.format(number=1) + "recording: tomorrow\n", 4, "a day and a time such as"),
        (LEAST.format(number=1) + "recording: 2026-03-08 02:30\n", 4, "clocks leave out"),
        (LEAST.format(number=1) + "published: 20.6.\n", 4, "a day such as"),
        (LEAST.format(number=1) + "guest:\n  name: Ada\n  consent: perhaps\n", 6, "or yes or no"),
        (LEAST.format(number=1) + "guest: {nme: Ada}\n", 4, "`guest.nme` has 'Ada'"),
        (LEAST.format(number=1) + "solo: perhaps\n", 4, "yes or no"),
        (LEAST.format(number=1) + "duration: an hour\n", 4, "minutes:seconds"),
        (LEAST.format(number=1) + "youtube: https://youtu.be/x\n", 4, "a video's id"),
        (LEAST.format(number=1) + "slug: a/b\n", 4, "the last part of an address"),
        ("show: S\nnumber: 1\nstatus: planned\ntitle: " + "[" * 5_000, None, "nested too deeply"),
        ("show: Gr\udcfc\n", None, "isn't UTF-8"),
        ("show: \0\n", None, "binary"),
        ("# " + "x" * 100_000, None, "more than the limit"),
    ],
)
def test_a_malformed_file_is_trouble_with_its_line_and_hides_no_other(
    text: str, line: int | None, expected: str, tmp_path: Path
) -> None:
    write(tmp_path, a=text, b=LEAST.format(number=2))
    episode, trouble = only(tmp_path)
    assert episode is not None
    assert episode.number == 2
    assert trouble is not None
    assert (trouble.path, trouble.line) == ("episodes/a.yaml", line)
    assert expected in trouble.text


def test_every_mistake_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, a="show:\nnumber: -1\nstatus: x\nduration: 1\n")
    episodes, troubles = read_episodes(tmp_path)
    assert episodes == ()
    assert [trouble.where for trouble in troubles] == [f"episodes/a.yaml:{line}" for line in (1, 2, 3, 4)]


def test_a_misspelt_key_is_trouble_beside_an_episode_that_is_read(tmp_path: Path) -> None:
    write(tmp_path, a=LEAST.format(number=1) + "outlne: a.md\n")
    episode, trouble = only(tmp_path)
    assert episode is not None
    assert trouble is not None
    assert trouble.line == 4
    assert "`outlne` isn't known here" in trouble.text
    assert "outline" in trouble.text


def test_a_number_given_twice_in_a_show_is_trouble_and_in_another_show_is_none(tmp_path: Path) -> None:
    other = LEAST.format(number=1).replace("Sessions", "Other")
    write(tmp_path, a=LEAST.format(number=1), b=LEAST.format(number=1).upper().lower(), c=other)
    episodes, troubles = read_episodes(tmp_path)
    assert [episode.id for episode in episodes] == ["a", "b", "c"]
    (trouble,) = troubles
    assert trouble.where == "episodes/b.yaml:2"
    assert "episodes/a.yaml:2 has too" in trouble.text


def test_a_published_episode_must_say_since_when(tmp_path: Path) -> None:
    write(tmp_path, a="show: S\nnumber: 1\nstatus: published\n")
    episode, trouble = only(tmp_path)
    assert episode is not None
    assert trouble is not None
    assert trouble.line == 3


def test_files_beyond_the_limit_are_trouble_too(tmp_path: Path) -> None:
    write(tmp_path, **{f"e{number}": LEAST.format(number=number) for number in range(5)})
    episodes, troubles = read_episodes(tmp_path, max_files=3)
    assert len(episodes) == 3
    assert [trouble.text for trouble in troubles] == ["From this file on 2 files lie beyond the limit of 3"]


def test_a_link_out_of_the_project_isnt_followed(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "outside.yaml").write_text(LEAST.format(number=1))
    write(project, b=LEAST.format(number=2))
    (project / "episodes" / "a.yaml").symlink_to(tmp_path / "outside.yaml")
    episode, trouble = only(project)
    assert trouble is None
    assert episode is not None
    assert episode.number == 2
