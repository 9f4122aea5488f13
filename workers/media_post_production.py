"""Encore: which recordings are stuck on their way to being published.

Reads the episode files (`workers.sources.episodes`) and the asset folders that recorded episodes name; writes
nothing. Finds recordings without transcript, chapters, show notes or thumbnail so many days after the day of
the recording; captions that don't parse, overlap or run beyond the audio; chapters that don't rise or don't
begin at 0. Where show notes are missing and a transcript is there, they are drafted from it
(`workers.sources.show_notes`) into the output.

Looked at are episodes that are recorded, and those published within `published_days`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import Skip, WorkerContext, WorkerOutput
from workers.sources.assets import PARTS, Assets, Limits, Names, read_assets
from workers.sources.captions import Captions, Cue, clock
from workers.sources.chapters import Chapters, stamp
from workers.sources.episodes import Episode, episode_files, read_episodes
from workers.sources.findings import Note, Severity, listing, note, plain, report
from workers.sources.folder import Folder
from workers.sources.show_notes import draft_notes
from workers.sources.yaml_files import told

KINDS = (
    "unreadable", "assets", "transcript", "chapters", "notes", "thumbnail", "captions", "captions_overlap",
    "captions_beyond", "chapters_form", "chapters_start", "chapters_order", "chapters_beyond", "overdue",
    "undated", "unchecked",
)  # fmt: skip

_PART_NAMES = {
    "transcript": "transcript",
    "chapters": "chapters",
    "notes": "show notes",
    "thumbnail": "thumbnail",
}


class Settings(BaseModel):
    """episodes, transcript, chapters, notes, thumbnail, captions: patterns of files, all but the first within
    an episode's asset folder. ..._days: after so many days since the recording the part is wanted; after
    `late_after_days` more its lack is critical. published_days: how long a published episode is looked at.
    tolerance_s: how far captions and chapters may run beyond the audio, seconds."""

    model_config = ConfigDict(extra="forbid")

    episodes: list[str] = ["episodes/*.yaml", "episodes/*.yml"]
    transcript: list[str] = ["transcript.*", "*.transcript.*"]
    chapters: list[str] = ["chapters.*", "*.chapters.*"]
    notes: list[str] = ["notes.*", "shownotes.*", "show-notes.*", "show_notes.*"]
    thumbnail: list[str] = ["thumbnail.*", "thumb.*", "cover.*"]
    captions: list[str] = ["*.vtt", "*.srt"]
    transcript_days: int = Field(default=3, ge=0)
    chapters_days: int = Field(default=5, ge=0)
    notes_days: int = Field(default=5, ge=0)
    thumbnail_days: int = Field(default=5, ge=0)
    late_after_days: int = Field(default=7, ge=1)
    published_days: int = Field(default=14, ge=0)
    tolerance_s: float = Field(default=2, ge=0)
    draft_sentences: int = Field(default=5, ge=1, le=20)
    max_drafts: int = Field(default=5, ge=0)
    max_episodes: int = Field(default=2_000, ge=1)
    max_episode_bytes: int = Field(default=100_000, ge=1)
    max_asset_bytes: int = Field(default=2_000_000, ge=1)
    max_assets: int = Field(default=200, ge=1)
    max_cues: int = Field(default=20_000, ge=1)
    max_findings: int = Field(default=200, ge=1)


class Draft(BaseModel):
    """episode: its file. source: the transcript that the notes are picked from. notes: Markdown."""

    model_config = ConfigDict(extra="forbid")

    episode: str
    source: str
    notes: str


class Output(WorkerOutput):
    """recordings_checked: recorded or lately published episodes whose folders were looked at. drafts: show
    notes for those that have none. metrics: how many findings of each kind (`KINDS`), `drafts`,
    `episodes_read` of any status, and, once there is a last time to compare with, `new` and `resolved`."""

    recordings_checked: int
    drafts: list[Draft] = Field(default_factory=list)


def reads(settings: Settings, project: Path) -> Iterable[str]:
    """What a run would read, in short lines."""
    count = len(episode_files(Folder(project), settings.episodes))
    yield f"{', '.join(settings.episodes)}: {count} {'file' if count == 1 else 'files'}"
    episodes, _ = read_episodes(project, settings.episodes, max_files=settings.max_episodes)
    folders = [one.assets for one in episodes if one.assets and one.status != "planned"]
    yield f"asset folders of recorded and lately published episodes, of {listing(folders) or 'none'}"


def run(context: WorkerContext[Settings]) -> Output:
    settings, folder, today = context.settings, Folder(context.project), context.now.date()
    if not episode_files(folder, settings.episodes):
        raise Skip(
            f"no file fits {listing(settings.episodes)}: put episode files there, or set `settings: "
            "{episodes: [...]}` at worker 'media-post-production' in worker-registry.yaml"
        )
    episodes, troubles = read_episodes(
        folder,
        settings.episodes,
        zone=context.now.tzinfo or UTC,
        max_files=settings.max_episodes,
        max_bytes=settings.max_episode_bytes,
    )
    wanted = [episode for episode in episodes if _is_wanted(episode, today, settings)]
    names = Names(**{field: getattr(settings, field) for field in (*PARTS, "captions")})
    limits = Limits(
        max_bytes=settings.max_asset_bytes, max_cues=settings.max_cues, max_files=settings.max_assets
    )
    notes = told(troubles, kind="unreadable", what="episode file")
    drafts: list[Draft] = []
    checked = 0
    for episode in wanted:
        if context.cancelled:
            break
        context.progress(f"episode {episode.number}, {checked + 1} of {len(wanted)}")
        checked += 1
        assets = read_assets(episode, folder, names, limits)
        draft = draft_of(assets, settings) if len(drafts) < settings.max_drafts else None
        drafts += [draft] if draft else []
        notes += check_day(episode, today)
        notes += check_parts(assets, today, settings, drafted=draft is not None)
        notes += check_files(assets, settings)
    return _output(notes, len(episodes), checked, len(wanted), drafts, context)


def check_day(episode: Episode, today: date) -> Iterator[Note]:
    """Episodes that should be out, and those of which nobody knows since when they wait."""
    if episode.status != "recorded":
        return
    if episode.recording is None:
        action = f"Write it into {episode.path} as `recording:`."
        title = f"Nobody knows when episode {episode.number} was recorded"
        detail = "Its parts are taken for wanted at once."
        yield note("undated", "warning", title, subject=episode.where("status"), detail=detail, action=action)
    if episode.published is not None and episode.published < today:
        title = f"Episode {episode.number} was to be published on {episode.published}"
        detail = f"Episode {episode.name} has been waiting for {(today - episode.published).days} days since."
        action = f"Publish it and set `status: published` in {episode.path}, or move `published:`."
        subject = episode.where("published")
        yield note("overdue", "warning", title, subject=subject, detail=detail, action=action)


def check_parts(assets: Assets, today: date, settings: Settings, *, drafted: bool) -> Iterator[Note]:
    """What should be there by now and isn't."""
    episode = assets.episode
    days = None if episode.recording is None else (today - episode.recording.date()).days
    when = "" if days is None else f" It was recorded {days} days ago."

    def severity(due: int) -> Severity | None:
        if days is not None and days < due:
            return None
        late = days is not None and days >= due + settings.late_after_days and episode.status == "recorded"
        return "critical" if late else "warning"

    due = {part: getattr(settings, f"{part}_days") for part in PARTS}
    subject = episode.where("assets")
    if assets.folder is None:
        grave = severity(min(due.values()))
        if grave:
            said = (
                f"{episode.assets!r} isn't a folder of the project." if episode.assets else "It names none."
            )
            title = f"No asset folder of episode {episode.number}"
            action = f"Make it, and name it in {episode.path} as `assets:`."
            yield note("assets", grave, title, subject=subject, detail=f"{said}{when}", action=action)
        return
    for part in PARTS:
        grave = severity(due[part])
        if grave is None or assets.parts[part]:
            continue
        name, patterns = _PART_NAMES[part], listing(getattr(settings, part))
        empty = assets.empty[part]
        said = f"{listing(empty)} is empty." if empty else f"{assets.folder} has no file {patterns}."
        action = f"Put the {name} there."
        if part == "notes" and drafted:
            source = assets.transcript_path
            action = f"Edit the draft in this run's output, picked from {source}, and put it there."
        title = f"No {name} of episode {episode.number}"
        yield note(part, grave, title, subject=subject, detail=f"{said}{when}", action=action)


