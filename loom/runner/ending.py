"""How a tick ends: its exit code, and what becomes of state that can't leave this machine."""

from collections.abc import Iterable, Sequence

from loom.alerts.outbox import prepare, send
from loom.domain.alert import Alert, Delivery, DeliveryState, Episode, Event
from loom.domain.run import Outcome, Run
from loom.errors import ExitCode, StateUnpushed, worst
from loom.ports import AlertHook, Ledger
from loom.runner.waking import Waking


def exit_code(waking: Waking, runs: Iterable[Run], sent: Sequence[Delivery]) -> ExitCode:
    """The first that applies, in the design's order, of what is wrong with this tick."""
    codes = [ExitCode.OK]
    if waking.conditions.mistakes:
        codes.append(ExitCode.BROKEN)
    if any(each.state is not DeliveryState.SENT for each in sent):
        codes.append(ExitCode.UNDELIVERED)
    by_hand = waking.request.by_hand
    if any(run.bad or (by_hand and run.outcome is Outcome.SKIPPED) for run in runs):
        codes.append(ExitCode.BAD_RUN)
    return worst(codes)


def cry_unpushed(
    waking: Waking, error: StateUnpushed, hooks: Sequence[AlertHook], ledger: Ledger
) -> Sequence[Delivery]:
    """Tell a person that what this tick recorded is on this machine alone."""
    now = waking.parts.clock.now()
    alert = Alert(event=Event.STATE_UNPUSHED, summary=str(error), at=now, run_url=waking.parts.run_url)
    episode = Episode(id=waking.new_id(), subject="loom:state", opened_at=now)
    deliveries = prepare([(alert, episode)], hooks, now=now, new_id=waking.new_id)
    return send(deliveries, hooks, record=ledger.record, now=waking.parts.clock.now)
