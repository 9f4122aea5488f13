"""A hard bound on time for work that can hang where no timeout of its own reaches (DNS, a slow drip)."""

import threading
from collections.abc import Callable

from loom.errors import DeliveryFailed


def within(seconds: float, work: Callable[[], None], late: str) -> None:
    """Do `work`, raising what it raises; after `seconds` of real time raise DeliveryFailed with `late`.

    The late work isn't stopped, only left behind: its thread doesn't keep the process alive.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  carried over to the caller's thread
            raised.append(error)

    thread = threading.Thread(target=run, name="loom-alert", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise DeliveryFailed(late)
    if raised:
        raise raised[0]
