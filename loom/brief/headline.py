"""The whole brief in one or two sentences. Pure."""

from collections.abc import Mapping, Sequence

from loom.domain.brief import Need
from loom.report.words import count

_NAMED = 3
_STANDS_STILL = ("paused", "disabled")


def headline(
    needs: Sequence[Need],
    health: Mapping[str, int],
    *,
    runs: int,
    bad: int,
    since: str,
    critical: int,
    new: int,
) -> str:
    """health: how many workers stand how. runs, bad: how many there were, as in the figures. since: how a
    person says when the brief begins. critical, new: how many findings are critical, and how many of those
    new. "All" is said only when nothing needs anybody."""
    urgent = [need for need in needs if not need.waits]
    sentences = [*_own(urgent), _standing(needs, urgent, health)]
    ending = _doings(runs, bad, since, calm=not needs)
    sentences[-1] = f"{sentences[-1]}; {ending}."
    if critical:
        sentences.append(_critical(critical, new))
    return " ".join(sentences)


def _own(urgent: Sequence[Need]) -> list[str]:
    whats = [need.what for need in urgent if need.worker is None]
    return [f"Loom itself needs somebody: {', '.join(whats)}."] if whats else []


def _standing(needs: Sequence[Need], urgent: Sequence[Need], health: Mapping[str, int]) -> str:
    number = sum(many for name, many in health.items() if name not in _STANDS_STILL)
    needing = {need.worker: need for need in urgent if need.worker is not None}
    late = [need.worker for need in needs if need.waits and need.worker is not None]
    up, new = health.get("up", 0), health.get("new", 0)
    if needing:
        verb = "needs" if len(needing) == 1 else "need"
        return f"{len(needing)} of {count(number, 'worker')} {verb} somebody: {_listed(list(needing))}"
    if not number:
        still = sum(health.values())
        return f"No worker is active ({still:,} paused or disabled)" if still else "No worker is registered"
    if not needs and up == number:
        return f"All {number:,} workers are up" if number > 1 else "The one worker is up"
    parts = [f"{up:,} of {count(number, 'worker')} {'is' if 1 in (up, number) else 'are'} up"]
    if new:
        parts.append(f"{new:,} {'has' if new == 1 else 'have'} yet to run")
    if late:
        parts.append(f"{_listed(late)} {'is' if len(late) == 1 else 'are'} late and will be tried again")
    return ", ".join(parts)


def _doings(runs: int, bad: int, since: str, *, calm: bool) -> str:
    told = f"{count(runs, 'run')} since {since}" if runs else f"nothing ran since {since}"
    if bad:
        return f"{told}, {count(bad, 'bad outcome')}"
    if not runs:
        return told
    return f"{told}, {'all good' if calm else 'none of them bad'}"


def _critical(critical: int, new: int) -> str:
    if new == critical:
        return f"{count(critical, 'new critical finding')}."
    return f"{count(critical, 'critical finding')}, {f'{new:,}' if new else 'none'} new."


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
