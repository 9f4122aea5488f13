"""Programs that Loom itself starts while workers are at work in its process."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Reentrant: what the collector calls meanwhile, on this thread, may fork as well.
_starting = threading.RLock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_starting.acquire, after_in_parent=_starting.release, after_in_child=_starting.release
    )


@contextmanager
def starting() -> Iterator[None]:
    """Within, no other thread forks. A copy of this process that a worker makes would have the ends of the
    pipes to the program that is being started, and whoever waits until they are closed would wait for it."""
    with _starting:
        yield
