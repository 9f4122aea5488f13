"""Which time a brief covers: whatever became of the mark of the last one, nothing unread is passed over."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from loom.brief.stretch import LastRead, Stretch, last_read, remember, stretch

NOW = datetime(2026, 11, 21, 14, 2, tzinfo=UTC)
CHICAGO = ZoneInfo("America/Chicago")
DAY = timedelta(days=1)


def covered(last: LastRead | None, *, asked: datetime | None = None, replayed: bool = False) -> Stretch:
    return stretch(NOW, last=last, asked=asked, replayed=replayed, zone=CHICAGO)


def test_it_goes_on_where_the_last_one_ended() -> None:
    assert covered(LastRead(NOW - DAY)) == Stretch(NOW - DAY, "", True)


def test_the_first_one_covers_a_day() -> None:
    assert covered(LastRead(None)) == Stretch(
        NOW - DAY, "The first brief here: it covers the last 24 hours.", True
    )


def test_where_nothing_is_remembered_it_covers_a_day_and_leaves_no_mark() -> None:
    found = covered(None)
    assert (found.since, found.moves) == (NOW - DAY, False)
    assert found.covers.startswith("GitHub Actions keeps no mark")


def test_a_mark_of_long_ago_is_cut_and_it_is_said_how_to_read_it_all() -> None:
    found = covered(LastRead(NOW - 20.5 * DAY))
    assert (found.since, found.moves) == (NOW - 14 * DAY, True)
    assert found.covers == (
        "The last brief was 20 d ago: this one covers the last 14 days; for all of it: loom brief --since 21d"
    )


def test_a_mark_ahead_is_put_right_unless_the_clock_was_set_back_on_purpose() -> None:
    ahead = LastRead(NOW + DAY)
    assert covered(ahead).since == NOW - DAY
    assert covered(ahead).moves
    assert "dated ahead, Sun 22 Nov 08:02 CST" in covered(ahead).covers
    assert not covered(ahead, replayed=True).moves


@pytest.mark.parametrize(
    ("last", "asked", "moves"),
    [(NOW - DAY, NOW - 2 * DAY, True), (NOW - DAY, NOW - DAY / 2, False), (None, NOW - DAY / 2, True)],
)
def test_who_asks_for_less_than_is_unread_has_not_read_it(
    last: datetime | None, asked: datetime, moves: bool
) -> None:
    found = covered(LastRead(last), asked=asked)
    assert (found.since, found.moves) == (asked, moves)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "{}",
        '{"read_up_to": 3}',
        '{"read_up_to": "soon \\u001b[31m"}',
        "[" * 9_000,
        "\xff",
    ],
)
def test_a_damaged_mark_is_told_and_covers_a_day(tmp_path: Path, text: str) -> None:
    mark = tmp_path / "brief.json"
    mark.write_bytes(text.encode("latin-1"))
    last = last_read(mark)
    assert last.at is None
    found = covered(last)
    assert found.since == NOW - DAY
    assert "brief.json can't be read (no time under 'read_up_to'): this brief covers the last" in found.covers
    assert found.covers.isprintable()
    assert found.moves, "the next one has a sound mark"


def test_what_is_no_file_is_told_at_once(tmp_path: Path) -> None:
    assert last_read(tmp_path).trouble == f"{tmp_path} is no plain file"
    assert last_read(tmp_path / "missing") == LastRead(None)


def test_what_was_remembered_is_read_again_and_nothing_is_left_behind(tmp_path: Path) -> None:
    mark = tmp_path / ".loom" / "brief.json"
    for at in (NOW - DAY, NOW):
        assert remember(mark, at, read_at=NOW, still_open=["a-run"]) == ""
        assert last_read(mark) == LastRead(at, read_at=NOW, open=("a-run",))
    assert [file.name for file in mark.parent.iterdir()] == ["brief.json"]


def test_a_mark_that_cannot_be_written_is_a_sentence_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "brief.json").mkdir()
    for file in (tmp_path / "brief.json", Path("/dev/null/brief.json")):
        assert "can't be written" in remember(file, NOW, read_at=NOW, still_open=[])
    assert [file.name for file in tmp_path.iterdir()] == ["brief.json"]
