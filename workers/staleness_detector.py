"""Archivist: which of the project's documents can't be relied on any more.

Reads the documents in the project's folder and its git history; writes nothing. Finds documents long
unchanged, reviews overdue by their front matter, links and images that lead nowhere, and mentions of
files that are gone.

A document whose front matter sets a review day (see `workers.sources.reviews`) is held to that day, any
other to `stale_after_days` since the last commit that changed it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field

from loom.worker import WorkerContext, WorkerOutput
from workers.sources.findings import Note, Severity, listing, note, plain, report
from workers.sources.folder import Folder, Unreadable, matches
from workers.sources.history import History, ignored_paths, read_history
from workers.sources.markdown import Code, Document, Link, read_document
from workers.sources.references import Destination, follow, mentioned_paths
from workers.sources.reviews import Review, read_review
from workers.sources.texts import FOREIGN, fitting

_MARKDOWN = ("*.md", "*.markdown")
_LINE = re.compile(r"L(\d+)(?:C\d+)?(?:-L?(\d+)(?:C\d+)?)?")
_VERY_OVERDUE = timedelta(days=90)

KINDS = (
    "overdue", "due_soon", "unreviewed", "stale", "age_unknown", "not_in_git", "front_matter", "unreadable",
    "broken_link", "broken_image", "broken_anchor", "capitals", "outside", "gone", "unchecked",
)  # fmt: skip


class Settings(BaseModel):
    """documents, exclude: patterns as in .gitignore ('**/*.md'; a name alone fits in any folder). Files
    that git ignores are left out too, and the folders of tools. historical: documents that may speak of
    files that are gone."""

    model_config = ConfigDict(extra="forbid")

    documents: list[str] = ["**/*.md"]
    exclude: list[str] = []
    historical: list[str] = ["CHANGELOG*", "HISTORY*", "NEWS*", "RELEASES*"]
    stale_after_days: int = Field(default=180, ge=1)
    due_soon_days: int = Field(default=14, ge=0)
    max_documents: int = Field(default=2_000, ge=1)
    max_document_bytes: int = Field(default=500_000, ge=1)
    max_commits: int = Field(default=20_000, ge=1)
    max_findings: int = Field(default=200, ge=1)


class Output(WorkerOutput):
    """metrics: how many findings of each kind (`KINDS`), `oldest_age_days`, and, once there is a last time
    to compare with, `new` and `resolved`."""

    documents_checked: int


@dataclass(frozen=True, slots=True)
class Checked:
    """One document as read. age_days: since its last commit, None when git doesn't know it.
    at_least: it may be older than that."""

    path: str
    document: Document
    review: Review
    age_days: int | None = None
    at_least: bool = False


def run(context: WorkerContext[Settings]) -> Output:
    settings, today = context.settings, context.now.date()
    folder = Folder(context.project)
    library = Library(folder, settings.max_document_bytes)
    context.progress("reading the git history")
    history = read_history(context.project, max_commits=settings.max_commits, timeout_s=60)
    paths = folder.files(settings.documents, [*FOREIGN, *settings.exclude])
    if history.files is not None:
        paths = [path for path in paths if path in history.files]
    notes: list[Note] = []
    checked: list[Checked] = []
    for number, path in enumerate(paths[: settings.max_documents]):
        if context.cancelled:
            break
        if number % 50 == 0:
            context.progress(f"document {number + 1} of {len(paths)}")
        try:
            document = library.document(path)
        except Unreadable as error:
            notes.append(_warning("unreadable", "Document that can't be read", path, f"It {error}."))
            continue
        one = _look(path, document, history, today, settings)
        checked.append(one)
        notes += [*check_review(one, today, settings), *check_age(one, history, settings)]
        notes += check_links(one, library, history)
        if not matches(path, settings.historical):
            notes += check_mentions(one, folder, history)
    notes += check_together(checked, history, settings)
    if len(paths) > settings.max_documents:
        notes.append(_too_many(len(paths), settings.max_documents))
    return _output(notes, checked, context)


def reads(settings: Settings, project: Path) -> Iterable[str]:
    """What a run would read, in words."""
    yield from fitting(project, settings.documents, [*FOREIGN, *settings.exclude])
    yield f"the project's git history: at most {settings.max_commits:,} commits"


class Library:
    """Documents, each read once."""

    def __init__(self, folder: Folder, max_bytes: int) -> None:
        self.folder, self._max_bytes = folder, max_bytes
        self._documents: dict[str, Document] = {}

    def document(self, path: str) -> Document:
        """Raises Unreadable. A file that isn't Markdown has neither links nor front matter."""
        if path not in self._documents:
            text = self.text(path)
            self._documents[path] = read_document(text) if matches(path, _MARKDOWN) else Document()
        return self._documents[path]

    def text(self, path: str) -> str:
        return self.folder.read(path, max_bytes=self._max_bytes)


