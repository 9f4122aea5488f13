"""Gate: what one run has asked of the network, what was refused, and what is still open."""

import ipaddress
import sys
import sysconfig
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

from loom.domain.enforcement import Refusal
from loom.domain.rules import HttpRule, applies
from loom.enforcement.addresses import public
from loom.enforcement.http_rules import GUARD, Asked, decide_http, names
from loom.worker import Refused

_NOT_THE_WORKERS = (
    f"{Path(__file__).parents[1]}/",
    f"{sysconfig.get_path('stdlib')}/",
    f"{sysconfig.get_path('purelib')}/",
    f"{sysconfig.get_path('platlib')}/",
    "<",
)


class Connection(Protocol):
    def cut(self) -> None:
        """End it at once, from any thread, whoever is reading or writing."""


class Gate:
    """Everything that wants to leave passes here. Safe to use from several threads."""

    def __init__(
        self,
        rules: Sequence[HttpRule],
        worker_id: str,
        agent: str | None,
        tell: Callable[[Refusal], None] = lambda _: None,
    ) -> None:
        self._rules = tuple(rule for rule in rules if applies(rule.applies_to, worker_id, agent))
        self._worker_id = worker_id
        self._agent = agent
        self._tell = tell
        self._lock = threading.Lock()
        self._refusals: list[Refusal] = []
        self._connections: set[Connection] = set()
        self._revoked: str | None = None

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        with self._lock:
            return tuple(self._refusals)

    def admit(self, asked: Asked) -> None:
        """Raises Refused when the rules, or the end of the run, forbid this request."""
        self.still_open(asked.act)
        refusal = decide_http(self._rules, self._worker_id, self._agent, asked)
        if refusal is not None:
            raise self.refused(refusal)

    def admit_addresses(self, host: str, port: int, addresses: Sequence[str]) -> None:
        """Raises Refused when a name that no rule names leads to an address that isn't public."""
        self.still_open(f"connecting to {host}:{port}")
        if names(self._rules, host, port):
            return
        inside = [each for each in addresses if not public(ipaddress.ip_address(each.partition("%")[0]))]
        if inside:
            why = (
                f"it leads to {inside[0]}, which isn't on the public internet; "
                "a rule has to name such a host itself, not by a wildcard"
            )
            raise self.refused(Refusal(GUARD, f"connecting to {host}:{port}", why))

    def still_open(self, act: str) -> None:
        """Raises Refused once the run is over."""
        if self._revoked is not None:
            raise self.refused(Refusal(GUARD, act, self._revoked))

    def refused(self, refusal: Refusal) -> Refused:
        """Note the refusal, with the place in the worker's code, as the exception to raise."""
        noted = Refusal(refusal.rule, refusal.act, refusal.why, refusal.where or _workers_line())
        with self._lock:
            self._refusals.append(noted)
        self._tell(noted)
        return Refused(noted)

    def hold(self, connection: Connection) -> None:
        with self._lock:
            self._connections.add(connection)
        if self._revoked is not None:
            connection.cut()

    def release(self, connection: Connection) -> None:
        with self._lock:
            self._connections.discard(connection)

    def revoke(self, why: str) -> None:
        """Close for good; the first reason is the one that is told."""
        with self._lock:
            self._revoked = self._revoked or why
            connections = tuple(self._connections)
        for connection in connections:
            connection.cut()


def _workers_line() -> str | None:
    """The innermost line on the stack that is neither Loom's, nor a library's, nor Python's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_NOT_THE_WORKERS) and "site-packages" not in file:
            return f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return None
