"""Forge: whether there is enough to publish, and in good shape.

Reads the content queue, a folder of Markdown files with front matter (see `workers.sources.queue`); writes
nothing. Finds pieces past their day, pieces stuck in a stage, scheduled pieces with parts missing, days ahead
without a piece per channel, titles that are nearly the same, owners, stages and channels that nobody knows,
and front matter that can't be read.

Where no channel has a cadence, each in the queue is expected to have one piece at least in the weeks ahead.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import Skip, WorkerContext, WorkerOutput
from workers.sources.findings import Note, Severity, listing, note, plain, report
from workers.sources.folder import Folder
from workers.sources.queue import Piece, read_piece
from workers.sources.similarity import alike, numbers
from workers.sources.texts import FOREIGN, Limits, fitting, read_texts

LIBRARIES = ("frontmatter", "rapidfuzz")
KINDS = (
    "overdue", "stuck", "incomplete", "gap", "duplicate", "unknown_owner", "unowned", "unknown_status",
    "unknown_channel", "undated", "front_matter", "unreadable", "unchecked",
)  # fmt: skip
_VERY_LATE_DAYS = 7
_SOON_DAYS = 7


class Settings(BaseModel):
    """queue, exclude: patterns as in .gitignore; the folders of tools are left out too. stages: the
    statuses there are, each with the days a piece may stay in it, null for as long as it likes.
    without_owner: the stages in which a piece needs no owner. scheduled: those in which it must be
    complete, with the `required` parts and those of its channels (`channel_parts`); `body` is a text of
    `min_words`, and a part named in `files` is a file. done: those in which no day is late any more;
    dropped: those that count for nothing. owners: who there is; empty: anyone. cadence: per channel, the
    most days from one piece to the next. similarity: of titles, of 100."""

    model_config = ConfigDict(extra="forbid")

    queue: list[str] = ["queue/**/*.md"]
    exclude: list[str] = ["README.md"]
    stages: dict[str, int | None] = {
        "idea": None, "draft": 14, "review": 5, "approved": 14, "scheduled": None, "published": None,
        "dropped": None,
    }  # fmt: skip
    without_owner: list[str] = ["idea"]
    scheduled: list[str] = ["scheduled"]
    done: list[str] = ["published"]
    dropped: list[str] = ["dropped"]
    required: list[str] = ["title", "owner", "due", "channel", "body"]
    channel_parts: dict[str, list[str]] = {}
    files: list[str] = ["image", "audio", "artwork"]
    min_words: int = Field(default=50, ge=1)
    owners: list[str] = []
    cadence: dict[str, int | None] = {}
    weeks_ahead: int = Field(default=4, ge=1, le=52)
    similarity: float = Field(default=88, ge=50, le=100)
    max_files: int = Field(default=2_000, ge=1)
    max_file_bytes: int = Field(default=500_000, ge=1)
    max_findings: int = Field(default=200, ge=1)


class Output(WorkerOutput):
    """items_checked: pieces whose front matter could be read. planned: how many of them are to be published
    in the weeks ahead, per channel."""

    items_checked: int
    planned: dict[str, int]


def run(context: WorkerContext[Settings]) -> Output:
    settings, folder, today = context.settings, Folder(context.project), context.now.date()
    limits = Limits(settings.max_files, settings.max_file_bytes)
    texts = read_texts(
        folder, settings.queue, [*FOREIGN, *settings.exclude], limits, cancelled=lambda: context.cancelled
    )
    if not texts.there:
        raise Skip(
            f"no file fits {', '.join(settings.queue)}: put the pieces to publish there, or name their files "
            "with the setting `queue`"
        )
    notes: list[Note] = list(texts.notes)
    pieces: list[Piece] = []
    for text in texts.read:
        piece = read_piece(text.path, text.text)
        if isinstance(piece, Piece):
            pieces.append(piece)
        mistakes = piece.mistakes if isinstance(piece, Piece) else (piece,)
        notes += [_malformed(f"{text.path}:{mistake.line}", mistake.text) for mistake in mistakes]
    living = [piece for piece in pieces if piece.status not in settings.dropped]
    for piece in living:
        notes += check_names(piece, settings)
        if piece.status not in settings.done:
            notes += check_days(piece, today, settings)
        if piece.status in settings.scheduled:
            notes += check_parts(piece, folder, settings)
    notes += find_gaps(living, today, settings)
    notes += find_duplicates(living, settings.similarity)
    notes += tell_undated(living, settings)
    told = report(notes, kinds=KINDS, previous=context.previous, limit=settings.max_findings)
    planned = _planned(living, today, today + timedelta(weeks=settings.weeks_ahead))
    return Output(
        summary=f"{len(pieces)} pieces checked, {told.text}.",
        findings=told.findings,
        metrics=told.metrics,
        items_checked=len(pieces),
        planned={plain(channel): len(days) for channel, days in planned.items()},
    )


def reads(settings: Settings, project: Path) -> Iterable[str]:
    """What a run would read, in words."""
    return fitting(project, settings.queue, [*FOREIGN, *settings.exclude])


def check_names(piece: Piece, settings: Settings) -> Iterator[Note]:
    """Whether its stage, owner and channels are ones that there are."""
    if piece.status not in settings.stages:
        said = f"`{plain(piece.status)}`" if piece.status else "nothing"
        yield _about(
            piece,
            "unknown_status",
            f"Status nobody knows: {piece.status or 'none'}",
            f"Its status is {said}, so nobody can tell whether it is late.",
            f"Set `status` to one of {', '.join(settings.stages)}.",
            "status",
        )
    known = {owner.casefold() for owner in settings.owners}
    if not piece.owner and piece.status not in (*settings.without_owner, *settings.done, *settings.scheduled):
        detail = f"It is in the stage {piece.status or 'unknown'} and nobody has it."
        yield _about(piece, "unowned", "Piece without an owner", detail, "Set `owner`.", "owner")
    elif piece.owner and known and piece.owner.casefold() not in known:
        detail = f"{piece.owner} isn't among the owners: {listing(settings.owners)}."
        action = "Give it to one of them, or add the name to the setting `owners`."
        yield _about(piece, "unknown_owner", f"Owner nobody knows: {piece.owner}", detail, action, "owner")
    for channel in piece.channels if settings.cadence else ():
        if channel not in settings.cadence:
            detail = f"The channels are {listing(list(settings.cadence))}; it counts for none of them."
            action = "Mend `channel`, or add the channel to the setting `cadence`."
            title = f"Channel nobody knows: {channel}"
            yield _about(piece, "unknown_channel", title, detail, action, "channel", "channels")


def check_days(piece: Piece, today: date, settings: Settings) -> Iterator[Note]:
    """Whether it is past its day, or too long in its stage."""
    if piece.due is not None and piece.due < today:
        late = (today - piece.due).days
        yield _about(
            piece,
            "overdue",
            f"Overdue: {piece.name}",
            f"It was due on {piece.due}, {_days(late)} ago, and is still {piece.status or 'without a status'}"
            f"{f', with {piece.owner}' if piece.owner else ''}.",
            "If it is out, set `status` to published; else publish it, or set a day that can be met.",
            "due",
            critical=late > _VERY_LATE_DAYS,
        )
    limit = settings.stages.get(piece.status)
    if limit is not None and piece.since is not None and (today - piece.since).days > limit:
        stayed = (today - piece.since).days
        yield _about(
            piece,
            "stuck",
            f"Stuck in {piece.status}: {piece.name}",
            f"There since {piece.since}, {_days(stayed)}; {_days(limit)} are meant for this stage.",
            f"Ask {piece.owner or 'for an owner'} what it waits for; move it on, or drop it.",
            "since",
            "updated",
        )


def check_parts(piece: Piece, folder: Folder, settings: Settings) -> Iterator[Note]:
    """What a scheduled piece lacks."""
    of_channels = [part for each in piece.channels for part in settings.channel_parts.get(each, ())]
    lacks = [
        f"a text (it has {piece.words} words of {settings.min_words})" if part == "body" else f"`{part}`"
        for part in dict.fromkeys([*settings.required, *of_channels])
        if not _has(piece, part, settings.min_words)
    ]
    named = {part: piece.parts[part] for part in settings.files if piece.parts.get(part)}
    lacks += [f"the file {path}" for path in named.values() if not _is_file(folder, path)]
    lacks += [f"what line {line} leaves open" for line in piece.unfinished]
    if lacks:
        detail = f"It lacks {listing(lacks)}; it is to go out on {piece.due or 'a day that is not set'}."
        action = f"Add what is missing before that day, or take it back from {piece.status}."
        title = f"Scheduled with parts missing: {piece.name}"
        yield _about(piece, "incomplete", title, detail, action, "status")


def _has(piece: Piece, part: str, min_words: int) -> bool:
    if part == "body":
        return piece.words >= min_words
    return bool(piece.channels) if part == "channel" else part in piece.parts


def _is_file(folder: Folder, path: str) -> bool:
    """Whether it is one inside the project; what has an address isn't looked for."""
    if "://" in path:
        return True
    return ".." not in path.split("/") and folder.find(path.lstrip("/")) is not None


