"""One round: a fresh copy of a prepared project, a tick that meets an ambush, ticks until all is quiet, and
the judge's word on it."""

from collections import Counter
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.crash.driving import Answer, Driver, Order
from tests.crash.evidence import Records, branch_records, records
from tests.crash.judge import Judge, closed_keys, hour_of, is_quiet
from tests.crash.mines import Mine
from tests.crash.scenario import FIRST, build, build_clones, copy_of, mend_hook
from tests.crash.sick_git import cure, environment, install, spoil
from tests.crash.verdict import Complaint

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
_SHIFT = timedelta(hours=2)
_AT = FIRST + 2 * HOUR
_MOST_TICKS = 9

_SPAN = ("--from", "2026-03-02T22:00:00Z", "--to", "2026-03-03T00:00:00Z")
SCRIPTS: dict[str, tuple[str, ...]] = {
    "scheduled": ("run",),
    "by hand": ("run", "--worker", "well", "--worker", "broken"),
    "slot by hand": ("run", "--worker", "moody", "--slot", "2026-03-02T22:00:00Z"),
    "backfill": ("run", "--worker", "strict", "--yes", *_SPAN),
    "retry": ("retry", "RUN"),
    "fresh": ("run",),
}
"""What the tick that is to die is asked for. RUN: the one of `AGAIN`, which has failed. fresh: the first tick
that there ever was."""
AGAIN = "broken@2026-03-02T22:00:00Z"


@dataclass(frozen=True, slots=True)
class Ambush:
    """What one tick meets. mine: in its own process or its git. remote: how the remote treats the next
    `times` pushes. shot_after_s: a kill from outside, so many seconds after it began, wherever it is then."""

    mine: Mine | None = None
    remote: str | None = None
    times: int = 1
    shot_after_s: float | None = None

    def __str__(self) -> str:
        if self.shot_after_s is not None:
            return f"shot after {self.shot_after_s:.3f} s"
        return str(self.mine) if self.mine else f"the remote {self.remote}, {self.times} times"


@dataclass(frozen=True, slots=True)
class Step:
    """One tick. place: on which machine. later: how long after the one before. shift: by how much more its
    machine's clock is ahead of real time, so that leases have run out."""

    later: timedelta
    place: str = "one"
    shift: timedelta = timedelta()
    ambush: Ambush | None = None
    arguments: tuple[str, ...] = SCRIPTS["scheduled"]


@dataclass(frozen=True, slots=True)
class Round:
    """steps: the first is the tick that dies; quiet ones follow by themselves, on the machine of the last."""

    branch: bool
    script: str
    steps: tuple[Step, ...]
    sabotage: str | None = None

    def __str__(self) -> str:
        ground = "branch" if self.branch else "sqlite"
        told = [f"{step.place}+{step.shift or 0}: {step.ambush or 'goes well'}" for step in self.steps]
        return f"{ground}, {self.script}; {'; '.join(told)}"


@dataclass
class Figures:
    """What came of a round, or of many. missed: ambushes that were not met. repeated: starts of a slot whose
    run before had died or failed. told_again: alerts that were heard more than once. overtaken: claims of
    ticks at once that came second."""

    rounds: int = 0
    kills: int = 0
    errors: int = 0
    missed: int = 0
    slots: int = 0
    repeated: int = 0
    told_again: int = 0
    overtaken: int = 0
    complaints: list[Complaint] = field(default_factory=list)

    def add(self, other: "Figures") -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def __str__(self) -> str:
        kinds = Counter(each.kind for each in self.complaints)
        return (
            f"{self.rounds} rounds, {self.kills} kills, {self.errors} errors injected "
            f"({self.missed} ambushes not met), {self.slots} slots: {kinds['lost']} lost, "
            f"{kinds['doubled']} doubled, {kinds['undelivered']} undelivered, {kinds['broken']} broken "
            f"otherwise; {self.repeated} starts repeated after a death or a failure, "
            f"{self.told_again} alerts heard again, {self.overtaken} claims overtaken"
        )


