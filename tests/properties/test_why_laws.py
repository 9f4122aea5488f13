"""What `why` says a tick would do is what the tick does, and what it says of a slot is what is recorded."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from hypothesis import event, given, settings
from hypothesis import strategies as st

from loom.domain.execution import Ending, Execution
from loom.domain.pause import Pause
from loom.domain.reasons import Reasons
from loom.domain.record import Entry, RunQuery
from loom.domain.run import Outcome, RunError
from loom.domain.tick import Planned
from loom.errors import EnforcementError, Problem
from loom.execution.assignment import Assignment
from loom.ledger.memory import MemoryLedger
from loom.runner.parts import Parts
from loom.runner.request import TickRequest
from loom.runner.tick import run_tick
from loom.slots.calendar import instants
from loom.why.reading import why
from loom.worker import WorkerOutput
from tests.ground.project import build_project
from tests.ground.rehearsal import Rehearsal
from tests.unit.why_life import WAYS, utc

START = utc(6, "12:20", 3)  # two days before the clocks change in Chicago
CRONS = ("0 * * * *", "0 */3 * * *", "30 2 * * *", "15,45 1,2,3 * * *", "7 * * * *")
WORDS = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.FAILED: "failed",
    Outcome.TIMED_OUT: "timed_out",
    Outcome.BLOCKED: "blocked",
    Outcome.SKIPPED: "skipped",
    Outcome.SUPERSEDED: "superseded",
    Outcome.MISSED: "missed",
    Outcome.ABANDONED: "abandoned",
}
FATES = ("succeeds", "fails", "fails for now", "fails for now", "overruns", "skips", "dies")


class _Died(BaseException):
    """The process is gone."""


@dataclass(frozen=True)
class Step:
    later: timedelta
    fates: tuple[str, ...]
    token: bool
    sealed: bool
    pause: timedelta | None


steps = st.builds(
    Step,
    later=st.sampled_from([timedelta(minutes=minutes) for minutes in (2, 20, 65, 65, 200, 1700)]),
    fates=st.tuples(st.sampled_from(FATES), st.sampled_from(FATES)),
    token=st.sampled_from([True] * 9 + [False]),
    sealed=st.sampled_from([True] * 13 + [False]),
    pause=st.sampled_from([None] * 15 + [timedelta(hours=7)]),
)
entries = st.builds(
    "one: {{schedule: '{}', entrypoint: 'workers.ways:good', catch_up: {{policy: {}, within: {}}}, "
    "overlap: {}, retry: {{attempts: 1, later_ticks: {}, abandoned: {}}}, "
    "requires: {{env: [TOKEN]}}}}".format,
    st.sampled_from(CRONS),
    st.sampled_from(["latest", "all", "none"]),
    st.sampled_from(["2h", "24h", "24h", "3d"]),
    st.sampled_from(["skip", "wait"]),
    st.sampled_from([2, 2, 1, 0]),
    st.sampled_from(["true", "true", "false"]),
)


@dataclass
class Drawn:
    """`loom.runner.parts.Executor` whose runs end as drawn."""

    fates: Iterator[str]
    ended: list[tuple[str, Execution]] = field(default_factory=list)

    def submit(self, assignment: Assignment) -> None:
        fate, now = next(self.fates), assignment.now
        if fate == "dies":
            raise _Died
        ending = {
            "succeeds": Ending.RETURNED,
            "overruns": Ending.TIMED_OUT,
            "skips": Ending.SKIPPED,
        }.get(fate, Ending.RAISED)
        done = Execution(
            ending=ending,
            value={"summary": "fine", "findings": [], "metrics": {}} if fate == "succeeds" else None,
            schema=WorkerOutput if fate == "succeeds" else None,
            reason="nothing new" if fate == "skips" else "",
            error=RunError("ValueError", "broken") if ending is Ending.RAISED else None,
            transient=fate == "fails for now",
            started_at=now,
            finished_at=now,
            duration_s=0.0,
        )
        self.ended.append((assignment.key, done))

    def wait(self, timeout: float | None) -> list[tuple[str, Execution]]:
        ended, self.ended = self.ended, []
        return ended

    def cancel(self, why: str) -> None:
        """Nothing is under way."""


def _broken() -> NoReturn:
    raise EnforcementError((Problem("enforcement/manifest.yaml", 1, (), "it is not sealed"),))


@dataclass
class World:
    """One worker's life, in memory."""

    rehearsal: Rehearsal
    token: bool = True
    sealed: bool = True

    def parts(self, fates: tuple[str, ...] = ()) -> Parts:
        @contextmanager
        def executor() -> Iterator[Drawn]:
            yield Drawn(iter((*fates, *("succeeds",) * 400)))

        self.rehearsal.secrets.clear()
        if self.token:
            self.rehearsal.secrets["TOKEN"] = "t" * 20
        parts = replace(self.rehearsal.parts(), executor=executor)
        if self.sealed:
            return parts
        return replace(parts, load_enforcement=_broken, digest_of_rules=lambda: None)

    def step(self, step: Step) -> None:
        self.rehearsal.clock.advance(step.later)
        self.token, self.sealed = step.token, step.sealed
        now = self.rehearsal.clock.now()
        if step.pause is not None:
            self.write(Pause(worker="one", by="ann", at=now - step.pause / 2, until=now + step.pause / 2))
        with suppress(_Died):
            run_tick(self.parts(step.fates), TickRequest())

    def write(self, *entries: Entry) -> None:
        ledger = self.rehearsal.ledger
        ledger.claim(entries, revision=ledger.snapshot().revision)

    def dry(self) -> tuple[Planned, ...]:
        return run_tick(self.parts(), TickRequest(dry_run=True)).planned

    def what_would_be(self) -> Reasons:
        return why(self.parts(), "one")


