"""The sample company's CRM, served, and the faults that were planted in it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from loom.sample.hubspot import HubSpot, records_in
from tests.ground.shut import REPOSITORY
from tests.sample.planted import Planted, planted
from tests.workers.hubspot_openapi import PREFIX, Service

COMPANY = REPOSITORY / "loom" / "sample" / "company"
SAMPLE_NOW = datetime(2026, 6, 15, 9, 0, tzinfo=ZoneInfo("America/Chicago"))
TOKEN = "sample-token"  # noqa: S105
_CRM = REPOSITORY / "loom" / "sample" / "crm"


def planted_at(worker: str, service: Service) -> Planted:
    """What is planted for the worker, and its settings for this service."""
    return planted(worker, base=service.api.removesuffix(PREFIX))


def sample_crm() -> HubSpot:
    """The sample's HubSpot."""
    return HubSpot(records_in(_CRM), token=TOKEN)


def crm_record(
    record_id: str | int,
    properties: Mapping[str, str | None],
    *,
    created: str = "2026-01-05T15:00:00.000Z",
    **associations: list[str],
) -> dict[str, Any]:
    """A record as the stand-in holds it."""
    return {
        "id": str(record_id),
        "properties": dict(properties),
        "createdAt": created,
        "updatedAt": created,
        "associations": associations,
    }
