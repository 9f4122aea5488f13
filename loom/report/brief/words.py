"""How parts of a brief are said, in a terminal as in Markdown. What is foreign in them is still to be made
harmless by whoever shows it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from loom.domain.board import Figures
from loom.domain.brief import Ahead, Brief, Group, Halted, Need, Noted, Ran
from loom.report.gist import SEVERITIES
from loom.report.words import count, recently, span, when
from loom.values import dataclass

_WORKERS_NAMED = 2


@dataclass(frozen=True, slots=True)
class Shown:
    """Which findings are shown: of each group, the worst few. groups, findings, new: how many are left out
    with whole groups. where: the runs that have most of those, each with its worker and how many."""

    groups: Sequence[tuple[Group, Sequence[Noted]]]
    left_groups: int
    left_findings: int
    left_new: int
    where: Sequence[tuple[str, str, int]]


def shown(groups: Sequence[Group], *, most: int, each: int) -> Shown:
    """The first `most` groups, half as many again if they are critical, and of each the first `each`
    findings."""
    critical = sum(group.worst == SEVERITIES[0] for group in groups)
    most = max(most, min(critical, most + most // 2))
    rest = [found for group in groups[most:] for found in group.findings]
    where = Counter((found.run_id, found.worker) for found in rest).most_common(_WORKERS_NAMED)
    return Shown(
        groups=[(group, group.findings[:each]) for group in groups[:most]],
        left_groups=max(0, len(groups) - most),
        left_findings=len(rest),
        left_new=sum(found.new for found in rest),
        where=[(run_id, worker, number) for (run_id, worker), number in where],
    )


def title(brief: Brief, zone: ZoneInfo) -> str:
    return f"{when(brief.at, zone)}, since {recently(brief.since, brief.at, zone)}"


def figures(each: Figures) -> tuple[str, str, str]:
    """Slots on time, runs under the full digest, bad outcomes delivered."""
    return (
        _share(each.on_time, each.slots),
        _share(each.under_digest, each.runs),
        _share(each.bad_delivered, each.bad),
    )


def kept(each: Figures) -> tuple[bool, bool, bool]:
    return each.on_time == each.slots, each.under_digest == each.runs, each.bad_delivered == each.bad


def since(need: Need, brief: Brief, zone: ZoneInfo) -> str:
    """Empty where `need.what` says it, as of ticks that don't come."""
    return f"since {recently(need.since, brief.at, zone)}" if need.since and need.kind != "ticks" else ""


def outcomes(ran: Ran) -> str:
    """``24 succeeded, 1 failed; 1 by hand, 2 tried again``"""
    parts = [f"{number:,} {name.replace('_', ' ')}" for name, number in ran.outcomes.items()]
    if parts and ran.by_hand == sum(ran.outcomes.values()) and not (ran.retried or ran.silent):
        return f"{', '.join(parts)} by hand"
    more = [
        text
        for number, text in (
            (ran.by_hand, f"{ran.by_hand:,} by hand"),
            (ran.retried, f"{ran.retried:,} tried again"),
            (ran.silent, f"{count(ran.silent, 'slot')} without a record"),
        )
        if number
    ]
    return "; ".join(part for part in (", ".join(parts), ", ".join(more)) if part) or "nothing final yet"


def took(ran: Ran) -> str:
    if ran.took_s is None or ran.longest_s is None:
        return ""
    return span(ran.took_s) if ran.runs < 2 else f"{span(ran.longest_s)} at most"


def recovered(ran: Ran, at: datetime, zone: ZoneInfo) -> str:
    return f"up again since {recently(ran.recovered, at, zone)}" if ran.recovered else ""


def findings(brief: Brief) -> str:
    """``139 on 118 subjects: 7 critical, 104 warning, 28 info; 3 new, 2 gone``"""
    numbers = Counter(each.severity for group in brief.groups for each in group.findings)
    severities = ", ".join(f"{numbers[name]:,} {name}" for name in SEVERITIES if numbers[name])
    new = "all new" if brief.new == brief.findings else f"{brief.new:,} new" if brief.new else "none new"
    gone = f", {brief.gone:,} gone" if brief.gone else ""
    subjects = len(brief.groups)
    on = f" on {count(subjects, 'subject')}" if subjects < brief.findings else ""
    return f"{brief.findings:,}{on}: {severities}; {new}{gone}"


def mark(found: Noted, brief: Brief) -> str:
    """Nothing where everything is new, or nothing: the heading says so."""
    if brief.new in (0, brief.findings):
        return ""
    return "new" if found.new else "still"


def subject(group: Group) -> str:
    """What the group is about; where nothing is named, who speaks."""
    return group.subject or f"({group.findings[0].worker})"


def finders(group: Group) -> str:
    return ", ".join(dict.fromkeys(each.agent or each.worker for each in group.findings))


def place(found: Noted, group: Group) -> str:
    """Where within the subject, ``:12 ``, if the group has several places; empty where there is no more to
    it than another spelling."""
    if found.subject.rstrip(" .,;:!?/").casefold() == group.subject.casefold():
        return ""
    place = found.subject.removeprefix(group.subject)
    return f"{place} " if place != found.subject else f"{place}: " if place.strip() else ""


def ahead(each: Ahead, at: datetime, zone: ZoneInfo) -> tuple[str, str]:
    """When the first slot comes, and how many more."""
    first = _soon(each.slot, at, zone)
    if each.count == 1:
        return first, ""
    return first, f"{each.count - 1:,} more until {_soon(each.last, at, zone)}"


def halted(each: Halted, at: datetime, zone: ZoneInfo) -> str:
    """``paused by ann since Mon 06:00, until Tue 1 Dec 08:00 CST``, without the reason."""
    if each.by is None:
        return f"{each.status} in the registry"
    since_ = f" since {recently(each.at, at, zone)}" if each.at else ""
    until = f", until {when(each.until, zone)}" if each.until else ", until it is resumed"
    return f"{each.status} by {each.by}{since_}{until}"


def _soon(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    then = at.astimezone(zone)
    return f"{then:%H:%M}" if then.date() == now.astimezone(zone).date() else f"{then:%a %H:%M}"


def _share(part: int, whole: int) -> str:
    return f"{part:,}/{whole:,}" if whole else "none yet"
