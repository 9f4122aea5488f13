"""How `loom why` says schedules, instants and what a clock change did to a slot that isn't there."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest

from loom.domain.cron import parse_cron
from loom.domain.reasons import Reasons, SlotFate
from loom.domain.run import Outcome
from loom.domain.schedule import DstPolicy, Fold, Gap, Schedule
from loom.instants import read_instant
from loom.report.schedule_words import schedule_in_words
from loom.report.terminal import console_for
from loom.report.why import show_reasons
from loom.slots.notes import absence_note
from loom.why.words import Times, listed

CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 6 * * *", "every day at 06:00"),
        ("0 6,12 * * *", "every day at 06:00 and 12:00"),
        ("30 6 * * mon-fri", "Mon to Fri at 06:30"),
        ("0 3 * * 0", "every Sun at 03:00"),
        ("0 3 * * sat,sun", "every Sat and Sun at 03:00"),
        ("0 3 * * fri,sat,sun", "Fri to Sun at 03:00"),
        ("0 3 * * mon,wed,fri", "every Mon, Wed and Fri at 03:00"),
        ("0 * * * *", "every hour at :00"),
        ("5,35 * * * *", "every hour at :05 and :35"),
        ("*/15 * * * *", "every 15 minutes"),
        ("* * * * *", "every minute"),
        ("0 * * * mon-fri", "every hour at :00, on Mon to Fri"),
        ("0 6 1,15 * *", "on day 1 and 15 of each month at 06:00"),
        ("0 6 1 1 *", ""),
        ("0 6 13 * fri", ""),
        ("*/7 1-5 * * *", ""),
    ],
)
def test_a_schedule_is_said_in_words_or_left_to_its_cron_text(cron: str, words: str) -> None:
    assert schedule_in_words(parse_cron(cron)) == words


@pytest.mark.parametrize(
    ("at", "said"),
    [("2026-03-08T12:00Z", "no slot comes of it (gap: skip)"), ("2026-03-09T12:00Z", None)],
)
def test_a_slot_that_is_left_out_is_missed_on_its_day_and_on_no_other(at: str, said: str | None) -> None:
    schedule = Schedule("30 2 * * *", parse_cron("30 2 * * *"), CHICAGO.key, DstPolicy(Gap.SKIP, Fold.FIRST))
    note = absence_note(schedule, datetime.fromisoformat(at))
    assert note is None if said is None else said in str(note)


def test_a_whole_day_that_a_zone_left_out_is_told_too() -> None:
    schedule = Schedule("0 6 * * *", parse_cron("0 6 * * *"), "Pacific/Apia")
    note = absence_note(schedule, datetime(2011, 12, 30, 16, 30, tzinfo=UTC))
    assert note == "the clock leaves out 06:00 that day, so its slot comes at 00:00 (gap: transition)"


def test_times_name_the_year_only_where_it_is_another_one_and_the_day_only_once() -> None:
    times = Times(CHICAGO, datetime(2026, 11, 21, 18, tzinfo=UTC))
    slot = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert times.at(slot) == "Sat 21 Nov 06:00 CST"
    assert times.at(slot.replace(year=2025)) == "Fri 21 Nov 2025 06:00 CST"
    assert times.beside(slot.replace(hour=17), slot) == "11:00"
    assert times.beside(slot.replace(day=20), slot) == "Fri 20 Nov 06:00 CST"
    assert times.told("the slot of 2026-11-21T06:00-06:00 runs instead") == (
        "the slot of Sat 21 Nov 06:00 CST runs instead"
    )
    assert listed(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("late", "by_hand", "shown"),
    [(40, False, "–"), (0, True, "–"), (7_200, True, "–"), (60, False, "60 s"), (4_320, False, "72 min")],
)
def test_only_what_a_clock_ran_a_minute_or_more_after_its_time_is_shown_as_late(
    late: int, by_hand: bool, shown: str
) -> None:
    slot = datetime(2026, 11, 21, 12, tzinfo=UTC)
    fate = SlotFate(
        slot=slot, outcome=Outcome.SUCCEEDED, final=True, late=timedelta(seconds=late), by_hand=by_hand
    )
    reasons = Reasons(
        worker="w", agent=None, schedule="", zone=CHICAGO.key, now=slot, at=None, verdict="", facts=(),
        slots=(fate,),
    )  # fmt: skip
    written = StringIO()
    show_reasons(console_for(written), reasons)
    row = next(line for line in written.getvalue().splitlines() if line.startswith("Sat 21 Nov"))
    assert " ".join(row.split("succeeded")[1].split()) == f"{shown} –"


@pytest.mark.parametrize("text", ["2026-11-21", "2026-11-21T06:00"])
def test_a_time_without_an_offset_is_refused_with_one_that_can_be_read(text: str) -> None:
    with pytest.raises(ValueError, match="has no offset") as refused:
        read_instant(text)
    advice = str(refused.value).split("offset: ")[1].split(" or ")
    assert [read_instant(each).date().isoformat() for each in advice] == ["2026-11-21"] * 2
