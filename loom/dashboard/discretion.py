"""What leaves for the page: every text that people or foreign code wrote goes through one function first.

Ids, names of workers and hooks, times and what Loom itself says stay as they are, as they do on the state
branch.
"""

from collections.abc import Callable
from typing import Any

from loom.domain.alert import Alert, Delivery, Episode
from loom.domain.board import Board, Row
from loom.domain.pause import Pause
from loom.domain.run import RunError
from loom.values import replace

Clean = Callable[[Any], Any]
"""A JSON value -> the same without what may not be published."""

_WITHHELD = "[withheld: it can't be checked]"


class Discretion:
    def __init__(self, clean: Clean) -> None:
        self._clean = clean

    def text(self, text: str) -> str:
        if not text:
            return text
        said = self._clean(text)
        return said if isinstance(said, str) else _WITHHELD

    def value(self, value: Any) -> Any:
        """In its JSON form; None if it can't be checked."""
        return self._clean(value)

    def board(self, board: Board) -> Board:
        return replace(
            board,
            rows=tuple(map(self._row, board.rows)),
            problems=tuple(map(self.text, board.problems)),
            waiting=tuple(map(self.delivery, board.waiting)),
            troubles=tuple(map(self.episode, board.troubles)),
        )

    def _row(self, row: Row) -> Row:
        return replace(
            row,
            agent=self.text(row.agent) if row.agent else row.agent,
            needs=self.text(row.needs),
            skipped=self.text(row.skipped),
            said=self.text(row.said),
            description=self.text(row.description),
            owed=tuple(replace(ticket, detail=self.text(ticket.detail)) for ticket in row.owed),
            pause=self._pause(row.pause) if row.pause is not None else None,
        )

    def _pause(self, pause: Pause) -> Pause:
        return replace(
            pause,
            by=self.text(pause.by),
            reason=self.text(pause.reason),
            ended_by=self.text(pause.ended_by),
        )

    def delivery(self, delivery: Delivery) -> Delivery:
        error = self.text(delivery.error) if delivery.error else delivery.error
        return replace(delivery, alert=self._alert(delivery.alert), error=error)

    def episode(self, episode: Episode) -> Episode:
        last = episode.last_alert
        return replace(
            episode,
            kind=self.text(episode.kind),
            last_alert=self._alert(last) if last is not None else None,
        )

    def _alert(self, alert: Alert) -> Alert:
        error = alert.error
        return replace(
            alert,
            agent=self.text(alert.agent) if alert.agent else alert.agent,
            summary=self.text(alert.summary),
            error=RunError(error.kind, self.text(error.message), None) if error is not None else None,
        )
