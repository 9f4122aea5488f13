"""Refiner: which instructions given to agents don't work as meant.

It will read the guidance in `enforcement/guidance` and how runs under it have ended, and find
instructions that contradict one another, are never followed, or make outputs invalid. Until it is built
every run is skipped.
"""

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import Skip, WorkerContext, WorkerOutput


class Settings(BaseModel):
    """window_days: how many days of runs to weigh them by."""

    model_config = ConfigDict(extra="forbid")

    window_days: int = Field(default=30, ge=1)


class Output(WorkerOutput):
    """instructions_reviewed: how many instructions were read."""

    instructions_reviewed: int


def run(_context: WorkerContext[Settings]) -> Output:
    raise Skip("not built yet")
