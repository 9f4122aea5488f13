"""Who holds the ledger against the evidence, tick by tick. It believes nothing that Loom says of itself."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from loom.domain.alert import DeliveryState
from loom.domain.run import OpenReason
from loom.domain.slot import TicketState
from tests.crash.driving import Answer
from tests.crash.evidence import NOTHING, Records, effects, heard
from tests.crash.scenario import CAST, Cast
from tests.crash.verdict import Complaint, Kind, Verdict

_HELD = (TicketState.CLAIMED, TicketState.STARTED)
_ENDED = (0, 1, 4, 143)
"""Exit codes of a tick that came to an end in order, and has recorded what it leaves."""


@dataclass
class Judge:
    """projects: the folders in which workers write and alerts arrive.

    slots: how many came due and were accounted for. told_again: alerts that were heard more than once.
    repeated: starts of a slot whose run before had died or failed.
    """

    projects: Sequence[Path]
    cast: Mapping[str, Cast] = field(default_factory=lambda: CAST)
    complaints: list[Complaint] = field(default_factory=list)
    slots: int = 0
    told_again: int = 0
    repeated: int = 0

    def __post_init__(self) -> None:
        self._before = NOTHING
        self._seen = {project: len(effects([project])) for project in self.projects}
        self._ticks_that_started: Counter[str] = Counter()
        self._cries = 0

    def complain(self, kind: Kind, text: str) -> None:
        self.complaints.append(Complaint(kind, text))

    # -- after every tick ------------------------------------------------------------------------------------

    def after_ticks(
        self,
        name: str,
        answers: Sequence[Answer],
        *,
        view: Records,
        own: Sequence[Records],
        closed: frozenset[str],
        asked: frozenset[str] = frozenset(),
        real_now: datetime,
        shared: bool = False,
    ) -> None:
        """Judge a tick, or some that went at once. view: what every runner would read now. own: for each tick
        what its machine has. closed: keys of slots that they had to know were over. asked: of those that a
        person asked for all the same. real_now: their machine's time. shared: whether other machines may
        hold claims, which only a lease ends."""
        for answer in answers:
            self._exit(name, answer)
        self._cried(name, answers)
        if view.integrity != "ok":
            self.complain("broken", f"{name}: integrity_check says {view.integrity}")
        self._only_forwards(name, view)
        self._not_again(name, closed, asked, deaths=sum(answer.killed for answer in answers))
        # Of several, one may have died after the others had looked.
        if all(answer.status in _ENDED and answer.report for answer in answers):
            self._nothing_left_behind(name, view, real_now, shared)
        for answer, recorded in zip(answers, own, strict=True):
            if answer.status in _ENDED and answer.report:
                self._as_it_said(name, answer, recorded)
        self._before = view

    def _exit(self, name: str, answer: Answer) -> None:
        if answer.killed and answer.hit:
            return
        allowed = (*_ENDED, 3) if answer.hit else (0, 1, 4)
        if answer.status not in allowed:
            self.complain("broken", f"{name} ended with {answer.status}: {answer.err[-2000:]}")

    def _cried(self, name: str, answers: Sequence[Answer]) -> None:
        """A tick that couldn't go on tells a person directly: it has no outbox, or can't rely on it."""
        cries = sum(each["event"] in ("ledger.broken", "state.unpushed") for each in heard(self.projects))
        # What fails before there is a tick is told to the person who asked, and to nobody else.
        begun = [answer for answer in answers if "ledger.open" in answer.passed]
        failed = [each for each in begun if each.status == 3 or (each.status == 4 and not each.report)]
        if cries - self._cries < len(failed):
            said = [answer.err[-500:] for answer in failed]
            self.complain("undelivered", f"{name} couldn't go on and nobody heard of it: {said}")
        self._cries = cries

    def _only_forwards(self, name: str, view: Records) -> None:
        before = self._before
        for worker, mark in before.marks.items():
            if view.marks.get(worker, mark) < mark or worker not in view.marks:
                self.complain("broken", f"{name}: the mark of {worker} went back to {view.marks.get(worker)}")
        for key, ticket in before.tickets.items():
            now = view.tickets.get(key)
            if now is None:
                self.complain("lost", f"{name}: the ticket {key} is gone")
            elif now.fence < ticket.fence:
                self.complain("broken", f"{name}: the fence of {key} shrank")
            elif ticket.state is TicketState.CLOSED and now != ticket:
                self.complain("broken", f"{name}: the closed ticket {key} changed to {now}")
            elif now.run_id != ticket.run_id and now.state in _HELD and now.fence == ticket.fence:
                self.complain("broken", f"{name}: {key} was claimed anew under the fence {now.fence}")
        for run_id, run in before.runs.items():
            later = view.runs.get(run_id)
            if run.final and (later is None or (later.outcome, later.final) != (run.outcome, True)):
                self.complain("lost", f"{name}: the final run {run_id} of {run.worker} became {later}")

    def _not_again(self, name: str, closed: frozenset[str], asked: frozenset[str], *, deaths: int) -> None:
        starts: dict[tuple[str, str], Counter[int]] = {}
        for project in self.projects:
            written = effects([project])
            for each in written[self._seen[project] :]:
                if each.what == "start":
                    starts.setdefault((each.slot_key, each.worker), Counter())[each.pid] += 1
            self._seen[project] = len(written)
        for (key, worker), by_process in starts.items():
            if key in asked:
                continue
            if key in closed:
                self.complain("doubled", f"{name}: {key} was over and started again")
            if (most := max(by_process.values())) > self.cast[worker].attempts:
                self.complain("doubled", f"{name}: {key} was started {most} times in one tick")
            # Of those that go at once a second one may start what a first one died of.
            if len(by_process) > 1 + deaths:
                self.complain("doubled", f"{name}: {key} was started by {len(by_process)} ticks at once")
            self.repeated += len(by_process) - (key not in self._ticks_that_started)
            self._ticks_that_started[key] += len(by_process)

    def _nothing_left_behind(self, name: str, view: Records, real_now: datetime, shared: bool) -> None:
        for ticket in view.tickets.values():
            if ticket.state not in _HELD:
                continue
            if not shared or ticket.lease_until is None or ticket.lease_until <= real_now:
                self.complain(
                    "lost", f"{name} ended and left {ticket.key} {ticket.state} by {ticket.claimer}"
                )

    def _as_it_said(self, name: str, answer: Answer, own: Records) -> None:
        tick = own.ticks.get(answer.report["tick"]["id"])
        if tick is None or tick.finished_at is None:
            self.complain("lost", f"{name} went its whole way; the ledger has {tick} of it")
        for said in answer.report["runs"]:
            run = own.runs.get(said["run_id"])
            if run is None or run.outcome.value != said["outcome"]:
                known = "nothing" if run is None else run.outcome.value
                self.complain(
                    "lost", f"{name} said {said['worker']} {said['outcome']}; the ledger has {known}"
                )

    def at_the_end(self, view: Records, *, first: datetime, last: datetime) -> None:
        """Judge the whole: every slot from `first` on, up to the last tick, which came at `last`."""
        verdict = Verdict(self.projects, self.cast, view)
        verdict.of_slots(first, last)
        verdict.of_tickets()
        verdict.of_effects(self._ticks_that_started)
        verdict.of_alerts()
        self.complaints += verdict.complaints
        self.slots, self.told_again = verdict.slots, verdict.told_again


def closed_keys(view: Records, own: Records | None = None) -> frozenset[str]:
    """Of what every runner can read, the slots that are over; and of what lies on one machine alone, those
    that nobody has taken over since."""
    over = {key for key, ticket in view.tickets.items() if ticket.state is TicketState.CLOSED}
    for key, ticket in own.tickets.items() if own is not None else ():
        shared = view.tickets.get(key)
        if ticket.state is TicketState.CLOSED and (shared is None or shared.fence <= ticket.fence):
            over.add(key)
    return frozenset(over)


def is_quiet(view: Records) -> bool:
    """Whether there is nothing left that another tick could do, short of new slots."""
    open_ = [ticket for ticket in view.tickets.values() if ticket.state is not TicketState.CLOSED]
    return all(ticket.reason is OpenReason.REQUIREMENT for ticket in open_) and all(
        each.state is DeliveryState.SENT for each in view.deliveries
    )


def hour_of(at: datetime) -> datetime:
    """The first instant of the hour: a worker's first slot may lie there."""
    return at - timedelta(minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
