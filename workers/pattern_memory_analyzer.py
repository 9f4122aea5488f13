"""Echo: what keeps coming back in what the agents remember.

Reads the agents' notes (JSON lines or Markdown, see `workers.sources.memories`) and Loom's own ledger, which
is the memory of how runs ended. Finds

- patterns: three or more notes that are alike (see `workers.sources.similarity`), and whether they come more
  or less often than at the previous run (by a quarter or more);
- notes that contradict each other (see `workers.sources.directives`);
- workers that fail the same way again (see `workers.sources.failures`).

Notes with a date before the window are left out; those without a date always count.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import Skip, WorkerContext, WorkerOutput
from workers.sources.directives import contradictions, read_directives, speaks_against
from workers.sources.failures import Failure, repeated_failures
from workers.sources.findings import Note, Severity, listing, note, plain, report
from workers.sources.folder import Folder
from workers.sources.memories import Memory, read_memories
from workers.sources.similarity import alike, words
from workers.sources.texts import FOREIGN, Limits, fitting, read_texts

LIBRARIES = ("rapidfuzz",)
KINDS = (
    "pattern", "rising", "fading", "contradiction", "repeated_failure", "malformed", "unreadable",
    "unchecked",
)  # fmt: skip
_ACTIONS = {
    "pattern": "Mend its cause, or make it one instruction for the agents; then delete the notes.",
    "rising": "It grows: find its cause now, then write what is decided into the agents' instructions.",
    "fading": "It is going away: leave the notes to age out, or delete them.",
}
_CHANGE = 0.25
_PERSONAL = re.compile(r"\[[\w -]+ redacted\]|[^\s@]+@[^\s@]+|\+?\(?\d[\d ()./-]{5,}\d")
_FEWEST_WORDS = 3
_CONTRADICTIONS = 50
_PATTERN_TEXT = 300


class Settings(BaseModel):
    """memories, exclude: patterns as in .gitignore; the folders of tools are left out too. window_days:
    how far back dated notes count. similarity: how alike notes are that say the same, of 100. min_count:
    how many make a pattern. min_failures: how often a worker fails the same way before it is told."""

    model_config = ConfigDict(extra="forbid")

    memories: list[str] = ["memories/**/*.jsonl", "memories/**/*.md"]
    exclude: list[str] = []
    window_days: int = Field(default=90, ge=1)
    similarity: float = Field(default=85, ge=50, le=100)
    min_count: int = Field(default=3, ge=2)
    min_failures: int = Field(default=3, ge=2)
    examples: int = Field(default=3, ge=1, le=10)
    max_files: int = Field(default=1_000, ge=1)
    max_file_bytes: int = Field(default=5_000_000, ge=1)
    max_memories: int = Field(default=20_000, ge=1)
    max_patterns: int = Field(default=100, ge=1)
    max_findings: int = Field(default=200, ge=1)


class Pattern(BaseModel):
    """text: of its first note. first_seen, last_seen: None when none of its notes has a date. places: where
    some of its notes stand, the newest last."""

    text: str
    count: int
    first_seen: datetime | None
    last_seen: datetime | None
    places: list[str]


class Output(WorkerOutput):
    """memories_analyzed: notes and remembered runs together. patterns: the commonest first; the next run
    compares with them."""

    memories_analyzed: int
    notes_analyzed: int
    runs_analyzed: int
    patterns: list[Pattern]


def run(context: WorkerContext[Settings]) -> Output:
    settings, history = context.settings, context.history
    limits = Limits(settings.max_files, settings.max_file_bytes)
    folder = Folder(context.project)
    texts = read_texts(
        folder, settings.memories, [*FOREIGN, *settings.exclude], limits, cancelled=lambda: context.cancelled
    )
    if not texts.there and not history:
        raise Skip(
            f"no file fits {', '.join(settings.memories)}, and the ledger remembers no run: put the agents' "
            "notes there, or name their files with the setting `memories`"
        )
    notes: list[Note] = list(texts.notes)
    memories: list[Memory] = []
    for text in texts.read:
        found, mistakes = read_memories(text.path, text.text)
        memories += found
        notes += [_malformed(f"{text.path}:{mistake.line}", mistake.text) for mistake in mistakes]
    memories = _in_window(memories, context.now - timedelta(days=settings.window_days))
    if len(memories) > settings.max_memories:
        notes.append(_too_many(len(memories), settings.max_memories))
        memories = memories[-settings.max_memories :]
    context.progress(f"comparing {len(memories)} notes")
    patterns = find_patterns(memories, settings)
    notes += tell_patterns(patterns, _patterns_before(context.previous), settings)
    notes += find_contradictions(memories)
    notes += map(_tell_failure, repeated_failures(history, at_least=settings.min_failures))
    told = report(notes, kinds=KINDS, previous=context.previous, limit=settings.max_findings)
    return Output(
        summary=f"{len(memories)} notes and {len(history)} runs analyzed, {told.text}.",
        findings=told.findings,
        metrics=told.metrics,
        memories_analyzed=len(memories) + len(history),
        notes_analyzed=len(memories),
        runs_analyzed=len(history),
        patterns=patterns,
    )


def reads(settings: Settings, project: Path) -> Iterable[str]:
    """What a run would read, in words."""
    yield from fitting(project, settings.memories, [*FOREIGN, *settings.exclude])
    yield "Loom's ledger: the runs of the last 90 days"


def _in_window(memories: Iterable[Memory], start: datetime) -> list[Memory]:
    """Undated notes first, then the dated ones from the oldest."""
    kept = [memory for memory in memories if memory.at is None or memory.at >= start]
    return sorted(kept, key=lambda memory: (memory.at or start, memory.path, memory.line))


def find_patterns(memories: Sequence[Memory], settings: Settings) -> list[Pattern]:
    """The commonest first. Notes of fewer than three words say too little to be compared, and one that speaks
    for something is never alike to one that speaks against it."""
    spoken = [memory for memory in memories if len(words(memory.text)) >= _FEWEST_WORDS]
    groups = alike(
        [memory.text for memory in spoken],
        threshold=settings.similarity,
        apart=[speaks_against(memory.text) for memory in spoken],
    )
    patterns = [
        _pattern([spoken[number] for number in group], settings.examples)
        for group in groups
        if len(group) >= settings.min_count
    ]
    return sorted(patterns, key=lambda pattern: -pattern.count)[: settings.max_patterns]


def _pattern(memories: list[Memory], examples: int) -> Pattern:
    days = [memory.at for memory in memories if memory.at is not None]
    return Pattern(
        text=plain(memories[0].text, limit=_PATTERN_TEXT),
        count=len(memories),
        first_seen=min(days, default=None),
        last_seen=max(days, default=None),
        places=[plain(memory.place) for memory in memories[-examples:]],
    )


def _patterns_before(previous: Mapping[str, Any] | None) -> list[tuple[str, int]] | None:
    """Text and count of the previous run's patterns; None when there was no such run."""
    if previous is None or not isinstance(previous.get("patterns"), Sequence):
        return None
    return [
        (str(pattern.get("text", "")), int(pattern.get("count", 0)))
        for pattern in previous["patterns"]
        if isinstance(pattern, Mapping)
    ]


