"""Where a path really leads, as the system will see it."""

import os
import re
import sys
from contextvars import ContextVar
from typing import Any

opened_from: ContextVar[int] = ContextVar("loom_opened_from", default=-1)
"""`dir_fd` of the `os.open` that is under way in this thread or task; -1 for none."""

links_themselves: ContextVar[bool] = ContextVar("loom_links_themselves", default=False)
"""Whether what is under way in this thread or task changes a link itself, not what it leads to."""

_NO_FILE = re.compile(r"/proc/\d+/(task/\d+/)?fd/(pipe|socket|anon_inode|/memfd):.*", re.DOTALL)


def real_path(path: Any, dir_fd: int = -1, *, follow: bool = True) -> str:
    """`path` as an absolute path without links or dots; a link at its end stays unless `follow`.

    path: text, bytes or a path object, seen from the folder that `dir_fd` is open on, if that is one.
    """
    text = os.fsdecode(path)
    base = of_descriptor(dir_fd) if dir_fd >= 0 else None
    # The working folder may be gone, which is no matter to a path that isn't seen from it.
    whole = text if text.startswith("/") else os.path.join(base or os.getcwd(), text)  # noqa: PTH109, PTH118
    head, name = os.path.split(whole.rstrip("/") or "/")
    if follow or name in ("", ".", ".."):
        return os.path.realpath(whole)
    return os.path.join(os.path.realpath(head), name)  # noqa: PTH118


def of_descriptor(number: int) -> str | None:
    """The path of the file or folder that a descriptor is open on; None for pipes, sockets and the like."""
    try:
        found = _told_by_system(number)
    except OSError:
        return None
    return found.removesuffix(" (deleted)") if found.startswith("/") else None


def folder_of_open(mode: str | None) -> int:
    """The descriptor of the folder that a path is seen from which is about to be opened, or -1.

    mode: as the event of opening has it: none if it is `os.open`'s, whose event leaves that folder out.
    """
    return opened_from.get() if mode is None else -1


def is_no_file(path: str) -> bool:
    """Whether a real path stands for a pipe or socket that is open already."""
    return _NO_FILE.fullmatch(path) is not None


def _told_by_system(number: int) -> str:
    if sys.platform == "darwin":
        import fcntl

        return os.fsdecode(fcntl.fcntl(number, fcntl.F_GETPATH, b"\0" * 1024).rstrip(b"\0"))
    return os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115
