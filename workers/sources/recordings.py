"""Recordings to come: when each is for the reader, and whether the files that its episode names are there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from workers.sources.episodes import Episode
from workers.sources.folder import Folder
from workers.sources.named_files import why_unusable


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording within the days looked at. start, end: UTC. zone, days: of the reader, and left until then.
    outline, artwork: why what the file names can't be used, or nothing."""

    episode: Episode
    start: datetime
    end: datetime
    zone: tzinfo
    days: int
    outline: str = ""
    artwork: str = ""

    @property
    def when(self) -> str:
        return f"{self.start.astimezone(self.zone):%Y-%m-%d %H:%M %Z}"

    @property
    def until(self) -> str:
        return f"{self.end.astimezone(self.zone):%H:%M}"


def recordings_ahead(
    episodes: Iterable[Episode], folder: Folder, *, now: datetime, days: int, minutes: int
) -> list[Recording]:
    """Those that aren't over and lie at most so many days ahead, in order of time. now: in the reader's zone.
    minutes: how long one takes whose episode doesn't say."""
    zone = now.tzinfo or UTC
    found = []
    for episode in episodes:
        if episode.recording is None:
            continue
        end = ends(episode, minutes)
        left = (episode.recording.astimezone(zone).date() - now.date()).days
        if end > now and left <= days:
            found.append(
                Recording(
                    episode=episode,
                    start=episode.recording.astimezone(UTC),
                    end=end,
                    zone=zone,
                    days=left,
                    outline=why_unusable(folder, episode.outline),
                    artwork=why_unusable(folder, episode.artwork),
                )
            )
    return sorted(found, key=lambda recording: recording.start)


def ends(episode: Episode, minutes: int) -> datetime:
    """When the recording of an episode that has one is over, UTC: where clocks change, a span of local time
    would be an hour off. minutes: how long it takes if the episode doesn't say."""
    assert episode.recording is not None  # noqa: S101 - the caller's promise
    return episode.recording.astimezone(UTC) + timedelta(minutes=episode.recording_minutes or minutes)