def check_files(assets: Assets, settings: Settings) -> Iterator[Note]:
    """Files that couldn't be looked at, and what is wrong in those that could."""
    for path, captions in assets.captions.items():
        yield from check_captions(path, captions, assets, settings)
    for path, chapters in assets.chapters.items():
        yield from check_chapters(path, chapters, assets, settings)
    for path, mistake in assets.unreadable.items():
        title = f"File of episode {assets.episode.number} that can't be read"
        action = "Save it again as UTF-8 text of that size at most."
        yield note("unreadable", "warning", title, subject=path, detail=f"{mistake.text}.", action=action)
    if assets.left_out and assets.folder:
        title = f"Files of episode {assets.episode.number} left unchecked"
        detail = f"{assets.left_out} files of {assets.folder} lie beyond `max_assets`."
        action = "Raise it, or keep other files elsewhere."
        yield note("unchecked", "warning", title, subject=assets.folder, detail=detail, action=action)


def check_captions(path: str, captions: Captions, assets: Assets, settings: Settings) -> Iterator[Note]:
    """Captions as players take them: cue by cue, none before the last has ended, none after the audio."""
    whose = f"Captions of episode {assets.episode.number}"
    if captions.mistakes:
        said = listing([f"line {each.line}: {each.text}" for each in captions.mistakes], limit=5)
        action = "Mend the lines: players leave out these cues, or show them as text."
        subject = f"{path}:{captions.mistakes[0].line}"
        title = f"{whose} don't parse"
        yield note("captions", "warning", title, subject=subject, detail=f"{said}.", action=action)
    overlaps = list(_overlaps(captions.cues))
    if overlaps:
        said = listing(
            [f"line {cue.line}: {clock(cue.start)} is before {clock(end)}" for end, cue in overlaps], limit=5
        )
        action = "Let each cue begin when the one before has ended."
        subject, title = f"{path}:{overlaps[0][1].line}", f"{whose} overlap"
        yield note("captions_overlap", "warning", title, subject=subject, detail=f"{said}.", action=action)
    beyond = [cue for cue in captions.cues if _is_beyond(cue.end / 1_000, assets.episode, settings)]
    if beyond:
        said = f"{len(beyond)} of {len(captions.cues)} cues, the last until {clock(beyond[-1].end)}"
        detail = f"{said}; the audio ends at {stamp(assets.episode.duration_s or 0)}."
        action = "They may belong to another cut: make them anew, or mend `duration:`."
        subject, title = f"{path}:{beyond[0].line}", f"{whose} run beyond the audio"
        yield note("captions_beyond", "warning", title, subject=subject, detail=detail, action=action)


