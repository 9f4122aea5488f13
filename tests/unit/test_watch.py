"""The watch: from outside the ticks it says once that none comes, and once that they do again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loom.alerts.memory import MemoryHook
from loom.domain.alert import Event
from loom.domain.cron import parse_cron
from loom.domain.pause import Pause
from loom.domain.record import Renamed
from loom.domain.registry import Registry
from loom.domain.schedule import Schedule
from loom.domain.tick import Mark, Tick
from loom.domain.worker import Status, Worker
from loom.errors import ExitCode, LedgerError, Problem, RegistryError, SettingsError
from loom.ledger.memory import MemoryLedger
from loom.ports import AlertHook, Ledger
from loom.watch.watching import Watched, watch

NOON = datetime(2026, 11, 20, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)


def worker(cron: str = "0 6 * * *", status: Status = Status.ACTIVE) -> Worker:
    schedule = Schedule(cron, parse_cron(cron), "America/Chicago")
    return Worker(id="sentinel", schedule=schedule, entrypoint="workers.x:run", status=status)


@dataclass
class Desk:
    """Calls the watch again and again, on one ledger and one state file."""

    state: Path
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    hooks: Sequence[AlertHook] = field(default_factory=lambda: (MemoryHook("memory"),))
    registry: Registry = field(default_factory=lambda: Registry(zone="America/Chicago", workers=(worker(),)))

    def tick(self, at: datetime, *, trigger: str = "schedule", ended: bool = True) -> None:
        end = at + timedelta(minutes=1) if ended else None
        self.ledger.record([Tick(id=f"{at}{trigger}", at=at, trigger=trigger, finished_at=end)])

    def look(
        self,
        at: datetime,
        *,
        grace: timedelta = 3 * HOUR,
        read_registry: Callable[[], Registry] | None = None,
        open_ledger: Callable[[Registry | None], Ledger] | None = None,
    ) -> Watched:
        return watch(
            read_registry=read_registry or (lambda: self.registry),
            open_ledger=open_ledger or (lambda _: self.ledger),
            hooks=lambda *_: self.hooks,
            state=self.state,
            now=at,
            max_age=3 * HOUR,
            grace=grace,
        )

    def heard(self) -> list[str]:
        return [
            alert.event.value
            for hook in self.hooks
            if isinstance(hook, MemoryHook)
            for alert in hook.delivered
        ]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "state" / "watch.json")


def test_while_ticks_come_nothing_is_said_and_nothing_is_kept(desk: Desk) -> None:
    desk.tick(NOON)
    seen = desk.look(NOON + 3 * HOUR)
    assert (seen.exit_code, seen.alert, desk.heard()) == (ExitCode.OK, None, [])
    assert seen.sighting.summary == "the last tick came Fri 20 Nov 12:00 CST, 3 h ago"
    assert not desk.state.exists()


def test_a_tick_that_does_not_come_is_alerted_once_reminded_daily_and_its_end_is_said(desk: Desk) -> None:
    desk.tick(NOON)
    late = NOON + 3 * HOUR + timedelta(minutes=1)
    first = desk.look(late)
    assert first.exit_code is ExitCode.BAD_RUN
    assert first.told == ("memory",)
    assert first.alert is not None
    assert "no tick has come and ended since Fri 20 Nov 12:00 CST" in first.alert.summary
    assert "at most 3 h may pass" in first.alert.summary
    for minutes in (5, 10, 23 * 60):
        again = desk.look(late + timedelta(minutes=minutes))
        assert (again.exit_code, again.alert) == (ExitCode.BAD_RUN, None)
    reminder = desk.look(late + timedelta(hours=24))
    assert reminder.alert is not None
    assert "overdue since Fri 20 Nov 15:01 CST" in reminder.alert.summary
    assert desk.look(late + timedelta(hours=25)).alert is None

    back = late + timedelta(hours=26)
    desk.tick(back)
    assert desk.look(back + HOUR).exit_code is ExitCode.OK
    assert desk.look(back + 2 * HOUR).exit_code is ExitCode.OK
    assert desk.heard() == ["tick.overdue", "tick.overdue", "tick.resumed"]
    assert not desk.state.exists()


def test_after_its_end_a_new_silence_is_a_new_alert(desk: Desk) -> None:
    desk.tick(NOON)
    desk.look(NOON + 4 * HOUR)
    desk.tick(NOON + 5 * HOUR)
    desk.look(NOON + 5 * HOUR)
    desk.look(NOON + 9 * HOUR)
    assert desk.heard() == ["tick.overdue", "tick.resumed", "tick.overdue"]


def test_what_a_hook_could_not_deliver_is_tried_again_through_that_hook_alone(desk: Desk) -> None:
    good, bad = MemoryHook("good"), MemoryHook("bad", fail_with="no route")
    desk.hooks = (good, bad)
    desk.tick(NOON)
    first = desk.look(NOON + 4 * HOUR)
    assert first.exit_code is ExitCode.UNDELIVERED
    assert first.told == ("good",)
    assert "bad: no route" in first.failures[0]
    second = desk.look(NOON + 5 * HOUR)
    assert second.exit_code is ExitCode.UNDELIVERED
    assert len(good.delivered) == 1
    desk.hooks = (good, mended := MemoryHook("bad"))
    third = desk.look(NOON + 6 * HOUR)
    assert (third.exit_code, third.told) == (ExitCode.BAD_RUN, ("bad",))
    assert [alert.event for alert in mended.delivered] == [Event.TICK_OVERDUE]
    assert desk.look(NOON + 7 * HOUR).alert is None


def test_when_the_hook_that_waited_is_gone_another_one_hears_it_and_no_new_alert_opens(desk: Desk) -> None:
    good, bad = MemoryHook("good"), MemoryHook("bad", fail_with="no route")
    desk.hooks = (good, bad)
    desk.tick(NOON)
    opened = desk.look(NOON + 4 * HOUR)
    desk.hooks = (good,)
    again = desk.look(NOON + 5 * HOUR)
    assert (again.exit_code, again.told) == (ExitCode.BAD_RUN, ("good",))
    assert opened.alert is not None
    assert {alert.summary for alert in good.delivered} == {opened.alert.summary}
    assert desk.look(NOON + 6 * HOUR).alert is None


def test_an_end_that_could_not_be_said_is_tried_again(desk: Desk) -> None:
    desk.tick(NOON)
    desk.look(NOON + 4 * HOUR)
    desk.tick(NOON + 5 * HOUR)
    desk.hooks = (MemoryHook("memory", fail_with="no route"),)
    assert desk.look(NOON + 5 * HOUR).exit_code is ExitCode.UNDELIVERED
    desk.hooks = (MemoryHook("memory"),)
    assert desk.look(NOON + 6 * HOUR).exit_code is ExitCode.OK
    assert desk.heard() == ["tick.resumed"]
    assert not desk.state.exists()


def test_a_silence_that_no_hook_takes_is_undelivered_on_every_call(desk: Desk) -> None:
    desk.hooks = (MemoryHook("deaf", events=frozenset({Event.WORKER_DOWN})),)
    desk.tick(NOON)
    for hours in (4, 5):
        seen = desk.look(NOON + hours * HOUR)
        assert seen.exit_code is ExitCode.UNDELIVERED
        assert "no alert hook takes tick.overdue" in seen.failures[0]


def test_a_ledger_without_any_tick_is_overdue(desk: Desk) -> None:
    seen = desk.look(NOON)
    assert seen.exit_code is ExitCode.BAD_RUN
    assert seen.sighting.last_at is None
    assert "no tick has come and ended in the last 35 days" in seen.sighting.summary


def test_runs_by_hand_and_ticks_that_never_ended_are_no_sign_of_life(desk: Desk) -> None:
    desk.tick(NOON)
    desk.tick(NOON + 3 * HOUR, trigger="manual")
    desk.tick(NOON + 3 * HOUR, ended=False)
    seen = desk.look(NOON + 4 * HOUR)
    assert seen.exit_code is ExitCode.BAD_RUN
    assert seen.sighting.last_at == NOON
    assert "1 tick began since and never ended" in seen.sighting.summary


def test_slots_left_undecided_beyond_their_grace_are_overdue_though_the_last_tick_is_young(
    desk: Desk,
) -> None:
    six = datetime(2026, 11, 20, 12, tzinfo=UTC)
    desk.ledger.record([Mark("sentinel", six - timedelta(minutes=30))])
    desk.tick(six - timedelta(minutes=30))
    assert desk.look(six + timedelta(minutes=59), grace=HOUR).exit_code is ExitCode.OK
    seen = desk.look(six + HOUR, grace=HOUR)
    assert seen.exit_code is ExitCode.BAD_RUN
    (waiting,) = seen.sighting.undecided
    assert (waiting.worker, waiting.oldest, waiting.count) == ("sentinel", six, 1)
    assert "1 slot waits to be decided, the oldest: sentinel, Fri 20 Nov 06:00 CST" in seen.sighting.summary


def test_slots_of_a_worker_that_the_last_tick_knew_by_another_name_are_watched_too(desk: Desk) -> None:
    six = datetime(2026, 11, 20, 12, tzinfo=UTC)
    desk.ledger.record([Mark("sentinel", six - HOUR), Renamed("sentinel", "guard")])
    desk.tick(six)
    (waiting,) = desk.look(six + HOUR, grace=HOUR).sighting.undecided
    assert (waiting.worker, waiting.oldest) == ("sentinel", six)


@pytest.mark.parametrize("how", ["paused", "disabled", "paused by hand"])
def test_slots_of_a_worker_that_is_not_to_run_are_never_overdue(desk: Desk, how: str) -> None:
    desk.ledger.record([Mark("sentinel", NOON - timedelta(days=1))])
    desk.tick(NOON)
    assert desk.look(NOON + HOUR).exit_code is ExitCode.BAD_RUN
    if how == "paused by hand":
        desk.ledger.record([Pause(worker="sentinel", by="a person", at=NOON - timedelta(days=1))])
    else:
        desk.registry = Registry(zone="UTC", workers=(worker(status=Status(how)),))
    assert desk.look(NOON + HOUR).exit_code is ExitCode.OK


def test_a_registry_that_cannot_be_read_is_a_problem_and_no_reason_not_to_look(desk: Desk) -> None:
    def broken() -> Registry:
        raise RegistryError([Problem("worker-registry.yaml", 3, (), "a mistake")])

    desk.tick(NOON)
    fine = desk.look(NOON + HOUR, read_registry=broken)
    assert (fine.exit_code, fine.alert) == (ExitCode.BROKEN, None)
    assert fine.problems == ("worker-registry.yaml:3: a mistake",)
    assert desk.look(NOON + 4 * HOUR, read_registry=broken).told == ("memory",)
    assert desk.heard() == ["tick.overdue"]


def test_a_ledger_that_cannot_be_read_is_alerted_as_such_and_once(desk: Desk) -> None:
    def broken(_: Registry | None) -> Ledger:
        raise LedgerError("ledger.db is damaged")

    for hours in (0, 1):
        assert desk.look(NOON + hours * HOUR, open_ledger=broken).exit_code is ExitCode.BROKEN
    assert desk.heard() == ["ledger.broken"]
    assert desk.look(NOON + 2 * HOUR).sighting.trouble is Event.TICK_OVERDUE
    assert desk.heard() == ["ledger.broken", "tick.overdue"], "it became another trouble"


def test_a_damaged_state_file_is_said_and_replaced(desk: Desk) -> None:
    desk.tick(NOON)
    desk.state.parent.mkdir()
    desk.state.write_text('{"event": "tick.over', encoding="utf-8")
    seen = desk.look(NOON + 4 * HOUR)
    assert seen.exit_code is ExitCode.BROKEN
    assert "what was alerted before is forgotten" in seen.problems[0]
    assert seen.told == ("memory",)
    assert desk.look(NOON + 5 * HOUR).alert is None


def test_a_state_file_that_cannot_be_written_is_an_error_after_the_alert(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder should be", encoding="utf-8")
    desk.tick(NOON)
    desk.state = tmp_path / "state" / "watch.json"
    with pytest.raises(SettingsError, match="--state FILE"):
        desk.look(NOON + 4 * HOUR)
    assert desk.heard() == ["tick.overdue"]
