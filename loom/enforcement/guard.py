"""Guard: the enforcement context around one run of one worker."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loom.domain.enforcement import EnforcementContext, OutputRuling, Refusal
from loom.domain.rules import HttpRule, OutputRule
from loom.enforcement.gate import Gate
from loom.enforcement.output_rules import rule_on

if TYPE_CHECKING:
    import httpx


class RunGuard:
    """Hands out the clients through which a worker may reach the network, and judges what it returns.

    Implements `loom.ports.Guard`. Safe to use from several threads.

    tell: hears of each refusal at once, in the thread that was refused.
    """

    def __init__(
        self,
        context: EnforcementContext,
        *,
        worker_id: str,
        agent: str | None,
        tell: Callable[[Refusal], None] = lambda _: None,
    ) -> None:
        self._gate = Gate(context.of(HttpRule), worker_id, agent, tell)
        self._output = tuple(rule for rule in context.of(OutputRule) if rule.is_for(worker_id, agent))
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._async_client: httpx.AsyncClient | None = None

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """What was refused so far, in order; output rules don't count here."""
        return self._gate.refusals

    def http(self) -> "httpx.Client":
        """The guarded client: the same one every time, unless the worker has closed it.

        A forbidden request raises `loom.worker.Refused` and is noted in `refusals`; nothing is sent.
        """
        from loom.enforcement.client import client

        with self._lock:
            if self._client is None or self._client.is_closed:
                self._client = client(self._gate)
            return self._client

    def http_async(self) -> "httpx.AsyncClient":
        """As `http`, for coroutines. Whoever runs the event loop closes it, inside the loop."""
        from loom.enforcement.client import async_client

        with self._lock:
            if self._async_client is None or self._async_client.is_closed:
                self._async_client = async_client(self._gate)
            return self._async_client

    def revoke(self, why: str) -> None:
        """From now on every request is refused, on clients handed out before too; connections are cut."""
        self._gate.revoke(why)

    def rule_on(self, output: Any) -> OutputRuling:
        """What the output rules say of an output's JSON form; never raises."""
        return rule_on(self._output, output)

    def close(self) -> None:
        """Revoke, and give back what the blocking client holds."""
        self.revoke("the run is over")
        with self._lock:
            if self._client is not None:
                self._client.close()
