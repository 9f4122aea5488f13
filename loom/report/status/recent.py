"""What a worker's last slots came to, as a line of signs, one a slot. Colour says nothing that they don't."""

from collections.abc import Sequence

from rich.text import Text

from loom.domain.recent import LONGEST_STREAK, SHOWN, each_slot
from loom.domain.slot_outcome import SlotOutcome
from loom.report.tick_lines import OUTCOME_SIGNS

_OPEN = ("◐", "yellow")
_NONE_YET = ("·", "dim")

_LEGEND = "✓ succeeded  ✗ went badly  – skipped or superseded  ◐ still open  · none yet"


def legend(width: int) -> Text:
    """What the signs mean, for a terminal of `width` columns."""
    whole = f"The newest slot is at the right: {_LEGEND}"
    return Text(whole if len(whole) <= width else _LEGEND, "dim")


def signs(recent: Sequence[SlotOutcome], length: int = SHOWN) -> Text:
    """The newest `length` slots of `recent`, oldest first; a dim point where there was no slot yet."""
    slots = each_slot(recent, length)
    text = Text().append(_NONE_YET[0] * (length - len(slots)), _NONE_YET[1])
    for each in slots:
        text.append(*sign(each))
    return text


def sign(each: SlotOutcome) -> tuple[str, str]:
    """The sign and its style."""
    return OUTCOME_SIGNS[each.outcome] if each.final else _OPEN


def streak_in_words(streak: int) -> str:
    """``12 good``, ``3 bad``, ``99+ good``; empty without any."""
    if not streak:
        return ""
    more = "+" if abs(streak) >= LONGEST_STREAK else ""
    return f"{abs(streak)}{more} {'good' if streak > 0 else 'bad'}"
