"""What every ledger must hold to, whatever it is kept in: pure rules that the implementations share."""

from collections.abc import Collection, Mapping
from typing import TypeVar

from loom.domain.alert import Episode
from loom.domain.pause import Pause
from loom.domain.run import Run, Trigger
from loom.domain.slot import Ticket
from loom.domain.standing import Standing
from loom.values import dataclass, replace

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Holding:
    """What the ledger holds of a ticket. A key that it doesn't know has fence 0 and isn't closed."""

    fence: int
    closed: bool


UNKNOWN = Holding(0, closed=False)


def may_write(ticket: Ticket, holding: Holding, *, claiming: bool) -> bool:
    """Whether this version of a ticket may follow what is held.

    A closed ticket never opens again. A claim may take the ticket over (fence one higher) or leave it
    with its holder; a record must carry the very fence that is held.
    """
    if holding.closed:
        return False
    return ticket.fence == holding.fence or (claiming and ticket.fence == holding.fence + 1)


def may_follow(ticket: Ticket, holding: Holding) -> bool:
    """Whether this version of a ticket, written to a shared history by whoever was first there, stands.

    Its writer held it to `may_write`; versions between may have been folded away or damaged since.
    """
    return not holding.closed and ticket.fence >= holding.fence


def scheduled_slots(run: Run) -> int:
    """How many slots `run` stands for in the figures: every one of a range, none if a person asked for it."""
    asked = run.by_hand or run.trigger in (Trigger.MANUAL, Trigger.BACKFILL)
    return 0 if run.slot is None or asked else run.count


def still_renamed(renamed: Mapping[str, str], marks: Collection[str]) -> dict[str, str]:
    """`renamed` without the ids that have a mark again: they are a worker's own."""
    return {former: present for former, present in renamed.items() if former not in marks}


def as_now_called(entry: _Value, renamed: Mapping[str, str]) -> _Value:
    """`entry` as it reads under the id that its worker has now."""
    match entry:
        case Ticket(worker=former) if former in renamed:
            new = renamed[former]
            return replace(entry, worker=new, key=renamed_key(entry.key, former, new))
        case Run(worker=former) | Pause(worker=former) if former in renamed:
            return replace(entry, worker=renamed[former])
        case Episode(subject=former) if former in renamed:
            return replace(entry, subject=renamed[former])
    return entry


def renamed_key(key: str, old: str, new: str) -> str:
    """The key of a ticket of worker `old` once it belongs to `new`; a key in another form stays."""
    rest = key.removeprefix(old)
    return new + rest if rest != key and rest[:1] in ("@", "#") else key


def renamed_standing(old: Standing, held: Standing | None) -> Standing | None:
    """Which of two standings `held.worker` has once `old` has become it: the one with the newer run.

    None: the one it holds stays.
    """
    if held is None or held.last_at is None:
        return old
    return old if old.last_at is not None and old.last_at > held.last_at else None