def tell_patterns(
    patterns: Sequence[Pattern], before: Sequence[tuple[str, int]] | None, settings: Settings
) -> Iterator[Note]:
    """Each pattern once, as rising, fading or as it is; and those of the previous run that are gone."""
    said = [
        _unmasked(text) for text in (*(text for text, _ in before or ()), *(one.text for one in patterns))
    ]
    groups = alike(said, threshold=settings.similarity, apart=[speaks_against(text) for text in said])
    group_of = {number: group for group in groups for number in group}
    earlier = list(before or ())
    for number, pattern in enumerate(patterns, len(earlier)):
        counts = [earlier[other][1] for other in group_of.get(number, ()) if other < len(earlier)]
        yield _tell_pattern(pattern, sum(counts) if before is not None else None)
    for number, (text, count) in enumerate(earlier):
        if all(other < len(earlier) for other in group_of.get(number, (number,))):
            detail = f"{count} notes at the previous run, fewer than {settings.min_count} now."
            title = f"Faded pattern: {plain(text, limit=150)}"
            action = "If something was done about it, it seems to have helped; nothing else is needed."
            yield note("fading", "info", title, detail=detail, action=action)


def _unmasked(text: str) -> str:
    """The text without what a rule redacts from a kept output: the previous run's patterns lack it."""
    return _PERSONAL.sub(" ", text)


