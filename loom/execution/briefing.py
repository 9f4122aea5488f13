"""Briefing: the context that a worker is handed, and the end of what was opened for it."""

import threading
from collections.abc import Awaitable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from loom.cutting import cut
from loom.execution.diversion import speak_again, speak_into
from loom.execution.flight import Flight
from loom.worker import PastRun, PermanentError, WorkerContext

if TYPE_CHECKING:
    import asyncio

    import httpx


class Loop:
    """One event loop for all attempts of a run, made when first needed: a guarded async client stays
    usable from one attempt to the next."""

    def __init__(self, flight: Flight) -> None:
        self._flight = flight
        self._runner: asyncio.Runner | None = None

    def run(self, awaitable: Awaitable[Any]) -> Any:
        import asyncio

        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(self._supervised(awaitable))

    def close(self, client: "httpx.AsyncClient | None") -> None:
        """End the loop, with what was left running in it, and `client` before it."""
        if self._runner is None:
            return
        try:
            if client is not None:
                self._runner.run(client.aclose())
        finally:
            self._runner.close()

    async def _supervised(self, awaitable: Awaitable[Any]) -> Any:
        import asyncio

        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def cancel() -> None:
            if task is not None:
                with suppress(RuntimeError):  # the loop is closed: there is nothing left to cancel
                    loop.call_soon_threadsafe(task.cancel)

        self._flight.awaited = awaitable
        self._flight.interrupted_by(cancel)
        try:
            return await awaitable
        finally:
            self._flight.interrupted_by(None)
            self._flight.awaited = None


class Briefing:
    """A context manager: on leaving, the guarded clients that the worker asked for are closed."""

    def __init__(self, flight: Flight, settings: BaseModel) -> None:
        self.loop = Loop(flight)
        self._flight = flight
        self._client: httpx.Client | None = None
        self._async_client: httpx.AsyncClient | None = None
        self._past: tuple[PastRun, ...] | None = None
        self._asking = threading.Lock()
        assignment = flight.assignment
        self.context: WorkerContext[BaseModel] = WorkerContext(
            worker_id=assignment.worker.id,
            agent=assignment.worker.agent,
            slot=assignment.slot,
            slot_key=assignment.slot_key,
            now=assignment.now,
            settings=settings,
            enforcement=assignment.guard.context,
            log=flight.log.logger,
            previous=assignment.previous,
            project=assignment.project,
            history_source=self._history,
            secret_source=self._secret,
            http_source=self._http,
            http_async_source=self._http_async,
            progress_sink=self._say,
            cancelled_source=flight.cancelled.is_set,
        )

    def __enter__(self) -> "Briefing":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._client is not None:
                self._client.close()
            self.loop.close(self._async_client)
        except BaseException as trouble:  # noqa: BLE001 - what a worker left behind doesn't change what it did
            self._flight.log.line("WARNING", f"left behind and not closed: {cut(repr(trouble), 200)}")

    def _http(self) -> "httpx.Client":
        self._client = self._flight.assignment.guard.http()
        return self._client

    def _http_async(self) -> "httpx.AsyncClient":
        self._async_client = self._flight.assignment.guard.http_async()
        return self._async_client

    def _history(self) -> tuple[PastRun, ...]:
        with self._asking:
            if self._past is None:
                from loom.execution.recollection import recollect

                self._past = recollect(self._flight.assignment)
            return self._past

    def _secret(self, name: str) -> str:
        worker = self._flight.assignment.worker
        if name not in worker.requires.env:
            raise PermanentError(
                f"worker {worker.id!r} doesn't require the secret {name!r}; "
                f"add it under requires.env of this worker in worker-registry.yaml"
            )
        self._flight.assignment.guard.admit_secret(name)
        try:
            return self._flight.assignment.secrets[name]
        except KeyError:
            raise PermanentError(f"the secret {name!r} isn't set in the environment") from None

    def _say(self, text: str) -> None:
        if self._flight.cancelled.is_set():
            return
        self._flight.log.line("PROGRESS", text)
        token = speak_into(None)
        try:
            self._flight.assignment.say(text)
        except Exception as error:  # noqa: BLE001 - whoever watches must not be able to fail a worker
            self._flight.log.line("WARNING", f"progress couldn't be shown: {cut(repr(error), 200)}")
        finally:
            speak_again(token)
