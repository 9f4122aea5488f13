"""Past: the rules that a run ran under, found again by the digest that stands in its record."""

from collections.abc import Callable
from dataclasses import dataclass

from loom.domain.enforcement import EnforcementContext
from loom.domain.revision import Revision
from loom.enforcement.loader import context_of
from loom.enforcement.revisions import MOST_COMMITS, Revisions
from loom.errors import Problem, SettingsError


@dataclass(frozen=True, slots=True)
class Past:
    """context: the rules, or None if they aren't to be had. revision: the commit they were found in; None for
    those in force now. note: why they aren't to be had, or what of them can't be read."""

    context: EnforcementContext | None
    revision: Revision | None = None
    note: str = ""


def rules_under(digest: str, now: EnforcementContext | None, history: Callable[[], Revisions]) -> Past:
    """now: what is in force, if anything is. history: asked only if that isn't it."""
    if now is not None and now.digest == digest:
        return Past(now)
    try:
        revisions = history()
        revision = revisions.with_digest(digest)
        if revision is None:
            return Past(None, None, _nowhere(revisions))
        problems: list[Problem] = []
        context = context_of(revisions.files(revision), problems, "enforcement")
    except SettingsError as error:
        return Past(None, None, str(error))
    unread = "this version of Loom can't read all of them: " if problems else ""
    return Past(context, revision, unread + "; ".join(map(str, problems)))


def _nowhere(revisions: Revisions) -> str:
    if revisions.are_cut_off():
        return (
            "no commit here has them, and this clone leaves out what is older; fetch it with "
            "`git fetch --unshallow`, and ask again"
        )
    return (
        f"no commit of this repository has them among the last {MOST_COMMITS} that changed the folder: the "
        "run stood under rules that were never committed as they were then, or that are kept elsewhere"
    )
