"""Refiner: which instructions to agents can't be followed as they stand, and what to write instead.

Reads the instruction files in the project (AGENTS.md, CLAUDE.md, READMEs, `enforcement/guidance`); writes
nothing: each finding carries a proposed edit. Finds

- passages that say nearly the same in two files, and clauses that contradict each other (see
  `workers.sources.similarity` and `workers.sources.directives`);
- links, paths and commands that lead to nothing in the project (see `workers.sources.dead_references`);
- vague wording and days that have passed (see `workers.sources.wording`);
- files too large to be given to an agent whole (tokens estimated, see `workers.sources.instructions`).

A file that describes rather than instructs, such as a README, isn't held to wording, size and contradictions.
"""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import Skip, WorkerContext, WorkerOutput
from workers.sources.commands import read_offers
from workers.sources.dead_references import References
from workers.sources.directives import contradictions, read_directives, speaks_against
from workers.sources.findings import Note, listing, note, plain, report
from workers.sources.folder import Folder, matches
from workers.sources.instructions import Instructions, read_instructions
from workers.sources.passages import Passage
from workers.sources.similarity import alike, words
from workers.sources.texts import FOREIGN, Limits, fitting, read_texts
from workers.sources.wording import passed_days, vague_phrases

LIBRARIES = ("rapidfuzz",)
KINDS = (
    "duplicate", "contradiction", "dead_link", "dead_path", "dead_command", "vague", "stale_date", "size",
    "front_matter", "unreadable", "unchecked",
)  # fmt: skip
_CONTRADICTIONS = 50
_DEAD = {
    "dead_link": "Link that leads nowhere",
    "dead_path": "Names a file that isn't there",
    "dead_command": "Command that can't work",
}
_LARGEST_SECTIONS, _TOLD_ONE_BY_ONE = 3, 3
_MOST = 0.8  # a section with so much of a file is, as good as, the file

# What `loom --help` lists; a test holds this list to it.
LOOM_COMMANDS = [
    "brief", "check", "dashboard", "demo", "enforcement", "history", "init", "ledger", "logs", "next",
    "pause", "resume", "retry", "run", "sample", "schema", "show", "simulate", "state", "status", "watch",
    "why",
]  # fmt: skip


class Settings(BaseModel):
    """instructions, exclude: patterns as in .gitignore; the folders of tools are left out too.
    descriptions: those of the files that describe rather than instruct. commands: the subcommands of
    programs that instructions may name. generated: folders whose files programs make, so that they may be
    named before they are there. similarity: of 100; min_words: of passages that are compared."""

    model_config = ConfigDict(extra="forbid")

    instructions: list[str] = [
        "AGENTS.md", "CLAUDE.md", "README.md", ".github/copilot-instructions.md", "enforcement/guidance/*.md",
    ]  # fmt: skip
    exclude: list[str] = []
    descriptions: list[str] = ["README*"]
    commands: dict[str, list[str]] = {"loom": LOOM_COMMANDS}
    generated: list[str] = [*FOREIGN, "dist", "build", "out", "target", "coverage", "tmp"]
    similarity: float = Field(default=90, ge=50, le=100)
    min_words: int = Field(default=8, ge=3)
    max_tokens: int = Field(default=4_000, ge=1)
    stale_after_days: int = Field(default=180, ge=1)
    max_files: int = Field(default=500, ge=1)
    max_file_bytes: int = Field(default=500_000, ge=1)
    max_findings: int = Field(default=200, ge=1)


class Output(WorkerOutput):
    """instructions_reviewed: passages read, headings aside. tokens: of all files, estimated, by path."""

    instructions_reviewed: int
    files_reviewed: int
    tokens: dict[str, int]


