"""Would a worker run? It is imported and looked at, under its guard, and not run."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from loom.domain.board import Answer
from loom.domain.registry import Registry
from loom.domain.worker import Status, Worker
from loom.errors import LoomError
from loom.instants import in_words
from loom.ports import Guard
from loom.runner.waking import not_there

if TYPE_CHECKING:
    from loom.worker import WorkerOutput

_PATIENCE = timedelta(seconds=30)


def about_worker(worker: Worker, project: Path, env: Mapping[str, str], guard: Guard) -> Iterator[Answer]:
    from loom.execution.entrypoint import Entrypoint, load
    from loom.execution.inspection import NotOver, inspected
    from loom.execution.parameters import read_settings

    def look() -> Entrypoint:
        with guard.inside():
            entrypoint = load(worker, project)
            read_settings(worker, entrypoint.settings_model, {})
            return entrypoint

    what = f"worker {worker.id}"
    disabled = worker.status is Status.DISABLED
    within = min(worker.timeout, _PATIENCE)
    try:
        entrypoint = inspected(look, within_s=within.total_seconds())
    except NotOver:
        # A run may wait longer, and it may be there by then.
        yield Answer(
            level="warning" if disabled or within < worker.timeout else "error",
            what=what,
            detail=f"{worker.entrypoint.partition(':')[0]} and its models weren't there after "
            f"{in_words(within)}; a run has until its timeout of {in_words(worker.timeout)}",
        )
        return
    except LoomError as error:
        yield Answer(level="warning" if disabled else "error", what=what, detail=str(error))
        return
    finally:
        guard.revoke("it was only looked at")
    if guard.refusals:
        yield Answer(
            level="error",
            what=what,
            detail=f"while it is imported: {guard.refusals[0]}",
            remedy="do it in `run`, where a rule allows it; each run would be blocked",
        )
        return
    if not disabled:
        lacking = [*_lacking(worker, project, env, entrypoint.module)]
        yield from lacking
        if lacking:
            return
    output = f"{entrypoint.output_model.__module__}:{entrypoint.output_model.__qualname__}"
    unmet = [*_unmeetable(worker, entrypoint.output_model)]
    for mistake in unmet:
        yield Answer(
            level="warning" if disabled else "error",
            what=what,
            detail=mistake,
            remedy="each run would be invalid, whatever it returned",
        )
    if unmet:
        return
    yield Answer(level="ok", what=what, detail=f"{worker.status.value}, returns {output}")


def _lacking(worker: Worker, project: Path, env: Mapping[str, str], module: ModuleType) -> Iterator[Answer]:
    """What it requires and hasn't got, and which of the libraries that it names aren't installed."""
    what = f"worker {worker.id}"
    missing = [f"{name} is not set" for name in worker.requires.env if not env.get(name)]
    missing += filter(None, (not_there(project, path) for path in worker.requires.paths))
    if missing:
        yield Answer(
            level="warning",
            what=what,
            detail="; ".join(missing),
            remedy="its slots wait for it within their catch-up, then they are missed and alerted",
        )
    libraries = getattr(module, "LIBRARIES", ())
    if not isinstance(libraries, tuple | list) or not all(isinstance(name, str) for name in libraries):
        yield Answer(
            level="warning",
            what=what,
            detail="its LIBRARIES can't be read",
            remedy='write the names as they are imported, such as LIBRARIES = ("feedparser",)',
        )
    elif absent := [name for name in libraries if not _is_installed(name)]:
        are = "isn't" if len(absent) == 1 else "aren't"
        yield Answer(
            level="warning",
            what=what,
            detail=f"{' and '.join(map(repr, absent))} {are} installed, so it skips its runs",
            remedy="pip install 'loom-runner[workers]', in a checkout "
            "pip install --constraint constraints.txt --editable '.[workers]'",
        )


def _is_installed(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except (ImportError, ValueError):
        return False


def _unmeetable(worker: Worker, output: "type[WorkerOutput]") -> Iterator[str]:
    """What of `expect` names something that no output has."""
    from loom.expectation import missing_part
    from loom.registry.mistakes import did_you_mean

    place = "worker-registry.yaml" if worker.line is None else f"worker-registry.yaml:{worker.line}"
    expect = worker.expect
    named = {"non_empty": expect.non_empty, "min": expect.minimum, "max": expect.maximum}
    for key, paths in named.items():
        for path in paths:
            missing = missing_part(output, path)
            if missing is None:
                continue
            hint = missing.hint or did_you_mean(missing.part, missing.choices)
            yield (
                f"{place}: at worker {worker.id!r} > at key 'expect' > at key {key!r} > {path!r}: "
                f"{missing.holder} has no {missing.part!r}" + (f"; {hint}" if hint else "")
            )


def about_secrets(registry: Registry, env: Mapping[str, str]) -> Iterator[Answer]:
    from loom.enforcement.masking import SHORTEST, is_too_short

    for name in registry.declared_env:
        if env.get(name) and is_too_short(env[name]):
            yield Answer(
                level="warning",
                what=f"secret {name}",
                detail=f"it has fewer than {SHORTEST} characters, so it isn't masked where a worker shows it",
                remedy=f"set {name} to a longer value; a mask for this one would blank ordinary words",
            )
