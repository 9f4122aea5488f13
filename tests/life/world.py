"""One project in a folder, and everything round it: files, clock, secrets, hooks, the ledger's place."""

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from loom.alerts.memory import MemoryHook
from loom.clock import ManualClock
from loom.domain.record import Entry
from loom.domain.slot import Ticket
from loom.domain.tick import TickReport
from loom.errors import LoomError
from loom.runner.parts import Parts
from loom.runner.request import TickRequest
from tests.ground.rules import PERMISSIVE, add_rule
from tests.life import doer
from tests.life.model import Model
from tests.life.registry import Entry as Worker
from tests.life.registry import Written
from tests.life.stores import Store

_RULE = """\
id: reads-only
kind: http
applies_to: ["*"]
why: The workers of these tests change nothing.
hosts: [example.invalid]
allow:
  - {hosts: [example.invalid], methods: [GET], paths: ["/**"]}
"""
HOOKS = ("bell", "letter")
CHANGING = ("registry", "enforcement", "secret", "folder")


class Broken(AssertionError):
    """A promise that the product makes was broken."""


def hold(holds: bool, otherwise: str) -> None:
    """Raises Broken unless it does."""
    if not holds:
        raise Broken(otherwise)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a tick finds when it wakes, and goes by to its end."""

    at: datetime
    registry: Written
    enforced: bool
    secret: bool


@dataclass(frozen=True, slots=True)
class Start:
    """A run that is about to start, or has started and isn't recorded yet. tick: the number of its tick.
    claim: its ticket as it stood when the ledger said that it starts."""

    tick: int
    conditions: Conditions
    request: TickRequest
    claim: Ticket

    @property
    def lease(self) -> datetime:
        """Until when its slot is its own, whoever else comes."""
        assert self.claim.lease_until is not None
        return self.claim.lease_until


@dataclass(frozen=True, slots=True)
class Ended:
    """How a tick ended. written: what it put into the ledger, in order. started: the claims of the runs that
    it started and that were still its own at its end. stopped: whether it was told to end. report, error:
    neither if its process died."""

    conditions: Conditions
    request: TickRequest
    written: Sequence[Entry]
    started: Sequence[Ticket]
    stopped: bool
    report: TickReport | None
    error: LoomError | None


class World:
    """Steps change it, ticks run in it. Everything a tick meets is real but the clock, the hooks and, with a
    `MemoryStore`, the ledger.

    model: what the ledger must know. flying: what was started and isn't recorded yet, by ticket. ended:
    every tick, in the order of their ends. set_back, restored: whether the clock, or the ledger, ever was.
    registries: as they were written, one after the other. gone: ids that ever were removed or disabled.
    plant: makes a tick's parts worse. lock: held while the ledger is written, so that the model sees writes
    in their order.
    """

    def __init__(
        self, root: Path, store: Store, clock: ManualClock, plant: Callable[[Parts], Parts] | None = None
    ) -> None:
        self.root = root
        self.store = store
        self.clock = clock
        self.plant = plant or (lambda parts: parts)
        self.lock = threading.RLock()
        self.model = Model()
        self.registry = Written()
        self.registries: list[Written] = []
        self.hooks = {name: MemoryHook(name) for name in HOOKS}
        self.enforced = True
        self.secrets: dict[str, str] = {}
        self.set_back = False
        self.restored = False
        self.gone: set[str] = set()
        self.flying: dict[str, Start] = {}
        self.ended: list[Ended] = []
        self.ticks = 0
        self.deaths = 0
        self._kills = 0
        self._build()

    def _build(self) -> None:
        for folder in ("workers", "moods", "data", "enforcement/rules"):
            (self.root / folder).mkdir(parents=True)
        (self.root / "workers" / "__init__.py").touch()
        (self.root / "workers" / "doer.py").write_text(doer.SOURCE)
        for file in (doer.TRACE, doer.SECONDS):
            (self.root / file).touch()
        (self.root / "enforcement" / "manifest.yaml").write_text("version: 1\nrules:\n  - reads-only\n")
        self.turn("enforcement", True)
        for name, text in PERMISSIVE.items():
            add_rule(self.root, name, text)
        self.write(self.registry)

    # -- what changes it

    def write(self, registry: Written) -> None:
        self.gone |= self.registry.by_id.keys() - registry.enabled()
        self.registry = registry
        self.registries.append(registry)
        (self.root / "worker-registry.yaml").write_text(registry.yaml())

    def put(self, worker: Worker) -> None:
        self.write(self.registry.put(worker))

    def turn(self, what: str, whole: bool) -> None:
        """Break, or mend, one of `CHANGING` or a hook."""
        match what:
            case "registry":
                self.write(replace(self.registry, broken=not whole))
            case "enforcement":
                self.enforced = whole
                rule = self.root / "enforcement" / "rules" / "reads-only.yaml"
                rule.write_text(_RULE if whole else _RULE.replace("[GET]", "[GET, POST]"))
            case "secret":
                self.secrets = {"DOER_TOKEN": "t0ken"} if whole else {}
            case "folder":
                (self.root / "data").mkdir(exist_ok=True)
                if not whole:
                    (self.root / "data").rmdir()
            case hook:
                self.hooks[hook].fail_with = None if whole else "nobody answers"

    def mood(self, worker: str, mood: str) -> None:
        (self.root / "moods" / worker).write_text(mood)

    def mood_of(self, worker: str) -> str:
        file = self.root / "moods" / worker
        return file.read_text() if file.exists() else "succeeds"

    def set_clock_back(self, by: timedelta) -> None:
        self.set_back = True
        self.clock.set(self.clock.now() - by)

    def write_by_hand(self, entries: Sequence[Entry]) -> None:
        """As a command other than `run` would."""
        with closing(self.store.open()) as ledger:
            ledger.record(entries)
        self.model.saw(entries)

    # -- what is seen of it

    def conditions(self) -> Conditions:
        return Conditions(self.clock.now(), self.registry, self.enforced, bool(self.secrets))

    def traces(self) -> list[str]:
        """What the workers did, a line each: ``ant@2026-06-10T13:00:00Z starts``."""
        return (self.root / doer.TRACE).read_text().splitlines()

    def killed(self) -> bool:
        """Whether a worker has ended its process since this was asked last."""
        before, self._kills = self._kills, sum(line.endswith(" kills") for line in self.traces())
        return self._kills > before
