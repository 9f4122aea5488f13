"""Requests whose address is a secret, kept out of the log that httpx writes of every request."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unlogged() -> Iterator[None]:
    """While this holds, httpx logs nothing of this thread's; other threads go on being logged."""
    here = threading.get_ident()
    logger = logging.getLogger("httpx")

    def elsewhere(record: logging.LogRecord) -> bool:
        return record.thread != here

    logger.addFilter(elsewhere)
    try:
        yield
    finally:
        logger.removeFilter(elsewhere)
