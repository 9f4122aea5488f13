"""The way to a person when there is no ledger to keep an outbox in: say it now, once, through every hook."""

from collections.abc import Sequence

from loom.alerts.bounded import within
from loom.domain.alert import Alert
from loom.errors import DeliveryFailed
from loom.ports import AlertHook

_SECONDS_EACH = 20.0


def cry(alert: Alert, hooks: Sequence[AlertHook]) -> list[str]:
    """Deliver `alert` through each hook that wants it; returns a sentence for each that couldn't."""
    failures: list[str] = []
    for hook in hooks:
        if not hook.wants(alert.event):
            continue
        try:
            within(
                _SECONDS_EACH,
                lambda hook=hook: hook.deliver(alert),  # type: ignore[misc]
                f"{hook.name} hadn't finished after {_SECONDS_EACH:.0f} s; check that it answers",
            )
        except DeliveryFailed as error:
            failures.append(f"the alert {alert.event.value} was not delivered by {hook.name}: {error}")
        except Exception as error:  # noqa: BLE001  a hook's bug must not keep the other hooks from speaking
            failures.append(
                f"the alert {alert.event.value}: {hook.name} broke: {type(error).__name__}: {error}"
            )
    return failures
