"""What is wrong with Loom's own set-up, with what wakes it, or with who is to hear of it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from loom.brief.sights import CLOCK, ENFORCEMENT, REGISTRY, Sights
from loom.domain.alert import RECOVERIES, Delivery, Episode
from loom.domain.brief import Need
from loom.domain.run import OpenReason
from loom.report.words import count, when


def setup(sights: Sights) -> Iterator[Need]:
    """What the open episodes of the registry, the enforcement context and the clock say."""
    for subject, episode in sights.snapshot.episodes.items():
        if subject == REGISTRY:
            # It was read just now, or there would be no brief.
            yield _setup_need(
                episode, "the registry was broken and is mended", "nothing: the next tick goes by it", True
            )
        elif subject == ENFORCEMENT:
            held = {t.worker for t in sights.snapshot.tickets.values() if t.reason is OpenReason.ENFORCEMENT}
            workers = f"; it holds {count(len(held), 'worker')}" if held else ""
            do = "loom enforcement verify says what is wrong; held slots run once it is mended"
            yield _setup_need(episode, f"the enforcement context is broken{workers}", do)
        elif subject == CLOCK:
            yield _setup_need(episode, "the clock went backwards", "set the clock right")


def _setup_need(episode: Episode, what: str, do: str, waits: bool = False) -> Need:
    said = episode.last_alert.summary if episode.last_alert else ""
    return Need(kind="setup", what=what, says=said, do=do, since=episode.opened_at, waits=waits)


def ticks(sights: Sights) -> Iterator[Need]:
    """Whether a clock woke Loom before, and doesn't now."""
    clock = sights.board.trigger
    if clock.last is None or not clock.dead:
        return
    zone = ZoneInfo(sights.registry.zone)
    waiting = sum(map(len, sights.undecided.values()))
    slots = f", and {count(waiting, 'slot')} nobody has decided" if waiting else ""
    yield Need(
        kind="ticks",
        what=f"no tick has come since {when(clock.last, zone)}",
        says=f"{count(clock.lost, 'tick')} didn't come{slots}",
        do="look at what wakes Loom (its workflow or cron), and start a tick with: loom run",
        since=clock.last,
    )


def alerts(deliveries: Sequence[Delivery]) -> Iterator[Need]:
    """One need a hook that couldn't deliver."""
    waiting: dict[str, list[Delivery]] = defaultdict(list)
    for each in deliveries:
        waiting[each.hook].append(each)
    for hook, unsent in waiting.items():
        # A recovery only waits for the bad news before it; why that isn't delivered is what counts.
        errors = Counter(each.error for each in unsent if each.error and each.alert.event not in RECOVERIES)
        why = "".join(f"{error}: " for error, _ in errors.most_common(1))
        events = ", ".join(dict.fromkeys(_event(each) for each in unsent))
        yield Need(
            kind="alerts",
            what=f"{count(len(unsent), 'alert')} not delivered by {hook}",
            says=f"{why}{events}",
            do="loom check says what the hook lacks; they are tried again on every tick",
            since=min(each.alert.at for each in unsent),
        )


def _event(each: Delivery) -> str:
    return f"{each.alert.event.value} of {each.alert.worker}" if each.alert.worker else each.alert.event.value
