"""The judge's word on the whole: which slots there were is worked out from the scenario, what ran from what
the workers wrote, and who was told from what arrived."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from loom.domain.alert import RECOVERIES, DeliveryState
from loom.domain.run import OpenReason, Outcome, Run
from loom.domain.slot import Slot, Ticket, TicketState
from tests.crash.evidence import Effect, Records, effects, heard
from tests.crash.scenario import Cast

_MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
HOOKS = {"file": "told.jsonl", "file 2": "flaky/told.jsonl"}

Kind = Literal["lost", "doubled", "undelivered", "broken"]


@dataclass(frozen=True, slots=True)
class Complaint:
    kind: Kind
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


@dataclass
class Verdict:
    """On what `view` says of `cast`, whose evidence is in `projects`."""

    projects: Sequence[Path]
    cast: Mapping[str, Cast]
    view: Records
    complaints: list[Complaint] = field(default_factory=list)
    slots: int = 0
    told_again: int = 0

    def complain(self, kind: Kind, text: str) -> None:
        self.complaints.append(Complaint(kind, text))

    def of_slots(self, first: datetime, last: datetime) -> None:
        """Each from `first` to `last` has one final outcome or is open, and no mark is anywhere but there."""
        for worker, cast in self.cast.items():
            covered = self._covered(worker, cast)
            waiting = {
                ticket.slot
                for ticket in self.view.tickets.values()
                if ticket.worker == worker and ticket.state is not TicketState.CLOSED
            }
            at = first + (_MIDNIGHT - first) % cast.every
            while at <= last:
                self.slots += 1
                ends = covered.pop(at, 0) + (at in waiting)
                if ends == 0:
                    self.complain("lost", f"{worker} at {at} has no outcome and isn't open")
                elif ends > 1:
                    self.complain("doubled", f"{worker} at {at} has {ends} outcomes")
                at += cast.every
            for at in covered:
                self.complain("broken", f"{worker} has an outcome for {at}, which isn't a slot that came due")
            if (mark := self.view.marks.get(worker)) != last:
                self.complain("broken", f"the mark of {worker} is {mark}, not {last}")

    def _covered(self, worker: str, cast: Cast) -> Counter[datetime]:
        """How many final outcomes each slot has, those of a range counted one by one."""
        covered: Counter[datetime] = Counter()
        for run in self.view.runs.values():
            if run.final and run.worker == worker and run.slot is not None and not run.by_hand:
                slots = [run.slot + n * cast.every for n in range(run.count)]
                covered.update(slots)
                if slots[-1] != (run.slot_last or run.slot):
                    self.complain("broken", f"{run.run_id} of {worker} counts {run.count}, {run.slot} on")
        return covered

    def of_tickets(self) -> None:
        """Nothing is open but what waits for a person, and what was closed has its run."""
        for ticket in self.view.tickets.values():
            if ticket.state is TicketState.CLOSED:
                run = self.view.runs.get(ticket.run_id or "")
                # A range's tickets share a run that none of them names.
                if ticket.starts and (run is None or not run.final or run.outcome is not ticket.outcome):
                    self.complain("lost", f"{ticket.key} is closed as {ticket.outcome}, its run is {run}")
            elif ticket.reason is not OpenReason.REQUIREMENT:
                self.complain(
                    "lost", f"{ticket.key} is still {ticket.state}: {ticket.reason} {ticket.detail}"
                )

    def of_effects(self, ticks_that_started: Mapping[str, int]) -> None:
        """What ran is known, no more often than it may, and what succeeded did end. ticks_that_started: how
        many did, by slot key."""
        written = effects(self.projects)
        ended = {(each.slot_key, each.word) for each in written if each.what == "end"}
        by_key: dict[str, list[Effect]] = {}
        for each in written:
            by_key.setdefault(each.slot_key, []).append(each)
        for key, count in ticks_that_started.items():
            if count > self.cast[by_key[key][0].worker].starts:
                self.complain("doubled", f"{key} was started by {count} ticks")
        for key in by_key.keys() - self.view.tickets.keys():
            self.complain("lost", f"{key} ran, and the ledger has no ticket of it")
        for run in self.view.runs.values():
            if (
                run.outcome is Outcome.SUCCEEDED
                and (_key_of(run, self.view.tickets), _word(run)) not in ended
            ):
                self.complain("broken", f"{run.run_id} of {run.worker} succeeded, says nobody but the ledger")

    def of_alerts(self) -> None:
        """Of every bad run and of every recovery each hook was told, and what it was told it has."""
        self._every_bad_run_is_told()
        for hook, path in HOOKS.items():
            lines = heard(self.projects, path)
            reached = Counter((each["event"], each["worker"], each["run_id"], each["at"]) for each in lines)
            self.told_again += reached.total() - len(reached)
            for each in self.view.deliveries:
                alert = each.alert
                what = (alert.event.value, alert.worker, alert.run_id, alert.at.isoformat())
                if each.hook == hook and each.state is not DeliveryState.SENT:
                    self.complain("undelivered", f"{what} still {each.state} for {hook}: {each.error}")
                elif each.hook == hook and not reached[what]:
                    self.complain("undelivered", f"{what} is {each.state}, but {hook} has nothing of it")

    def _every_bad_run_is_told(self) -> None:
        said = {(each.episode, each.hook) for each in self.view.deliveries}
        recovered = {
            (each.episode, each.hook) for each in self.view.deliveries if each.alert.event in RECOVERIES
        }
        for run in self.view.runs.values():
            if run.bad and run.episode not in self.view.episodes:
                self.complain("undelivered", f"{run.run_id} ({run.worker} {run.outcome}) is in no episode")
            for hook in HOOKS if run.bad else ():
                if (run.episode, hook) not in said:
                    what = f"{run.run_id} ({run.worker} {run.outcome})"
                    self.complain("undelivered", f"{what}: nothing of its episode is for {hook}")
        open_ = Counter(each.subject for each in self.view.episodes.values() if each.closed_at is None)
        for subject, count in open_.items():
            if count > 1:
                self.complain("broken", f"{subject} has {count} episodes at once")
        for episode in self.view.episodes.values():
            for hook in HOOKS if episode.closed_at and episode.announced else ():
                if (episode.id, hook) not in recovered:
                    self.complain("undelivered", f"{episode.subject} recovered: nothing of it is for {hook}")


def _word(run: Run) -> str:
    """What the worker said that nobody else did."""
    return str(run.output["summary"]).rpartition(" ")[2] if run.output else ""


def _key_of(run: Run, tickets: Mapping[str, Ticket]) -> str | None:
    if run.slot is not None and (key := Slot(run.worker, run.slot).key) in tickets:
        return key
    return next((key for key, ticket in tickets.items() if ticket.run_id == run.run_id), None)
