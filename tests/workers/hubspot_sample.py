"""The sample company's CRM, served, and the faults that were planted in it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from loom.sample.hubspot import HubSpot, records_in
from loom.worker import WorkerOutput
from tests.ground.shut import REPOSITORY
from tests.workers.hubspot_openapi import PREFIX, Service

COMPANY = REPOSITORY / "loom" / "sample" / "company"
SAMPLE_NOW = datetime(2026, 6, 15, 9, 0, tzinfo=ZoneInfo("America/Chicago"))
TOKEN = "sample-token"  # noqa: S105
_CRM = REPOSITORY / "loom" / "sample" / "crm"


@dataclass(frozen=True, slots=True)
class Planted:
    """settings: the worker's, `${BASE}` still in them. faults: kind, severity, subject, title, why."""

    settings: Mapping[str, Any]
    faults: list[dict[str, str]]

    @classmethod
    def of(cls, worker_id: str) -> "Planted":
        file = REPOSITORY / "tests" / "sample" / "planted" / f"{worker_id}.yaml"
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
        return cls(read["settings"], read["planted"])

    def settings_at(self, service: Service) -> dict[str, Any]:
        assert self.settings["api"] == "${BASE}" + PREFIX
        return {**self.settings, "api": service.api}

    def missed(self, output: WorkerOutput) -> list[str]:
        """The faults that no finding tells; each is told by one finding."""
        return [fault["subject"] for fault in self.faults if len(self._told(fault, output)) != 1]

    def unplanted(self, output: WorkerOutput) -> list[str]:
        """The findings that tell of no fault."""
        told = [id(one) for fault in self.faults for one in self._told(fault, output)]
        return [f"{one.title}: {one.subject}" for one in output.findings if id(one) not in told]

    def kinds(self) -> Counter[str]:
        return Counter(fault["kind"] for fault in self.faults)

    def _told(self, fault: Mapping[str, str], output: WorkerOutput) -> list[Any]:
        return [
            one
            for one in output.findings
            if one.subject == fault["subject"]
            and fault["title"] in one.title
            and one.severity == fault["severity"]
        ]


def counted(output: WorkerOutput, kinds: tuple[str, ...]) -> Counter[str]:
    """How many findings the metrics count of each kind."""
    return Counter({kind: int(output.metrics[kind]) for kind in kinds if output.metrics[kind]})


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
