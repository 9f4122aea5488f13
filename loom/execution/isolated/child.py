"""The worker's half of a process of its own: told of one run, makes it, tells Loom, and ends."""

import faulthandler
import os
import resource
import select
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from loom.clock import SystemClock
from loom.domain.enforcement import EnforcementContext, Refusal
from loom.domain.execution import Ending, Execution
from loom.domain.run import RunError
from loom.domain.worker import Worker
from loom.execution.attempts import TOLD_IN, Fits, conduct
from loom.execution.diversion import DIVERSION, speak_into
from loom.execution.flight import Flight
from loom.execution.isolated.errand import Errand, unpacked
from loom.execution.isolated.frames import ATTEMPT, PROGRESS, REFUSED
from loom.execution.isolated.handover import progress_written, refusal_written, written
from loom.execution.isolated.pipes import Channel, Pipe, PipeLog
from loom.execution.isolated.postmortem import UNHEARD, out_of_memory
from loom.execution.isolated.supervisor import Ends
from loom.values import make_ready, replace

if TYPE_CHECKING:
    from loom.ports import Guard

GuardFor = Callable[[EnforcementContext, Worker, Path], "Guard"]

_SMALL_STACK = 256 * 1024
_PATIENCE_S = 5.0


def serve(request: bytes, ends: Ends, *, guard: GuardFor, fits: Fits) -> None:
    """Make the one run of this process. Whoever calls this ends the process next, as Python ends.

    The worker's code has the main thread. guard: makes this process's guard, for a worker of the project in
    a folder. fits: what an output model says of what was returned, which may have so many bytes.
    """
    me = os.getpid()
    run = _Run(unpacked(request), ends, guard)
    run.prepare()
    execution = run.conduct(fits)
    if os.getpid() != me:
        os._exit(0)  # a copy of this process that the worker's code made and let run on
    run.hand_over(execution)


class _Run:
    def __init__(self, errand: Errand, ends: Ends, guard: GuardFor) -> None:
        self._errand = errand
        self._dump = ends.dump
        self._nudge = Pipe(ends.nudge)
        self._channel = Channel(ends.frames)
        # A descriptor of its own: what the worker's code does to 1 and 2 is its own affair.
        self._log = PipeLog(os.dup(1), f"worker.{errand.worker.id}", errand.started)
        self._guard = guard(errand.enforcement, errand.worker, errand.project)
        self._guard.tell(self._refused)
        assignment = errand.assignment(self._guard, self._say)
        self._flight = Flight(assignment, SystemClock(), log=self._log, started=errand.started)
        self._flight.thread = threading.main_thread()
        self._flight.thread.name = f"loom {errand.key}"
        self._told = threading.Event()

    def prepare(self) -> None:
        """Make ready to be asked to stop, to die, and to be heard."""
        make_ready(*TOLD_IN)  # the run may leave no memory to do so
        waker, woken = (Pipe(handle) for handle in os.pipe())

        def asked(signum: int, frame: object) -> None:  # noqa: ARG001 - the shape of a signal handler
            with suppress(OSError):
                woken.write(b"\n")

        signal.signal(signal.SIGTERM, asked)
        # Says where each thread is, also while one holds the interpreter and the handler above has to wait.
        faulthandler.register(signal.SIGTERM, file=self._dump, all_threads=True, chain=True)
        faulthandler.enable(file=self._dump)
        os.register_at_fork(after_in_child=self._forked)
        stack = threading.stack_size(_SMALL_STACK)  # it counts as memory
        threading.Thread(target=self._listen, args=(waker,), name="loom orders", daemon=True).start()
        threading.stack_size(stack)
        DIVERSION.hold()
        speak_into(self._log)

    def conduct(self, fits: Fits) -> Execution:
        """The run, and what its output model says of it, both within the memory it may use."""
        memory, limit = self._errand.worker.memory, self._errand.output_limit
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))  # a core would hold the secrets
        try:
            usual = _hold_to(memory)
        except (ValueError, OSError) as error:
            message = f"this system holds no process to a memory limit ({error}); leave `memory` out"
            return self._flight.ended(Ending.RAISED, error=RunError("MemoryLimit", message))
        with self._guard.inside():
            execution = conduct(self._flight, pause=self._pause, random=_random, limit=limit, fits=fits)
        execution = replace(execution, checks=self._guard.checks, refusals=self._guard.refused)
        _hold_to(usual)  # it must be possible to tell
        if memory is not None and execution.error is not None:
            execution = replace(execution, error=out_of_memory(execution.error, memory))
        return execution

    def hand_over(self, execution: Execution) -> None:
        """Tell how the run ended, unless it overran meanwhile: then that is being told."""
        if not self._flight.land():
            self._told.wait(_PATIENCE_S)
            return
        self._guard.revoke("the run is over")
        self._tell(execution)

    def _tell(self, execution: Execution) -> None:
        try:
            for kind, payload in written(execution, execution.shape):
                self._channel.send(kind, payload)
        except OSError:
            self._log.line("ERROR", "the worker's code closed the pipe that its result was to go through")
            os._exit(UNHEARD)
        self._log.close()
        self._told.set()

    def _listen(self, waker: Pipe) -> None:
        """Do what Loom, through the supervisor, or a signal asks for."""
        with self._guard.outside():
            self._hear(waker)

    def _hear(self, waker: Pipe) -> None:
        ears = {self._nudge.fileno(): self._nudge, waker.fileno(): waker}
        poll = select.poll()
        for handle in ears:
            poll.register(handle, select.POLLIN)
        heard = b""
        while ears:
            # Loom's word first: the signal that comes with it knows less.
            for handle, _ in sorted(poll.poll(), key=lambda ready: ears[ready[0]] is waker):
                try:
                    said = os.read(ears[handle].fileno(), 4096)
                except OSError:  # the worker's code has closed it
                    poll.unregister(handle)
                    del ears[handle]
                    continue
                if ears[handle] is waker:
                    self._flight.stop("its process was told to end (SIGTERM)")
                    continue
                if not said:
                    os.killpg(os.getpgrp(), signal.SIGKILL)  # the supervisor is gone, and so is Loom
                *orders, heard = (heard + said).split(b"\n")
                for order in orders:
                    self._obey(order.decode(errors="replace"))

    def _obey(self, order: str) -> None:
        verb, _, why = order.partition(" ")
        if verb == "stop":
            self._flight.stop(why)
        elif self._flight.land():
            self._tell(self._flight.overran())

    def _refused(self, refusal: Refusal) -> None:
        # At once: the process may not live to tell it later.
        with suppress(OSError):
            self._channel.send(REFUSED, refusal_written(refusal))

    def _say(self, text: str) -> None:
        self._channel.send(PROGRESS, progress_written(text))

    def _pause(self, stopped: threading.Event, seconds: float) -> bool:
        if stopped.wait(seconds):
            return True
        with suppress(OSError):
            self._channel.send(ATTEMPT)
        return False

    def _forked(self) -> None:
        """In a copy of this process that the worker's code makes: it ends at SIGTERM as any other would."""
        faulthandler.unregister(signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._channel.forked()
        self._log.forked()


def _hold_to(memory: int | None) -> int:
    """Limit this process to so many bytes of address space, None is as they are. Returns what held before."""
    before, most = resource.getrlimit(resource.RLIMIT_AS)
    if memory is not None and memory != before:
        capped = most != resource.RLIM_INFINITY and not 0 <= memory <= most
        resource.setrlimit(resource.RLIMIT_AS, (most if capped else memory, most))
    return before


def _random() -> float:
    from random import random

    return random()  # noqa: S311  (the jitter of a wait)
