"""What leaves a tick has every text masked but names; a field that is new has to be one or the other."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from loom.domain.alert import Alert, Delivery, Event
from loom.domain.record import Entry
from loom.domain.run import Outcome, RunError
from loom.domain.tick import TickReport
from loom.enforcement.masking import mask
from loom.errors import DeliveryFailed
from loom.ledger.memory import MemoryLedger
from loom.runner.discretion import DiscreetHook, discreet_ledger, entry, report

SECRET = "swordfish-4711"  # noqa: S105  (nobody's)
MASKED = partial(mask, secrets=[SECRET])
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)

NAMES = {
    "Alert": "worker agent run_id run_url episode",
    "Delivery": "id hook episode",
    "Episode": "id subject last_run",
    "HookSettings": "kind options",
    "Mark": "worker",
    "Pause": "worker",
    "Planned": "worker agent action",
    "Problem": "file",
    "Renamed": "old new",
    "Run": "run_id worker agent enforcement_digest rules tick_id episode",
    "Slot": "worker",
    "Tick": "id trigger host rules_in_order",
    "TickReport": "zone",
    "Ticket": "key worker run_id claimer",
}


def filled(kind: Any) -> Any:
    """A value of this type in which every text holds the secret."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return filled(next(each for each in inner if each is not types.NoneType))
    if origin is tuple:
        return (filled(inner[0]),)
    if kind is Any or (origin is not None and issubclass(origin, Mapping)):
        return {f"a {SECRET}": [f"b {SECRET}", 1, None]}
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{field.name: filled(hints[field.name]) for field in fields(kind)})
    if kind is str:
        return f"c {SECRET} d"
    if issubclass(kind, Enum):
        return next(iter(kind))
    return {datetime: AT, timedelta: timedelta(1), bool: True, int: 1, float: 1.0}[kind]


def left(value: Any) -> Iterator[str]:
    """``Class.field`` of every text that still holds the secret."""
    for field in fields(value):
        held = getattr(value, field.name)
        for each in held if isinstance(held, tuple) else (held,):
            if is_dataclass(each):
                yield from left(each)
            elif SECRET in repr(each):
                yield f"{type(value).__name__}.{field.name}"


@pytest.mark.parametrize("kind", [*get_args(Entry), TickReport], ids=lambda kind: kind.__name__)
def test_every_text_of_what_leaves_is_masked_but_names(kind: Any) -> None:
    named = {f"{owner}.{name}" for owner, names in NAMES.items() for name in names.split()}
    value = filled(kind)
    assert SECRET in repr(value)
    masked = report(value, MASKED) if isinstance(value, TickReport) else entry(value, MASKED)
    assert set(left(masked)) <= named
    again = report(masked, MASKED) if isinstance(masked, TickReport) else entry(masked, MASKED)
    assert again == masked


class Hook:
    name = "hook"

    def __init__(self, error: Exception | None) -> None:
        self.heard: list[Alert] = []
        self._error = error

    def wants(self, event: Event) -> bool:
        return event is Event.WORKER_DOWN

    def deliver(self, alert: Alert) -> None:
        self.heard.append(alert)
        if self._error is not None:
            raise self._error


def test_a_hook_hears_of_no_secret_and_tells_of_none_whatever_becomes_of_it() -> None:
    error = RunError(f"k {SECRET}", f"m {SECRET}", f"w {SECRET}")
    alert = Alert(event=Event.WORKER_DOWN, summary=f"s {SECRET}", at=AT, outcome=Outcome.FAILED, error=error)
    for raised, told in (
        (None, None),
        (DeliveryFailed(f"not {SECRET}"), "not ***"),
        (KeyError(SECRET), "hook broke: KeyError: '***'"),
    ):
        hook = Hook(raised)
        discreet = DiscreetHook(hook, MASKED)
        assert (discreet.name, discreet.wants(Event.WORKER_DOWN)) == ("hook", True)
        if told is None:
            discreet.deliver(alert)
        else:
            with pytest.raises(DeliveryFailed) as caught:
                discreet.deliver(alert)
            assert str(caught.value) == told
            assert caught.value.__cause__ is None
        assert SECRET not in repr(hook.heard)
        assert len(hook.heard) == 1


def test_nothing_is_written_to_a_discreet_ledger_unmasked_and_it_is_read_as_any_other() -> None:
    kept = MemoryLedger()
    ledger = discreet_ledger(kept, MASKED)
    delivery = filled(Delivery)
    ledger.claim([delivery], revision=ledger.snapshot().revision)
    ledger.record([delivery])
    (found,) = kept.snapshot().deliveries
    assert found == ledger.snapshot().deliveries[0] == entry(delivery, MASKED)