def run(context: WorkerContext[Settings]) -> Output:
    settings, folder = context.settings, Folder(context.project)
    limits = Limits(settings.max_files, settings.max_file_bytes)
    texts = read_texts(
        folder,
        settings.instructions,
        [*FOREIGN, *settings.exclude],
        limits,
        cancelled=lambda: context.cancelled,
    )
    if not texts.there:
        raise Skip(
            f"no file fits {', '.join(settings.instructions)}: name the files with the agents' instructions "
            "with the setting `instructions`"
        )
    files = [
        read_instructions(text, describes=matches(text.path, settings.descriptions)) for text in texts.read
    ]
    context.progress(f"comparing {len(files)} files")
    instructing = [file for file in files if not file.describes]
    notes = [*texts.notes, *find_duplicates(files, settings), *find_contradictions(instructing)]
    references = References(folder, read_offers(folder, settings.commands), settings.generated)
    for file in files:
        notes += find_mistakes(file)
        notes += find_dead_references(file, references)
        notes += find_stale_dates(file, context.now.date(), settings.stale_after_days)
    for file in instructing:
        notes += [*find_vague_wording(file), *find_size(file, settings.max_tokens)]
    reviewed = sum(1 for file in files for _ in file.prose())
    told = report(notes, kinds=KINDS, previous=context.previous, limit=settings.max_findings)
    return Output(
        summary=f"{reviewed} instructions in {len(files)} files reviewed, {told.text}.",
        findings=told.findings,
        metrics=told.metrics | {"tokens": float(sum(file.tokens for file in files))},
        instructions_reviewed=reviewed,
        files_reviewed=len(files),
        tokens={plain(file.path): file.tokens for file in files},
    )


def reads(settings: Settings, project: Path) -> Iterable[str]:
    """What a run would read, in words."""
    yield from fitting(project, settings.instructions, [*FOREIGN, *settings.exclude])
    folder = Folder(project)
    for name in ("Makefile", "package.json", "worker-registry.yaml"):
        if folder.find(name):
            yield f"{name}: what the project has to run"


def find_duplicates(files: Sequence[Instructions], settings: Settings) -> Iterator[Note]:
    """Passages that stand, nearly the same, in two or more files. One finding for each, or, where the same
    files have more than three in common, one for all of those."""
    passages = [
        (file, passage)
        for file in files
        for passage in file.prose()
        if len(words(passage.text)) >= settings.min_words
    ]
    texts = [passage.text for _, passage in passages]
    against = [speaks_against(text) for text in texts]
    shared: dict[tuple[str, ...], list[tuple[str, list[str]]]] = defaultdict(list)
    for group in alike(texts, threshold=settings.similarity, apart=against):
        places = {passages[number][0].path: _place(*passages[number]) for number in reversed(group)}
        if len(places) > 1:
            first = passages[group[0]][0].path
            others = sorted(path for path in places if path != first)
            shared[first, *others].append((texts[group[0]], [places[path] for path in (first, *others)]))
    for paths, several in shared.items():
        if len(several) > _TOLD_ONE_BY_ONE:
            yield _tell_shared(paths, several)
        else:
            yield from (_tell_duplicate(paths, text, places) for text, places in several)


def _tell_duplicate(paths: Sequence[str], text: str, places: Sequence[str]) -> Note:
    others = listing(places[1:], limit=5)
    return note(
        "duplicate",
        "warning",
        f"Said in {len(paths)} files: {plain(text, limit=100)}",
        subject=places[1],
        detail=f"Nearly the same stands in {places[0]} and {others}: once one is changed, they disagree.",
        action=f"Keep {places[0]}; replace {others} with: See [{paths[0]}]({_link(paths[1], paths[0])}).",
    )


def _tell_shared(paths: Sequence[str], several: Sequence[tuple[str, Sequence[str]]]) -> Note:
    others = listing(paths[1:], limit=5)
    examples = [f"'{plain(text, limit=60)}' ({places[1]})" for text, places in several]
    return note(
        "duplicate",
        "warning",
        f"{len(several)} passages stand in {paths[0]} and in {others}",
        subject=several[0][1][1],
        detail=f"Among them {listing(examples)}.",
        action=f"Keep those in {paths[0]}; take them out of {others}, and begin it with: "
        f"Read [{paths[0]}]({_link(paths[1], paths[0])}) first.",
    )


def _link(here: str, there: str) -> str:
    return posixpath.relpath(there, posixpath.dirname(here) or ".")


