"""Discretion: what leaves a tick, with the secrets in it masked.

Text leaves at few gates, and each of them masks whatever is put through it, whether or not somebody thought
of secrets where it was made:

- the ledger: `DiscreetLedger`, whoever writes and whatever kind of entry it is;
- a person's hooks: `DiscreetHook`, and with it the reason why one failed;
- the report of a tick, `report`, from which come the answer, the step summary, outputs and annotations, and
  what the heartbeat tells;
- the last word of a worker on a terminal (`loom.runner.work`);
- Loom's own stdout and stderr (`loom.cli.streams`), and the file that tells of a bug (`loom.cli`).

Only what people or foreign code write is masked. Names by which things are found again stay: ids, keys,
workers, agents, hooks, zones, hosts, addresses of pages. Masking twice is masking once, so a value may go
through several gates.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from loom.domain.alert import Alert, Delivery, Episode, Event
from loom.domain.pause import Pause
from loom.domain.record import Entry, HooksInForce, Renamed
from loom.domain.run import Run, RunError
from loom.domain.slot import Ticket
from loom.domain.tick import Mark, Planned, Tick, TickReport
from loom.errors import DeliveryFailed, Problem
from loom.ports import AlertHook, Ledger
from loom.values import replace

Masking = Callable[[str], str]


class DiscreetHook:
    """`hook`, which hears of no secret, nor tells of one."""

    def __init__(self, hook: AlertHook, mask: Masking) -> None:
        self.name = hook.name
        self._hook = hook
        self._mask = mask

    def wants(self, event: Event) -> bool:
        return self._hook.wants(event)

    def deliver(self, alert: Alert) -> None:
        try:
            self._hook.deliver(_alert(alert, self._mask))
        except DeliveryFailed as error:
            raise DeliveryFailed(self._mask(str(error))) from None
        except Exception as error:  # noqa: BLE001  its text is foreign, and would be recorded
            text = f"{self.name} broke: {type(error).__name__}: {error}"
            raise DeliveryFailed(self._mask(text)) from None


class DiscreetLedger:
    """`ledger`, in which no secret is written down. Reads are the ledger's own."""

    def __init__(self, ledger: Ledger, mask: Masking) -> None:
        self._ledger = ledger
        self._mask = mask

    def claim(self, entries: Sequence[Entry], *, revision: int) -> None:
        self._ledger.claim([entry(each, self._mask) for each in entries], revision=revision)

    def record(self, entries: Sequence[Entry]) -> None:
        self._ledger.record([entry(each, self._mask) for each in entries])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)


def discreet_ledger(ledger: Ledger, mask: Masking) -> Ledger:
    return cast(Ledger, DiscreetLedger(ledger, mask))  # a type checker doesn't see what __getattr__ gives


def entry(value: Entry, mask: Masking) -> Entry:
    match value:
        case Run():
            return _run(value, mask)
        case Ticket():
            return replace(value, detail=mask(value.detail))
        case Episode():
            last = value.last_alert
            return replace(value, kind=mask(value.kind), last_alert=_alert(last, mask) if last else None)
        case Delivery():
            return _delivery(value, mask)
        case Pause():
            return _pause(value, mask)
        case Tick() | Mark() | Renamed() | HooksInForce():
            return value


def report(value: TickReport, mask: Masking) -> TickReport:
    return replace(
        value,
        runs=tuple(_run(each, mask) for each in value.runs),
        deliveries=tuple(_delivery(each, mask) for each in value.deliveries),
        problems=tuple(map(mask, value.problems)),
        mistakes=problems(value.mistakes, mask),
        notes=tuple(map(mask, value.notes)),
        planned=tuple(_planned(each, mask) for each in value.planned),
        pauses=tuple(_pause(each, mask) for each in value.pauses),
        trigger_lines=tuple(map(mask, value.trigger_lines)),
    )


def problems(found: Sequence[Problem], mask: Masking) -> tuple[Problem, ...]:
    """An alert is said again when they change, so they are masked before anything is made of them."""
    return tuple(
        replace(each, address=tuple(map(mask, each.address)), message=mask(each.message)) for each in found
    )


def _run(run: Run, mask: Masking) -> Run:
    return replace(
        run,
        reason=mask(run.reason),
        output=masked(run.output, mask),
        rejected=masked(run.rejected, mask),
        error=_error(run.error, mask) if run.error else None,
        errors=tuple(_error(each, mask) for each in run.errors),
        log=mask(run.log),
        settings=masked(run.settings, mask),
    )


def _pause(pause: Pause, mask: Masking) -> Pause:
    return replace(
        pause,
        by=mask(pause.by),
        reason=mask(pause.reason),
        ended_by=mask(pause.ended_by),
        earlier=tuple(replace(span, by=mask(span.by)) for span in pause.earlier),
    )


def _planned(planned: Planned, mask: Masking) -> Planned:
    reads = planned.reads
    return replace(
        planned, reason=mask(planned.reason), reads=reads if reads is None else tuple(map(mask, reads))
    )


def _delivery(delivery: Delivery, mask: Masking) -> Delivery:
    error = delivery.error
    return replace(delivery, alert=_alert(delivery.alert, mask), error=mask(error) if error else error)


def _alert(alert: Alert, mask: Masking) -> Alert:
    error = _error(alert.error, mask) if alert.error else None
    return replace(alert, summary=mask(alert.summary), error=error)


def _error(error: RunError, mask: Masking) -> RunError:
    return RunError(mask(error.kind), mask(error.message), mask(error.where) if error.where else error.where)


def masked(value: Any, mask: Masking) -> Any:
    """A value in its JSON form, each text and key by itself; keys that come to read alike are numbered."""
    match value:
        case str():
            return mask(value)
        case Mapping():
            result: dict[str, Any] = {}
            for key, each in value.items():
                name = plain = mask(str(key))
                copies = 2
                while name in result:
                    name, copies = f"{plain} ({copies})", copies + 1
                result[name] = masked(each, mask)
            return result
        case list() | tuple():
            return [masked(each, mask) for each in value]
        case _:
            return value