def _look(path: str, document: Document, history: History, today: date, settings: Settings) -> Checked:
    touch = history.touched.get(path)
    changed = touch.at.date() if touch else None
    review = read_review(
        document.front_matter, changed=changed, today=today, every=timedelta(days=settings.stale_after_days)
    )
    if touch is None:
        return Checked(path, document, review)
    age = 0 if path in history.edited else max((today - touch.at.date()).days, 0)
    return Checked(path, document, review, age, touch.at_least)


def check_review(one: Checked, today: date, settings: Settings) -> Iterator[Note]:
    """Review days that have passed or are near, and front matter that can't be read."""
    for mistake in (*one.review.mistakes, *((one.document.mistake,) if one.document.mistake else ())):
        detail = f"{mistake.text}. Until it is mended the review day isn't known."
        yield _warning(
            "front_matter", "Front matter that can't be read", f"{one.path}:{mistake.line}", detail
        )
    due = one.review.due
    if due is None:
        return
    subject, late = f"{one.path}:{one.review.line}", today - due
    if late > timedelta(0):
        severity: Severity = "critical" if late > _VERY_OVERDUE else "warning"
        detail = f"{_days(late.days)} late. Review it, then set the day of the next review."
        yield note("overdue", severity, f"Review overdue since {due}", subject=subject, detail=detail)
    elif -late <= timedelta(days=settings.due_soon_days):
        detail = "Due today." if not late else f"Due in {_days(-late.days)}."
        yield note("due_soon", "info", f"Review due by {due}", subject=subject, detail=detail)


def check_age(one: Checked, history: History, settings: Settings) -> Iterator[Note]:
    """Documents without a review day that no commit has changed for long."""
    if one.age_days is None or one.review.due or one.age_days <= settings.stale_after_days:
        return
    touch = history.touched[one.path]
    detail = (
        f"Last changed {'at least ' if one.at_least else ''}{_days(one.age_days)} ago, in commit "
        f"{touch.commit[:7]} of {touch.at.date()}. Read it: mend what is no longer so, or give it a "
        "`review_by:` day."
    )
    title = f"Not changed for more than {settings.stale_after_days} days"
    yield _warning("stale", title, one.path, detail)


def check_links(one: Checked, library: Library, history: History) -> Iterator[Note]:
    """Links and images that lead nowhere, out of the project, or to a place spelled otherwise."""
    for link in one.document.links:
        destination = follow(library.folder, one.path, link.target)
        if destination is not None:
            judgement = _judge(link, destination, library, history)
            if judgement:
                kind, title, detail = judgement
                yield _warning(kind, title, f"{one.path}:{link.line}", detail)


def _judge(link: Link, to: Destination, library: Library, history: History) -> tuple[str, str, str] | None:
    shown = plain(unquote(link.target))
    what = "Image" if link.image else "Link"
    if not link.target:
        return "broken_link", f"{what} without a target", "Nothing is written between its round brackets."
    if to.path is None:
        return (
            "outside",
            f"{what} leads outside the project: {shown}",
            ("Whoever has only the project can't follow it. Copy what it leads to, or give its full URL."),
        )
    if to.found is None:
        kind = "broken_image" if link.image else "broken_link"
        return kind, f"{what} leads nowhere: {shown}", _absence(to.path, library.folder, history)
    if not to.found.exact:
        return (
            "capitals",
            f"{what} spelled with other capitals: {shown}",
            (f"The file is `{plain(to.found.path)}`; this works only where capitals don't count."),
        )
    if to.fragment and not link.image:
        return _judge_fragment(shown, to.found.path, to.fragment, library)
    return None


def _judge_fragment(shown: str, path: str, fragment: str, library: Library) -> tuple[str, str, str] | None:
    if library.folder.is_folder(path):
        return None
    title = f"Link to a place that isn't there: {shown}"
    try:
        lines = _LINE.fullmatch(fragment)
        if lines:
            last, there = int(lines[2] or lines[1]), library.text(path).count("\n") + 1
            return None if last <= there else ("broken_anchor", title, f"`{path}` has only {there} lines.")
        if not matches(path, _MARKDOWN):
            return None
        anchors = library.document(path).anchors
    except Unreadable:
        return None
    wanted = fragment.removeprefix("user-content-")
    if wanted in anchors or wanted == "top":
        return None
    near = next((anchor for anchor in sorted(anchors) if anchor.casefold() == wanted.casefold()), None)
    hint = f"Did you mean `#{near}`?" if near else "Its headings have changed: link to one that is there."
    return "broken_anchor", title, f"`{plain(path)}` has no heading or anchor `{plain(fragment)}`. {hint}"


