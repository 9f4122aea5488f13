"""The sample company's days can be moved to another week, and everything else stays as it was."""

import re
from datetime import datetime, timedelta

import pytest

from loom.sample.dates import moved
from tests.ground.shut import REPOSITORY

BACK = timedelta(weeks=-14)
SAMPLE = REPOSITORY / "loom" / "sample"
FILES = sorted(
    file
    for folder in ("company", "crm", "tube", "web")
    for file in (SAMPLE / folder).rglob("*")
    if file.is_file()
)


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("2026-06-15", "2026-03-09"),
        ('"2026-06-15T14:00:00.000Z"', '"2026-03-09T14:00:00.000Z"'),
        ("due: 2026-06-15 10:00", "due: 2026-03-09 10:00"),
        ("DTSTART:20260615T140000Z", "DTSTART:20260309T140000Z"),
        ("DTSTART;VALUE=DATE:20260615\r\n", "DTSTART;VALUE=DATE:20260309\r\n"),
        ("Tue, 16 Jun 2026 10:00:00 GMT", "Tue, 10 Mar 2026 10:00:00 GMT"),
        ("Mon, 15 Jun 2026", "Mon, 09 Mar 2026"),
        ("on 15 June 2026, and on 9 May 2026", "on 9 March 2026, and on 31 January 2026"),
        # None of these is a day.
        ("2026-06-31", "2026-06-31"),
        ("contact 20260615", "contact 20260615"),
        ("v2026-06-15", "v2026-06-15"),
        ("the 15th of June", "the 15th of June"),
    ],
)
def test_a_day_is_moved_however_it_is_written(text: str, then: str) -> None:
    assert moved(text.encode(), BACK).decode() == then
    assert moved(then.encode(), -BACK).decode() == text


def test_what_is_no_text_stays_as_it_is() -> None:
    assert moved(b"\xe9 2026-06-15", BACK) == b"\xe9 2026-06-15"


def test_every_file_of_the_sample_comes_back_as_it_was() -> None:
    assert len(FILES) > 80
    changed = [file for file in FILES if moved(file.read_bytes(), BACK) != file.read_bytes()]
    assert len(changed) > 40
    for file in changed:
        assert moved(moved(file.read_bytes(), BACK), -BACK) == file.read_bytes(), file


def test_a_feeds_days_keep_their_weekdays() -> None:
    feed = moved((SAMPLE / "web" / "second-take.rss").read_bytes(), BACK).decode()
    days = re.findall(r"<pubDate>(\w{3}, \d\d \w{3} \d{4})", feed)
    assert len(days) > 5
    for day in days:
        assert f"{datetime.strptime(day, '%a, %d %b %Y'):%a, %d %b %Y}" == day  # noqa: DTZ007
