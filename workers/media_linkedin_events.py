"""Which of the company's events aren't ready to be shown on LinkedIn, and which posts are to be prepared.

Reads the events file (`workers.sources.events`); writes nothing and asks LinkedIn for nothing. Finds posts
that are due soon, or were due, and aren't ready; events to come that lack a title, a time, a place or link, a
host or an image; and events that are over and still marked open.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import Skip, WorkerContext, WorkerOutput
from workers.sources.events import PublicEvent, read_events
from workers.sources.findings import Note, Severity, listing, note, report
from workers.sources.folder import Folder
from workers.sources.named_files import is_web_address, why_unusable
from workers.sources.yaml_files import told

KINDS = ("unreadable", "post", "incomplete", "order", "twice", "past")


class Settings(BaseModel):
    """events: the events file. post_days: how many days before an event its posts go out. prepare_days: how
    long before that a post is to be ready. days_ahead: how far ahead events are looked at."""

    model_config = ConfigDict(extra="forbid")

    events: str = "events.yaml"
    post_days: list[int] = [14, 7, 1]
    prepare_days: int = Field(default=3, ge=0)
    days_ahead: int = Field(default=60, ge=1)
    warning_days: int = Field(default=14, ge=0)
    critical_days: int = Field(default=2, ge=0)
    max_events: int = Field(default=1_000, ge=1)
    max_bytes: int = Field(default=500_000, ge=1)
    max_findings: int = Field(default=200, ge=1)


class Output(WorkerOutput):
    """events_checked: how many events were read. metrics: how many findings of each kind (`KINDS`),
    `events_ahead`, and, once there is a last time to compare with, `new` and `resolved`."""

    events_checked: int


def reads(settings: Settings, project: Path) -> Iterable[str]:
    """What a run would read, in short lines; looks at names only."""
    there = Folder(project).find(settings.events)
    yield f"{settings.events}: {'1 file' if there else 'no such file'}"


def run(context: WorkerContext[Settings]) -> Output:
    settings, folder, now = context.settings, Folder(context.project), context.now
    if folder.find(settings.events) is None:
        raise Skip(
            f"there is no {settings.events}: write the events there, or set `settings: {{events: ...}}` at "
            "worker 'media-linkedin-events' in worker-registry.yaml"
        )
    events, troubles = read_events(
        folder,
        settings.events,
        zone=now.tzinfo or UTC,
        max_events=settings.max_events,
        max_bytes=settings.max_bytes,
    )
    ahead = [event for event in events if _is_ahead(event, now, settings)]
    context.progress(f"{len(events)} events read, {len(ahead)} lie ahead")
    notes = told(troubles, kind="unreadable", what="events file")
    notes += check_past(events, now)
    notes += check_twice(events)
    for event in ahead:
        notes += check_parts(event, why_unusable(folder, event.image), now, settings)
        broken = {post.days_before: why_unusable(folder, post.text) for post in event.posts if post.text}
        notes += check_posts(event, broken, now, settings)
    done = report(notes, kinds=KINDS, previous=context.previous, limit=settings.max_findings)
    return Output(
        summary=f"{len(events)} events checked, {len(ahead)} of them ahead, {done.text}.",
        findings=done.findings,
        metrics=done.metrics | {"events_ahead": float(len(ahead))},
        events_checked=len(events),
    )


def check_past(events: Sequence[PublicEvent], now: datetime) -> Iterator[Note]:
    """Events that are over and that the page still invites to."""
    for event in events:
        over = event.ends or event.starts
        if over is not None and over < now and event.status in ("draft", "open"):
            yield note(
                "past",
                "warning",
                f"T{event.name[1:]} is over and still {event.status}",
                subject=event.at("status"),
                detail=f"It was over at {_local(over, now)}.",
                action="Close it on LinkedIn and set `status: closed`.",
            )


def check_twice(events: Sequence[PublicEvent]) -> Iterator[Note]:
    """An event that is entered more than once."""
    first: dict[tuple[str, datetime], PublicEvent] = {}
    for event in events:
        if event.title is None or event.starts is None or event.status == "cancelled":
            continue
        other = first.setdefault((event.title.casefold(), event.starts.astimezone(UTC)), event)
        if other is not event:
            title = f"T{event.name[1:]} is there twice"
            detail = f"It has the same title and time as {other.at()}."
            yield note("twice", "warning", title, subject=event.at(), detail=detail, action="Take one out.")


def check_parts(event: PublicEvent, image: str, now: datetime, settings: Settings) -> Iterator[Note]:
    """What visitors of its page would miss. image: why the image can't be used, or nothing."""
    lacks = [f"a {key}" for key in ("title", "host") if getattr(event, key) is None]
    lacks += [] if event.starts else ["a time (`starts`)"]
    lacks += [] if event.where or event.link else ["a place or a link (`where`, `link`)"]
    lacks += ["a link that is an address"] if event.link and not is_web_address(event.link) else []
    lacks += ["an image"] if event.image is None or image else []
    severity = _severity(event, now, settings)
    if lacks:
        detail = f"It lacks {listing(lacks)}. {image} {_when(event, now)}"
        yield note(
            "incomplete",
            severity,
            f"T{event.name[1:]} is incomplete",
            subject=event.at(),
            detail=detail,
            action=f"Write what is missing into {event.path}, then onto its page.",
        )
    if event.starts and event.ends and event.ends <= event.starts:
        title = f"T{event.name[1:]} ends before it begins"
        detail = f"From {_local(event.starts, now)} to {_local(event.ends, now)}."
        yield note("order", "warning", title, subject=event.at("ends"), detail=detail, action="Mend `ends:`.")


