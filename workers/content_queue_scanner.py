"""Forge: whether there is enough to publish, and in good shape.

It will read the content queue: drafts, their state, owner and day of publication, and find gaps in the
coming weeks, drafts that are late or stuck, and pieces without an owner. Until it is built every run is
skipped.
"""

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import Skip, WorkerContext, WorkerOutput


class Settings(BaseModel):
    """weeks_ahead: how many weeks the queue should cover."""

    model_config = ConfigDict(extra="forbid")

    weeks_ahead: int = Field(default=4, ge=1)


class Output(WorkerOutput):
    """items_checked: how many pieces of content were read."""

    items_checked: int


def run(_context: WorkerContext[Settings]) -> Output:
    raise Skip("not built yet")
