"""Past: the rules that a run ran under, found again by the digest that stands in its record."""

from collections.abc import Callable

from loom.domain.enforcement import EnforcementContext, of_files
from loom.domain.revision import Revision
from loom.enforcement.asking.revisions import MOST_COMMITS, Revisions
from loom.enforcement.reading.loader import context_of
from loom.errors import Problem, SettingsError
from loom.values import dataclass

_OTHER_PATTERNS = "the patterns that ship with Loom, for which they ask by name, were others then"


@dataclass(frozen=True, slots=True)
class Past:
    """context: the rules, or None if they aren't to be had. revision: the commit they were found in; None for
    those in the folder now. note: why they aren't to be had, or what isn't as it was."""

    context: EnforcementContext | None
    revision: Revision | None = None
    note: str = ""


def rules_under(digest: str, now: EnforcementContext | None, history: Callable[[], Revisions]) -> Past:
    """now: what is in force, if anything is. history: asked only if that isn't it."""
    if now is not None and now.digest_of_files == of_files(digest):
        return Past(now, None, "" if now.digest == digest else _OTHER_PATTERNS)
    try:
        revisions = history()
        revision = revisions.with_digest(digest)
        if revision is None:
            return Past(None, None, _nowhere(revisions))
        problems: list[Problem] = []
        context = context_of(revisions.files(revision), problems, "enforcement")
    except SettingsError as error:
        return Past(None, None, str(error))
    note = "" if context.digest == digest else _OTHER_PATTERNS
    if problems:
        note = f"this version of Loom can't read all of them: {'; '.join(map(str, problems))}"
    return Past(context, revision, note)


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
