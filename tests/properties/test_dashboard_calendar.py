"""The calendar's law: each slot that the ledger has an outcome for is counted once, on its own day."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from loom.dashboard.calendar import by_day, days_until
from loom.domain.cron import parse_cron
from loom.domain.dashboard import OPEN
from loom.domain.run import OpenReason, Outcome, Run, Trigger
from loom.domain.schedule import Schedule
from loom.ledger.memory import MemoryLedger
from loom.slots.calendar import instants

DAY = timedelta(days=1)
# Across a spring and an autumn change of the clocks, one that falls on midnight, and a day that was left out.
ENDS = (
    ("America/Chicago", datetime(2026, 3, 10, 18, 20, tzinfo=UTC)),
    ("America/Chicago", datetime(2026, 11, 3, 5, 59, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2026, 4, 25, 12, 0, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2012, 1, 1, 9, 0, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 6, 1, 0, 0, tzinfo=UTC)),
)
CRONS = ("0 * * * *", "*/20 * * * *", "30 2 * * *", "0 0 * * *", "15 6,18 * * mon-fri")


def schedule(cron: str, zone: str) -> Schedule:
    return Schedule(cron, parse_cron(cron), zone)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Schedule, datetime, int, list[tuple[list[datetime], Outcome, int]]]:
    """A schedule, now, how many days are shown, and the fates of its slots in their order: which adjacent
    slots share one, the outcome, and how many times they were tried before without an end (-1: still so)."""
    zone, now = draw(st.sampled_from(ENDS))
    cron = schedule(draw(st.sampled_from(CRONS)), zone)
    count = draw(st.integers(1, 6))
    left = list(instants(cron, now - (count + 2) * DAY, now))
    fates = []
    while left:
        size = draw(st.integers(1, 40))
        outcome = draw(st.sampled_from(list(Outcome)))
        fates.append((left[:size], outcome, draw(st.integers(-1, 2))))
        left = left[size:]
    return cron, now, count, fates


@given(histories())
def test_every_slot_is_counted_once_on_its_own_day_and_no_other(
    history: tuple[Schedule, datetime, int, list[tuple[list[datetime], Outcome, int]]],
) -> None:
    cron, now, count, fates = history
    ledger = MemoryLedger()
    ledger.record([run for number, fate in enumerate(fates) for run in runs_of(*fate, number)])
    days = days_until(now, cron.zone, count)
    zone = ZoneInfo(cron.zone)
    expected: dict[object, Counter[str]] = {}
    for slots, outcome, tries in fates:
        for slot in slots:
            said = OPEN if tries < 0 else outcome.value
            expected.setdefault(slot.astimezone(zone).date(), Counter())[said] += 1
    found = by_day(ledger.slot_outcomes(worker="echo", limit=100_000), cron, days)
    assert len(found) == count
    assert days.first + (count - 1) * DAY == now.astimezone(zone).date()
    for number, outcomes in enumerate(found):
        assert outcomes == expected.get(days.first + number * DAY, {}), days.first + number * DAY


def runs_of(slots: list[datetime], outcome: Outcome, tries: int, number: int) -> list[Run]:
    """Its tries, each at a later tick and with its own record, and its end, if it has one."""
    records = [
        a_run(slots, Outcome.FAILED, slots[-1] + timedelta(minutes=each), number, final=False)
        for each in range(abs(tries))
    ]
    if tries >= 0:
        records.append(a_run(slots, outcome, slots[-1] + timedelta(hours=1), number, final=True))
    return records


def a_run(slots: list[datetime], outcome: Outcome, at: datetime, number: int, *, final: bool) -> Run:
    return Run(
        run_id=f"run-{number:06}-{at:%Y%m%d%H%M}",
        worker="echo",
        agent=None,
        slot=slots[0],
        slot_last=slots[-1] if len(slots) > 1 else None,
        count=len(slots),
        trigger=Trigger.SCHEDULE,
        outcome=outcome,
        final=final,
        open_reason=None if final else OpenReason.RETRY,
        tick_at=at,
    )


@given(
    st.integers(2, 2_000), st.integers(1, 60), st.integers(0, 3 * 1440), st.sampled_from(CRONS) | st.none()
)
def test_a_range_counts_as_many_slots_as_were_recorded_whatever_the_schedule_says_today(
    size: int, days_long: int, before: int, cron: str | None
) -> None:
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    first = now - timedelta(days=days_long, minutes=before)
    last = first + timedelta(days=days_long)
    run = a_run([first, *[last] * (size - 1)], Outcome.MISSED, now, 1, final=True)
    ledger = MemoryLedger()
    ledger.record([run])
    days = days_until(now, "UTC", 70)
    today = schedule(cron, "UTC") if cron is not None else None
    found = by_day(ledger.slot_outcomes(worker="echo", limit=10), today, days)
    assert sum(each.get("missed", 0) for each in found) == size
    assert found[(first.date() - days.first).days]["missed"] >= 1
    assert found[(last.date() - days.first).days]["missed"] >= 1


def test_a_month_of_minutes_is_one_record_and_is_laid_out_at_once() -> None:
    cron = schedule("* * * * *", "America/Chicago")
    now = datetime(2026, 3, 31, 5, 0, tzinfo=UTC)
    days = days_until(now, "America/Chicago", 30)
    slots = list(instants(cron, days.starts[0] - timedelta(minutes=1), now))
    ledger = MemoryLedger()
    ledger.record([a_run(slots, Outcome.MISSED, now, 1, final=True)])
    found = by_day(ledger.slot_outcomes(worker="echo", limit=10), cron, days)
    assert sum(each.get("missed", 0) for each in found) == len(slots) > 41_000
    # The day on which clocks go forward has 23 hours.
    assert {each["missed"] for each in found} == {1, 23 * 60, 24 * 60}
