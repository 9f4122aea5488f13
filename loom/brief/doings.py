"""What became of each worker's slots and requests in the time of a brief. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from loom.domain.brief import Ran
from loom.domain.run import Outcome, Run
from loom.report.gist import gist

_NEUTRAL = (Outcome.SKIPPED, Outcome.SUPERSEDED)


class Accounts:
    """Mutable; hears of runs, newest first, and keeps of them what is told, so that they need not all be held
    at once."""

    def __init__(self) -> None:
        self._of: dict[str, _Account] = defaultdict(_Account)

    @property
    def workers(self) -> Sequence[str]:
        return tuple(self._of)

    def add(self, run: Run) -> None:
        self._of[run.worker].add(run)

    def told(
        self, *, before: Mapping[str, Run], silent: Mapping[str, int], agents: Mapping[str, str | None]
    ) -> Sequence[Ran]:
        """One account for each worker that has a record or slots without one.

        before: by worker, the newest run before those that told how it did. silent: by worker, how many slots
        came of which there is no record. agents: every worker of the registry, in its order. The bad ones
        come first, then those that are silent, last those that aren't registered any more.
        """
        accounts = {**{worker: _Account() for worker, number in silent.items() if number}, **self._of}
        told = [
            account.told(worker, agents.get(worker), before.get(worker), silent.get(worker, 0))
            for worker, account in accounts.items()
        ]
        order = {worker: place for place, worker in enumerate(agents)}
        return sorted(
            told, key=lambda ran: (not ran.bad, not ran.silent, order.get(ran.worker, len(order)), ran.worker)
        )


def tells(run: Run) -> bool:
    """Whether `run` says anything about how its worker does."""
    return run.counts and run.outcome not in _NEUTRAL


@dataclass(slots=True)
class _Account:
    """Mutable; hears of the runs newest first.

    good: whether the newest run that tells was good. up_since: the oldest of the good ones in a row that lead
    up to it. was_bad: whether a bad one comes before those.
    """

    newest: Run | None = None
    says: str = ""
    outcomes: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    by_hand: int = 0
    retried: int = 0
    bad: int = 0
    took: list[float] = field(default_factory=list)
    good: bool | None = None
    up_since: datetime | None = None
    was_bad: bool = False

    def add(self, run: Run) -> None:
        if self.newest is None:
            # What it found is told elsewhere, and may be large.
            self.newest, self.says = replace(run, output=None, rejected=None, log=""), gist(run)
        if tells(run):
            self._hear(run)
        if not run.final:
            self.retried += run.started_at is not None
            return
        self.outcomes[run.outcome.value] += run.count
        self.bad += run.outcome.bad
        self.by_hand += run.slot is None or run.by_hand
        self.runs += run.started_at is not None
        if run.duration_s is not None:
            self.took.append(run.duration_s)

    def told(self, worker: str, agent: str | None, before: Run | None, silent: int) -> Ran:
        newest, was_bad = self.newest, self.was_bad or (before is not None and before.outcome.bad)
        return Ran(
            worker=worker,
            agent=newest.agent if newest else agent,
            outcomes=MappingProxyType(dict(self.outcomes)),
            runs=self.runs,
            by_hand=self.by_hand,
            retried=self.retried,
            bad=self.bad,
            silent=silent,
            took_s=sum(self.took) if self.took else None,
            longest_s=max(self.took, default=None),
            says=self.says,
            run_id=newest.run_id if newest else None,
            outcome=newest.outcome.value if newest else None,
            recovered=self.up_since if self.good and was_bad else None,
        )

    def _hear(self, run: Run) -> None:
        good = run.outcome is Outcome.SUCCEEDED
        if self.good is None:
            self.good = good
        if good and not self.was_bad:
            self.up_since = run.finished_at or run.tick_at
        self.was_bad = self.was_bad or not good
