"""One look, from the ledger to the person: the only module here that knows the order."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from loom.alerts.direct import cry
from loom.domain.alert import Alert, Event
from loom.domain.record import Snapshot
from loom.domain.registry import Registry
from loom.errors import ExitCode, LedgerError, RegistryError, worst
from loom.ports import AlertHook, Ledger
from loom.values import dataclass
from loom.watch.episode import ToSay, consider, remember, remembered
from loom.watch.sighting import Sighting, look


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """alert: what was said just now, if anything; told: by which hooks. failures: a sentence for each hook
    that couldn't deliver. problems: what else is wrong."""

    sighting: Sighting
    alert: Alert | None
    told: tuple[str, ...]
    failures: tuple[str, ...]
    problems: tuple[str, ...]
    exit_code: ExitCode


def watch(
    *,
    read_registry: Callable[[], Registry],
    open_ledger: Callable[[Registry | None], Ledger],
    hooks: Callable[[Registry | None, Snapshot | None], Sequence[AlertHook]],
    state: Path,
    now: datetime,
    max_age: timedelta,
    grace: timedelta,
    run_url: str | None = None,
) -> Watched:
    """Look once, and say what is to be said.

    max_age: how long ago the last tick may have come. grace: how long a slot may go undecided. state: the
    file with what was said before. A registry that can't be read is a problem, but no reason not to look.
    Raises SettingsError when `state` can't be written; what had to be said was said then.
    """
    problems: list[str] = []
    registry, snapshot = None, None
    try:
        registry = read_registry()
    except RegistryError as error:
        problems += map(str, error.problems)
    try:
        ledger = open_ledger(registry)
        try:
            snapshot = ledger.snapshot()
            sighting = look(ledger, snapshot, registry, now=now, max_age=max_age, grace=grace)
        finally:
            ledger.close()
    except LedgerError as error:
        problems.append(str(error))
        sighting = Sighting(
            at=now,
            zone=registry.zone if registry else "UTC",
            summary=f"the ledger can't be read, so nobody knows whether ticks come: {error}",
            trouble=Event.LEDGER_BROKEN,
        )
    spoken, note = remembered(state)
    problems += [note] if note else []
    said = consider(sighting, spoken, hooks(registry, snapshot), run_url=run_url)
    told, failures = _deliver(said) if said else ((), ())
    if said or not spoken:
        remember(state, said.said(told) if said else None)
    codes = [ExitCode.BROKEN if problems else ExitCode.OK, ExitCode.UNDELIVERED if failures else ExitCode.OK]
    codes.append(ExitCode.BAD_RUN if sighting.trouble else ExitCode.OK)
    return Watched(
        sighting=sighting,
        alert=said.alert if said and said.to else None,
        told=told,
        failures=failures,
        problems=tuple(problems),
        exit_code=worst(codes),
    )


def _deliver(said: ToSay) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the hooks that delivered, and a sentence for each that didn't."""
    if not said.to and said.alert.event is not Event.TICK_RESUMED:
        return (), (f"no alert hook takes {said.alert.event.value}, so nobody was told; add one to alerts:",)
    tried = [(hook.name, cry(said.alert, [hook])) for hook in said.to]
    told = tuple(name for name, failures in tried if not failures)
    return told, tuple(failure for _, failures in tried for failure in failures)
