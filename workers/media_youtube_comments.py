"""Broadcast: which comments on YouTube need a person.

It will read new comments on the channel's videos through the YouTube Data API, read-only, and find
questions left unanswered, complaints, and spam. Until it is built every run is skipped.
"""

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import Skip, WorkerContext, WorkerOutput


class Settings(BaseModel):
    """window_days: how many days of comments to look back on."""

    model_config = ConfigDict(extra="forbid")

    window_days: int = Field(default=7, ge=1)


class Output(WorkerOutput):
    """videos_checked: how many videos' comments were read."""

    videos_checked: int


def run(_context: WorkerContext[Settings]) -> Output:
    raise Skip("not built yet")