class Stage:
    """Prepared projects in `folder`, and one driver to tick in copies of them; for one thread."""

    def __init__(self, folder: Path, driver: Driver) -> None:
        self._folder = folder
        self._driver = driver
        self._bin = install(folder / "bin")
        folder.mkdir(parents=True, exist_ok=True)
        build(folder / "sqlite fresh" / "one")
        build_clones(folder / "branch fresh", "one", "two", "view")
        for ground in ("sqlite", "branch"):
            prepared = copy_of(folder / f"{ground} fresh", folder / ground)
            answer = self._tick(prepared, Step(timedelta()), FIRST, timedelta())
            if answer.status != 4:
                raise RuntimeError(f"the first tick of all ended with {answer.status}: {answer.err}")

    def play(self, round_: Round) -> tuple[Figures, list[Answer]]:
        """Play `round_` and judge it."""
        fresh = " fresh" if round_.script == "fresh" else ""
        ground = "branch" if round_.branch else "sqlite"
        folder = copy_of(self._folder / f"{ground}{fresh}", self._folder / "round")
        return _Play(self, folder, round_).to_the_end()

    def tick(self, folder: Path, step: Step, at: datetime, shift: timedelta, sabotage: str | None) -> Answer:
        ambush = step.ambush
        if ambush is not None and ambush.remote is not None:
            spoil(folder / "remote.git", ambush.remote, ambush.times)
        answer = self._tick(folder, step, at, shift, sabotage)
        if ambush is not None and ambush.remote is not None and cure(folder / "remote.git", ambush.times):
            answer = replace(answer, passed=(*answer.passed, "!"))
        return answer

    def _tick(
        self, folder: Path, step: Step, at: datetime, shift: timedelta, sabotage: str | None = None
    ) -> Answer:
        ambush = step.ambush or Ambush()
        own = folder / "tick"
        git = environment(self._bin, own, ambush.mine, times=ambush.times)
        mine = None if ambush.mine is None or ambush.mine.place.startswith("git.") else ambush.mine
        return self._driver.tick(
            Order(
                project=folder / step.place,
                folder=own,
                arguments=(*step.arguments, "--at", at.isoformat()),
                mine=mine,
                shift_s=shift.total_seconds(),
                environ=git,
                sabotage=sabotage,
                shot_after_s=ambush.shot_after_s,
            )
        )


class _Play:
    def __init__(self, stage: Stage, folder: Path, round_: Round) -> None:
        self._stage = stage
        self._folder = folder
        self._round = round_
        self._places = ("one", "two") if round_.branch else ("one",)
        self._judge = Judge([folder / place for place in self._places])
        self._at = FIRST if round_.script == "fresh" else _AT
        self._shift = timedelta()
        self._answers: list[Answer] = []
        self._figures = Figures(rounds=1)
        self._view = self._read_view()

    def to_the_end(self) -> tuple[Figures, list[Answer]]:
        for number, step in enumerate(self._round.steps):
            self._step(f"tick {number + 1}", step)
        for place in self._places:
            mend_hook(self._folder / place)
        last = self._round.steps[-1].place
        quiet = 0
        for number in range(len(self._round.steps), _MOST_TICKS):
            shift = _SHIFT if self._round.branch else timedelta()
            self._step(f"tick {number + 1}", Step(2 * MINUTE, place=last, shift=shift))
            quiet += is_quiet(self._view)
            if quiet == 2:
                break
        first = hour_of(FIRST)
        self._judge.at_the_end(self._view, first=first, last=self._at)
        judge, figures = self._judge, self._figures
        figures.slots, figures.repeated, figures.told_again = judge.slots, judge.repeated, judge.told_again
        figures.complaints = judge.complaints
        return figures, self._answers

    def _step(self, name: str, step: Step) -> None:
        self._at += step.later
        self._shift += step.shift
        place = self._folder / step.place
        closed = closed_keys(self._view, self._read_own(place))
        asked = frozenset[str]()
        if "RUN" in step.arguments:
            run = self._view.tickets[AGAIN].run_id or ""
            step = replace(step, arguments=tuple(run if each == "RUN" else each for each in step.arguments))
            asked = frozenset([AGAIN])
        answer = self._stage.tick(self._folder, step, self._at, self._shift, self._round.sabotage)
        self._answers.append(answer)
        self._count(step, answer)
        self._view = self._read_view()
        self._judge.after_ticks(
            f"{name} ({step.ambush or 'in peace'})",
            [answer],
            view=self._view,
            own=[self._read_own(place)],
            closed=closed,
            asked=asked,
            real_now=datetime.now(UTC) + self._shift,
            shared=self._round.branch,
        )

    def _count(self, step: Step, answer: Answer) -> None:
        if step.ambush is None:
            return
        if answer.killed:
            self._figures.kills += 1
        elif answer.hit:
            self._figures.errors += 1
        else:
            self._figures.missed += 1

    def _read_own(self, project: Path) -> Records:
        return records(project / ".loom" / "ledger.db", self._folder / "scratch")

    def _read_view(self) -> Records:
        """What a machine that has nothing yet would find."""
        if not self._round.branch:
            return self._read_own(self._folder / "one")
        return branch_records(self._folder / "view", self._folder / "scratch")
