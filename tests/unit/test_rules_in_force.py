"""No slot is decided before the rules were understood in that very tick; an idle tick may go by what
the tick before found, for files that are the same byte for byte."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from loom import __version__
from loom.domain.enforcement import EnforcementContext
from loom.domain.tick import TickReport
from loom.errors import EnforcementError, ExitCode, Problem
from loom.runner.request import TickRequest
from loom.runner.tick import run_tick
from tests.ground.project import Project
from tests.ground.rehearsal import Rehearsal

NIGHT = datetime(2026, 11, 20, 13, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
TYPO = "kind: http\nallow: everything\n"


@dataclass
class Ticks:
    """Tick after tick, and how often the rules were understood anew."""

    rehearsal: Rehearsal
    read: list[datetime] = field(default_factory=list)

    def tick(self, *, later: timedelta = HOUR, request: TickRequest | None = None) -> TickReport:
        self.rehearsal.clock.advance(later)
        parts = self.rehearsal.parts()

        def load() -> EnforcementContext:
            self.read.append(parts.clock.now())
            return parts.load_enforcement()

        return run_tick(replace(parts, load_enforcement=load), request or TickRequest())

    def reads(self, request: TickRequest | None = None, *, later: timedelta = HOUR) -> int:
        """How often this one tick understands them."""
        before = len(self.read)
        self.tick(later=later, request=request)
        return len(self.read) - before

    @property
    def in_order(self) -> str | None:
        """Which rules the last tick found in order, as its record says."""
        last = self.rehearsal.ledger.snapshot().last_tick
        return None if last is None else last.rules_in_order


@pytest.fixture
def daily(project: Project) -> Ticks:
    """Nothing is due until 06:00 the next day, in Chicago."""
    project.entries('echo: {schedule: "0 6 * * *", entrypoint: "workers.echo:run"}')
    ticks = Ticks(Rehearsal(project, NIGHT))
    ticks.tick(later=timedelta())
    assert ticks.read == [NIGHT]
    return ticks


def test_an_idle_tick_goes_by_the_tick_before_for_files_that_are_the_same(daily: Ticks) -> None:
    found = daily.in_order
    assert [daily.reads() for _ in range(5)] == [0] * 5
    assert daily.in_order == found
    assert found is not None
    assert found.endswith(f" loom {__version__}")


def test_a_changed_byte_is_understood_by_the_next_tick_and_a_mistake_in_it_told(daily: Ticks) -> None:
    assert daily.reads() == 0
    daily.rehearsal.project.write("enforcement/rules/typo.yaml", TYPO)
    broken = daily.tick()
    assert broken.exit_code is ExitCode.BROKEN
    assert daily.rehearsal.heard() == ["enforcement.broken"]
    assert daily.in_order is None


def test_broken_rules_are_looked_at_by_every_tick_until_they_are_whole(daily: Ticks) -> None:
    typo = daily.rehearsal.project.write("enforcement/rules/typo.yaml", TYPO)
    assert [daily.reads() for _ in range(3)] == [1, 1, 1]
    typo.unlink()
    assert daily.reads() == 1
    assert daily.rehearsal.heard() == ["enforcement.broken", "enforcement.restored"]
    assert daily.reads() == 0


def test_a_slot_is_decided_by_rules_that_were_understood_in_its_tick(daily: Ticks) -> None:
    assert daily.reads() == 0
    assert daily.reads(later=timedelta(hours=23)) == 1
    (run,) = daily.rehearsal.history("echo")
    assert run.enforcement_digest is not None
    assert daily.in_order == f"{run.enforcement_digest.partition('+')[0]} loom {__version__}"


def test_rules_that_are_the_same_and_can_no_longer_be_understood_block_what_is_due(daily: Ticks) -> None:
    # As after Loom itself was changed, its version left as it was.
    project = daily.rehearsal.project
    project.entries('echo: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}')
    parts = daily.rehearsal.parts
    project.write("enforcement/rules/typo.yaml", TYPO)
    daily.rehearsal.clock.advance(HOUR)
    known = daily.in_order
    assert known is not None
    vouched = replace(parts(), digest_of_rules=lambda: known.split()[0])
    report = run_tick(vouched, TickRequest())
    assert [(run.outcome.value, run.final) for run in report.runs] == [("blocked", False)]
    assert report.exit_code is ExitCode.BROKEN
    assert daily.rehearsal.heard() == ["enforcement.broken"]
    assert daily.in_order is None


def test_what_was_understood_for_a_parameter_is_not_taken_back_for_what_the_tick_before_found(
    daily: Ticks,
) -> None:
    # Read while a file was half written, say: when the ledger is open it is whole again.
    found = daily.in_order
    assert found is not None

    def half_written() -> EnforcementContext:
        raise EnforcementError((Problem("enforcement/rules/http.yaml", 3, (), "half of it"),))

    daily.rehearsal.clock.advance(HOUR)
    parts = daily.rehearsal.parts()
    parts = replace(parts, load_enforcement=half_written, digest_of_rules=lambda: found.split()[0])
    report = run_tick(parts, TickRequest(workers=("echo",), params={"word": "bye"}))
    (run,) = report.runs
    assert run.outcome.value == "blocked"
    assert "half of it" in run.reason
    assert report.exit_code is ExitCode.BROKEN
    assert daily.rehearsal.heard() == ["enforcement.broken"]
    assert daily.in_order is None


def test_a_slot_of_a_worker_that_is_removed_is_closed_by_rules_that_were_understood(daily: Ticks) -> None:
    project = daily.rehearsal.project
    entry = '{schedule: "0 6 * * *", entrypoint: "workers.echo:run", requires: {env: [TOKEN]}}'
    project.entries(f"echo: {entry}")
    assert daily.reads(later=timedelta(hours=23)) == 1  # its slot stays open: there is no token
    project.entries('other: {schedule: "0 6 * * *", entrypoint: "workers.echo:run"}')
    daily.tick()
    assert daily.reads() == 1
    assert daily.rehearsal.history("echo")[-1].reason == "removed"


def test_the_first_tick_of_a_day_understands_them_anew(daily: Ticks) -> None:
    midnight = timedelta(hours=10, minutes=55)
    assert daily.reads(later=midnight - HOUR) == 0
    assert daily.reads(later=HOUR) == 1
    assert daily.reads() == 0


def test_what_another_loom_found_counts_for_nothing(daily: Ticks) -> None:
    ledger = daily.rehearsal.ledger
    last = ledger.snapshot().last_tick
    assert last is not None
    assert last.rules_in_order is not None
    ledger.record([replace(last, rules_in_order=last.rules_in_order.replace(__version__, "0.0.1"))])
    assert daily.reads() == 1
    assert daily.in_order == last.rules_in_order


def test_who_asks_what_would_be_has_them_understood(daily: Ticks) -> None:
    assert daily.reads(TickRequest(dry_run=True)) == 1
    assert daily.reads(TickRequest(workers=("echo",))) == 1
    assert daily.reads() == 0
