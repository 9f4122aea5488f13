"""Prelude: which recordings to come aren't ready to be made.

It will read the production calendar: episodes, guests, scripts and booked days, and find episodes
without a guest, script or day, and those whose day is near. Until it is built every run is skipped.
"""

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import Skip, WorkerContext, WorkerOutput


class Settings(BaseModel):
    """days_ahead: how many days of the calendar to read."""

    model_config = ConfigDict(extra="forbid")

    days_ahead: int = Field(default=14, ge=1)


class Output(WorkerOutput):
    """episodes_checked: how many planned episodes were read."""

    episodes_checked: int


def run(_context: WorkerContext[Settings]) -> Output:
    raise Skip("not built yet")
