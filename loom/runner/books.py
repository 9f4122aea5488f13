"""The books of one tick: which runs happened, which episode each bad one belongs to, what is to be said.

Runs and the alerts they cause are written in one batch, so that a crash between them can't lose an alert.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from loom.domain.alert import Delivery, Episode
from loom.domain.record import Entry, Snapshot
from loom.domain.run import Run
from loom.domain.standing import Standing
from loom.domain.worker import AlertPolicy
from loom.values import replace

if TYPE_CHECKING:
    from loom.alerts.policy import Trouble
    from loom.ports import AlertHook

_Value = TypeVar("_Value")


class Books:
    """Mutable, for one tick and one thread."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        policies: Mapping[str, AlertPolicy],
        hooks: Callable[[], Sequence[AlertHook]],
        troubles: Sequence[Trouble],
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        run_url: str | None,
        zone: str,
        removed: Collection[str],
        paused: Collection[str],
    ) -> None:
        self._episodes = dict(snapshot.episodes)
        self._standings = dict(snapshot.standings)
        self._policies = policies
        self._hooks = hooks
        self._troubles = tuple(troubles)
        self._now = now
        self._new_id = new_id
        self._run_url = run_url
        self._zone = zone
        self._removed = removed
        self._paused = paused
        self._before: dict[str, tuple[str, Episode | None, Standing | None]] = {}
        self.runs: dict[str, Run] = {}
        self.deliveries: list[Delivery] = []

    def enter(self, runs: Sequence[Run], *, reminders: bool = False) -> list[Entry]:
        """The entries that record `runs`, the episodes they touch and the alerts to send.

        reminders: also say what is due to be said of troubles and episodes in which nothing happened.
        """
        for run in runs:
            before = run.worker, self._episodes.get(run.worker), self._standings.get(run.worker)
            self._before.setdefault(run.run_id, before)
        if not reminders and not any(run.bad or run.worker in self._episodes for run in runs):
            self.runs.update((run.run_id, run) for run in runs)
            for run in runs:
                standing = self._standings.get(run.worker) or Standing(worker=run.worker)
                self._standings[run.worker] = standing.after(run)
            return list(runs)
        if not runs and not self._troubles and not self._episodes:
            return []
        # Imported only where there may be something to say.
        from loom.alerts.outbox import prepare
        from loom.alerts.policy import consider

        considered = consider(
            self._episodes,
            runs=runs,
            policies=self._policies,
            standings=self._standings,
            troubles=self._troubles,
            now=self._now(),
            new_id=self._new_id,
            run_url=self._run_url,
            zone=self._zone,
            removed=self._removed,
            paused=self._paused,
        )
        for episode in considered.episodes:
            self._keep(episode)
        self._standings.update(considered.standings)
        told = [replace(run, episode=considered.belongs.get(run.run_id, "")) for run in runs]
        self.runs.update((run.run_id, run) for run in told)
        if considered.alerts:
            self.deliveries.extend(
                deliveries := prepare(considered.alerts, self._hooks(), now=self._now(), new_id=self._new_id)
            )
            return [*told, *considered.episodes, *deliveries]
        return [*told, *considered.episodes]

    def show(self, run: Run) -> None:
        """Tell of a run that was recorded before and still holds, without entering it again."""
        self.runs.setdefault(run.run_id, run)

    def previous_run(self, worker: str) -> str | None:
        """The id of the worker's newest run with a valid output."""
        standing = self._standings.get(worker)
        return standing.previous_run_id if standing else None

    def lose(self, run_ids: Iterable[str]) -> None:
        """Forget runs whose tickets another process took over, and what they did to their workers' episodes
        and standings: they are not ours to tell."""
        lost = set(run_ids)
        for run_id in lost:
            self.runs.pop(run_id, None)
        for run_id in reversed([entered for entered in self._before if entered in lost]):
            worker, episode, standing = self._before.pop(run_id)
            _put_back(self._episodes, worker, episode)
            _put_back(self._standings, worker, standing)
        self.deliveries = [each for each in self.deliveries if each.alert.run_id not in lost]

    def _keep(self, episode: Episode) -> None:
        _put_back(self._episodes, episode.subject, episode if episode.closed_at is None else None)


def _put_back(values: dict[str, _Value], key: str, value: _Value | None) -> None:
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value
