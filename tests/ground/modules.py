"""Worker modules that a test imported in this process, forgotten again."""

import importlib
import sys
from pathlib import Path

from loom.settings import REGISTRY_NAME
from tests.ground.shut import REPOSITORY


def forget_workers() -> None:
    """Take every project's folder off `sys.path` and its `workers` out of `sys.modules`; the repository's
    own stay."""
    for name, module in list(sys.modules.items()):
        ours = str(getattr(module, "__file__", None) or "").startswith(str(REPOSITORY))
        if name.partition(".")[0] == "workers" and not ours:
            del sys.modules[name]
    sys.path[:] = [
        folder
        for folder in sys.path
        if Path(folder) == REPOSITORY or not Path(folder, REGISTRY_NAME).exists()
    ]
    importlib.invalidate_caches()
