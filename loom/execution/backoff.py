"""How long to wait before the next attempt within a tick."""

from collections.abc import Callable
from datetime import timedelta

from loom.domain.worker import Retry


def wait_before(attempt: int, retry: Retry, random: Callable[[], float]) -> timedelta:
    """The wait before attempt 2, 3, ...: backoff * factor^(attempt - 2), capped, then varied by the jitter.

    random: gives numbers in [0, 1); 0.5 means no variation.
    """
    try:
        seconds = retry.backoff.total_seconds() * retry.factor ** (attempt - 2)
    except OverflowError:
        seconds = float("inf")
    seconds = min(seconds, retry.max_backoff.total_seconds())
    return timedelta(seconds=max(0.0, seconds * (1 + retry.jitter * (2 * random() - 1))))