def check_mentions(one: Checked, folder: Folder, history: History) -> Iterator[Note]:
    """Inline code that names a file which was in git once and is gone. What never was in git, or is ignored
    by it now, may well be made by a program, and isn't reported."""
    gone: dict[str, list[Code]] = {}
    for code in one.document.code:
        candidates = list(mentioned_paths(one.path, code.text))
        if not any(folder.find(path) for path in candidates):
            was = next((path for path in candidates if path in history.removed), None)
            if was:
                gone.setdefault(was, []).append(code)
    ignored = ignored_paths(folder.root, list(gone), timeout_s=60)
    for path, codes in gone.items():
        if path not in ignored:
            title, subject = f"Mentions a file that is gone: {path}", f"{one.path}:{codes[0].line}"
            yield _warning("gone", title, subject, _absence(path, folder, history))


def _absence(path: str, folder: Folder, history: History) -> str:
    """Why nothing is at `path`, and what to do."""
    removal = history.removed.get(path)
    if removal is None:
        near = folder.find(f"{path}.md")
        hint = f" Did you mean `{plain(near.path)}`?" if near else " Mend the link, or add what it promises."
        return f"There is no `{plain(path)}`.{hint}"
    when = f"in commit {removal.commit[:7]} of {removal.at.date()}"
    if removal.moved_to and folder.find(removal.moved_to):
        return f"It was moved to `{plain(removal.moved_to)}` {when}: name that instead."
    return f"It was removed {when}: say what took its place, or take the mention out."


def check_together(checked: list[Checked], history: History, settings: Settings) -> Iterator[Note]:
    """What is said once of many documents."""
    unreviewed = [one.path for one in checked if not one.review.wanted and matches(one.path, _MARKDOWN)]
    if unreviewed:
        hint = "To be reminded of one, begin it with front matter such as `review_by: 2030-01-31`."
        yield _gathered("unreviewed", "Documents without a review day", unreviewed, hint)
    if history.unknown and checked:
        detail = f"{history.unknown}; ages come from commits only."
        yield note("age_unknown", "info", "The age of the documents isn't known", detail=detail)
    fresh = [one.path for one in checked if one.age_days is None and not history.unknown]
    if fresh:
        hint = "Commit them, or let git ignore them."
        yield _gathered("not_in_git", "Documents not in git yet", fresh, hint)
    unsure = [
        one.path for one in checked if one.at_least and (one.age_days or 0) <= settings.stale_after_days
    ]
    if unsure:
        hint = (
            f"This is because {history.partial}: fetch the whole history (`git fetch --unshallow`, or "
            "`fetch-depth: 0` at actions/checkout), or raise `max_commits`."
        )
        yield _gathered("age_unknown", "Documents that may be older than they seem", unsure, hint)


def _output(notes: list[Note], checked: list[Checked], context: WorkerContext[Settings]) -> Output:
    told = report(notes, kinds=KINDS, previous=context.previous, limit=context.settings.max_findings)
    oldest = max((one.age_days or 0 for one in checked), default=0)
    return Output(
        summary=f"{_count(len(checked))} checked, {told.text}.",
        findings=told.findings,
        metrics=told.metrics | {"oldest_age_days": float(oldest)},
        documents_checked=len(checked),
    )


def _too_many(there: int, limit: int) -> Note:
    detail = (
        f"The project has {there} documents, {there - limit} more than `max_documents: {limit}` lets be "
        "checked. Raise it, or name fewer with `documents` and `exclude`."
    )
    return note("unchecked", "warning", "Documents left unchecked", detail=detail)


def _warning(kind: str, title: str, subject: str, detail: str) -> Note:
    return note(kind, "warning", title, subject=subject, detail=detail)


def _gathered(kind: str, title: str, paths: list[str], hint: str) -> Note:
    return note(kind, "info", title, detail=f"{_count(len(paths))}: {listing(paths)}. {hint}")


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _count(number: int) -> str:
    return "1 document" if number == 1 else f"{number} documents"
