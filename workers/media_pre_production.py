"""Prelude: which recordings to come aren't ready to be made.

Reads the episode files (`workers.sources.episodes`) and the team's calendar, a file of the project or an
address (`workers.sources.calendar`); writes nothing. Finds planned episodes that in the days before their
recording lack a guest, the guest's consent, an outline, a title or artwork; recordings that overlap each
other or another event; and recordings that the calendar doesn't have, or has at another time.

How bad a lack is depends on the days left: `critical_days` and `warning_days`. Local times are in the
worker's zone. Of an event that repeats only the first date is known.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from itertools import combinations
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import Skip, WorkerContext, WorkerOutput
from workers.sources.bookings import Booking, find_bookings
from workers.sources.calendar import Calendar, Event, NotACalendar, fetch_calendar, is_address, read_calendar
from workers.sources.episodes import Episode, episode_files, read_episodes
from workers.sources.findings import Note, Severity, listing, note, report
from workers.sources.folder import Folder, Unreadable
from workers.sources.recordings import Recording, ends, recordings_ahead
from workers.sources.yaml_files import told

KINDS = (
    "unreadable", "guest", "consent", "outline", "title", "artwork", "overdue", "unscheduled", "order",
    "overlap", "clash", "not_in_calendar", "other_time", "calendar", "event", "unchecked",
)  # fmt: skip

_PLACEHOLDER = re.compile(r"\W*(tb[acd]|todo|untitled|working title|\?+|xxx?)\W*", re.IGNORECASE)


class Settings(BaseModel):
    """episodes: patterns of files. calendar: a file of the project, or an address (http, https, webcal);
    calendar_secret: the name of the secret that holds the address instead, for one that is a key itself; put
    it into the worker's `requires` too. recording_words: how the calendar's recordings are called.
    recording_minutes: how long one takes whose file doesn't say."""

    model_config = ConfigDict(extra="forbid")

    episodes: list[str] = ["episodes/*.yaml", "episodes/*.yml"]
    calendar: str = "calendar.ics"
    calendar_secret: str | None = None
    days_ahead: int = Field(default=14, ge=1, le=366)
    warning_days: int = Field(default=7, ge=0)
    critical_days: int = Field(default=2, ge=0)
    recording_minutes: int = Field(default=60, ge=1, le=1_440)
    recording_words: list[str] = ["record", "studio", "taping"]
    max_episodes: int = Field(default=2_000, ge=1)
    max_episode_bytes: int = Field(default=100_000, ge=1)
    max_calendar_bytes: int = Field(default=2_000_000, ge=1_000)
    max_events: int = Field(default=10_000, ge=1)
    max_findings: int = Field(default=200, ge=1)


class Output(WorkerOutput):
    """episodes_checked: planned episodes that were read. metrics: how many findings of each kind (`KINDS`),
    `episodes_read` of any status, `recordings_ahead`, `calendar_events`, and, once there is a last time to
    compare with, `new` and `resolved`."""

    episodes_checked: int


def reads(settings: Settings, project: Path) -> Iterable[str]:
    """What a run would read, in short lines; looks at names only."""
    count = len(episode_files(Folder(project), settings.episodes))
    yield f"{', '.join(settings.episodes)}: {count} {'file' if count == 1 else 'files'}"
    if settings.calendar_secret:
        yield f"GET the calendar whose address is the secret {settings.calendar_secret}"
    elif is_address(settings.calendar):
        yield f"GET the calendar at {urlsplit(settings.calendar).hostname}"
    else:
        there = Folder(project).find(settings.calendar)
        yield f"{settings.calendar}: {'1 file' if there else 'no such file'}"