def find_contradictions(files: Sequence[Instructions]) -> Iterator[Note]:
    """Pairs of clauses of which one says the opposite of the other, in different passages."""
    said = [
        (directive, file, passage)
        for file in files
        for passage in file.prose()
        for directive in read_directives(passage.text)
    ]
    directives = [directive for directive, _, _ in said]
    origins = [_place(file, passage) for _, file, passage in said]
    for one, other in contradictions(directives, limit=_CONTRADICTIONS, origins=origins):
        (said_one, file, passage), (said_other, other_file, other_passage) = said[one], said[other]
        place = _place(file, passage, said_one.start)
        other_place = _place(other_file, other_passage, said_other.start)
        earlier, later = plain(said_one.text), plain(said_other.text)
        yield note(
            "contradiction",
            "critical",
            f"Contradicting instructions: {plain(earlier, limit=100)}",
            subject=other_place,
            detail=f"{place} says '{earlier}', {other_place} says '{later}'. Nobody can do both.",
            action=f"Decide which holds. If it is {place}, delete '{later}' in {other_place}; else delete "
            f"'{earlier}' in {place}.",
        )


def _place(file: Instructions, passage: Passage, offset: int = 0) -> str:
    return f"{file.path}:{passage.line_at(offset)}"


def find_mistakes(file: Instructions) -> Iterator[Note]:
    mistake = file.document.mistake
    if mistake is not None:
        action = "Mend that line: between two lines of '---' stand only lines such as 'name: value'."
        subject = f"{file.path}:{mistake.line}"
        title = "Front matter that can't be read"
        yield note(
            "front_matter", "warning", title, subject=subject, detail=f"{mistake.text}.", action=action
        )


def find_dead_references(file: Instructions, references: References) -> Iterator[Note]:
    """What it refers to in vain. A description may speak of paths and commands of the reader's own."""
    for dead in references.dead(file):
        written = plain(dead.written)
        yield note(
            dead.kind,
            "info" if file.describes and dead.kind != "dead_link" else "warning",
            f"{_DEAD[dead.kind]}: {written}",
            subject=f"{file.path}:{dead.line}",
            detail=dead.why[:1].upper() + dead.why[1:],
            action=f"Replace `{written}` with `{plain(dead.near)}`, if that is meant."
            if dead.near
            else f"Take out `{written}`, or add to the project what it names.",
        )


def find_stale_dates(file: Instructions, today: date, stale_after_days: int) -> Iterator[Note]:
    for passage in file.prose():
        for passed in passed_days(passage.text, today, stale_after_days=stale_after_days):
            sentence = plain(passed.remark.sentence)
            action = (
                f"Delete '{sentence}', or write what holds now."
                if passed.deadline
                else f"Check that '{sentence}' is still so, and write today's date in it; else mend it."
            )
            yield note(
                "stale_date",
                "warning",
                f"A day that has passed: {plain(passed.remark.phrase)}",
                subject=f"{file.path}:{passage.line_at(passed.remark.offset)}",
                detail=f"{passed.day} was {(today - passed.day).days} days ago.",
                action=action,
            )


def find_vague_wording(file: Instructions) -> Iterator[Note]:
    for passage in file.prose():
        for remark in vague_phrases(passage.text):
            yield note(
                "vague",
                "info",
                f"Vague: '{remark.phrase}' in '{plain(remark.sentence, limit=100)}'",
                subject=f"{file.path}:{passage.line_at(remark.offset)}",
                detail="It leaves to each reader what is meant, so each will do something else.",
                action=f"Replace the sentence with: {plain(remark.instead, limit=500)}",
            )


def find_size(file: Instructions, max_tokens: int) -> Iterator[Note]:
    if file.tokens <= max_tokens:
        return
    largest = sorted(file.sections, key=lambda section: -section.tokens)[:_LARGEST_SECTIONS]
    title = plain(largest[0].title, limit=60)
    whole = largest[0].tokens > _MOST * file.tokens
    sections = [
        f"'{plain(each.title, limit=60)}' (line {each.line}, about {each.tokens})" for each in largest
    ]
    yield note(
        "size",
        "warning",
        f"Too long to be given whole: {plain(file.path)}",
        subject=f"{file.path}:{largest[0].line}",
        detail=f"About {file.tokens} tokens, a quarter of its characters; the limit is {max_tokens}. "
        f"Its largest sections: {listing(sections)}.",
        action=f"Shorten '{title}', or give each of its subjects a file of its own."
        if whole
        else f"Move '{title}' to a file of its own, and leave a link to it and a sentence that says when to "
        "read it.",
    )
