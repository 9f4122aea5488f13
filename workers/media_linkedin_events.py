"""What is happening around the company's events on LinkedIn.

It will read the company's events and how many people answered, from LinkedIn, and find events without a
description or speaker, and those few have answered. Until it is built every run is skipped.
"""

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import Skip, WorkerContext, WorkerOutput


class Settings(BaseModel):
    """days_ahead: how many days of events to read."""

    model_config = ConfigDict(extra="forbid")

    days_ahead: int = Field(default=60, ge=1)


class Output(WorkerOutput):
    """events_checked: how many events were read."""

    events_checked: int


def run(_context: WorkerContext[Settings]) -> Output:
    raise Skip("not built yet")
