"""Bugs to be found: each makes a tick's parts worse in one way in which a runner can go wrong."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from loom.domain.alert import Delivery, Episode
from loom.domain.cron import parse_cron
from loom.domain.record import Entry, Snapshot
from loom.domain.registry import Registry
from loom.domain.run import Run
from loom.domain.tick import Mark
from loom.ledger.liveness import MemoryLiveness
from loom.ports import Ledger
from loom.runner.parts import Parts

Plant = Callable[[Parts], Parts]


class _Changed:
    """A ledger that writes something else than it is given."""

    def __init__(self, inner: Ledger, change: Callable[[Sequence[Entry]], Sequence[Entry]]) -> None:
        self._inner = inner
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def claim(self, entries: Sequence[Entry], *, revision: int) -> None:
        self._inner.claim(self._change(entries), revision=revision)

    def record(self, entries: Sequence[Entry]) -> None:
        self._inner.record(self._change(entries))


class _Careless(_Changed):
    """A ledger that doesn't hold a decision against what it was made on."""

    def claim(self, entries: Sequence[Entry], *, revision: int) -> None:
        self._inner.claim(entries, revision=self._inner.snapshot().revision)


class _Forgetful(_Changed):
    """A ledger that knows a worker by the last of its names alone."""

    def snapshot(self) -> Snapshot:
        return replace(self._inner.snapshot(), renamed={})


def _writing(change: Callable[[Sequence[Entry]], Sequence[Entry]]) -> Plant:
    return lambda parts: replace(
        parts, open_ledger=lambda registry: _Changed(parts.open_ledger(registry), change)
    )


def _without(lost: Callable[[Entry], bool]) -> Plant:
    return _writing(lambda entries: [each for each in entries if not lost(each)])


def _ahead(entries: Sequence[Entry]) -> Sequence[Entry]:
    hour = timedelta(hours=1)
    return [replace(each, at=each.at + hour) if isinstance(each, Mark) else each for each in entries]


def _no_noon(parts: Parts) -> Parts:
    fields = parse_cron("0 0-11,13-23 * * *")

    def load() -> Registry:
        found = parts.load_registry()
        workers = [
            replace(worker, schedule=replace(worker.schedule, fields=fields))
            if worker.schedule.cron == "0 * * * *"
            else worker
            for worker in found.workers
        ]
        return replace(found, workers=tuple(workers))

    return replace(parts, load_registry=load)


def former_names_are_forgotten(parts: Parts) -> Parts:
    return replace(parts, open_ledger=lambda registry: _Forgetful(parts.open_ledger(registry), list))


PLANTS: dict[str, Plant] = {
    "a run of several slots is lost": _without(lambda each: isinstance(each, Run) and each.count > 1),
    "a run that went wrong is lost": _without(lambda each: isinstance(each, Run) and each.bad),
    "the alerts of one hook are lost": _without(
        lambda each: isinstance(each, Delivery) and each.hook == "letter"
    ),
    "episodes are lost": _without(lambda each: isinstance(each, Episode)),
    "marks run an hour ahead": _writing(_ahead),
    "the schedule has no noon": _no_noon,
    "a stale decision is written": lambda parts: replace(
        parts, open_ledger=lambda registry: _Careless(parts.open_ledger(registry), list)
    ),
    "whoever works is taken for dead": lambda parts: replace(
        parts, liveness=lambda _: MemoryLiveness(set(), pid=id(parts))
    ),
    "no requirement is looked at": lambda parts: replace(
        parts, take_secrets=lambda names: dict.fromkeys(names, "made up")
    ),
}
