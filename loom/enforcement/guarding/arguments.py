"""What Python's audit events hand over, read: addresses, words, environments, processes.

What can't be read raises; what judges it refuses the act then.
"""

import _socket
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

from loom.cutting import cut

_IMPORTER = "<frozen importlib._bootstrap_external>"
_HERE = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120


def is_bytecode(real: str) -> bool:
    """Whether Python's own import system keeps what it has compiled, which it does beside any module."""
    folder, name = os.path.split(real)
    if not (folder.endswith("/__pycache__") and ".pyc" in name) and name != "__pycache__":
        return False
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename == _IMPORTER


def is_loading(module: str) -> bool:
    spec = getattr(sys.modules.get(module), "__spec__", None)
    return getattr(spec, "_initializing", False) is True


def told(connection: Any, name: str) -> Any:
    """As the system's own socket has it, whatever a worker's kind of socket says."""
    return getattr(_socket.socket, name).__get__(connection)


def place(connection: Any, address: Any) -> tuple[str, int]:
    family: Any = told(connection, "family")
    match address:
        case str() | bytes() if family == socket.AF_UNIX:
            return f"unix:{os.fsdecode(address)}", 0
        case (host, port, *_) if family in (socket.AF_INET, socket.AF_INET6):
            return host_of(host), int(port)
    return f"{_family(family)} {cut(repr(address), 100)}", 0


def _family(number: int) -> str:
    try:
        return socket.AddressFamily(number).name
    except ValueError:
        return f"family {number}"


def host_of(host: Any) -> str:
    return os.fsdecode(host) if isinstance(host, str | bytes) else ""


def shown_place(host: str, port: int) -> str:
    if not port:
        return host or "every address"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def words(arguments: Any) -> list[str]:
    if isinstance(arguments, str | bytes | os.PathLike):
        return [os.fsdecode(arguments)]
    return [os.fsdecode(each) for each in arguments]


def environment(env: Any) -> Mapping[str, str]:
    if env is None:
        return os.environ
    if isinstance(env, Mapping):
        return {os.fsdecode(name): os.fsdecode(value) for name, value in env.items()}
    pairs: Sequence[Any] = env
    return dict(os.fsdecode(each).partition("=")[::2] for each in pairs)


def is_child(kind: int, number: int) -> bool:
    try:
        os.waitid(kind, number, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except (OSError, OverflowError):
        return False
    return True


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return pid > 0
    except (OSError, OverflowError):
        pass
    return False


def name_of_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
