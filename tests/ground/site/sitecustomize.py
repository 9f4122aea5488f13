"""Keeps a Python process on this machine: it may talk to the loopback interface and to nothing else.

Python imports a module of this name at start-up when its folder is on PYTHONPATH, which is how every child
process of a test comes under the same rule as the test itself. It imports nothing of its own, because tests
look at what a command imports.
"""

import os
import sys
from collections.abc import Callable

REPORT_VARIABLE = "TEST_GROUND_REPORT"
"""Names the file in which a child process leaves what it tried, so that its test fails."""

_BY_ADDRESS = ("socket.connect", "socket.sendto", "socket.sendmsg")
_BY_NAME = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")


class Trespass(RuntimeError):
    """A test reached for something outside its own ground."""


def keep_on_loopback(report: Callable[[str], None]) -> None:
    """From now on, for the life of this process, whatever leaves loopback is reported and refused.

    Names under ``.invalid`` are answered 'unknown' without a report: that is what any resolver must say of
    them (RFC 6761, section 6.4), and how a test gets a host that doesn't exist.
    """

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in _BY_ADDRESS:
            address = arguments[1]
            # Addresses of other families (AF_UNIX) are paths or None, and stay on the machine.
            if not isinstance(address, tuple) or is_loopback(address[0]):
                return
            what = f"{event} {address[0]}:{address[1]}"
        elif event in _BY_NAME:
            host = arguments[0]
            if is_loopback(host):
                return
            _refuse_if_invalid(host)
            what = f"{event} {host!r}"
        else:
            return
        report(what)
        raise Trespass(f"tests talk to 127.0.0.1 only: {what} was refused")

    sys.addaudithook(watch)


def is_loopback(host: object) -> bool:
    """Whether talking to `host` stays on this machine. None and '' mean 'any address of this machine'."""
    if host is None:
        return True
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    return text in ("", "localhost", "::", "::1", "0.0.0.0") or text.startswith("127.")  # noqa: S104  (compared, not bound)


def _refuse_if_invalid(host: object) -> None:
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if text.rstrip(".").endswith(".invalid"):
        import _socket

        raise _socket.gaierror(_socket.EAI_NONAME, "Name or service not known")


def _write_down(what: str) -> None:
    if path := os.environ.get(REPORT_VARIABLE):
        with open(path, "a", encoding="utf-8") as report:  # noqa: PTH123  (pathlib would be an import)
            report.write(f"{what}\n")


if __name__ == "sitecustomize":
    keep_on_loopback(_write_down)
