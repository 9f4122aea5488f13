"""One entry under ``workers:`` -> a Worker, or a BrokenEntry that says why not."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from loom.domain.cron import parse_cron
from loom.domain.registry import RESERVE
from loom.domain.schedule import CatchUp, DstPolicy, Schedule
from loom.domain.worker import AlertPolicy, Expect, Isolation, Overlap, Requires, Retry, Status, Worker
from loom.instants import in_words
from loom.registry.keys import WORKER
from loom.registry.mistakes import Fault, Mistakes, did_you_mean
from loom.registry.nodes import Entry, Scalar
from loom.registry.terms import WORKER_ID
from loom.values import dataclass, replace

_NO_EXPECTATIONS = Expect()
_NO_SETTINGS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for a worker that doesn't say otherwise."""

    timeout: timedelta = timedelta(minutes=10)
    retry: Retry = Retry()
    catch_up: CatchUp = CatchUp()
    dst: DstPolicy = DstPolicy()
    alert: AlertPolicy = AlertPolicy()
    overlap: Overlap = Overlap.SKIP
    isolation: Isolation = Isolation.INLINE
    memory: int | None = None

    def with_values(self, values: Mapping[str, Any]) -> "Defaults":
        """These, with what `values` says in their place, key by key."""
        return Defaults(
            values.get("timeout", self.timeout),
            replace(self.retry, **values["retry"]) if "retry" in values else self.retry,
            replace(self.catch_up, **values["catch_up"]) if "catch_up" in values else self.catch_up,
            replace(self.dst, **values["dst"]) if "dst" in values else self.dst,
            replace(self.alert, **values["alert"]) if "alert" in values else self.alert,
            values.get("overlap", self.overlap),
            values.get("isolation", self.isolation),
            values.get("memory", self.memory),
        )


_OWN = frozenset(("timeout", "retry", "catch_up", "dst", "alert", "overlap", "isolation", "memory"))


class Reader:
    """Reads entries of one file. zone: the file's. project: where entrypoints must be. budget: a tick's.

    env: every environment variable that any entry requires, broken ones included.
    """

    def __init__(self, zone: str, defaults: Defaults, project: Path, budget: timedelta | None = None) -> None:
        self.zone = zone
        self.defaults = defaults
        self.project = project
        self.budget = budget
        self.env: set[str] = set()
        self._modules: dict[str, str] = {}

    def read(self, entry: Entry) -> tuple[Worker | None, list[Fault]]:
        """The worker, or None and what is wrong with its entry, addressed from the worker inwards."""
        faults = self._id_faults(entry)
        values, found = WORKER.gather(entry.value)
        faults += found
        if "entrypoint" in values:
            missing = self._missing_module(values["entrypoint"])
            if missing:
                faults.append(Fault(missing, ("key 'entrypoint'",), line_of("entrypoint", entry)))
        faults += self._memory_faults(entry, values)
        requires = values.get("requires")
        if requires:
            self.env.update(requires.get("env", ()))
        worker = None if faults else self._worker(entry, values)
        if worker is not None:
            faults += self._never_starts(worker, entry)
        if faults:
            return None, [fault.under(f"worker '{entry.key}'", entry.line) for fault in faults]
        return worker, []

    def _never_starts(self, worker: Worker, entry: Entry) -> list[Fault]:
        """A run that can't be over within a tick's budget would be put off for ever."""
        if self.budget is None or worker.status is Status.DISABLED or worker.timeout + RESERVE <= self.budget:
            return []
        message = (
            f"{in_words(worker.timeout)} and the {in_words(RESERVE)} that a tick keeps to record and tell "
            f"don't fit into its budget of {in_words(self.budget)}, so this worker could never start; "
            "shorten it, or raise tick: budget"
        )
        return [Fault(message, ("key 'timeout'",), line_of("timeout", entry))]

    def _id_faults(self, entry: Entry) -> list[Fault]:
        if entry.flaw:
            return [Fault(entry.flaw)]
        try:
            WORKER_ID.read(Scalar(entry.key, entry.key, entry.line))
        except Mistakes as mistakes:
            return list(mistakes.faults)
        return []

    def _memory_faults(self, entry: Entry, values: Mapping[str, Any]) -> list[Fault]:
        """`defaults` may limit all that can be limited; an entry says what it means."""
        if values.get("memory") is None:
            return []
        isolation = values.get("isolation", self.defaults.isolation)
        unreadable = "isolation" not in values and line_of("isolation", entry) != entry.line
        if isolation is Isolation.PROCESS or unreadable:
            return []
        message = (
            "only a process of its own can be held to a memory limit, and this worker runs inline; "
            "write isolation: process beside it, or leave the key out"
        )
        return [Fault(message, ("key 'memory'",), line_of("memory", entry))]

    def _worker(self, entry: Entry, values: Mapping[str, Any]) -> Worker:
        shared = self.defaults if _OWN.isdisjoint(values) else self.defaults.with_values(values)
        cron = values["schedule"]
        return Worker(
            id=entry.key,
            schedule=Schedule(cron, parse_cron(cron), values.get("timezone", self.zone), shared.dst),
            entrypoint=values["entrypoint"],
            agent=values.get("agent"),
            description=values.get("description", ""),
            status=values.get("status", Status.ACTIVE),
            timeout=shared.timeout,
            retry=shared.retry,
            catch_up=shared.catch_up,
            overlap=shared.overlap,
            requires=Requires(**values["requires"]) if "requires" in values else Requires(),
            settings=MappingProxyType(values["settings"]) if "settings" in values else _NO_SETTINGS,
            expect=_expect(values["expect"]) if "expect" in values else _NO_EXPECTATIONS,
            alert=shared.alert,
            isolation=shared.isolation,
            memory=shared.memory if shared.isolation is Isolation.PROCESS else None,
            was=values.get("was"),
            line=entry.line,
        )

    def _missing_module(self, entrypoint: str) -> str:
        """Why the entrypoint's module isn't there, or empty. Looks for its file; imports nothing."""
        module = entrypoint.partition(":")[0]
        if module not in self._modules:
            try:
                self._modules[module] = self._look_for(module)
            except OSError as error:
                why = f"can't look for it: {error.strerror}; correct the entrypoint"
                self._modules[module] = f'no module "{module}" in the project: {why}'
        return self._modules[module]

    def _look_for(self, module: str) -> str:
        path = self.project.joinpath(*module.split("."))
        if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
            return ""
        file = f"{module.replace('.', '/')}.py"
        siblings = [sibling.stem for sibling in path.parent.glob("*.py") if sibling.stem != "__init__"]
        guess = did_you_mean(path.name, siblings)
        advice = guess if guess.startswith("did") else "write that file, or correct the entrypoint"
        return f'no module "{module}" in the project: there is no file {file}; {advice}'


def _expect(values: Mapping[str, Any]) -> Expect:
    return Expect(
        non_empty=values.get("non_empty", ()),
        minimum=MappingProxyType(values.get("min", {})),
        maximum=MappingProxyType(values.get("max", {})),
    )


def line_of(key: str, entry: Entry) -> int:
    """The line of one of the entry's keys, or the entry's own if it hasn't got it."""
    inner = getattr(entry.value, "entries", ())
    return next((each.line for each in inner if each.key == key), entry.line)
