"""May this worker connect there by itself, or listen? By the rules of kind sockets."""

import socket
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase

from loom.domain.enforcement import GUARD, Ruling
from loom.domain.rules import SocketsRule
from loom.enforcement.judges.addresses import literal
from loom.enforcement.judges.http import plain_host

LookUp = Callable[[str], frozenset[str]]
"""The addresses of a name; empty if it has none."""


def look_up(host: str) -> frozenset[str]:
    """As this machine resolves names."""
    try:
        return frozenset(str(found[4][0]) for found in socket.getaddrinfo(host, None))
    except (OSError, UnicodeError):
        return frozenset()


class SocketRuler:
    """rules: those that apply to the worker. A host is a name or an address, or 'unix:' and a path, whose
    port is 0. A rule that grants a name grants the addresses it leads to, as the worker was told or as `find`
    tells them: of many addresses a name server names others each time."""

    def __init__(self, rules: Sequence[SocketsRule], find: LookUp = look_up) -> None:
        self._connect = [(r.id, r.why, each) for r in rules for each in r.connect]
        self._listen = [(r.id, r.why, each) for r in rules for each in r.listen]
        self._deny = [(r.id, r.why, each) for r in rules for each in r.deny]
        self._find = find
        self._told: dict[str, set[str]] = {}

    def told(self, host: str, addresses: Iterable[str]) -> None:
        """Remember which addresses the worker got for a name."""
        if literal(host) is None and self.look_up(host).allowed:
            self._told.setdefault(plain_host(host), set()).update(addresses)

    def connect(self, host: str, port: int) -> Ruling:
        """May it connect, or send, to this place?"""
        return self._ruling(self._connect, host, port, "connect to")

    def listen(self, host: str, port: int) -> Ruling:
        """May it wait for others at this place?"""
        return self._ruling(self._listen, host, port, "listen at")

    def look_up(self, host: str, *, reverse: bool = False) -> Ruling:
        """May it ask for the addresses of this name, or for the name of this address (reverse)? A question
        tells those who answer it something."""
        if not host or (literal(host) is not None and not reverse):
            return Ruling(True, GUARD, "nobody is asked about an address")
        for id_, why, place in (*self._connect, *self._listen):
            if place.startswith("unix:"):
                continue
            name, port = _split(place)
            if name == plain_host(host) or (reverse and self._fits(place, host, int(port.strip("*") or 0))):
                return Ruling(True, id_, why)
        if host == socket.gethostname():
            return Ruling(True, GUARD, "it is this machine's own name")
        return Ruling(False, GUARD, _nobody(f"look up {host}"))

    def _ruling(self, granted: Sequence[tuple[str, str, str]], host: str, port: int, verb: str) -> Ruling:
        for id_, why, place in self._deny:
            if self._fits(place, host, port):
                return Ruling(False, id_, why)
        for id_, why, place in granted:
            if self._fits(place, host, port):
                return Ruling(True, id_, why)
        return Ruling(False, GUARD, _nobody(f"{verb} {host}"))

    def _fits(self, place: str, host: str, port: int) -> bool:
        if host.startswith("unix:") or place.startswith("unix:"):
            return fnmatchcase(host, place)
        name, wanted = _split(place)
        if wanted not in ("*", str(port)):
            return False
        if name == plain_host(host):
            return True
        address = literal(host)
        if address is None:
            return False
        mine = literal(name)
        if mine is not None:
            return mine == address
        if any(literal(found) == address for found in self._told.get(name, ())):
            return True
        return any(literal(found) == address for found in self._find(name))


def _split(place: str) -> tuple[str, str]:
    host, _, port = place.rpartition(":")
    return plain_host(host), port


def _nobody(act: str) -> str:
    return (
        f"no rule of kind sockets lets this worker {act}; ask by `context.http`, which the http rules decide "
        "on, or, if it is meant, add a rule to enforcement/rules/ and run `loom enforcement seal`"
    )
