"""The files in which a run under way says what it says, and who may read or remove them.

``<run>.0.log``, ``<run>.1.log``, ...: whole lines, each file so large at most.
"""

import os
import re
from pathlib import Path

PIECE = 16 * 1024
"""Bytes of one file at most."""

# As `loom.ids` makes them, and nobody else: whatever has such a name may be removed.
_NAME = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})\.(\d{1,9})\.log")


def file_of(folder: Path, run_id: str, number: int) -> Path:
    return folder / f"{run_id}.{number}.log"


def is_run(run_id: str) -> bool:
    """Whether a run of this id can have such files."""
    return _NAME.fullmatch(f"{run_id}.0.log") is not None


def pieces(folder: Path) -> list[tuple[str, int]]:
    """The files that are there: each by its run's id, and its number. None where the folder is a link."""
    try:
        if folder.is_symlink():
            return []
        names = os.listdir(folder)  # noqa: PTH208  (the names alone, and no file looked at)
    except OSError:
        return []
    found = (_NAME.fullmatch(name) for name in names)
    return [(each[1], int(each[2])) for each in found if each is not None]
