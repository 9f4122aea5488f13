"""Worker modules: every project calls its package `workers`, and a process has room for one."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def workers_of_its_own() -> Iterator[None]:
    """Meanwhile no `workers` package is loaded, so that a project's own is found, as in a process that has
    just started; afterwards everything is as it was."""
    before, path = _loaded(), list(sys.path)
    _unload()
    importlib.invalidate_caches()
    try:
        yield
    finally:
        _unload()
        sys.modules.update(before)
        sys.path[:] = path


def _loaded() -> dict[str, ModuleType]:
    if "workers" not in sys.modules:  # a parent is there before its children
        return {}
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "workers"}


def _unload() -> None:
    for name in _loaded():
        del sys.modules[name]
