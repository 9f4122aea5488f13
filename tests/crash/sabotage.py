"""Bugs that a runner must not have, planted between it and its parts: what the judge has to find."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from loom.domain.alert import Alert, Delivery, DeliveryState
from loom.domain.record import Entry
from loom.domain.run import Run
from loom.domain.slot import Ticket, TicketState
from loom.execution.assignment import Assignment
from loom.ledger.codec import stamp
from loom.runner.parts import Executor, Parts
from tests.crash.scenario import FIRST


class _Changed:
    """`inner` with some methods replaced."""

    def __init__(self, inner: Any, **methods: Callable[..., Any]) -> None:
        self._inner = inner
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        return self._methods.get(name) or getattr(self._inner, name)


def _recording(parts: Parts, kept: Callable[[Entry], bool]) -> Parts:
    """A ledger that forgets what it is given after the claim, where `kept` says so."""

    def open_ledger(registry: Any) -> Any:
        ledger = parts.open_ledger(registry)

        def record(entries: Sequence[Entry]) -> None:
            ledger.record([entry for entry in entries if kept(entry)])

        return _Changed(ledger, record=record)

    return replace(parts, open_ledger=open_ledger)


def loses_runs(parts: Parts) -> Parts:
    return _recording(parts, lambda entry: not isinstance(entry, Run))


def loses_ends(parts: Parts) -> Parts:
    def is_end(entry: Entry) -> bool:
        return isinstance(entry, Run) or (isinstance(entry, Ticket) and entry.state is TicketState.CLOSED)

    return _recording(parts, lambda entry: not is_end(entry))


def loses_alerts(parts: Parts) -> Parts:
    return _recording(
        parts, lambda entry: not (isinstance(entry, Delivery) and entry.state is DeliveryState.PENDING)
    )


def only_says_it_told(parts: Parts) -> Parts:
    def deliver(alert: Alert) -> None:
        del alert

    return replace(
        parts,
        hooks=lambda configured, secrets: tuple(
            _Changed(hook, deliver=deliver) for hook in parts.hooks(configured, secrets)
        ),
    )


def runs_twice(parts: Parts) -> Parts:
    """An executor that starts everything a second time, and tells of the first alone."""

    @contextmanager
    def executor() -> Iterator[Executor]:
        with parts.executor() as inner:

            def submit(assignment: Assignment) -> None:
                inner.submit(assignment)
                inner.submit(replace(assignment, key=f"{assignment.key} again"))

            def wait(timeout: float | None) -> Any:
                while True:
                    ended = [each for each in inner.wait(timeout) if not each[0].endswith(" again")]
                    if ended:
                        return ended

            yield _Changed(inner, submit=submit, wait=wait)

    return replace(parts, executor=executor)


def forgets_that_it_ran(parts: Parts) -> Parts:
    """A ledger that opens every closed slot again, and puts the marks back, before the tick reads it."""

    def open_ledger(registry: Any) -> Any:
        ledger = parts.open_ledger(registry)
        database: sqlite3.Connection = ledger._db  # type: ignore[attr-defined]
        database.execute("UPDATE marks SET at = ?", (stamp(FIRST + timedelta(minutes=30)),))
        database.execute("DELETE FROM tickets WHERE closed = 1")
        return ledger

    return replace(parts, open_ledger=open_ledger)
