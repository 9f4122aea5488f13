"""The episodes of one tick while they are being decided: what is open, what changed, what is to be said."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, tzinfo

from loom.domain.alert import Alert, Episode, Event
from loom.domain.run import Run, RunError
from loom.values import replace


class Book:
    """A working copy that lives for one decision.

    episodes: the open ones, by subject. zone: of the times in summaries. run_url: of every alert.
    """

    def __init__(
        self,
        episodes: Mapping[str, Episode],
        *,
        now: datetime,
        new_id: Callable[[], str],
        zone: tzinfo,
        run_url: str | None,
    ) -> None:
        self.now = now
        self.zone = zone
        self.run_url = run_url
        self._new_id = new_id
        self._open = {key: episode for key, episode in episodes.items() if episode.closed_at is None}
        self._changed: dict[str, Episode] = {}
        self._alerts: list[tuple[Alert, Episode]] = []

    @property
    def open(self) -> tuple[Episode, ...]:
        return tuple(self._open.values())

    @property
    def changed(self) -> tuple[Episode, ...]:
        """The newest version of every episode that isn't as it was."""
        return tuple(self._changed.values())

    @property
    def alerts(self) -> tuple[tuple[Alert, Episode], ...]:
        return tuple(self._alerts)

    def of(self, subject: str) -> Episode | None:
        return self._open.get(subject)

    def begin(self, subject: str) -> Episode:
        """A new episode; it is kept once it is gathered into, said or closed."""
        return Episode(id=self._new_id(), subject=subject, opened_at=self.now)

    def keep(self, episode: Episode) -> Episode:
        if self._open.get(episode.subject) != episode:
            self._open[episode.subject] = episode
            self._changed[episode.id] = episode
        return episode

    def overdue(self, episode: Episode, remind: timedelta) -> bool:
        """Whether it was announced, and last spoken of at least `remind` ago."""
        last = episode.last_alert_at
        return episode.announced and last is not None and self.now - last >= remind

    def say(self, episode: Episode, alert: Alert, kind: str) -> Episode:
        alert = _part_of(alert, episode)
        said = replace(episode, announced=True, kind=kind, last_alert_at=self.now, last_alert=alert)
        self._alerts.append((alert, said))
        return self.keep(said)

    def close(self, episode: Episode, alert: Alert | None = None) -> None:
        """End it, with a last word if there is one."""
        closed = replace(episode, closed_at=self.now)
        if alert is not None:
            alert = _part_of(alert, episode)
            closed = replace(closed, last_alert_at=self.now, last_alert=alert)
            self._alerts.append((alert, closed))
        self._open.pop(episode.subject, None)
        self._changed[episode.id] = closed

    def about_run(self, event: Event, run: Run, summary: str, failures: int) -> Alert:
        return Alert(
            event=event,
            summary=summary,
            at=self.now,
            worker=run.worker,
            agent=run.agent,
            slot=run.slot,
            outcome=run.outcome,
            error=run.error,
            run_id=run.run_id,
            run_url=self.run_url,
            consecutive_failures=failures,
        )

    def about_setup(
        self, event: Event, summary: str, *, error: RunError | None = None, worker: str | None = None
    ) -> Alert:
        return Alert(
            event=event, summary=summary, at=self.now, worker=worker, error=error, run_url=self.run_url
        )


def _part_of(alert: Alert, episode: Episode) -> Alert:
    return replace(alert, episode=episode.id, opened_at=episode.opened_at)
