"""The services that stand in for the sample company's, under one address on loopback."""

import http.client
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from loom import __version__
from loom.sample.exchange import Answered, Asked, StandIn
from loom.sample.hubspot import HubSpot, records_in
from loom.sample.project import SECRETS
from loom.sample.site import Site
from loom.sample.youtube import YouTube, read_records

WHO = "/loom-sample"
"""Where the server says what it is: nothing that a worker asks for."""

SERVICES: Mapping[str, str] = MappingProxyType(
    {
        "/hubspot": "its HubSpot: contacts, companies, deals, mails",
        "/youtube": "its YouTube: videos, playlist, comments",
        "": "its website and podcast feed",
    }
)
"""Each prefix that answers, and what it stands in for."""

_CRM = Path(__file__).with_name("crm")


def stand_ins(*, moved_by: timedelta = timedelta()) -> dict[str, StandIn]:
    """One for each of `SERVICES`, by its prefix, as they are at their beginning, all their days moved."""
    return {
        "/hubspot": HubSpot(records_in(_CRM, moved_by=moved_by), token=SECRETS["HUBSPOT_ACCESS_TOKEN"]),
        "/youtube": YouTube(records=read_records(moved_by=moved_by), key=SECRETS["YOUTUBE_API_KEY"]),
        "": Site(moved_by=moved_by),
        WHO: _who,
    }


def answers_at(port: int, *, timeout_s: float = 2.0) -> bool:
    """Whether the stand-ins of this version of Loom are served there already, on loopback."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("GET", WHO)
        answer = connection.getresponse()
        return answer.status == 200 and json.loads(answer.read(1_000)) == _ME
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()


_ME = {"what": "the services of Loom's sample company", "version": __version__}


def _who(asked: Asked) -> Answered:
    return Answered.of_json(200, _ME) if asked.method == "GET" else Answered(405)
