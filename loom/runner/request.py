"""What a tick was asked for."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from loom.domain.run import Trigger
from loom.values import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class TickRequest:
    """workers: ids or agents' names; none means: whatever is due. slot: the one slot to run (UTC).
    span: first and last instant (UTC) of the slots to run again or at last, those that succeeded left out.
    previews: whether a dry run asks the workers what they would read.
    at_given: whether the clock was set with ``--at``. params: overrides of one worker's settings.
    trigger: what a run of `workers` is asked for as: manual, retry or backfill."""

    workers: tuple[str, ...] = ()
    slot: datetime | None = None
    span: tuple[datetime, datetime] | None = None
    trigger: Trigger = Trigger.MANUAL
    at_given: bool = False
    dry_run: bool = False
    previews: bool = False
    force: bool = False
    params: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def by_hand(self) -> bool:
        return bool(self.workers)
