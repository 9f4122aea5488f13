"""What is wrong with Loom's own set-up: each trouble is an episode of its own."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from loom.alerts import wording
from loom.alerts.book import Book
from loom.domain.alert import Episode, Event
from loom.domain.run import OpenReason, Outcome, Run, RunError
from loom.values import dataclass

REGISTRY = "loom:registry"
ENFORCEMENT = "loom:enforcement"

_OWN = "loom:"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong with Loom's own set-up at this moment.

    subject: 'loom:registry', 'loom:registry:WORKER' (one broken entry), 'loom:enforcement', 'loom:clock'.
    kind: changes when the trouble becomes another one, and is said again then. summary: one sentence.
    """

    subject: str
    event: Event
    kind: str
    summary: str
    error: RunError | None
    worker: str | None = None


def is_own(subject: str) -> bool:
    """Whether an episode is about Loom's set-up rather than about a worker."""
    return subject.startswith(_OWN)


def held_by_enforcement(run: Run) -> bool:
    """Whether nothing is wrong with the worker: it may not run because the context is broken."""
    return run.outcome is Outcome.BLOCKED and run.open_reason is OpenReason.ENFORCEMENT


def current(troubles: Sequence[Trouble], held: Sequence[Run]) -> Mapping[str, Trouble]:
    """The troubles by subject. held: a run that was held proves by itself that enforcement was broken."""
    if held and all(trouble.subject != ENFORCEMENT for trouble in troubles):
        error = held[0].error
        summary = (error.message if error else held[0].reason) or "the enforcement context is broken"
        kind = error.kind if error else ""
        troubles = (*troubles, Trouble(ENFORCEMENT, Event.ENFORCEMENT_BROKEN, kind, summary, error))
    return {trouble.subject: trouble for trouble in troubles}


def speak_of(book: Book, trouble: Trouble, *, held: Collection[str], remind: timedelta) -> Episode:
    """Open the trouble's episode, keep still, or remind. held: the workers it stops on this tick."""
    episode = book.of(trouble.subject) or book.begin(trouble.subject)
    unchanged = episode.announced and episode.kind == trouble.kind
    if unchanged and not book.overdue(episode, remind):
        return book.keep(episode)
    summary = wording.one_line(trouble.summary)
    if trouble.subject == ENFORCEMENT:
        summary = wording.held_up(summary, sorted(held))
    if unchanged:
        summary += f"; broken since {wording.moment(episode.opened_at, book.zone)}"
    alert = book.about_setup(trouble.event, summary, error=trouble.error, worker=trouble.worker)
    return book.say(episode, alert, trouble.kind)


def end_those_gone(book: Book, now: Mapping[str, Trouble]) -> None:
    """Close the episodes of set-up troubles that are over. now: those there are, by subject."""
    if REGISTRY in now:
        # A tick that can't read the registry has no way to tell whether anything else was mended.
        return
    for episode in book.open:
        subject = episode.subject
        if not is_own(subject) or subject in now:
            continue
        alert = None
        if subject == ENFORCEMENT:
            alert = book.about_setup(Event.ENFORCEMENT_RESTORED, wording.restored(episode, book.zone))
        elif subject == REGISTRY or subject.startswith(f"{REGISTRY}:"):
            worker = subject.removeprefix(REGISTRY).removeprefix(":") or None
            summary = wording.mended(episode, worker, book.zone)
            alert = book.about_setup(Event.REGISTRY_MENDED, summary, worker=worker)
        book.close(episode, alert if episode.announced else None)
