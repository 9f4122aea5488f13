"""The demo company's services: the sample's stand-ins; HubSpot can be down, and counts its requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from loom.demo.week import MOVED_BY
from loom.sample.exchange import Answered, Asked, serving
from loom.sample.stand_ins import stand_ins

_HUBSPOT = "/hubspot"
_DOWN = {
    "status": "error",
    "category": "SERVICE_UNAVAILABLE",
    "message": "Service temporarily unavailable.",
}
_QUESTIONS = ("/search", "/batch/read")
"""What HubSpot takes by POST although nothing is changed by it."""


class Services:
    """port: where they answer, on loopback. down: whether HubSpot answers 503.
    asked: how many requests reached HubSpot. written: those of them that would have changed it."""

    def __init__(self) -> None:
        self.port = 0
        self.down = False
        self.asked = 0
        self.written = 0
        self._stand_ins = stand_ins(moved_by=MOVED_BY)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Within, they answer, on a port that was free. Raises OSError when there is none."""
        hubspot = self._stand_ins[_HUBSPOT]

        def perhaps(asked: Asked) -> Answered:
            self.asked += 1
            self.written += not _only_asks(asked)
            return Answered.of_json(503, _DOWN) if self.down else hubspot(asked)

        with serving({**self._stand_ins, _HUBSPOT: perhaps}) as base:
            self.port = urlsplit(base).port or 0
            yield


def _only_asks(asked: Asked) -> bool:
    return asked.method in ("GET", "HEAD") or (asked.method == "POST" and asked.path.endswith(_QUESTIONS))
