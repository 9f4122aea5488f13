"""Gate: all that one run does beyond itself passes here; what was asked, what was refused, what is open."""

import ipaddress
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from loom.cutting import cut
from loom.domain.enforcement import GUARD, EnforcementContext, Refusal, Ruling
from loom.domain.rules import FilesRule, HttpRule, LimitsRule, ProcessRule, Rule, SocketsRule
from loom.enforcement.guarding.acts import Acts
from loom.enforcement.guarding.events import ANOTHER_HOOK, acts_of
from loom.enforcement.judges.addresses import public
from loom.enforcement.judges.files import FileRuler
from loom.enforcement.judges.http import Asked, HttpRuler, names
from loom.enforcement.judges.limits import Allowance, Limits, limits_of
from loom.enforcement.judges.places import Places
from loom.enforcement.judges.programs import ProgramRuler
from loom.enforcement.judges.sockets import SocketRuler
from loom.values import dataclass
from loom.worker import Refused

_PYTHONS = sysconfig.get_paths()
_NOT_THE_WORKERS = (
    f"{Path(__file__).parents[2]}/",
    *(f"{_PYTHONS[name]}/" for name in ("stdlib", "purelib", "platlib")),
    "<",
)
_MOST_NOTED = 100
_LONGEST = 1000  # characters of what is said of a refusal: a name may be a megabyte


@dataclass(frozen=True, slots=True)
class _Judges:
    http: tuple[HttpRule, ...]
    sockets: tuple[SocketsRule, ...]
    files: FileRuler
    programs: ProgramRuler
    limits: Limits


@lru_cache(maxsize=64)
def judges_of(rules: tuple[Rule, ...], places: Places) -> _Judges:
    """What the runs under these rules have in common: each has a gate of its own, and patterns take time to
    compile."""
    context = EnforcementContext(digest="", rules=rules)
    return _Judges(
        context.of(HttpRule),
        context.of(SocketsRule),
        FileRuler(context.of(FilesRule), places),
        ProgramRuler(context.of(ProcessRule), places),
        limits_of(context.of(LimitsRule)),
    )


class Connection(Protocol):
    def cut(self) -> None:
        """End it at once, from any thread, whoever is reading or writing."""


class Gate:
    """Safe to use from several threads.

    rules: those that apply to the worker. places: its surroundings. alone: whether its process is its own.
    """

    def __init__(
        self,
        rules: EnforcementContext,
        worker_id: str,
        *,
        places: Places,
        alone: bool,
    ) -> None:
        judges = judges_of(rules.rules, places)
        self._http = judges.http
        self._http_ruler = HttpRuler(self._http, worker_id)
        self._acts = Acts(
            judges.files,
            SocketRuler(judges.sockets),
            judges.programs,
            places,
            alone=alone,
            ask=lambda acts: self.judge(acts) is None,
        )
        self.allowance = Allowance(judges.limits)
        self.listeners: list[Callable[[Refusal], None]] = []
        """Hear of each refusal at once, in the thread that was refused."""
        # What the collector comes upon in here may be refused, and noted, in its turn.
        self._lock = threading.RLock()
        self._refusals: list[Refusal] = []
        self._connections: set[Connection] = set()
        self._revoked: str | None = None
        self.free = self.allowance.unlimited
        """Whether bytes needn't be counted, nor held up because the run is over."""
        self.checks = 0
        """How many acts were judged."""
        self.refused_count = 0
        """How many of them were refused."""

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """What was refused, in order, as far as it is kept: the first hundred."""
        with self._lock:
            return tuple(self._refusals)

    def consider(self, event: str, arguments: tuple[Any, ...]) -> Exception | None:
        """The refusal of what an audit event announces, if the rules or the end of the run forbid it. What
        can't be judged is refused; where there is no room left to judge, it fails as Python itself does."""
        if event == ANOTHER_HOOK:
            return PermissionError("no audit hook is added by a worker")
        try:
            return self.judge(acts_of(self._acts, event, arguments))
        except (RecursionError, MemoryError) as error:
            return error
        except Exception as error:  # noqa: BLE001  (a worker may hand Python anything, and may catch this)
            with self._lock:
                self.checks += 1
            why = f"it can't be judged ({type(error).__name__}: {cut(str(error), 200)})"
            return self.refused(Refusal(GUARD, f"an act by the name of {event}", why))

    def admit(self, asked: Asked) -> None:
        """Raises Refused when the rules, a limit, or the end of the run forbid this request."""
        with self._lock:
            self.checks += 1
        if self._revoked is not None:
            raise self.refused(Refusal(GUARD, asked.act, self._revoked))
        refusal = self._http_ruler.decide(asked) or self.allowance.use("requests", 1)
        if refusal is not None:
            raise self.refused(refusal)

    def admit_another(self) -> bool:
        """Whether one more request like one that was admitted passes. False, and nothing is counted, when the
        run is over or a limit reached: `admit` says so."""
        if not self.free and (self._revoked is not None or self.allowance.use("requests", 1) is not None):
            return False
        with self._lock:
            self.checks += 1
        return True

    def admit_addresses(self, host: str, port: int, addresses: Sequence[str]) -> None:
        """Raises Refused when a name that no rule names leads to an address that isn't public."""
        self.still_open(f"connecting to {host}:{port}")
        if names(self._http, host, port):
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

    def pass_bytes(self, limit: str, amount: int) -> None:
        """Raises Refused once the run is over, or when so many more are beyond a limit of `LimitsRule`."""
        self.still_open("reading an answer" if limit == "bytes_in" else "sending a request")
        refusal = self.allowance.use(limit, amount)
        if refusal is not None:
            raise self.refused(refusal)

    def refused(self, refusal: Refusal) -> Refused:
        """Note the refusal, with the place in the worker's code, as the exception to raise."""
        act, why = cut(refusal.act, _LONGEST), cut(refusal.why, _LONGEST)
        noted = Refusal(refusal.rule, act, why, refusal.where or _workers_line())
        with self._lock:
            self.refused_count += 1
            if len(self._refusals) < _MOST_NOTED:
                self._refusals.append(noted)
        for listener in self.listeners:
            listener(noted)
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
            self.free = False
            self._revoked = self._revoked or why
            connections = tuple(self._connections)
        for connection in connections:
            connection.cut()

    def judge(self, acts: Iterable[tuple[str, Ruling]]) -> Refused | None:
        """The refusal of the first of these acts that the rules, or the end of the run, forbid."""
        for act, ruling in acts:
            with self._lock:
                self.checks += 1
            if self._revoked is not None:
                return self.refused(Refusal(GUARD, act, self._revoked))
            if not ruling.allowed:
                return self.refused(Refusal(ruling.rule, act, ruling.why))
        return None


def _workers_line() -> str | None:
    """The innermost line on the stack that is neither Loom's, nor a library's, nor Python's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_NOT_THE_WORKERS) and "site-packages" not in file:
            return f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return None
