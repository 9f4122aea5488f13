"""Which event of a calendar is the recording of which episode.

An event is an episode's when its summary names it by title, by number (`#12`, `ep. 12`, `episode 12`, or the
show's name and 12; with several shows the show must be named too) or by its file's name; when the summary
names none, its description may; and when that doesn't either, the guest's name will do in an event that is a
recording by its words. A recording that names nobody is the episode's whose time it has.
"""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from workers.sources.calendar import Event
from workers.sources.episodes import Episode

_SHORTEST_TITLE, _SHORTEST_NAME = 8, 5
_NUMBER_WORD = r"(?:#|\bno\.?|\bep(?:isode)?\.?)\s*"
_NUMBER = re.compile(rf"{_NUMBER_WORD}\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Booking:
    """at: the episode's events at the very time of its recording. elsewhere: its recordings at other times,
    that aren't over. cancelled: those that were called off."""

    at: tuple[Event, ...] = ()
    elsewhere: tuple[Event, ...] = ()
    cancelled: tuple[Event, ...] = ()


def find_bookings(
    episodes: Sequence[Episode], events: Iterable[Event], *, words: Sequence[str], now: datetime
) -> Mapping[str, Booking]:
    """By the episode's path. words: those by one of which a summary tells a recording."""
    sign = re.compile(r"\b(?:" + "|".join(map(re.escape, words)) + ")", re.IGNORECASE) if words else None
    shows = {episode.show.casefold() for episode in episodes}
    names = [_Names.of(episode, shows) for episode in episodes]
    found: dict[str, Booking] = {episode.path: Booking() for episode in episodes}
    for event in events:
        if event.end <= now:
            continue
        records = bool(sign and sign.search(event.summary))
        owners = _owners(event, names, records=records)
        nobodys = records and not owners and not _NUMBER.search(event.summary)
        for episode in episodes if nobodys else owners:
            # Both in UTC: Python calls a time that occurs twice equal to none of another zone.
            same = episode.recording is not None and event.start == episode.recording.astimezone(UTC)
            if same or (records and not nobodys):
                found[episode.path] = _with(found[episode.path], event, same=same)
    return found


def _with(booking: Booking, event: Event, *, same: bool) -> Booking:
    if event.cancelled:
        return replace(booking, cancelled=(*booking.cancelled, event))
    if same:
        return replace(booking, at=(*booking.at, event))
    return replace(booking, elsewhere=(*booking.elsewhere, event))


@dataclass(frozen=True, slots=True)
class _Names:
    """By what an episode is known in a text of lower case. number: its number after a word for it.
    show: what must be there too for that, or nothing."""

    episode: Episode
    title: str
    own: re.Pattern[str]
    number: re.Pattern[str]
    show: str
    guest: re.Pattern[str] | None

    @classmethod
    def of(cls, episode: Episode, shows: Set[str]) -> "_Names":
        show, title = episode.show.casefold(), (episode.title or "").casefold()
        guest = ((episode.guest and episode.guest.name) or "").casefold()
        own = rf"{re.escape(show)}\W+0*{episode.number}\b"
        if not episode.id.isdigit():
            own += rf"|(?<!\w){re.escape(episode.id.casefold())}(?!\w)"
        return cls(
            episode,
            title if len(title) >= _SHORTEST_TITLE else "",
            re.compile(own),
            re.compile(rf"{_NUMBER_WORD}0*{episode.number}\b"),
            show if len(shows) > 1 else "",
            re.compile(rf"(?<!\w){re.escape(guest)}(?!\w)") if len(guest) >= _SHORTEST_NAME else None,
        )

    def are_in(self, text: str) -> bool:
        if (self.title and self.title in text) or self.own.search(text):
            return True
        return self.show in text and self.number.search(text) is not None


def _owners(event: Event, names: Sequence[_Names], *, records: bool) -> list[Episode]:
    texts = (event.summary.casefold(), event.description.casefold())
    for text in texts:
        named = [each.episode for each in names if each.are_in(text)]
        if named:
            return named
    if not records:
        return []
    return [each.episode for each in names if each.guest and any(map(each.guest.search, texts))]
