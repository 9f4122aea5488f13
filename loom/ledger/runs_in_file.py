"""Runs in an SQLite ledger, read beside the thread and the process that it is open in.

What reads is imported when it is asked: this may be sent to a process that never does.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from loom.values import dataclass

if TYPE_CHECKING:
    from loom.domain.record import RunQuery
    from loom.domain.run import Run


@dataclass(frozen=True, slots=True)
class RunsInFile:
    """Implements `loom.ports.RunReader` for the ledger at `path`, which somebody keeps open meanwhile."""

    path: Path

    def __call__(self, query: "RunQuery") -> "Iterator[Run]":
        """One run after another, so that they need not all be held at once. Nothing is written."""
        from loom.ledger.database import explained, opened_to_look
        from loom.ledger.reads import each_run

        with explained(self.path), opened_to_look(self.path) as db:
            yield from each_run(db, query)
