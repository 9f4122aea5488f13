"""Kinship: ending with one's parent, taking in orphans, and ending them; as far as the system offers it.

Linux offers all of it. Elsewhere a process learns of its parent's end by asking, and an orphan is its
grandparent's no more.
"""

import os
import signal
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE_S = 5.0
_PAUSE_S = 0.005


def end_with_parent(signum: int) -> None:
    """Let the system send this process `signum` when the thread that started it ends, its process too."""
    _prctl(_PR_SET_PDEATHSIG, signum)


def take_in_orphans() -> None:
    """Become the parent of every descendant that loses its own, one that began a session of its own too."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, argument: int) -> None:
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(option, argument, 0, 0, 0)


def end_all() -> int:
    """Kill every child of this process and whoever comes to it through their end, for up to 5 seconds.

    Returns how many had to be killed. A process can be mistaken for no other: only children are killed,
    and no other process gets a child's id before it is reaped here.
    """
    killed = 0
    until = time.monotonic() + _PATIENCE_S
    while True:
        for child in _children():
            send(child, signal.SIGKILL)
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                killed += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        except ChildProcessError:
            return killed
        if time.monotonic() > until:
            return killed
        time.sleep(_PAUSE_S)


def send(pid: int, signum: int) -> None:
    """The signal to one process, if it is there."""
    try:
        os.kill(pid, signum)
    except (ProcessLookupError, PermissionError):
        return


def send_group(group: int, signum: int) -> None:
    """The signal to a whole process group at once, if there is one of that id."""
    try:
        os.killpg(group, signum)
    except (ProcessLookupError, PermissionError):
        return


def _children() -> list[int]:
    """The children of this process, which has one thread. Some may be left out while others end."""
    me = os.getpid()
    try:
        with open(f"/proc/self/task/{me}/children", encoding="ascii") as file:  # noqa: PTH123  (needs no import)
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return [int(pid) for pid in _processes() if _parent_of(pid) == me]


def _processes() -> list[str]:
    try:
        return [name for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208  (needs no import)
    except OSError:
        return []


def _parent_of(pid: str) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  (needs no import)
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None
