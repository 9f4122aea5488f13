"""Inspection: a worker's module and models are asked without a run, for no longer than one wants to wait."""

import threading
from collections.abc import Callable
from typing import TypeVar

from loom.execution.diversion import undisturbed

Seen = TypeVar("Seen")
_SLICE_S = 0.25


class NotOver(Exception):
    """Nobody waits for the answer any more; the thread that it comes from is left to itself."""


def inspected(
    look: Callable[[], Seen], *, within_s: float, given_up: Callable[[], bool] = lambda: False
) -> Seen:
    """What `look` returns, which imports a module and asks its models: the worker's code, which may take its
    time. It is called in a thread of its own, as a run is, so that what a signal raises is no error of the
    module's; and what it prints goes to stderr.

    given_up: asked four times a second. Raises what `look` raises, and NotOver once it is true or after
    `within_s` seconds.
    """
    seen: list[Seen] = []
    raised: list[BaseException] = []

    def go() -> None:
        try:
            seen.append(look())
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
            raised.append(error)

    thread = threading.Thread(target=go, name="loom looks at a worker", daemon=True)
    # Here and not in the thread: it would give the streams back whenever it ends, in the middle of a run too.
    with undisturbed():
        thread.start()
        left = within_s
        while thread.is_alive() and left > 0 and not given_up():
            thread.join(min(left, _SLICE_S))
            left -= _SLICE_S
    if raised:
        raise raised[0]
    if not seen:
        raise NotOver
    return seen[0]
