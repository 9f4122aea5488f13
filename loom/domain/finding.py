"""A finding, as a run's output has it."""

from loom.values import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """A finding as it stands in a run's output. severity: critical, warning or info. action: what to do."""

    severity: str
    title: str
    detail: str = ""
    subject: str = ""
    url: str = ""
    action: str = ""
