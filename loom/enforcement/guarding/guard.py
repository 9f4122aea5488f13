"""Guard: the enforcement context around one run of one worker."""

import gc
import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from loom.domain.enforcement import EnforcementContext, OutputRuling, Refusal
from loom.domain.rules import OutputRule, SecretsRule
from loom.enforcement.guarding import audit, beneath
from loom.enforcement.guarding.gate import Gate
from loom.enforcement.judges.output import rule_on
from loom.enforcement.judges.places import Places
from loom.enforcement.judges.secrets import rule_on_secret

if TYPE_CHECKING:
    import httpx

_listening = False
_beginning = threading.Lock()


class RunGuard:
    """Stands between one run and everything beyond it: hands out the clients through which a worker may reach
    the network, stops what else its code does, and judges what it returns.

    Implements `loom.ports.Guard`. Safe to use from several threads.

    places: the worker's surroundings. alone: whether the whole process is this run's: all that happens in it
    once `inside` was called, and not `outside`.
    """

    def __init__(
        self,
        context: EnforcementContext,
        *,
        worker_id: str,
        agent: str | None,
        places: Places,
        alone: bool = False,
    ) -> None:
        self.context = context.narrowed(worker_id, agent)
        """The rules that apply to this run."""
        self._who = worker_id, agent
        self._alone = alone
        self._whole = context
        self._gate = Gate(self.context, worker_id, places=places, alone=alone)
        self._output = self.context.of(OutputRule)
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._async_client: httpx.AsyncClient | None = None

    def tell(self, listener: Callable[[Refusal], None]) -> None:
        """From now on `listener` hears of each refusal at once, in the thread that was refused."""
        self._gate.listeners.append(listener)

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """What was refused so far, in order, the first hundred; output rules don't count here."""
        return self._gate.refusals

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules and the guidance that apply to this run."""
        return self.context.rule_ids

    @property
    def checks(self) -> int:
        """How many acts were judged so far."""
        return self._gate.checks

    @property
    def refused(self) -> int:
        """How many of them were refused."""
        return self._gate.refused_count

    def inside(self) -> AbstractContextManager[None]:
        """Within, and in whatever is started from there, each act is this run's and judged as such.

        A forbidden one raises `loom.worker.Refused` and is noted in `refusals`; it doesn't happen.
        """
        _listen()
        if self._alone:
            audit.keep_process(self._gate)
        return audit.kept(self._gate)

    def outside(self) -> AbstractContextManager[None]:
        """Within, what this thread does is Loom's own doing, though the process is the run's."""
        return audit.kept(audit.LOOM)

    def http(self) -> "httpx.Client":
        """The guarded client: the same one every time, unless the worker has closed it.

        A forbidden request raises `loom.worker.Refused` and is noted in `refusals`; nothing is sent.
        """
        with self.outside(), self._lock:
            from loom.enforcement.guarding.client import client

            if self._client is None or self._client.is_closed:
                self._client = client(self._gate)
            return self._client

    def http_async(self) -> "httpx.AsyncClient":
        """As `http`, for coroutines. Whoever runs the event loop closes it, inside the loop."""
        with self.outside(), self._lock:
            from loom.enforcement.guarding.client import async_client

            if self._async_client is None or self._async_client.is_closed:
                self._async_client = async_client(self._gate)
            return self._async_client

    def grants_secret(self, name: str) -> bool:
        """Whether the rules leave this secret, which the worker requires, to it."""
        return rule_on_secret(self._whole.of(SecretsRule), *self._who, name).allowed

    def admit_secret(self, name: str) -> None:
        """Raises `loom.worker.Refused` when a rule keeps this secret, which the worker requires, from it."""
        ruling = rule_on_secret(self._whole.of(SecretsRule), *self._who, name)
        refused = self._gate.judge([(f"reading the secret {name}", ruling)])
        if refused is not None:
            raise refused

    def revoke(self, why: str) -> None:
        """From now on every act is refused, through clients handed out before too; connections are cut."""
        self._gate.revoke(why)

    def rule_on(self, value: Any) -> OutputRuling:
        """What the output rules say of a text, or of a value in its JSON form; never raises."""
        return rule_on(self._output, value)

    def rule_on_output(self, output: Any) -> OutputRuling:
        """As `rule_on`, for the output as a whole, which may be too much as well."""
        ruling = self.rule_on(output)
        if ruling.refusal is not None or self._gate.allowance.unlimited:
            return ruling
        size = len(json.dumps(output, ensure_ascii=False).encode(errors="surrogatepass"))
        refusal = self._gate.allowance.exceeded_by(output, size)
        return ruling if refusal is None else OutputRuling(ruling.value, ruling.redacted, refusal)

    def close(self) -> None:
        """Revoke, and give back what the blocking client holds."""
        self.revoke("the run is over")
        with self._lock:
            if self._client is not None:
                self._client.close()


def _listen() -> None:
    """From the first run on. Those that begin with it wait until all is in place."""
    global _listening
    with _beginning:
        if not _listening:
            from loom.enforcement.guarding import inheritance

            beneath.install()
            inheritance.install()
            audit.install()
            # What Loom is made of stays till the process ends. The collector needn't look through it beside
            # what workers make, nor thrice when Python is taken apart: a sixteenth of a tick with one run.
            gc.freeze()
            _listening = True
