"""What the newest slots came to: each slot once, whatever was tried again, held or told of as a range."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from loom.domain.recent import LONGEST_STREAK, each_slot, last_slots, newest_slots, streak
from loom.domain.run import Outcome
from loom.domain.slot_outcome import SlotOutcome

START = datetime(2026, 11, 1, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)

outcomes = st.sampled_from(Outcome)


def record(number: int, slot: int, outcome: Outcome, *, count: int = 1, final: bool = True) -> SlotOutcome:
    """The `number`th record that was written, of the `count` hourly slots from the `slot`th on."""
    return SlotOutcome(
        worker="echo",
        run_id=f"run-{99_999 - number}",  # a run that is updated in place keeps its id: ids tell no order
        first=START + slot * HOUR,
        last=START + (slot + count - 1) * HOUR,
        count=count,
        outcome=outcome,
        final=final,
        on_time=False,
        started=True,
        tick_at=START + number * timedelta(minutes=1),
    )


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[SlotOutcome], list[tuple[Outcome, bool]]]:
    """What a ledger may hold of some slots in a row, and what each of them came to in the end.

    They were held in ranges, tried again some times each, then ended by themselves or in ranges."""
    ends: list[tuple[Outcome, bool]] = []
    holds: list[SlotOutcome] = []
    tries: list[SlotOutcome] = []
    final: list[SlotOutcome] = []
    numbers = iter(range(10_000))
    for count, alike, tried, held, late, outcome, ended in draw(
        st.lists(
            st.tuples(
                st.integers(1, 5),
                st.booleans(),
                st.integers(0, 2),
                st.booleans(),
                st.booleans(),
                outcomes,
                st.booleans(),
            ),
            max_size=12,
        )
    ):
        slot = len(ends)
        if held:
            # Late: what started before may be held again, and in the end keeps its last attempt's time.
            number = next(numbers) + 9_000 * late
            holds.append(record(number, slot, Outcome.BLOCKED, count=count, final=False))
        if alike and (ended or held):
            if ended:
                final.append(record(next(numbers) + 5_000, slot, outcome, count=count))
            ends += [(outcome, True) if ended else (Outcome.BLOCKED, False)] * count
            continue
        for each in range(slot, slot + count):
            shown = draw(outcomes)
            tries += [
                record(next(numbers) + 1_000, each, shown, final=False) for _ in range(tried or (not ended))
            ]
            if ended:
                final.append(record(next(numbers) + 5_000, each, outcome))
            if ended:
                ends.append((outcome, True))
            else:
                ends.append((Outcome.BLOCKED if held and late else shown, False))
    return draw(st.permutations([*holds, *tries, *final])), ends


def shown(slots: tuple[SlotOutcome, ...]) -> list[tuple[Outcome, bool]]:
    return [(each.outcome, each.final) for each in slots]


@given(lives())
def test_each_slot_is_told_of_once_by_what_holds_of_it_now(
    life: tuple[list[SlotOutcome], list[tuple[Outcome, bool]]],
) -> None:
    records, ends = life
    held = newest_slots(records)
    assert sum(each.count for each in held) == len(ends)
    assert shown(each_slot(held, len(ends))) == ends


def one_by_one(records: list[SlotOutcome]) -> tuple[SlotOutcome, ...]:
    """What `newest_slots` says it does, each record held against all before it."""

    def shared(record: SlotOutcome, other: SlotOutcome) -> int:
        if other.last < record.first or record.last < other.first:
            return 0
        return record.count if other.first <= record.first and record.last <= other.last else other.count

    held: list[SlotOutcome] = []
    for each in sorted(records, key=lambda each: (each.final, each.tick_at, each.run_id), reverse=True):
        left = each.count - sum(shared(each, other) for other in held)
        if left > 0:
            held.append(replace(each, count=left))
    return tuple(sorted(held, key=lambda each: (each.last, each.first, each.run_id)))


any_records = st.lists(
    st.builds(
        lambda number, slot, outcome, count, final: record(number, slot, outcome, count=count, final=final),
        st.integers(0, 60),
        st.integers(0, 12),
        outcomes,
        st.integers(1, 6),
        st.booleans(),
    ),
    unique_by=lambda each: each.run_id,
    max_size=25,
)


@given(any_records | lives().map(lambda life: life[0]))
def test_looking_up_what_holds_finds_what_holding_each_against_all_finds(records: list[SlotOutcome]) -> None:
    assert newest_slots(records) == one_by_one(records)


def test_thousands_of_records_are_no_burden() -> None:
    """Held one against all, these would take minutes."""
    records = [record(number, number, Outcome.SUCCEEDED) for number in range(20_000)]
    assert len(newest_slots(records)) == 20_000


@given(lives(), st.integers(0, 20))
def test_the_last_ones_are_the_end_of_all(
    life: tuple[list[SlotOutcome], list[tuple[Outcome, bool]]], most: int
) -> None:
    records, ends = life
    held = newest_slots(records)
    last = last_slots(held, most)
    assert list(last) == list(held)[len(held) - len(last) :]
    assert shown(each_slot(last, most)) == ends[max(0, len(ends) - most) :]
    assert sum(each.count for each in last[1:]) < max(most, 1)


@given(lives())
def test_a_streak_is_what_the_newest_slots_have_in_common(
    life: tuple[list[SlotOutcome], list[tuple[Outcome, bool]]],
) -> None:
    records, ends = life
    told = [outcome for outcome, _ in reversed(ends) if outcome not in (Outcome.SKIPPED, Outcome.SUPERSEDED)]
    groups = [(good, len([*group])) for good, group in groupby(told, lambda each: not each.bad)]
    good, length = groups[0] if groups else (True, 0)
    assert streak(newest_slots(records)) == (length if good else -length)


def test_of_a_range_that_is_held_what_has_moved_on_is_told_by_its_own_record() -> None:
    held = record(1, 0, Outcome.BLOCKED, count=5, final=False)
    ran = record(2, 0, Outcome.SUCCEEDED)
    assert newest_slots([held, ran]) == (ran, replace(held, count=4))


def test_a_range_of_a_month_costs_no_more_than_what_is_shown_of_it() -> None:
    month = record(1, 0, Outcome.MISSED, count=43_200)
    assert len(each_slot(newest_slots([month]))) == 14
    assert streak((month,)) == -LONGEST_STREAK
