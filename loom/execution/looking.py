"""Looking at a worker's module without running it, for no longer than a run of it might take, or a moment."""

import threading
from collections.abc import Callable
from typing import TypeVar

from loom.domain.run import RunError
from loom.domain.worker import Worker
from loom.execution.entrypoint import EntrypointError

Seen = TypeVar("Seen")
LONGEST_S = 30.0


def look_briefly(worker: Worker, look: Callable[[], Seen]) -> Seen:
    """What `look` returns, which imports the module of `worker` and asks its models. It is called in a thread
    of its own, as a run is, so that Ctrl-C and SIGTERM end the caller and are no error of the module's.

    Raises what `look` raises, and EntrypointError after the worker's timeout, or LONGEST_S if that is less.
    """
    seen: list[Seen] = []
    raised: list[BaseException] = []

    def go() -> None:
        try:
            seen.append(look())
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
            raised.append(error)

    seconds = min(worker.timeout.total_seconds(), LONGEST_S)
    thread = threading.Thread(target=go, name=f"loom looks at {worker.id}", daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    if not seen:
        module = worker.entrypoint.partition(":")[0]
        message = (
            f"{module} and its models still weren't there after {seconds:g} s; each run would wait as long"
        )
        raise EntrypointError(RunError("EntrypointError", message, None))
    return seen[0]
