"""What a tick is asked for: what to do, and to stop."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from loom.domain.run import Trigger
from loom.errors import ExitCode
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


class Stop:
    """Somebody wants the tick to end before its work does. Set from outside, at any moment, from any thread;
    looked at by the runner wherever it may stop."""

    def __init__(self) -> None:
        self.why = ""
        self.exit_code = ExitCode.OK

    @property
    def asked(self) -> bool:
        return bool(self.why)

    def ask(self, why: str, exit_code: ExitCode) -> None:
        """why: what a record says of it, such as 'stopped by SIGTERM'. exit_code: what the tick ends with."""
        self.exit_code = exit_code
        self.why = why
