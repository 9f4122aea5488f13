"""The ledger on a branch of a git remote, for runners that share nothing else; SQLite is the working copy.

A claim is a commit, pushed plainly before the work: the remote takes it only if nobody else was first. What
happens after it is written to the working copy at once, with a note that it isn't pushed yet, and goes out
with `publish`. So a crash at any point loses nothing that this machine still has, and what the machine takes
with it leaves a claim that the next runner finds.
"""

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from loom.clock import Clock
from loom.domain.record import Entry, Snapshot
from loom.errors import LedgerError, Problem, StaleDecision, StateUnpushed
from loom.ledger import working_copy as copy
from loom.ledger.database import explained
from loom.ledger.exchange import Compaction, Exchange
from loom.ledger.git import GitFailed, Overtaken, RemoteBranch
from loom.ledger.lines import Form, Redact, forms
from loom.ledger.reads import read_revision
from loom.ledger.sqlite import SqliteLedger
from loom.ledger.writes import write
from loom.values import dataclass

__all__ = ["BranchLedger", "Compaction", "Whereabouts"]

# Whoever claims or publishes keeps the working copy to itself for as long as git takes.
_BUSY = timedelta(minutes=5)
_RACES = 12
_REFUSALS = 4


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """How the working copy stands to its branch. tip: the commit it has followed, None while there is none.
    in_step_at: when it was last held against the remote, UTC, or None. files, size: of the branch, in bytes.
    unpushed: how many entries were written here and not yet pushed."""

    branch: str
    remote: str
    tip: str | None
    in_step_at: datetime | None
    files: int
    size: int
    unpushed: int


