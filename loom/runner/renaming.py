"""Registry x snapshot -> the ledger under the ids by which this registry calls its workers. Pure.

A ledger meets registries of several ages: the one in force, that of a tick which began before it was edited,
that of a machine with an older checkout, and one that a person took back. A worker stays the same one under
each of its names, and so do its slots.
"""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from loom.domain.pause import Pause
from loom.domain.record import Entry, Renamed, Snapshot
from loom.domain.registry import Registry
from loom.domain.tick import Mark
from loom.values import replace

_Value = TypeVar("_Value")


def carry_over(registry: Registry, snapshot: Snapshot) -> tuple[Snapshot, list[Entry]]:
    """The snapshot as it reads once everything is carried over that belongs to a worker under another id, and
    the entries that write it: mark, history, open slots, pauses and the open episode get the registry's id.

    The other id is the one it `was`, or the one by which the ledger has known it since. An id that was given
    up, and now is another worker's, gets the mark of who had it: its slots up to there are decided.
    """
    entries: list[Entry] = []
    for new, was in _ids(registry):
        if new in snapshot.marks:
            continue
        old = _other_id(new, was, registry, snapshot)
        heir = snapshot.renamed.get(new)
        if old is not None:
            snapshot, more = _carried(snapshot, Renamed(old, new))
            entries += more
        elif heir is not None and heir in snapshot.marks:
            mark = Mark(new, snapshot.marks[heir])
            snapshot = replace(snapshot, marks={**snapshot.marks, new: mark.at})
            entries.append(mark)
    return snapshot, entries


def _ids(registry: Registry) -> Iterator[tuple[str, str | None]]:
    """Each id, and the one that its worker had before, if it says so."""
    yield from ((worker.id, worker.was) for worker in registry.workers)
    yield from ((entry.id, entry.was) for entry in registry.broken)


def _other_id(new: str, was: str | None, registry: Registry, snapshot: Snapshot) -> str | None:
    """The id under which the ledger has the worker `new`; None if under no other, or if that is in use."""
    for old in (was, snapshot.renamed.get(was or ""), snapshot.renamed.get(new)):
        if old in snapshot.marks and old not in registry.ids:
            return old
    return None


def _carried(snapshot: Snapshot, renamed: Renamed) -> tuple[Snapshot, list[Entry]]:
    old, new = renamed.old, renamed.new
    entries: list[Entry] = [renamed]
    tickets = [
        replace(t, worker=new, key=t.key.replace(old, new, 1)) if t.worker == old else t
        for t in snapshot.tickets.values()
    ]
    episodes = dict(snapshot.episodes)
    if old in episodes:
        episodes[new] = replace(episodes.pop(old), subject=new)
        entries.append(episodes[new])
    carried = replace(
        snapshot,
        marks=_moved(snapshot.marks, old, new),
        renamed=renamed.onto(snapshot.renamed),
        tickets={ticket.key: ticket for ticket in tickets},
        pauses=_pauses(snapshot.pauses, old, new),
        standings={
            id_: replace(standing, worker=id_)
            for id_, standing in _moved(snapshot.standings, old, new).items()
        },
        episodes=episodes,
    )
    return carried, entries


def _pauses(pauses: Mapping[str, Pause], old: str, new: str) -> dict[str, Pause]:
    """One that somebody gave under the new id already, and that isn't lifted, stays; as in every ledger."""
    held = pauses.get(new)
    moved = _moved({id_: each for id_, each in pauses.items() if id_ != new}, old, new)
    if held is not None and (new not in moved or not held.lifted):
        moved[new] = held
    return {id_: each if id_ != new else replace(each, worker=new) for id_, each in moved.items()}


def _moved(mapping: Mapping[str, _Value], old: str, new: str) -> dict[str, _Value]:
    return {(new if key == old else key): value for key, value in mapping.items()}