def check_posts(
    event: PublicEvent, broken: dict[int, str], now: datetime, settings: Settings
) -> Iterator[Note]:
    """Posts to write: those due soon, and the last that should have gone out. broken: by the days before, why
    the text of a post can't be used."""
    if event.starts is None:
        return
    today, starts = now.date(), event.starts.astimezone(now.tzinfo).date()
    ready = {post.days_before for post in event.posts if post.text and not broken.get(post.days_before)}
    dues = {days: starts - timedelta(days=days) for days in sorted(set(settings.post_days), reverse=True)}
    missed = [days for days, due in dues.items() if due < today]
    wanted = missed[-1:] + [
        days for days, due in dues.items() if today <= due <= today + timedelta(days=settings.prepare_days)
    ]
    for days in wanted:
        if days in ready:
            continue
        due, late = dues[days], dues[days] < today
        title = f"Post {_days(days)} before {event.name} isn't ready"
        facts = [event.title, _local(event.starts, now), event.where, event.link, event.host]
        detail = f"It {'should have gone' if late else 'goes'} out on {due}. {broken.get(days, '')}".strip()
        action = (
            f"Write it ({listing([fact for fact in facts if fact])}) and enter it at `posts:` with "
            f"`days_before: {days}`."
        )
        severity: Severity = "warning" if late or due <= today + timedelta(days=1) else "info"
        entries = [post.line for post in event.posts if post.days_before == days]
        subject = f"{event.path}:{entries[0]}" if entries else event.at("posts")
        yield note("post", severity, title, subject=subject, detail=detail, action=action)


def _is_ahead(event: PublicEvent, now: datetime, settings: Settings) -> bool:
    """Whether it is still to be, or nobody knows when."""
    if event.status not in ("draft", "open"):
        return False
    if event.starts is None:
        return event.ends is None or event.ends > now
    return now < event.starts and _left(event.starts, now) <= settings.days_ahead


def _left(starts: datetime, now: datetime) -> int:
    day: date = starts.astimezone(now.tzinfo).date()
    return (day - now.date()).days


def _severity(event: PublicEvent, now: datetime, settings: Settings) -> Severity:
    left = settings.warning_days if event.starts is None else _left(event.starts, now)
    return (
        "critical"
        if left <= settings.critical_days
        else "warning"
        if left <= settings.warning_days
        else "info"
    )


def _when(event: PublicEvent, now: datetime) -> str:
    if event.starts is None:
        return "Nobody knows when it is."
    return f"It begins at {_local(event.starts, now)}, {_days(_left(event.starts, now))} from now."


def _local(time: datetime, now: datetime) -> str:
    return f"{time.astimezone(now.tzinfo):%Y-%m-%d %H:%M %Z}"


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"
