"""The libraries for formats, which a Loom without the `workers` extra doesn't bring along."""

import importlib
from typing import Any

from loom.worker import Skip


def extra(module: str) -> Any:
    """The module by this name. Raises Skip, with what to install, where it isn't there.

    Ask for it inside the function that needs it, so that a worker can be imported without it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != module.partition(".")[0]:
            raise
        raise Skip(
            f"the library {module!r} isn't installed: pip install 'loom-runner[workers]', in a checkout "
            "pip install --constraint constraints.txt --editable '.[workers]'"
        ) from None
