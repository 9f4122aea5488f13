"""``module:function`` -> the function and the models it is annotated with."""

import importlib
import inspect
import sys
import threading
import typing
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from pydantic import BaseModel

from loom.cutting import cut
from loom.domain.run import RunError
from loom.domain.worker import Worker
from loom.errors import LoomError
from loom.execution.failure import place_of, place_of_line, text_of
from loom.values import dataclass
from loom.worker import WorkerContext, WorkerOutput

_EXAMPLE = "def run(context: WorkerContext[Settings]) -> Output"
_PATH_LOCK = threading.Lock()
_TRIES = 100


class EntrypointError(LoomError):
    """A worker's `run` can't be used; `error` is what a run that needed it records."""

    def __init__(self, error: RunError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Entrypoint:
    """settings_model: its WorkerContext's type argument, or None. output_model: its return annotation.
    module: where it stands."""

    module: ModuleType
    function: Callable[[Any], Any]
    settings_model: type[BaseModel] | None
    output_model: type[WorkerOutput]
    is_async: bool


def load(worker: Worker, project: Path) -> Entrypoint:
    """Import the worker's module and check its function.

    The project's root goes first on `sys.path`, once. Raises EntrypointError when the module can't be
    imported for any reason whatever, or when the function isn't one that Loom can call and validate.
    """
    _put_first_on_path(project)
    module_name, _, name = worker.entrypoint.partition(":")
    try:
        if module_name not in sys.modules:
            _look_anew()
        module = importlib.import_module(module_name)
    except BaseException as error:  # a module may raise SystemExit while it is imported
        message = f"{module_name} can't be imported: {type(error).__name__}: {text_of(error)}"
        raise EntrypointError(RunError("EntrypointError", message, place_of(error, project))) from error
    function = getattr(module, name, None)
    try:
        if function is None:
            raise _Unusable(f"the module has no {name!r}")
        if isinstance(function, FunctionType):
            return _examined_once(module, function)
        return _examined(module, function)
    except _Unusable as unusable:
        message = f"entrypoint {worker.entrypoint!r} can't be used: {unusable}; write `{_EXAMPLE}`"
        where = _defined_at(function, module, project)
        raise EntrypointError(RunError("EntrypointError", message, where)) from unusable.__cause__


_modules: tuple[str, ...] = ()


def modules() -> tuple[str, ...]:
    """The names of those that are imported: hundreds, which each run asks for and hardly any changes."""
    global _modules
    known = _modules
    if len(known) != len(sys.modules):
        known = _modules = tuple(sys.modules)
    return known


def forget(known: Collection[str], project: Path) -> None:
    """Take out of Python's list what of the project was imported beyond the modules `known`: whoever needs it
    imports it anew, and is what is refused then."""
    global _modules
    _modules = ()  # as many may be imported again, and be others
    for name in sys.modules.keys() - known:
        module = sys.modules.get(name)
        if getattr(getattr(module, "__spec__", None), "_initializing", False):
            continue  # another worker's thread is at it
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and place_of_line(file, 1, project) is not None:
            sys.modules.pop(name, None)


class _Unusable(Exception):
    pass


def _look_anew() -> None:
    """Let Python see what has come into folders that it has looked into. It goes through a list of theirs to
    which another thread's import may add meanwhile; then it is to be tried again."""
    for _ in range(_TRIES):
        with suppress(RuntimeError, KeyError):
            importlib.invalidate_caches()
            return
    importlib.invalidate_caches()


def _put_first_on_path(project: Path) -> None:
    root = str(project)
    with _PATH_LOCK:
        if sys.path[:1] != [root]:
            sys.path[:] = [root, *(entry for entry in sys.path if entry != root)]


@lru_cache(maxsize=256)
def _examined_once(module: ModuleType, function: FunctionType) -> Entrypoint:
    """Several workers may share one function, and each of their runs asks."""
    return _examined(module, function)


def _examined(module: ModuleType, function: Any) -> Entrypoint:
    if not callable(function):
        raise _Unusable(f"it is a {type(function).__name__}, which can't be called")
    code = inspect.unwrap(function)
    if not inspect.isroutine(code):
        code = type(code).__call__
    if inspect.isgeneratorfunction(code) or inspect.isasyncgenfunction(code):
        raise _Unusable("it yields, so it returns no output")
    try:
        signature = inspect.signature(function)
        signature.bind(object())
    except (TypeError, ValueError):
        raise _Unusable("it must take exactly one argument, the context") from None
    try:
        hints = typing.get_type_hints(code)
    except Exception as error:
        raise _Unusable(f"its annotations can't be read: {text_of(error)}") from error
    return Entrypoint(
        module=module,
        function=function,
        settings_model=_settings_model(hints.get(next(iter(signature.parameters)))),
        output_model=_output_model(hints),
        is_async=inspect.iscoroutinefunction(code),
    )


def _output_model(hints: dict[str, Any]) -> type[WorkerOutput]:
    if "return" not in hints:
        raise _Unusable("it has no return annotation, so its output can't be validated")
    model = hints["return"]
    if not (inspect.isclass(model) and issubclass(model, WorkerOutput)):
        raise _Unusable(f"it returns {_named(model)}, which isn't a WorkerOutput")
    return model


def _settings_model(hint: Any) -> type[BaseModel] | None:
    if hint is None or hint is Any or hint is WorkerContext:
        return None
    if typing.get_origin(hint) is not WorkerContext:
        raise _Unusable(f"it takes {_named(hint)}, which isn't a WorkerContext")
    (model,) = typing.get_args(hint)
    if model is BaseModel or model is Any:
        return None
    if not (inspect.isclass(model) and issubclass(model, BaseModel)):
        raise _Unusable(f"its settings, {_named(model)}, aren't a pydantic BaseModel")
    return model


def _named(annotation: Any) -> str:
    return annotation.__name__ if inspect.isclass(annotation) else cut(repr(annotation), 100)


def _defined_at(function: Any, module: Any, project: Path) -> str | None:
    code = getattr(inspect.unwrap(function) if callable(function) else None, "__code__", None)
    filename = code.co_filename if code is not None else getattr(module, "__file__", None)
    return place_of_line(filename or "", code.co_firstlineno if code is not None else 1, project)
