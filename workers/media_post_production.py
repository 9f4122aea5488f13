"""Encore: which recordings are stuck on their way to being published.

It will read recordings and the state of their edit, transcript, artwork and approval, and find steps
that are late, missing, or done out of order. Until it is built every run is skipped.
"""

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import Skip, WorkerContext, WorkerOutput


class Settings(BaseModel):
    """late_after_days: days in one step after which it counts as late."""

    model_config = ConfigDict(extra="forbid")

    late_after_days: int = Field(default=7, ge=1)


class Output(WorkerOutput):
    """recordings_checked: how many recordings were read."""

    recordings_checked: int


def run(_context: WorkerContext[Settings]) -> Output:
    raise Skip("not built yet")