def run(context: WorkerContext[Settings]) -> Output:
    settings, folder = context.settings, Folder(context.project)
    if not episode_files(folder, settings.episodes):
        raise Skip(
            f"no file fits {listing(settings.episodes)}: put episode files there, or set `settings: "
            "{episodes: [...]}` at worker 'media-pre-production' in worker-registry.yaml"
        )
    zone = context.now.tzinfo or UTC
    episodes, troubles = read_episodes(
        folder,
        settings.episodes,
        zone=zone,
        max_files=settings.max_episodes,
        max_bytes=settings.max_episode_bytes,
    )
    planned = [episode for episode in episodes if episode.status == "planned"]
    ahead = recordings_ahead(
        planned, folder, now=context.now, days=settings.days_ahead, minutes=settings.recording_minutes
    )
    context.progress(f"{len(planned)} planned episodes read, {len(ahead)} are recorded soon")
    calendar, notes = _calendar(context, folder)
    notes += told(troubles, kind="unreadable", what="episode file")
    for episode in planned:
        notes += check_dates(episode, context.now, settings)
    for recording in ahead:
        notes += check_parts(recording, context.now.date(), settings)
    notes += check_overlaps(ahead, settings)
    if calendar is not None:
        bookings = find_bookings(planned, calendar.events, words=settings.recording_words, now=context.now)
        notes += check_calendar(ahead, bookings, zone, settings)
        notes += check_clashes(ahead, bookings, calendar.events, zone, settings)
    return _output(notes, len(episodes), planned, ahead, calendar, context)


def check_dates(episode: Episode, now: datetime, settings: Settings) -> Iterator[Note]:
    """Days that have passed, are missing, or stand in the wrong order."""
    if episode.recording is None:
        left = (episode.published - now.date()).days if episode.published else settings.days_ahead + 1
        if left <= settings.days_ahead:
            title = f"No recording is planned for an episode due on {episode.published}"
            detail = f"Episode {episode.name}: publication {_in_days(left)}."
            action = f"Book a recording, write it into {episode.path} as `recording:`, or move `published:`."
            yield note(
                "unscheduled",
                _severity(left, settings, least="warning"),
                title,
                subject=episode.where("published"),
                detail=detail,
                action=action,
            )
        return
    if ends(episode, settings.recording_minutes) <= now:
        title = f"Recording was due on {episode.recording:%Y-%m-%d} and the episode is still planned"
        detail = f"Episode {episode.name} was to be recorded at {episode.recording:%Y-%m-%d %H:%M %Z}."
        action = f"Set `status: recorded` in {episode.path}, or the new `recording:` if it was put off."
        yield note(
            "overdue", "warning", title, subject=episode.where("recording"), detail=detail, action=action
        )
    elif episode.published is not None and episode.published < episode.recording.date():
        detail = (
            f"It is to be published on {episode.published}, and recorded on {episode.recording:%Y-%m-%d}."
        )
        action = "Move one of the two."
        title = f"Episode {episode.number} is to be published before it is recorded"
        yield note(
            "order", "warning", title, subject=episode.where("published"), detail=detail, action=action
        )


def check_parts(recording: Recording, today: date, settings: Settings) -> Iterator[Note]:
    """What a recording needs and hasn't."""
    episode, days = recording.episode, recording.days
    grave, light = _severity(days, settings), _severity(days, settings, most="warning")

    def lack(kind: str, severity: Severity, title: str, action: str, detail: str = "", key: str = "") -> Note:
        when = f"Episode {episode.name} is recorded {_in_days(days)}, at {recording.when}."
        return note(
            kind,
            severity,
            f"{title} for episode {episode.number}",
            subject=episode.where(key or kind),
            detail=f"{detail} {when}".strip(),
            action=action,
        )

    if _is_blank(episode.title):
        yield lack("title", light, "No title", f"Write a `title:` into {episode.path}.")
    guest = episode.guest
    if not episode.solo and (guest is None or _is_blank(guest.name)):
        action = f"Find a guest and write `guest:` into {episode.path}, or `solo: yes` if none is wanted."
        yield lack("guest", grave, "No guest", action)
    elif guest is not None and guest.consent is False:
        action = "Get their consent before the recording, or find another guest."
        detail = f"{guest.name} hasn't consented."
        yield lack("consent", "critical", "The guest's consent is refused", action, detail, "guest")
    elif guest is not None and (guest.consent is None or _lies_ahead(guest.consent, today)):
        there = guest.consent is not None
        detail = f"{guest.name}: {'the day given lies ahead.' if there else 'no consent is noted.'}"
        action = f"Have {guest.name} agree, and write the day into {episode.path} as the guest's `consent:`."
        yield lack("consent", grave, "No consent of the guest", action, detail, "guest")
    if episode.outline is None or recording.outline:
        action = f"Write the outline, and name its file in {episode.path} as `outline:`."
        yield lack("outline", grave, "No outline", action, recording.outline)
    if episode.artwork is None or recording.artwork:
        action = f"Have the artwork made, and name its file in {episode.path} as `artwork:`."
        yield lack("artwork", light, "No artwork", action, recording.artwork)


