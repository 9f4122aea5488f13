"""Audit: which records can't be trusted.

It will read contacts, companies and deals in HubSpot, read-only, and find duplicates, missing or
impossible values, and associations that lead nowhere. Until it is built every run is skipped.
"""

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import Skip, WorkerContext, WorkerOutput


class Settings(BaseModel):
    """max_records: the most records to read in one run."""

    model_config = ConfigDict(extra="forbid")

    max_records: int = Field(default=10_000, ge=1)


class Output(WorkerOutput):
    """records_checked: how many records were read."""

    records_checked: int


def run(_context: WorkerContext[Settings]) -> Output:
    raise Skip("not built yet")
