"""From what is to be said to what was heard: at least once, whatever crashes in between.

The ledger says `sending` before a delivery is sent and `sent` or `failed: why` after. Whatever isn't
`sent` (failed, or left by a process that died) is handed in again on the next tick.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from loom.alerts.bounded import within
from loom.clock import SystemClock
from loom.domain.alert import RECOVERIES, Alert, Delivery, DeliveryState, Episode
from loom.errors import DeliveryFailed, LedgerError
from loom.ports import AlertHook
from loom.values import replace

LIMIT = timedelta(seconds=60)

_MACHINE = SystemClock()

_WAITS = "waits until the alert it recovers from is delivered"


def prepare(
    alerts: Sequence[tuple[Alert, Episode]],
    hooks: Sequence[AlertHook],
    *,
    now: datetime,
    new_id: Callable[[], str],
) -> tuple[Delivery, ...]:
    """One pending delivery for each alert and each hook that wants it."""
    return tuple(
        Delivery(
            id=new_id(),
            alert=alert,
            hook=hook.name,
            episode=episode.id,
            state=DeliveryState.PENDING,
            changed_at=now,
        )
        for alert, episode in alerts
        for hook in hooks
        if hook.wants(alert.event)
    )


def send(
    deliveries: Sequence[Delivery],
    hooks: Sequence[AlertHook],
    *,
    record: Callable[[Sequence[Delivery]], None],
    now: Callable[[], datetime],
    limit: timedelta = LIMIT,
    monotonic: Callable[[], float] = _MACHINE.monotonic,
) -> tuple[Delivery, ...]:
    """Try each delivery once, oldest first, within `limit` for all of them; returns their new versions.

    deliveries: what an earlier tick couldn't deliver, then the new ones. Each hook in turn gets an equal
    share of the time that is left, so a slow one can't keep the others from speaking; what it didn't get
    round to stays pending. A recovery notice never overtakes the bad news it belongs to.

    A delivery whose hook is no longer in ``alerts:`` goes through the first hook that wants it: rather
    heard twice than never. Where none does, it stays failed and says so.

    record: writes to the ledger; a LedgerError doesn't stop the sending; it is raised at the end.
    """
    journal = _Journal(record, now)
    results = {delivery.id: delivery for delivery in deliveries}
    queues = _queues(deliveries, hooks)
    deadline = monotonic() + limit.total_seconds()
    for waiting, hook in enumerate(hooks):
        share = (deadline - monotonic()) / (len(hooks) - waiting)
        for result in _through(hook, queues.pop(hook.name, ()), share, monotonic, journal):
            results[result.id] = result
    for delivery in (each for queue in queues.values() for each in queue):
        event = delivery.alert.event.value
        why = f"no hook {delivery.hook!r} in alerts: any more, and no other takes {event}; add one that does"
        results[delivery.id] = journal.add(replace(delivery, state=DeliveryState.FAILED, error=why))
    journal.write()
    if journal.broken:
        record(tuple(results.values()))
    return tuple(results.values())


class _Journal:
    """What is to be written next. A ledger that can't be written keeps nobody from speaking."""

    def __init__(self, record: Callable[[Sequence[Delivery]], None], now: Callable[[], datetime]) -> None:
        self._record = record
        self._now = now
        self._pages: list[Delivery] = []
        self.broken = False

    def add(self, delivery: Delivery) -> Delivery:
        stamped = replace(delivery, changed_at=self._now())
        self._pages.append(stamped)
        return stamped

    def write(self) -> None:
        if not self._pages:
            return
        try:
            self._record(tuple(self._pages))
        except LedgerError:
            self.broken = True
        self._pages.clear()


def _queues(deliveries: Sequence[Delivery], hooks: Sequence[AlertHook]) -> dict[str, list[Delivery]]:
    queues: dict[str, list[Delivery]] = {}
    names = {hook.name for hook in hooks}
    for delivery in deliveries:
        name = delivery.hook
        if name not in names:
            name = next((hook.name for hook in hooks if hook.wants(delivery.alert.event)), name)
        queues.setdefault(name, []).append(replace(delivery, hook=name))
    return queues


def _through(
    hook: AlertHook,
    queue: Sequence[Delivery],
    share: float,
    monotonic: Callable[[], float],
    journal: _Journal,
) -> Sequence[Delivery]:
    """Send one hook's queue within `share` seconds."""
    deadline = monotonic() + share
    results: list[Delivery] = []
    unheard: set[str] = set()
    for delivery in queue:
        left = deadline - monotonic()
        if delivery.alert.event in RECOVERIES and delivery.episode in unheard:
            result = replace(delivery, state=DeliveryState.PENDING, error=_WAITS)
        elif left <= 0:
            late = f"not tried: {hook.name} had used up its {share:.3g} s; the next tick tries again"
            result = replace(delivery, state=DeliveryState.PENDING, error=late)
        else:
            sending = replace(delivery, state=DeliveryState.SENDING, tries=delivery.tries + 1)
            journal.add(sending)
            journal.write()
            error = _deliver(hook, delivery.alert, left)
            state = DeliveryState.SENT if error is None else DeliveryState.FAILED
            result = replace(sending, state=state, error=error)
        if result.state is not DeliveryState.SENT:
            unheard.add(result.episode)
        results.append(journal.add(result))
    return results


def _deliver(hook: AlertHook, alert: Alert, left: float) -> str | None:
    """Returns why it failed, or None."""
    try:
        within(
            left,
            lambda: hook.deliver(alert),
            f"{hook.name} hadn't finished after {left:.3g} s; check that it answers",
        )
    except DeliveryFailed as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  a hook's bug must not keep the other hooks from speaking
        return f"{hook.name} broke: {type(error).__name__}: {error}"
    return None
