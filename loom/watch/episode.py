"""What was said of a trouble, kept between calls, and what is to be said now."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from loom.domain.alert import Alert, Event
from loom.errors import SettingsError
from loom.ledger.codec import UnreadableEntry, from_json, to_json
from loom.ports import AlertHook
from loom.report.words import when
from loom.values import dataclass, replace
from loom.watch.sighting import Sighting

REMIND = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """The trouble that is open and what was said of it. waiting: the hooks that couldn't deliver it yet."""

    event: Event
    opened_at: datetime
    said_at: datetime
    summary: str
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToSay:
    """alert: what is to be said, through which hooks. spoken: the episode once they all have."""

    alert: Alert
    to: Sequence[AlertHook]
    spoken: Spoken

    def said(self, told: Sequence[str]) -> Spoken | None:
        """The episode after the hooks named in `told` delivered; None once its end was said by all, or when
        there was no hook to say it."""
        if not self.to:
            return None
        waiting = tuple(hook.name for hook in self.to if hook.name not in told)
        if self.spoken.event is Event.TICK_RESUMED and not waiting:
            return None
        return replace(self.spoken, waiting=waiting)


def consider(
    sighting: Sighting, spoken: Spoken | None, hooks: Sequence[AlertHook], *, run_url: str | None
) -> ToSay | None:
    """What is to be said now, if anything.

    A trouble is said when it begins or becomes another one, and again each day; its end is said once. A hook
    that couldn't deliver is tried again on every call.
    """
    now, trouble = sighting.at, sighting.trouble
    event = trouble or (Event.TICK_RESUMED if spoken is not None else None)
    if event is None:
        return None
    if spoken is not None and spoken.event is event and (trouble is None or now - spoken.said_at < REMIND):
        if not spoken.waiting:
            return None
        wanting = [hook for hook in hooks if hook.wants(event)]
        # Where those that waited are gone from the registry another one hears it: rather twice than never.
        to = [hook for hook in wanting if hook.name in spoken.waiting] or wanting[:1]
        return ToSay(_alert(spoken, now, run_url), to, spoken)
    goes_on = spoken is not None and spoken.event is not Event.TICK_RESUMED
    opened_at = spoken.opened_at if spoken is not None and goes_on else now
    summary, since = sighting.summary, when(opened_at, ZoneInfo(sighting.zone))
    if trouble is None:
        summary = f"ticks come again: {summary}; overdue since {since}, and what came due is caught up with"
    elif goes_on:
        summary = f"{summary}; overdue since {since}"
    episode = Spoken(event=event, opened_at=opened_at, said_at=now, summary=summary)
    return ToSay(_alert(episode, now, run_url), [hook for hook in hooks if hook.wants(event)], episode)


def _alert(spoken: Spoken, now: datetime, run_url: str | None) -> Alert:
    return Alert(event=spoken.event, summary=spoken.summary, at=now, run_url=run_url)


def remembered(state: Path) -> tuple[Spoken | None, str]:
    """What `state` holds, and a sentence if it can't be read."""
    try:
        return from_json(Spoken, state.read_text(encoding="utf-8")), ""
    except FileNotFoundError:
        return None, ""
    except (OSError, UnicodeDecodeError, UnreadableEntry) as error:
        return None, f"{state} can't be read, so what was alerted before is forgotten: {error}"


def remember(state: Path, spoken: Spoken | None) -> None:
    try:
        if spoken is None:
            state.unlink(missing_ok=True)
            return
        state.parent.mkdir(parents=True, exist_ok=True)
        new = state.with_name(f"{state.name}.new")
        new.write_text(to_json(spoken) + "\n", encoding="utf-8")
        new.replace(state)
    except (OSError, RecursionError) as error:  # RecursionError: a thousand folders within each other
        why = error.strerror if isinstance(error, OSError) else "it lies too deep"
        raise SettingsError(
            f"{state} can't be written ({why}), so each call would alert again; "
            "name a file that can be with --state FILE"
        ) from None