def check_overlaps(ahead: Sequence[Recording], settings: Settings) -> Iterator[Note]:
    """Two recordings that need the studio at once."""
    for one, other in combinations(ahead, 2):
        if other.start < one.end:
            detail = (
                f"Episode {one.episode.name} is recorded from {one.when} to {one.until}, episode "
                f"{other.episode.name} ({other.episode.where('recording')}) from {other.when}."
            )
            yield note(
                "overlap",
                _severity(one.days, settings, least="warning"),
                f"Recordings of episodes {one.episode.number} and {other.episode.number} overlap",
                subject=one.episode.where("recording"),
                detail=detail,
                action="Move one of the two.",
            )


def check_calendar(
    ahead: Sequence[Recording], bookings: Mapping[str, Booking], zone: tzinfo, settings: Settings
) -> Iterator[Note]:
    """Recordings that those who look into the calendar don't know of, or expect at another time."""
    for recording in ahead:
        episode, booking = recording.episode, bookings[recording.episode.path]
        what = f"The recording of episode {episode.number}"
        if booking.at:
            continue
        if booking.elsewhere:
            event = min(booking.elsewhere, key=lambda each: abs(each.start - recording.start))
            kind, title = "other_time", f"{what} is at another time in the calendar"
            zoneless = " The calendar writes it without a zone." if event.floating else ""
            detail = f"It has {_shown(event, zone)}; the episode's file has {recording.when}.{zoneless}"
            action = "Ask the guest which it is, and mend the other."
        elif booking.cancelled:
            kind, title = "not_in_calendar", f"{what} is called off in the calendar"
            detail = f"The calendar has {_shown(booking.cancelled[0], zone)}, cancelled."
            action = f"Book it again, or move `recording:` in {episode.path}."
        else:
            kind, title = "not_in_calendar", f"{what} isn't in the calendar"
            detail = f"Episode {episode.name} is recorded {_in_days(recording.days)}, at {recording.when}."
            action = f"Enter it, named 'Recording: episode {episode.number}'."
        severity = _severity(recording.days, settings, least="warning")
        yield note(kind, severity, title, subject=episode.where("recording"), detail=detail, action=action)


def check_clashes(
    ahead: Sequence[Recording],
    bookings: Mapping[str, Booking],
    events: Sequence[Event],
    zone: tzinfo,
    settings: Settings,
) -> Iterator[Note]:
    """Recordings at times that the calendar gives to something else, or to another recording."""
    known = {event for booking in bookings.values() for event in booking.at}
    for recording in ahead:
        own = known.union(bookings[recording.episode.path].elsewhere)
        for event in events:
            if event.start >= recording.end:
                break
            if event.end <= recording.start or event.cancelled or not event.busy or event in own:
                continue
            episode = recording.episode
            yield note(
                "clash",
                _severity(recording.days, settings, least="warning"),
                f"Recording of episode {episode.number} clashes with {event.summary!r}",
                subject=episode.where("recording"),
                detail=f"It begins at {recording.when}; the calendar has {_shown(event, zone)}.",
                action="Move one of the two.",
            )


