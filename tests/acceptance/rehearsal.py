"""A runner in this process: everything real but the clock and the ledger, which are the shipped twins."""

from dataclasses import replace

from loom.clock import Clock
from loom.domain.registry import HookSettings, Registry
from loom.ledger.liveness import MemoryLiveness
from loom.ledger.memory import MemoryLedger
from loom.report.progress import SilentProgress
from loom.runner.parts import Parts
from loom.settings import Settings
from loom.wiring import parts_for, read_enforcement, read_registry


def rehearsal_parts(settings: Settings, clock: Clock, ledger: MemoryLedger) -> Parts:
    """Parts for many ticks on one in-memory ledger. The registry is read once, its expectations and
    requirements left out: the workers of a rehearsal return nothing and need nothing."""
    read = read_registry(settings)
    registry = replace(
        read,
        workers=tuple(
            replace(worker, expect=type(worker.expect)(), requires=type(worker.requires)(), settings={})
            for worker in read.workers
        ),
        hooks=(HookSettings("stderr", {}),),
    )
    enforcement = read_enforcement(settings)
    parts = parts_for(settings, clock, SilentProgress())

    def the_registry() -> Registry:
        return registry

    return replace(
        parts,
        load_registry=the_registry,
        load_enforcement=lambda: enforcement,
        open_ledger=lambda _: ledger,
        liveness=lambda _: MemoryLiveness(set()),
    )
