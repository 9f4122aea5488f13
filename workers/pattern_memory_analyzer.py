"""Echo: what the agents' memories have in common.

It will read what the agents remember of past runs, and find what comes back, what goes together, and
patterns worth keeping as instructions. Until it is built every run is skipped.
"""

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import Skip, WorkerContext, WorkerOutput


class Settings(BaseModel):
    """window_days: how many days of memories to read."""

    model_config = ConfigDict(extra="forbid")

    window_days: int = Field(default=30, ge=1)


class Output(WorkerOutput):
    """memories_analyzed: how many memories were read."""

    memories_analyzed: int


def run(_context: WorkerContext[Settings]) -> Output:
    raise Skip("not built yet")
