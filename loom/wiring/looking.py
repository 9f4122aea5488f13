"""Settings in, what is looked at out: for whoever asks, and writes nothing."""

import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from loom.clock import Clock, SystemClock
from loom.domain.registry import Registry
from loom.errors import LedgerError
from loom.ports import Ledger, Progress
from loom.runner.parts import Parts
from loom.settings import Settings
from loom.values import replace
from loom.wiring.parts import branch_ledger, ledger_path, open_ledger, parts_for, redactor, state_branch

if TYPE_CHECKING:
    from loom.ledger.branch import BranchLedger


def peek_ledger(
    settings: Settings,
    registry: Registry | None,
    *,
    offline: bool = False,
    needed: bool = False,
    note: Callable[[str], None] = lambda text: print(f"loom: {text}", file=sys.stderr),
) -> Ledger:
    """For reading: a ledger that isn't there yet reads as an empty one, and isn't made.

    With a state branch it is fetched first, unless `offline`; `note` hears how old it is, and what of it
    couldn't be read. Raises LedgerError; with `needed` also where the branch can't be fetched and never was.
    """
    if state_branch(settings, registry) is not None:
        ledger = branch_ledger(settings, registry, SystemClock(), reading=True)
        try:
            _bring_up_to_date(ledger, offline, needed, note)
        except LedgerError:
            ledger.close()
            raise
        return ledger
    from loom.ledger.place import is_taken

    if is_taken(ledger_path(settings, registry)):
        return open_ledger(settings, registry, SystemClock())
    from loom.ledger.memory import MemoryLedger

    return MemoryLedger()


def _bring_up_to_date(
    ledger: "BranchLedger", offline: bool, needed: bool, note: Callable[[str], None]
) -> None:
    if not offline:
        try:
            ledger.sync()
        except LedgerError as error:
            failed = f"the state branch couldn't be fetched: {error}"
            if needed and ledger.in_step_at is None:
                raise LedgerError(
                    f"{failed}\nThis machine has no earlier copy of it to go by. Try again once the remote "
                    "can be reached; --offline goes by what is here."
                ) from None
            note(failed)
    at = ledger.in_step_at
    age = "was never fetched" if at is None else f"is as of {at.isoformat(timespec='seconds')}"
    note(f"this copy of the state branch {age}")
    for problem in ledger.damage:
        note(str(problem))


def known_until(settings: Settings, registry: Registry, ledger: Ledger) -> datetime | None:
    """Up to when (real time, UTC) `ledger`, as `peek_ledger` returned it, has what others recorded; None when
    nobody knows. A ledger that is no copy has all there is."""
    if state_branch(settings, registry) is None:
        return SystemClock().real()
    from loom.ledger.branch import BranchLedger

    return ledger.in_step_at if isinstance(ledger, BranchLedger) else None


def publishable(settings: Settings, registry: Registry) -> Callable[[Any], Any]:
    """What takes out of a JSON value whatever may not be published: secrets, and, unless ``state: {outputs:
    full}`` lets it out, personal data. A value that can't be checked for it comes out as None."""
    from loom.runner.discretion import masked

    redact = redactor() if registry.state.outputs != "full" else lambda value: value
    return lambda value: redact(masked(value, settings.mask))


def rehearsal_parts(settings: Settings, clock: Clock, progress: Progress) -> Parts:
    """Everything a dry run needs, which makes no ledger."""
    return replace(
        parts_for(settings, clock, progress), open_ledger=lambda registry: peek_ledger(settings, registry)
    )


def looking_parts(settings: Settings, clock: Clock, *, offline: bool) -> Parts:
    """Parts for who only asks what a tick would do: no ledger is made, and secrets stay where they are."""
    from loom.report.progress import SilentProgress

    return replace(
        parts_for(settings, clock, SilentProgress()),
        open_ledger=lambda registry: peek_ledger(settings, registry, offline=offline),
        take_secrets=lambda names: {name: settings.env[name] for name in names if settings.env.get(name)},
    )
