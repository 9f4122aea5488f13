"""What the newest runs found, joined by what it is about. Pure."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

from loom.domain.brief import Group, Noted
from loom.domain.finding import Found
from loom.domain.run import Run
from loom.report.gist import SEVERITIES, findings
from loom.report.words import flat
from loom.values import dataclass

_MOST = 1_000  # characters of a subject that tell it from others
_AT_THE_END = " .,;:!?/"


@dataclass(frozen=True, slots=True)
class Compared:
    """The findings of one worker's newest run, and how many of those before it are gone."""

    findings: tuple[Noted, ...]
    gone: int


def subject_key(subject: str) -> str:
    """What is alike of two spellings of one subject.

    Case, white space and punctuation at the end don't count, nor does the place within it: line numbers at
    the end of a file's name (``notes.md:12``), the part of a page (``https://example.org/team#people``).
    """
    text = subject[:_MOST]
    # Folding may undo composing and the other way round; of the two together, twice is enough.
    for _ in range(2):
        text = unicodedata.normalize("NFC", text).casefold()
    return _bare(text)


def _bare(subject: str) -> str:
    """`subject` on one line, without the place within it and punctuation at its end."""
    text = flat(subject[:_MOST])
    address = "://" in text
    if address:
        text = text.partition("#")[0]
    while True:
        text = text.rstrip(_AT_THE_END)
        name, colon, number = text.rpartition(":")
        if address or not (colon and number.isdecimal()):
            return text
        text = name


def compare(run: Run, before: Run | None) -> Compared:
    """What `run` found, each marked as new or not. before: the run of the same worker that comes before it;
    None: all is new. What was told twice before and is told three times now has one that is new."""
    known: dict[tuple[str, str], list[int]] = defaultdict(list)
    for each in findings(before) if before is not None else ():
        known[_identity(each)].append(SEVERITIES.index(each.severity))
    noted: list[Noted] = []
    for each in findings(run):
        told = known[_identity(each)]
        new = not told or SEVERITIES.index(each.severity) < told.pop(0)
        noted.append(_noted(each, run, new))
    return Compared(tuple(noted), sum(map(len, known.values())))


def grouped(compared: Iterable[Compared]) -> Sequence[Group]:
    """Every finding in one group: those about the same subject together, whoever found them; those about
    none by their worker. The group with the worst finding first, then what most workers name, then what most
    is found about. The order in which the workers come makes no difference."""
    members: dict[tuple[str, str], list[Noted]] = defaultdict(list)
    for each in (noted for one in compared for noted in one.findings):
        key = subject_key(each.subject)
        members[("subject", key) if key else ("worker", each.worker)].append(each)
    groups = [
        Group(_name(found) if by == "subject" else "", tuple(found))
        for (by, _), each in members.items()
        if (found := sorted(each, key=_weight))
    ]
    return sorted(groups, key=_rank)


def _name(found: Sequence[Noted]) -> str:
    """As its findings spell it, if they all do alike; without the place, if they speak of several."""
    first = found[0].subject
    return first if all(each.subject == first for each in found) else _bare(first)


def _identity(each: Found) -> tuple[str, str]:
    return each.title, subject_key(each.subject)


def _weight(each: Noted) -> tuple[object, ...]:
    place = SEVERITIES.index(each.severity)
    return place, not each.new, each.worker, each.subject, each.title, each.detail, each.action, each.run_id


def _rank(group: Group) -> tuple[object, ...]:
    workers = group.workers
    place = SEVERITIES.index(group.worst)
    first = group.findings[0]
    return place, -len(workers), -len(group.findings), -group.new, group.subject, first.worker


def _noted(each: Found, run: Run, new: bool) -> Noted:
    return Noted(
        severity=each.severity,
        title=each.title,
        detail=each.detail,
        subject=each.subject,
        action=each.action,
        url=each.url,
        worker=run.worker,
        agent=run.agent,
        whom=_owner(each) or run.agent,
        run_id=run.run_id,
        new=new,
    )


def _owner(each: Found) -> str | None:
    """``Dana Fox`` of an action ``Dana Fox: call them back.`` whose detail says ``Owner: Dana Fox``."""
    name, colon, _ = each.action.partition(": ")
    return name if colon and name.strip() and f"Owner: {name}" in each.detail else None