def _planned(pieces: Sequence[Piece], start: date, end: date) -> dict[str, list[date]]:
    """The days from start to end on which something is to be published, per channel of any piece."""
    planned: dict[str, list[date]] = {channel: [] for piece in pieces for channel in piece.channels}
    for piece in pieces:
        if piece.due is not None and start <= piece.due <= end:
            for channel in piece.channels:
                planned[channel].append(piece.due)
    return {channel: sorted(planned[channel]) for channel in sorted(planned)}


def find_gaps(pieces: Sequence[Piece], today: date, settings: Settings) -> Iterator[Note]:
    """Days ahead, per channel, on which a piece is expected and none is planned. The first such days count
    from the last piece that is out, where that isn't longer ago than the cadence."""
    horizon = settings.weeks_ahead * 7
    end = today + timedelta(days=horizon)
    planned = _planned(pieces, today, end)
    for channel in sorted({*planned, *settings.cadence}):
        days = planned.get(channel, [])
        cadence = settings.cadence.get(channel)
        if not settings.cadence and not days:
            cadence = horizon
        if cadence is None:
            continue
        out = _out_lately(pieces, channel, today, cadence, settings)
        edges = [out or today - timedelta(days=1), *days, end + timedelta(days=1)]
        for before, after in pairwise(edges):
            if (after - before).days > cadence + (after > end):
                first, last = max(before + timedelta(days=1), today), after - timedelta(days=1)
                yield _tell_gap(channel, first, last, cadence, soon=(first - today).days < _SOON_DAYS)


