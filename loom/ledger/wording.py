"""The message of a commit on the state branch: what is in it, for a person who reads `git log`."""

from collections import Counter
from collections.abc import Iterable, Sequence

from loom.ledger.lines import Form

_NAMED = 12
_REST = ("Delivery", "Pause", "Renamed", "Tick")


def about(batches: Iterable[Sequence[Form]]) -> str:
    """One line that counts, then a line for each run and each slot that was claimed, up to a dozen."""
    said = [form for batch in batches for form in batch]
    claimed = [value["key"] for kind, value in said if kind == "Ticket" and value["state"] == "started"]
    runs = [f"{value['worker']}: {value['outcome']}" for kind, value in said if kind == "Run"]
    parts = [_count(len(claimed), "claim"), _count(len(runs), "run")]
    counts = Counter(kind for kind, _ in said)
    parts += [_count(counts[kind], kind.lower()) for kind in _REST]
    named = [*(f"claimed {key}" for key in claimed), *runs]
    lines = ["state: " + (", ".join(filter(None, parts)) or "nothing but marks"), ""]
    lines += named[:_NAMED]
    if len(named) > _NAMED:
        lines.append(f"and {len(named) - _NAMED} more")
    return "\n".join(lines).strip() + "\n"


def about_compaction(files: int, months: int) -> str:
    return f"state: compacted, {_count(files, 'file') or 'nothing'} into {_count(months, 'month')}\n"


def _count(number: int, what: str) -> str:
    plural = "deliveries" if what == "delivery" else f"{what}s"
    return "" if number == 0 else f"{number} {what if number == 1 else plural}"
