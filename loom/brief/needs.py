"""What isn't as it should be, and who is to do what about it."""

from collections.abc import Sequence

from loom.brief.needs_of_loom import alerts, setup, ticks
from loom.brief.needs_of_workers import workers
from loom.brief.sights import Sights
from loom.domain.brief import Need


def needs(sights: Sights) -> Sequence[Need]:
    """The most urgent first: what stops everything, what isn't told, then single workers, the longest first;
    at the end what only has to be waited for."""
    asleep = list(ticks(sights))
    found = [
        *setup(sights),
        *asleep,
        *alerts(sights.snapshot.deliveries),
        *workers(sights, asleep=bool(asleep)),
    ]
    return sorted(found, key=lambda each: each.waits)
