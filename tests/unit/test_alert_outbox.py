"""From what is to be said to what was heard: at least once, and never in silence."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from loom.alerts.memory import MemoryHook
from loom.alerts.missing import MissingHook
from loom.alerts.outbox import prepare, send
from loom.clock import ManualClock
from loom.domain.alert import Alert, Delivery, DeliveryState, Episode, Event
from loom.errors import DeliveryFailed, LedgerError
from loom.ports import AlertHook

AT = datetime(2026, 11, 21, 13, 7, tzinfo=UTC)
DOWN = Alert(event=Event.WORKER_DOWN, summary="echo is down", at=AT, worker="echo")
RECOVERED = Alert(event=Event.WORKER_RECOVERED, summary="echo works again", at=AT, worker="echo")
EPISODE = Episode(id="episode-1", subject="echo", opened_at=AT, announced=True)


class Record:
    """Stands for the ledger: keeps every version that was written, in order."""

    def __init__(self, *, broken: int = 0) -> None:
        self.written: list[Delivery] = []
        self._broken = broken

    def __call__(self, deliveries: Sequence[Delivery]) -> None:
        if self._broken:
            self._broken -= 1
            raise LedgerError("the disk is full")
        self.written.extend(deliveries)

    def states(self, id_: str) -> list[str]:
        return [each.state.value for each in self.written if each.id == id_]


class SlowHook(MemoryHook):
    """Takes its time, by the clock."""

    def __init__(self, clock: ManualClock, takes: float) -> None:
        super().__init__("slow")
        self._clock = clock
        self._takes = timedelta(seconds=takes)

    def deliver(self, alert: Alert) -> None:
        self._clock.advance(self._takes)
        super().deliver(alert)


def pending(hooks: Sequence[AlertHook], *alerts: Alert) -> tuple[Delivery, ...]:
    ids = (f"delivery-{number}" for number in count(1))
    return prepare([(alert, EPISODE) for alert in alerts], hooks, now=AT, new_id=lambda: next(ids))


def sent(deliveries: Sequence[Delivery], hooks: Sequence[AlertHook], record: Record) -> tuple[Delivery, ...]:
    return send(deliveries, hooks, record=record, now=ManualClock(AT).now)


def test_each_alert_is_prepared_once_for_each_hook_that_wants_it() -> None:
    hooks = [MemoryHook("a"), MemoryHook("b", events=frozenset({Event.WORKER_DOWN}))]
    prepared = pending(hooks, DOWN, RECOVERED)
    assert [(each.hook, each.alert) for each in prepared] == [("a", DOWN), ("b", DOWN), ("a", RECOVERED)]
    assert {each.state for each in prepared} == {DeliveryState.PENDING}
    assert {each.episode for each in prepared} == {"episode-1"}
    assert len({each.id for each in prepared}) == 3


def test_the_ledger_says_sending_before_anything_is_sent() -> None:
    record = Record()
    said_before: list[list[str]] = []

    class Watching(MemoryHook):
        def deliver(self, alert: Alert) -> None:
            said_before.append(record.states("delivery-1"))
            super().deliver(alert)

    hook = Watching()
    (result,) = sent(pending([hook], DOWN), [hook], record)
    assert said_before == [["sending"]]
    assert record.states("delivery-1") == ["sending", "sent"]
    assert (result.state, result.tries, result.error) == (DeliveryState.SENT, 1, None)


def test_the_result_of_one_delivery_is_written_before_the_next_is_tried() -> None:
    record = Record()
    seen: list[list[str]] = []

    class Watching(MemoryHook):
        def deliver(self, alert: Alert) -> None:
            seen.append(record.states("delivery-1"))

    hook = Watching()
    sent(pending([hook], DOWN, DOWN), [hook], record)
    assert seen == [["sending"], ["sending", "sent"]]


def test_what_failed_says_why_and_is_sent_on_the_next_tick() -> None:
    hook = MemoryHook(fail_with="no such channel")
    (failed,) = sent(pending([hook], DOWN), [hook], Record())
    assert (failed.state, failed.error) == (DeliveryState.FAILED, "no such channel")
    hook.fail_with = None
    (result,) = sent([failed], [hook], Record())
    assert (result.state, result.tries, result.error) == (DeliveryState.SENT, 2, None)
    assert hook.delivered == [DOWN]


@pytest.mark.parametrize("state", [DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.FAILED])
def test_whatever_a_crash_left_behind_is_sent_again(state: DeliveryState) -> None:
    hook = MemoryHook()
    left = replace(pending([hook], DOWN)[0], state=state, tries=1)
    (result,) = sent([left], [hook], Record())
    assert result.state is DeliveryState.SENT
    assert hook.delivered == [DOWN]


def test_one_failing_hook_keeps_no_other_from_speaking() -> None:
    class Broken(MemoryHook):
        def deliver(self, alert: Alert) -> None:
            raise KeyError("a mistake in the hook")

    hooks = [MemoryHook("a", fail_with=""), Broken("b"), MemoryHook("c")]
    results = sent(pending(hooks, DOWN), hooks, Record())
    assert [each.state.value for each in results] == ["failed", "failed", "sent"]
    assert results[1].error == "b broke: KeyError: 'a mistake in the hook'"


def test_a_slow_hook_uses_up_its_own_share_only() -> None:
    clock = ManualClock(AT)
    slow, quick = SlowHook(clock, takes=20), MemoryHook("quick")
    hooks = [slow, quick]
    results = send(
        pending(hooks, *[DOWN] * 4),
        hooks,
        record=Record(),
        now=clock.now,
        monotonic=clock.monotonic,
        limit=timedelta(seconds=60),
    )
    assert len(quick.delivered) == 4
    assert len(slow.delivered) == 2
    late = [each for each in results if each.state is DeliveryState.PENDING]
    assert [each.hook for each in late] == ["slow", "slow"]
    assert {each.error for each in late} == {
        "not tried: slow had used up its 30 s; the next tick tries again"
    }
    assert clock.monotonic() == 40


def test_a_hook_that_never_comes_back_is_left_behind() -> None:
    release = threading.Event()

    class Hanging(MemoryHook):
        def deliver(self, alert: Alert) -> None:
            release.wait(60)

    hooks = [Hanging("hanging"), MemoryHook("quick")]
    try:
        results = send(
            pending(hooks, DOWN),
            hooks,
            record=Record(),
            now=ManualClock(AT).now,
            limit=timedelta(seconds=4),
        )
    finally:
        release.set()
    assert [each.state.value for each in results] == ["failed", "sent"]
    assert results[0].error is not None
    assert results[0].error.startswith("hanging hadn't finished after 2 s")


def test_a_recovery_never_overtakes_the_bad_news_it_belongs_to() -> None:
    class RefusesDown(MemoryHook):
        def deliver(self, alert: Alert) -> None:
            if alert.event is Event.WORKER_DOWN and self.fail_with:
                raise DeliveryFailed(self.fail_with)
            self.delivered.append(alert)

    hook = RefusesDown(fail_with="too busy")
    first = sent(pending([hook], DOWN, RECOVERED), [hook], Record())
    assert [each.state.value for each in first] == ["failed", "pending"]
    assert hook.delivered == []
    hook.fail_with = None
    sent(first, [hook], Record())
    assert hook.delivered == [DOWN, RECOVERED]


def test_bad_news_of_another_episode_does_not_wait() -> None:
    hook = MemoryHook()
    other = replace(pending([hook], RECOVERED)[0], id="other", episode="episode-2")
    failing = replace(pending([hook], DOWN)[0], hook="missing")
    missing = MissingHook("X is not set", name="missing", events=frozenset())
    results = sent([failing, other], [missing, hook], Record())
    assert [each.state.value for each in results] == ["failed", "sent"]


def test_what_waits_for_a_hook_that_was_taken_out_goes_through_another() -> None:
    (waiting,) = pending([MemoryHook("webhook")], DOWN)
    deaf, left = MemoryHook("a", events=frozenset()), MemoryHook("b")
    (result,) = sent([waiting], [deaf, left], Record())
    assert (result.id, result.hook, result.state) == (waiting.id, "b", DeliveryState.SENT)
    assert left.delivered == [DOWN]


def test_what_no_hook_takes_any_more_stays_undelivered_and_says_so() -> None:
    (waiting,) = pending([MemoryHook("webhook")], DOWN)
    record = Record()
    for hooks in ([], [MemoryHook("file", events=frozenset())]):
        (result,) = sent([waiting], hooks, record)
        assert result.state is DeliveryState.FAILED
        assert result.error == (
            "no hook 'webhook' in alerts: any more, and no other takes worker.down; add one that does"
        )
    assert record.states("delivery-1") == ["failed", "failed"]


def test_what_waits_for_an_optional_hook_that_is_absent_goes_on_waiting() -> None:
    (waiting,) = pending([MemoryHook("webhook")], DOWN)
    absent = MissingHook("CHAT is not set", name="webhook", events=frozenset())
    terminal = MemoryHook("stderr")
    (result,) = sent([waiting], [absent, terminal], Record())
    assert (result.state, result.hook, result.error) == (DeliveryState.FAILED, "webhook", "CHAT is not set")
    assert terminal.delivered == []


def test_a_ledger_that_cannot_be_written_silences_nobody() -> None:
    hook = MemoryHook()
    with pytest.raises(LedgerError):
        sent(pending([hook], DOWN, RECOVERED), [hook], Record(broken=100))
    assert hook.delivered == [DOWN, RECOVERED]


def test_a_ledger_that_comes_back_learns_every_result() -> None:
    hook = MemoryHook()
    record = Record(broken=1)
    results = sent(pending([hook], DOWN, RECOVERED), [hook], record)
    assert {each.state for each in results} == {DeliveryState.SENT}
    assert {each.id: each.state for each in record.written} == {each.id: each.state for each in results}


def test_results_come_in_the_order_they_were_asked_for() -> None:
    hooks = [MemoryHook("a"), MemoryHook("b")]
    prepared = pending(hooks, DOWN, RECOVERED)
    assert [each.id for each in sent(prepared, hooks, Record())] == [each.id for each in prepared]
