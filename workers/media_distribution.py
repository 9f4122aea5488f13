"""Broadcast: whether what was finished also went out everywhere.

It will read published episodes and the channels each should appear on, and find episodes missing from a
channel, and those with a wrong title, link or description. Until it is built every run is skipped.
"""

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import Skip, WorkerContext, WorkerOutput


class Settings(BaseModel):
    """window_days: how many days of episodes to look back on."""

    model_config = ConfigDict(extra="forbid")

    window_days: int = Field(default=14, ge=1)


class Output(WorkerOutput):
    """channels_checked: how many channels were read."""

    channels_checked: int


def run(_context: WorkerContext[Settings]) -> Output:
    raise Skip("not built yet")