def check_contents(calendar: Calendar, where: str) -> Iterator[Note]:
    """What of the calendar can't be held against the recordings."""
    for mistake in calendar.mistakes:
        title, subject = "Event that can't be read", f"{where}:{mistake.line}"
        action = "Mend it in the calendar."
        yield note("event", "warning", title, subject=subject, detail=f"{mistake.text}.", action=action)
    repeating = [event.summary for event in calendar.events if event.repeats and not event.cancelled]
    if repeating:
        detail = f"{listing(repeating)}. Only their first dates are held against the recordings."
        action = "Look at their later dates yourself."
        title = "Events that repeat are checked at their first date only"
        yield note("unchecked", "info", title, subject=where, detail=detail, action=action)


def _calendar(context: WorkerContext[Settings], folder: Folder) -> tuple[Calendar | None, list[Note]]:
    """The calendar, or None and why; and what is wrong in it."""
    settings = context.settings
    address = context.secret(settings.calendar_secret) if settings.calendar_secret else settings.calendar
    remote = bool(settings.calendar_secret) or is_address(address)
    where = "the calendar" if remote else address
    limit = settings.max_calendar_bytes
    severity: Severity = "critical"
    action = "Export it again as iCalendar (.ics), or raise the limit that it is beyond."
    try:
        if remote:
            text = fetch_calendar(
                address,
                context.http,
                max_bytes=limit,
                now=context.now,
                cancelled=lambda: context.cancelled,
            )
        else:
            text = folder.read(address, max_bytes=limit)
        calendar = read_calendar(text, zone=context.now.tzinfo or UTC, max_events=settings.max_events)
    except NotACalendar as error:
        said = str(error)
    except Unreadable as error:
        said = f"It {error}"
        if folder.find(address) is None:
            severity = "warning" if "calendar" in settings.model_fields_set else "info"
            action = "Export the calendar there, or set `calendar` to where it is."
    else:
        return calendar, list(check_contents(calendar, where))
    detail = f"{said}. No recording is held against it."
    return None, [
        note("calendar", severity, "No calendar to read", subject=where, detail=detail, action=action)
    ]


def _output(
    notes: Sequence[Note],
    read: int,
    planned: Sequence[Episode],
    ahead: Sequence[Recording],
    calendar: Calendar | None,
    context: WorkerContext[Settings],
) -> Output:
    settings = context.settings
    done = report(notes, kinds=KINDS, previous=context.previous, limit=settings.max_findings)
    counts = {"episodes_read": float(read), "recordings_ahead": float(len(ahead))}
    if calendar is not None:
        counts["calendar_events"] = float(len(calendar.events))
    return Output(
        summary=(
            f"{len(planned)} planned episodes checked, {len(ahead)} of them recorded within "
            f"{settings.days_ahead} days, {done.text}."
        ),
        findings=done.findings,
        metrics=done.metrics | counts,
        episodes_checked=len(planned),
    )


def _severity(
    days: int, settings: Settings, *, least: Severity = "info", most: Severity = "critical"
) -> Severity:
    order: tuple[Severity, ...] = ("info", "warning", "critical")
    rank = 2 if days <= settings.critical_days else 1 if days <= settings.warning_days else 0
    return order[min(max(rank, order.index(least)), order.index(most))]


def _lies_ahead(consent: date | bool, today: date) -> bool:
    return isinstance(consent, date) and consent > today


def _is_blank(text: str | None) -> bool:
    return text is None or _PLACEHOLDER.fullmatch(text) is not None


def _in_days(days: int) -> str:
    if days < 0:
        return f"{-days} days ago" if days < -1 else "yesterday"
    return ("today", "tomorrow")[days] if days < 2 else f"in {days} days"


def _shown(event: Event, zone: tzinfo) -> str:
    start, end = event.start.astimezone(zone), event.end.astimezone(zone)
    return f"{event.summary!r} from {start:%Y-%m-%d %H:%M %Z} to {end:%H:%M}"
