"""Sentinel: which relationships are growing cold.

It will read contacts, their owners and the last activity of each in HubSpot, read-only, and find
contacts gone quiet, without an owner, or waiting for an answer. Until it is built every run is skipped.
"""

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import Skip, WorkerContext, WorkerOutput


class Settings(BaseModel):
    """quiet_after_days: days without activity after which a contact counts as quiet."""

    model_config = ConfigDict(extra="forbid")

    quiet_after_days: int = Field(default=30, ge=1)


class Output(WorkerOutput):
    """contacts_checked: how many contacts were read."""

    contacts_checked: int


def run(_context: WorkerContext[Settings]) -> Output:
    raise Skip("not built yet")