@contextmanager
def world(entry: str) -> Iterator[World]:
    with TemporaryDirectory() as folder:
        project = build_project(Path(folder) / "project")
        project.worker("ways", WAYS)
        project.entries(entry)
        yield World(Rehearsal(project, START, ledger=MemoryLedger(), read_once=True))


@settings(max_examples=50)
@given(entry=entries, life=st.lists(steps, min_size=2, max_size=6), ahead=steps)
def test_what_it_says_a_tick_would_do_is_what_a_dry_run_plans_and_the_tick_does(
    entry: str, life: list[Step], ahead: Step
) -> None:
    with world(entry) as lived:
        for step in life:
            lived.step(step)
        lived.rehearsal.clock.advance(ahead.later)
        lived.token, lived.sealed = ahead.token, ahead.sealed
        said = lived.what_would_be()
        would = [each for each in said.next.would if each.action not in ("keep open", "leave running")]
        for each in said.next.would:
            event(each.action)
        planned = [replace(each, reads=None) for each in lived.dry()]
        assert would == planned
        kept = {each.slot for each in said.next.would if each.action == "keep open"}
        tickets = lived.rehearsal.ledger.snapshot().tickets.values()
        touched = {each.slot for each in planned if each.action == "run" or each.action.startswith("record")}
        assert kept <= {ticket.slot for ticket in tickets}
        assert not kept & touched
        report = run_tick(lived.parts(), TickRequest())
        started = {run.slot for run in report.runs if run.started_at is not None and run.final}
        assert {each.slot for each in would if each.action == "run"} <= started


@settings(max_examples=50)
@given(entry=entries, life=st.lists(steps, min_size=2, max_size=6))
def test_what_it_says_of_a_slot_is_what_is_recorded_of_it(entry: str, life: list[Step]) -> None:
    with world(entry) as lived:
        for step in life:
            lived.step(step)
        parts, ledger = lived.parts(), lived.rehearsal.ledger
        registry = parts.load_registry()
        now = lived.rehearsal.clock.now()
        slots = list(instants(registry.workers[0].schedule, START - timedelta(hours=2), now))
        for slot in slots[:: max(1, len(slots) // 8)]:
            answer = why(parts, "one", at=slot)
            runs = [run for run in ledger.runs(RunQuery(worker="one", slot=slot)) if not run.by_hand]
            (told,) = answer.slots
            assert told.slot == slot
            final = [run for run in runs if run.final]
            if final:
                event(f"final {final[0].outcome}")
                assert (told.outcome, told.final, told.run_id) == (final[0].outcome, True, final[0].run_id)
                assert WORDS[final[0].outcome] in answer.verdict
                assert answer.next.would == ()
            elif runs:
                event("open")
                assert (told.outcome, told.final) == (runs[0].outcome, False)
                assert "succeeded" not in answer.verdict.split(": ")[0]
            else:
                assert told.outcome is None
                assert not any(f" {word}" in answer.verdict for word in ("succeeded", "failed", "missed"))
            others = set(WORDS.values()) - {WORDS[told.outcome] if told.outcome else ""}
            head = answer.verdict.split(":")[0]
            if told.final and told.outcome is not None:
                assert not [word for word in others if f"{word}:" in f"{head}:"]