class BranchLedger(SqliteLedger):
    """`loom.ports.Ledger` on the branch `branch` of `remote`, with its working copy in the file `local`.

    repository: a folder inside a clone that has the remote; nothing a person sees of it is touched.
    env: the environment that git gets. clock: its `now` names the day's file and dates the commits.
    redact: takes personal data out of a JSON value before it leaves this machine, or None to let all out.
        Logs never leave; so a copy that is made anew from the branch has neither.
    reading: for commands that only look. Nothing is fetched unless `sync` is called, nothing can be pushed.
    wait: sleeps for so many seconds between two tries of a push.

    Git can't know whether a claimer elsewhere began its work, so on the branch a claim counts as a start:
    whoever finds its lease run out treats it as abandoned, never as untouched.

    Every method raises LedgerError, with what to do, when the working copy or the branch can't be used.
    """

    def __init__(
        self,
        local: Path,
        *,
        repository: Path,
        branch: str,
        env: Mapping[str, str],
        clock: Clock,
        redact: Redact | None,
        remote: str = "origin",
        reading: bool = False,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(local, busy_timeout=_BUSY)
        # Clones that share a repository (worktrees) each keep what they fetched under a name of their own.
        site = sha256(os.fsencode(local.absolute())).hexdigest()[:8]
        self._branch = RemoteBranch(repository, remote, branch, f"refs/loom/{site}/{branch}", env)
        self._clock = clock
        self._exchange = Exchange(self._db, local, self._branch, clock, redact)
        self._reading = reading
        self._wait = wait
        self._stale = not reading
        self._lost: list[str] = []
        self._replayed: frozenset[str] = frozenset()
        with explained(local), ExitStack() as undo:
            undo.callback(self._db.close)
            if not copy.is_prepared(self._db):
                with self._transaction("BEGIN IMMEDIATE"):
                    copy.prepare(self._db, branch, remote)
            undo.pop_all()

    @property
    def in_step_at(self) -> datetime | None:
        """When this copy was last held against the remote, UTC; None if it never was."""
        with explained(self._path):
            return copy.in_step_at(self._db)

    @property
    def whereabouts(self) -> Whereabouts:
        with explained(self._path):
            held = self._exchange.position()
            unpushed = len(copy.unpushed(self._db)[1])
        return Whereabouts(
            branch=self._branch.branch,
            remote=self._branch.remote,
            tip=held.tip,
            in_step_at=self.in_step_at,
            files=len(held.files),
            size=sum(stored.size for stored in held.files.values()),
            unpushed=unpushed,
        )

    @property
    def damage(self) -> tuple[Problem, ...]:
        """Lines of the branch that were left out, each with its file and line; gone once they are mended."""
        with explained(self._path):
            return copy.damage(self._db)

    def sync(self) -> None:
        """Fetch the branch and bring the working copy into step with it."""
        try:
            with self._transaction("BEGIN IMMEDIATE"):
                done = self._exchange.catch_up()
        except GitFailed as error:
            raise LedgerError(str(error)) from None
        self._lost += done.lost
        self._replayed = done.batches
        self._stale = False

    def snapshot(self) -> Snapshot:
        """As the port says; the first one, and the first after another runner was faster, fetches."""
        if self._stale:
            self.sync()
        return super().snapshot()

    def claim(self, entries: Sequence[Entry], *, revision: int) -> None:
        """As the port says: one commit, pushed before this returns; what wasn't pushed before goes along.

        Raises StaleDecision also when another runner pushed first, StateUnpushed when the remote refuses.
        """
        self._refuse_when_reading()
        batch = _new_batch()
        for attempt in range(1, _REFUSALS + 1):
            try:
                self._claim_once(batch, entries, revision)
            except Overtaken as error:
                self._stale = True
                raise StaleDecision(f"another runner pushed first: {error}") from None
            except GitFailed as error:
                why = error
            else:
                return
            self._wait(_pause(attempt))
            # The connection may have broken after the push went through.
            if batch in self._sync_after_doubt():
                return
        raise self._gave_up(_REFUSALS, why, "Nothing was started")

    def record(self, entries: Sequence[Entry]) -> None:
        """As the port says: durable on this machine when it returns, on the branch after `publish`."""
        self._refuse_when_reading()
        with self._transaction("BEGIN IMMEDIATE"):
            write(self._db, entries, claiming=False)
            if entries:
                copy.keep(self._db, _new_batch(), entries)

    def publish(self) -> Sequence[str]:
        """As the port says: one commit for all that was recorded since the last push."""
        self._refuse_when_reading()
        refusals = 0
        for attempt in range(1, _RACES + 1):
            try:
                if attempt > 1:
                    self.sync()
                self._publish_once()
                break
            except Overtaken as error:
                why: Exception = error
            except (GitFailed, LedgerError) as error:
                why, refusals = error, refusals + 1
            if attempt == _RACES or refusals == _REFUSALS:
                raise self._gave_up(attempt, why, "Nothing is lost") from None
            self._wait(_pause(attempt))
        lost, self._lost = self._lost, []
        return lost

    def compact(self, *, before: datetime, forget_before: datetime) -> Compaction:
        """Fold the days before that of `before` (UTC) into months, leave out what was over
        `forget_before`, and make the branch one commit that holds just that.

        Whoever pushes meanwhile wins, and it is worked out again. Raises StateUnpushed when the remote
        refuses, LedgerError when there is no branch.
        """
        self.publish()
        refusals = 0
        for attempt in range(1, _RACES + 1):
            try:
                self.sync()
                with self._transaction("BEGIN IMMEDIATE"):
                    return self._exchange.compact(before=before, forget_before=forget_before)
            except Overtaken as error:
                why: Exception = error
            except GitFailed as error:
                why, refusals = error, refusals + 1
            if attempt == _RACES or refusals == _REFUSALS:
                break
            self._wait(_pause(attempt))
        raise self._gave_up(attempt, why, "The branch is as it was")

    def _claim_once(self, batch: str, entries: Sequence[Entry], revision: int) -> None:
        with self._transaction("BEGIN IMMEDIATE"):
            self._refuse_if_stale(revision)
            # As it is before this claim is written here.
            opening = self._exchange.opening()
            write(self._db, entries, claiming=True)
            self._exchange.push(opening, [(batch, [self._as_started(form) for form in forms(entries)])])

    def _publish_once(self) -> None:
        with self._transaction("BEGIN IMMEDIATE"):
            if copy.unpushed(self._db)[0] is not None:
                self._exchange.push(self._exchange.opening(), [])

    # -- what keeps a write from being pushed ------------------------------------------------------------

    def _refuse_when_reading(self) -> None:
        if self._reading:
            raise LedgerError("the state branch was opened to be read only; leave --offline out to write")

    def _refuse_if_stale(self, revision: int) -> None:
        held = read_revision(self._db)
        if held != revision:
            raise StaleDecision(f"the ledger is at revision {held}, the decision was made at {revision}")

    def _as_started(self, form: Form) -> Form:
        """A claim as others must take it: they can't see whether its work began."""
        kind, value = form
        if kind != "Ticket" or value["state"] != "claimed":
            return form
        started = {"state": "started", "starts": value.get("starts", 0) + 1}
        return kind, {**value, **started, "started_at": self._clock.now().isoformat()}

    def _sync_after_doubt(self) -> frozenset[str]:
        """The batches that the branch turns out to have beyond what was known here."""
        self._replayed = frozenset()
        try:
            self.sync()
        except LedgerError:
            self._stale = True
        return self._replayed

    def _gave_up(self, tries: int, why: Exception, but: str) -> StateUnpushed:
        said = (
            f"the state couldn't be pushed to the branch {self._branch.branch!r} of {self._branch.remote} "
            f"({tries} tries)."
        )
        return StateUnpushed(
            f"{said} {but}; what was recorded is in {self._path.parent}: keep that folder (in "
            f"GitHub Actions as an artifact), the next run that has it pushes it. The last try: {why}",
            refusal=f"{said} The last try: {why}",
        )


def _new_batch() -> str:
    return os.urandom(8).hex()


def _pause(attempt: int) -> float:
    """Seconds to wait after the try number `attempt`: growing, and never the same for two rivals."""
    return random.uniform(0.3, 1.0) * min(0.1 * 1.7**attempt, 5.0)  # noqa: S311  (spreads, guards nothing)
