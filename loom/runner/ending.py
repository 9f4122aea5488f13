"""How a tick ends: its exit code."""

from collections.abc import Iterable, Sequence

from loom.domain.alert import Delivery, DeliveryState
from loom.domain.run import Outcome, Run
from loom.errors import ExitCode, worst
from loom.runner.waking import Waking


def exit_code(waking: Waking, runs: Iterable[Run], sent: Sequence[Delivery]) -> ExitCode:
    """The first that applies, in the design's order, of what is wrong with this tick."""
    codes = [waking.parts.stop.exit_code]
    if waking.conditions.mistakes:
        codes.append(ExitCode.BROKEN)
    if any(each.state is not DeliveryState.SENT for each in sent):
        codes.append(ExitCode.UNDELIVERED)
    by_hand = waking.request.by_hand
    if any(run.bad or (by_hand and run.outcome is Outcome.SKIPPED) for run in runs):
        codes.append(ExitCode.BAD_RUN)
    return worst(codes)
