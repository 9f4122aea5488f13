"""Standing: what is known of a worker's runs without reading its history; its health is read from it."""

from datetime import datetime
from typing import Any

from loom.domain.run import Outcome, Run
from loom.values import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the ledger keeps at hand of each worker, so that no history need be read.

    last_run_id, last_outcome, last_final, last_at: the newest run that counts.
    previous_run_id: the newest run whose output was valid: a worker's `previous`.
    consecutive_failures: bad outcomes since the last success.
    """

    worker: str
    last_run_id: str | None = None
    last_outcome: Outcome | None = None
    last_final: bool = True
    last_at: datetime | None = None
    last_success_at: datetime | None = None
    previous_run_id: str | None = None
    consecutive_failures: int = 0

    def after(self, run: Run, before: Outcome | None = None) -> "Standing":
        """The standing once `run` is recorded. before: the outcome that is on record of it, if any: a bad run
        that is updated in place isn't counted twice, whatever came in between, unless that was a success.
        """
        if not run.counts or run.worker != self.worker:
            return self
        at = run.finished_at or run.tick_at
        again = run.run_id == self.last_run_id or self._counts(before, at)
        changed: dict[str, Any] = {}
        if run.outcome is Outcome.SUCCEEDED:
            changed = {"last_success_at": at, "previous_run_id": run.run_id, "consecutive_failures": 0}
        elif run.outcome not in (Outcome.SKIPPED, Outcome.SUPERSEDED):
            # Those two say nothing about whether the worker works.
            changed = {"consecutive_failures": self.consecutive_failures + (0 if again else 1)}
        return replace(
            self,
            last_run_id=run.run_id,
            last_outcome=run.outcome,
            last_final=run.final,
            last_at=at,
            **changed,
        )

    def _counts(self, before: Outcome | None, at: datetime) -> bool:
        """Whether a run that ended at `at`, on record as `before`, is one of the failures in a row."""
        if before is None or not before.bad or not self.consecutive_failures:
            return False
        return self.last_success_at is None or self.last_success_at <= at