def check_chapters(path: str, read: Chapters, assets: Assets, settings: Settings) -> Iterator[Note]:
    """Chapters as players take them: the first at 0, each after the one before, with a title."""
    chapters = read.chapters

    def wrong(kind: str, what: str, line: int, detail: str, action: str) -> Note:
        where, title = f"{path}:{line}", f"Chapters of episode {assets.episode.number} {what}"
        return note(kind, "warning", title, subject=where, detail=detail, action=action)

    if read.mistakes:
        said = listing([f"line {each.line}: {each.text}" for each in read.mistakes], limit=5)
        yield wrong(
            "chapters_form",
            "can't be read",
            read.mistakes[0].line,
            f"{said}.",
            "Mend the lines.",
        )
    untitled = [each for each in chapters if not each.title]
    if untitled:
        said = f"{listing([stamp(each.start_s) for each in untitled])}."
        yield wrong("chapters_form", "have no title", untitled[0].line, said, "Give each a title.")
    if chapters and chapters[0].start_s > 0:
        said = f"The first begins at {stamp(chapters[0].start_s)}; players and YouTube then show none."
        yield wrong("chapters_start", "don't start at 0", chapters[0].line, said, "Begin with one at 0:00.")
    falling = [(one, other) for one, other in pairwise(chapters) if other.start_s <= one.start_s]
    if falling:
        said = listing(
            [f"{stamp(other.start_s)} stands after {stamp(one.start_s)}" for one, other in falling], limit=5
        )
        yield wrong("chapters_order", "don't rise", falling[0][1].line, f"{said}.", "Put them in order.")
    beyond = [each for each in chapters if _is_beyond(each.start_s, assets.episode, settings)]
    if beyond:
        end = stamp(assets.episode.duration_s or 0)
        said = f"{listing([stamp(each.start_s) for each in beyond])}; the audio ends at {end}."
        action = "Mend their times, or `duration:`."
        yield wrong("chapters_beyond", "begin after the audio's end", beyond[0].line, said, action)


def draft_of(assets: Assets, settings: Settings) -> Draft | None:
    """Show notes for an episode that has none and was written down."""
    if assets.folder is None or assets.parts["notes"] or assets.transcript is None:
        return None
    episode = assets.episode
    chapters = next((read.chapters for read in assets.chapters.values()), ())
    notes = draft_notes(
        title=episode.title or f"Episode {episode.number}",
        transcript=assets.transcript,
        chapters=sorted(chapters, key=lambda chapter: chapter.start_s),
        source=assets.transcript_path,
        sentences=settings.draft_sentences,
    )
    return Draft(episode=plain(episode.path), source=plain(assets.transcript_path), notes=notes)


def _is_wanted(episode: Episode, today: date, settings: Settings) -> bool:
    if episode.status == "published":
        return episode.published is not None and (today - episode.published).days <= settings.published_days
    return episode.status == "recorded"


def _overlaps(cues: Sequence[Cue]) -> Iterator[tuple[int, Cue]]:
    """Each cue that begins before an earlier one has ended, and when that one ends."""
    end = 0
    for cue in cues:
        if cue.start < end:
            yield end, cue
        end = max(end, cue.end)


def _is_beyond(seconds: float, episode: Episode, settings: Settings) -> bool:
    return episode.duration_s is not None and seconds > episode.duration_s + settings.tolerance_s


def _output(
    notes: Sequence[Note],
    read: int,
    checked: int,
    wanted: int,
    drafts: list[Draft],
    context: WorkerContext[Settings],
) -> Output:
    settings = context.settings
    done = report(notes, kinds=KINDS, previous=context.previous, limit=settings.max_findings)
    drafted = f", show notes of {len(drafts)} drafted" if drafts else ""
    stopped = f" of {wanted}" if checked < wanted else ""
    return Output(
        summary=f"{checked}{stopped} recordings checked, {done.text}{drafted}.",
        findings=done.findings,
        metrics=done.metrics | {"drafts": float(len(drafts)), "episodes_read": float(read)},
        recordings_checked=checked,
        drafts=drafts,
    )
