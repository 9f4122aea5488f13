"""worker-registry.yaml -> Registry: the file as a whole, and what its entries mean to each other."""

from collections.abc import Collection, Iterable, Sequence
from collections.abc import Mapping as MappingOf
from datetime import timedelta
from pathlib import Path
from typing import Any

from loom.domain.cron import parse_cron
from loom.domain.registry import BrokenEntry, HookSettings, Registry, StateSettings
from loom.domain.schedule import Schedule
from loom.domain.worker import Worker
from loom.errors import Problem, RegistryError
from loom.registry.document import parse
from loom.registry.entries import Defaults, Reader, line_of
from loom.registry.keys import FILE
from loom.registry.mistakes import Fault, Mistakes
from loom.registry.nodes import Entry, Mapping, Scalar
from loom.registry.source import read_text

_STDERR_ALONE = (HookSettings("stderr", {}),)


def load(path: Path, *, project: Path) -> Registry:
    """Read and check the registry at `path`; entrypoints are looked for under `project`, never imported.

    A mistake inside one worker's entry makes that worker a BrokenEntry and touches no other.
    Raises RegistryError, with every mistake found anywhere in the file, when the file as a whole is broken:
    missing, not YAML, unknown version, or wrong outside ``workers:``.
    """
    file = path.relative_to(project).as_posix() if path.is_relative_to(project) else path.name
    try:
        root = parse(read_text(path))
    except Mistakes as mistakes:
        raise _broken_file(file, mistakes.faults) from None
    if root is None:
        raise _broken_file(file, [Fault("the file is empty; write one with: loom init")])
    values, faults = FILE.gather(root)
    defaults = Defaults().with_values(values.get("defaults", {}))
    # Whatever is wrong with the zone is said already; the entries are read only to say what else is.
    budget: timedelta | None = values.get("tick", {}).get("budget")
    reader = Reader(values.get("timezone", "UTC"), defaults, project, budget)
    entries: Mapping | None = values.get("workers")
    workers, mistakes_of = _read_entries(entries, reader)
    if faults:
        raise _broken_file(file, [*faults, *(fault for each in mistakes_of.values() for fault in each)])
    hooks: tuple[HookSettings, ...] = values.get("alerts", _STDERR_ALONE)
    heartbeat: dict[str, str] = values.get("heartbeat", {})
    return Registry(
        zone=values["timezone"],
        workers=workers,
        broken=tuple(
            BrokenEntry(id_, _problems(file, each), _former_id(id_, entries))
            for id_, each in mistakes_of.items()
        ),
        hooks=hooks,
        state=StateSettings(**values.get("state", {})),
        max_parallel=values.get("max_parallel", 4),
        declared_env=tuple(sorted(reader.env.union(heartbeat.values(), *map(_env_of, hooks)))),
        tick=_tick(values),
        budget=budget,
        heartbeat_env=heartbeat.get("url_env"),
    )


def _tick(values: MappingOf[str, Any]) -> Schedule | None:
    tick = values.get("tick", {})
    if "cron" not in tick:
        return None
    return Schedule(tick["cron"], parse_cron(tick["cron"]), tick.get("timezone", values["timezone"]))


def _read_entries(
    entries: Mapping | None, reader: Reader
) -> tuple[tuple[Worker, ...], dict[str, list[Fault]]]:
    """The workers that can run, and the mistakes of the others by id. One id never is in both."""
    workers: dict[str, Worker] = {}
    mistakes_of: dict[str, list[Fault]] = {}
    renamed: list[tuple[Entry, str]] = []
    for entry in entries.entries if entries else ():
        worker, faults = reader.read(entry)
        if worker is not None:
            workers[entry.key] = worker
            if worker.was is not None:
                renamed.append((entry, worker.was))
        if faults:
            mistakes_of.setdefault(entry.key, []).extend(faults)
    for id_, fault in _rename_faults(renamed, {*workers, *mistakes_of}):
        mistakes_of.setdefault(id_, []).append(fault)
    for id_ in mistakes_of.keys() & workers.keys():
        del workers[id_]
    return tuple(workers.values()), mistakes_of


def _former_id(id_: str, entries: Mapping | None) -> str | None:
    """What the entry `id_` says under ``was:``, whatever else is wrong with it."""
    for entry in entries.entries if entries else ():
        if entry.key == id_ and isinstance(entry.value, Mapping):
            for key in entry.value.entries:
                if key.key == "was" and isinstance(key.value, Scalar):
                    return key.value.text
    return None


def _rename_faults(renamed: Sequence[tuple[Entry, str]], ids: Collection[str]) -> Iterable[tuple[str, Fault]]:
    """By id, what is wrong with a ``was:`` in view of the other entries."""
    heirs: dict[str, str] = {}
    for entry, old in renamed:
        heir = heirs.setdefault(old, entry.key)
        if old in ids:
            message = f"'{old}' is the id of a worker in this file; write the id this one had before"
        elif heir != entry.key:
            message = f"worker '{heir}' was '{old}' already; its history can go to one of them only"
        else:
            continue
        yield entry.key, Fault(message, (f"worker '{entry.key}'", "key 'was'"), line_of("was", entry))


def _env_of(hook: HookSettings) -> list[str]:
    return [value for name, value in hook.options.items() if name.endswith("_env")]


def _problems(file: str, faults: Sequence[Fault]) -> tuple[Problem, ...]:
    return tuple(fault.at(file) for fault in sorted(faults, key=lambda fault: fault.line or 0))


def _broken_file(file: str, faults: Sequence[Fault]) -> RegistryError:
    return RegistryError(_problems(file, faults))
