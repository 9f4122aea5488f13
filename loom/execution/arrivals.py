"""Arrivals: the executions that have come in, whichever executor they come from."""

import queue

from loom.domain.execution import Execution


class Arrivals:
    """Runs may arrive from any thread; one thread expects and waits."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[str, Execution]] = queue.SimpleQueue()
        self.outstanding = 0

    def expect(self) -> None:
        """One more run is under way."""
        self.outstanding += 1

    def put(self, key: str, execution: Execution) -> None:
        self._queue.put((key, execution))

    def wait(self, timeout: float | None = None) -> list[tuple[str, Execution]]:
        """The runs that have ended, by key: at least one, unless `timeout` seconds pass or none runs."""
        if self.outstanding == 0:
            return []
        try:
            ended = [self._queue.get(timeout=None if timeout is None else max(0.0, timeout))]
            while not self._queue.empty():
                ended.append(self._queue.get_nowait())
        except queue.Empty:
            return []
        self.outstanding -= len(ended)
        return ended