def _tell_pattern(pattern: Pattern, before: int | None) -> Note:
    """before: its count at the previous run, 0 if it is new, None without a previous run."""
    severity: Severity = "info"
    kind, title, trend = "pattern", "Recurring pattern", ""
    if before is not None:
        trend = f" At the previous run: {before or 'not yet a pattern'}."
        if pattern.count >= before * (1 + _CHANGE):
            kind, title, severity = "rising", "Rising pattern", "warning"
        elif pattern.count <= before * (1 - _CHANGE):
            kind, title = "fading", "Fading pattern"
    return note(
        kind,
        severity,
        f"{title}: {plain(pattern.text, limit=150)}",
        subject=pattern.places[-1],
        detail=f"{pattern.count} notes, {_span(pattern.first_seen, pattern.last_seen)}; "
        f"for example {listing(pattern.places)}.{trend}",
        action=_ACTIONS[kind],
    )


def find_contradictions(memories: Sequence[Memory]) -> Iterator[Note]:
    """Pairs of notes of which one says the opposite of the other; within one note nothing is."""
    said = [
        (directive, memory)
        for memory in memories
        for directive in read_directives(memory.text, about=memory.subject)
    ]
    directives, origins = [directive for directive, _ in said], [memory.place for _, memory in said]
    for one, other in contradictions(directives, limit=_CONTRADICTIONS, origins=origins):
        (earlier, first), (later, second) = said[one], said[other]
        days = [memory.at for memory in (first, second) if memory.at is not None]
        likely = ", most likely the earlier one" if len(days) == 2 else ""
        yield note(
            "contradiction",
            "warning",
            f"Contradicting notes: {plain(later.text, limit=150)}",
            subject=second.place,
            detail=f"2 notes, {_span(min(days, default=None), max(days, default=None))}. {first.place} says "
            f"'{plain(earlier.text)}', {second.place} says '{plain(later.text)}'.",
            action=f"Decide which holds and delete the other{likely}.",
        )


def _tell_failure(failure: Failure) -> Note:
    since = " It has succeeded since." if failure.recovered else ""
    return note(
        "repeated_failure",
        "info" if failure.recovered else "warning",
        f"Fails the same way again: {failure.worker} ({failure.kind})",
        subject=failure.worker,
        detail=f"{failure.count} times, {_span(failure.first, failure.last)}, ended {failure.outcome}; "
        f"the last time: {plain(failure.message, limit=500) or 'no message'}.{since}",
        action="Trying again hasn't helped: mend the cause. "
        f"`loom history --worker {failure.worker}` lists the runs.",
    )


def _malformed(place: str, why: str) -> Note:
    action = "Mend the line or delete it: until then that note isn't counted, or has no date."
    return note(
        "malformed", "warning", "Note that can't be read", subject=place, detail=f"It {why}.", action=action
    )


def _too_many(there: int, limit: int) -> Note:
    detail = f"There are {there} notes; only the newest {limit} were compared."
    action = "Raise `max_memories`, or shorten `window_days`."
    return note("unchecked", "warning", "Notes left unchecked", detail=detail, action=action)


def _span(first: datetime | None, last: datetime | None) -> str:
    if first is None or last is None:
        return "without a date"
    return f"first seen {first.date()}, last seen {last.date()}"
