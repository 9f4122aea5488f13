"""What a tick says to people: before the work, after it, and when its state can't leave this machine."""

from collections.abc import Sequence
from datetime import timedelta

from loom.alerts.outbox import LIMIT, prepare, send
from loom.domain.alert import Alert, Delivery, DeliveryState, Episode, Event
from loom.errors import StateUnpushed
from loom.ports import AlertHook, Ledger
from loom.runner.waking import Waking

BEFORE_WORK = timedelta(seconds=20)
"""Work may wait this long for alerts, and no longer: what isn't heard by then is said again after it."""

_IN_A_HURRY = timedelta(seconds=3)


def tell(
    waking: Waking,
    deliveries: Sequence[Delivery],
    hooks: Sequence[AlertHook],
    ledger: Ledger,
    *,
    within: timedelta = LIMIT,
) -> Sequence[Delivery]:
    """Try each delivery once; returns their new versions, which the ledger has too."""
    if not deliveries:
        return ()
    if waking.parts.stop.asked:
        within = min(within, _IN_A_HURRY)
    return send(deliveries, hooks, record=ledger.record, now=waking.parts.clock.now, limit=within)


def tell_the_rest(
    waking: Waking,
    deliveries: Sequence[Delivery],
    tried: Sequence[Delivery],
    hooks: Sequence[AlertHook],
    ledger: Ledger,
) -> Sequence[Delivery]:
    """Try `deliveries`, those `tried` in vain before included; returns the newest version of each."""
    newest = {each.id: each for each in (*deliveries, *tried)}
    left = [each for each in newest.values() if each.state is not DeliveryState.SENT]
    newest |= {each.id: each for each in tell(waking, left, hooks, ledger)}
    return tuple(newest.values())


def cry_unpushed(
    waking: Waking, error: StateUnpushed, hooks: Sequence[AlertHook], ledger: Ledger
) -> Sequence[Delivery]:
    """Tell a person that what this tick recorded is on this machine alone."""
    now = waking.parts.clock.now()
    alert = Alert(event=Event.STATE_UNPUSHED, summary=str(error), at=now, run_url=waking.parts.run_url)
    episode = Episode(id=waking.new_id(), subject="loom:state", opened_at=now)
    return tell(waking, prepare([(alert, episode)], hooks, now=now, new_id=waking.new_id), hooks, ledger)