def _out_lately(
    pieces: Sequence[Piece], channel: str, today: date, cadence: int, settings: Settings
) -> date | None:
    """The last day before today, no longer ago than the cadence, on which a piece came out."""
    out = (
        piece.due
        for piece in pieces
        if channel in piece.channels and piece.status in settings.done and piece.due is not None
    )
    return max((day for day in out if today - timedelta(days=cadence) <= day < today), default=None)


def _tell_gap(channel: str, first: date, last: date, cadence: int, *, soon: bool) -> Note:
    days = (last - first).days + 1
    return note(
        "gap",
        "warning" if soon else "info",
        f"Nothing planned on {channel} from {first} to {last}",
        subject=plain(channel),
        detail=f"{_days(days)} without a piece; one is expected at least every {_days(cadence)}.",
        action="Give a piece that is nearly ready a day in these, or change the setting `cadence`.",
    )


def find_duplicates(pieces: Sequence[Piece], similarity: float) -> Iterator[Note]:
    """Pieces with nearly the same title; titles with other numbers in them are others."""
    titles = [piece.title for piece in pieces]
    for group in alike(titles, threshold=similarity, apart=[numbers(title) for title in titles]):
        first, *others = (pieces[number] for number in group)
        detail = f"{first.place('title')} has nearly the same title: '{plain(first.title)}'."
        action = "Make one piece of them, or give this one a title that says what is different."
        for piece in others:
            yield _about(piece, "duplicate", f"Same title: {piece.title}", detail, action, "title")


def tell_undated(pieces: Sequence[Piece], settings: Settings) -> Iterator[Note]:
    """Once for all pieces of whose time in their stage nothing is known."""
    paths = [
        plain(piece.path)
        for piece in pieces
        if settings.stages.get(piece.status) is not None and piece.since is None
    ]
    if paths:
        yield note(
            "undated",
            "info",
            "Pieces that don't say since when they are in their stage",
            detail=f"{listing(paths)}: whether they are stuck can't be told.",
            action="Set `since` to the day on which each came to its status.",
        )


def _about(
    piece: Piece, kind: str, title: str, detail: str, action: str, *names: str, critical: bool = False
) -> Note:
    """names: of the front matter, the first of them that is there being the line to look at."""
    subject = piece.place(*names)
    severity: Severity = "critical" if critical else "warning"
    return note(kind, severity, title, subject=subject, detail=detail, action=action)


def _malformed(place: str, why: str) -> Note:
    title = "Front matter that can't be read"
    action = "Mend that line; until then what stands there doesn't count."
    return note("front_matter", "warning", title, subject=place, detail=f"{why}.", action=action)


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"
