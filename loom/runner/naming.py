"""Which workers, and which run, a person meant by the names they gave."""

from collections.abc import Sequence

from loom.domain.record import RunQuery
from loom.domain.registry import Registry
from loom.domain.run import Run
from loom.domain.worker import Worker
from loom.errors import RegistryError, UsageError
from loom.ports import Ledger

_LEAST_OF_ID = 8  # characters, as for `loom.ports.Ledger.run`
_GLANCE = 200  # runs

_NAMED = 20
"""Workers that are listed where none is meant."""


def find_workers(
    registry: Registry, names: Sequence[str], *, option: str = "--worker "
) -> tuple[Worker, ...]:
    """The workers meant by `names`: an id, or an agent's name, in any case; each once, in registry order.

    option: what stood before the name on the command line.

    Raises UsageError for a name that means no worker or more than one, and RegistryError, with its
    mistakes, for a worker whose entry is broken.
    """
    wanted = {_find(registry, name, option).id for name in names}
    return tuple(worker for worker in registry.workers if worker.id in wanted)


def find_run(ledger: Ledger, name: str) -> Run:
    """The run meant by `name`: its id, or 8 or more characters of its beginning or end. Raises UsageError."""
    if len(name) < _LEAST_OF_ID:
        raise UsageError(
            f"{name!r} is too short for a run: give the whole id, or at least {_LEAST_OF_ID} characters "
            "of its beginning or end. List them with: loom history"
        )
    found = ledger.run(name)
    if found is None:
        raise UsageError(_none_or_several(ledger, name))
    return found


def _none_or_several(ledger: Ledger, name: str) -> str:
    """Which it is, as far as a glance at the newest runs tells."""
    newest = [run.run_id for run in ledger.runs(RunQuery(limit=_GLANCE))]
    meant = [id_ for id_ in newest if id_.startswith(name) or id_.endswith(name)]
    if meant:
        ids = " and ".join(meant[:2])
        more = f", {len(meant)} in all" if len(meant) > 2 else ""
        return f"more than one run is called {name!r}, such as {ids}{more}: give more of the id"
    none = "no run" if len(newest) < _GLANCE else "no run, or more than one that is long past,"
    return f"{none} is called {name!r}. List them with: loom history"


def _find(registry: Registry, name: str, option: str) -> Worker:
    folded = name.strip().casefold()
    if not folded:
        raise UsageError(f"{option}{name!r} names nobody. The workers are: {_listed(registry)}.")
    for entry in registry.broken:
        if entry.id.casefold() == folded:
            raise RegistryError(entry.problems)
    by_id = [worker for worker in registry.workers if worker.id.casefold() == folded]
    meant = by_id or [worker for worker in registry.workers if (worker.agent or "").casefold() == folded]
    if len(meant) == 1:
        return meant[0]
    if meant:
        ids = " and ".join(worker.id for worker in meant)
        raise UsageError(f"{option}{name} means more than one worker: {ids}. Name one by its id.")
    known = [worker.id for worker in registry.workers]
    known += [worker.agent.lower() for worker in registry.workers if worker.agent]
    import difflib  # only a mistake needs it

    close = difflib.get_close_matches(folded, known, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"The workers are: {_listed(registry)}."
    raise UsageError(f"{option}{name}: no worker has this id or agent. {hint}")


def _listed(registry: Registry) -> str:
    """The workers, each with its agent; some of them where there are many."""
    named = [f"{each.id} ({each.agent})" if each.agent else each.id for each in registry.workers]
    more = len(named) - _NAMED
    return ", ".join(named[:_NAMED]) + (f" and {more} more" if more > 0 else "")
