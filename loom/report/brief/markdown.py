"""A brief as Markdown, for a page of GitHub's and for a chat: headings, short tables and lists.

Whatever is foreign goes through `escape`, so that it becomes no markup, link or mention. It stays under a
number of bytes: each part gives way at its own end, and says how much is left out.
"""

import re
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from loom.domain.brief import Ahead, Brief, Group, Halted, Need, Noted, Ran
from loom.report.brief import words
from loom.report.fitting import Line, Section, fit, size
from loom.report.markdown import code, escape
from loom.report.words import short_id, when

LIMIT = 60_000
"""Bytes; a comment on GitHub holds 65,536 characters (https://github.com/orgs/community/discussions/41331)."""

_PLAIN = re.compile(r"[^\W_](?:[^\W_]|[ ,.;:()%'/…-])*")
_GROUPS = 12
_FINDINGS = 3


def brief_markdown(brief: Brief, zone: ZoneInfo, *, limit: int = LIMIT) -> str:
    """zone: in which times are shown. limit: bytes of UTF-8, 20,000 at least."""
    head = _head(brief, zone)
    shown = words.shown(brief.groups, most=len(brief.groups), each=_FINDINGS)
    gone = f" ({words.findings(brief)})" if brief.groups else ""
    sections: list[Section[Any]] = [
        Section("### What needs whom\n", "need", brief.needs, lambda each: _need(each, brief, zone), 50),
        Section(
            "### What happened\n\n| worker | outcomes | took | what |\n|---|---|---|---|",
            "worker",
            brief.ran,
            lambda each: _ran(each, brief, zone),
            100,
        ),
        Section(
            f"### Findings{gone}\n",
            "subject",
            shown.groups,
            lambda each: _group(each[0], each[1], brief),
            _GROUPS,
        ),
        Section(
            f"### Coming until {when(brief.coming_until, zone)}\n\n| when | worker | |\n|---|---|---|",
            "worker",
            brief.coming,
            lambda each: _ahead(each, brief, zone),
            30,
        ),
        Section("### Not running\n", "worker", brief.paused, lambda each: _halted(each, brief, zone), 30),
        Section(
            "### Notes\n", "note", (*brief.ticks, *brief.notes), lambda each: Line(f"- {_ours(each)}"), 10
        ),
    ]
    return (head + fit(sections, limit - size(head))).rstrip() + "\n"


def _head(brief: Brief, zone: ZoneInfo) -> str:
    covers = f"{_ours(brief.covers)}\n\n" if brief.covers else ""
    rows = "".join(
        f"| {name} | {' | '.join(words.figures(each))} |\n"
        for name, each in (("since then", brief.span), (f"{brief.week.days} days", brief.week))
    )
    return (
        f"## Loom brief, {words.title(brief, zone)}\n\n{covers}**{_ours(brief.headline)}**\n\n"
        f"| | slots on time | runs enforced | bad outcomes delivered |\n|---|---|---|---|\n{rows}\n"
    )


def _need(need: Need, brief: Brief, zone: ZoneInfo) -> Line:
    since = words.since(need, brief, zone)
    parts = [f"- **{_ours(need.worker or 'Loom')}**: {_ours(need.what)}"]
    parts.append(f", {since}" if since else "")
    parts.append(f". {escape(need.says, 300)}" if need.says else "")
    whom = "" if need.waits else f"**{_ours(need.whom)}**: "
    return Line(f"{''.join(parts)}\n  → {whom}{_ours(need.do)}")


def _ran(each: Ran, brief: Brief, zone: ZoneInfo) -> Line:
    bad = "**✗** " if each.bad or each.silent else ""
    up = words.recovered(each, brief.at, zone)
    what = "; ".join(part for part in (f"**{_ours(up)}**" if up else "", escape(each.says, 200)) if part)
    return Line(
        f"| {bad}{_ours(each.worker)} | {_ours(words.outcomes(each))} | {words.took(each)} | {what} |"
    )


def _group(group: Group, found: Sequence[Noted], brief: Brief) -> Line:
    head = f"- {group.worst}: **{escape(words.subject(group), 120)}** ({escape(words.finders(group), 80)})"
    lines = [head, *(_noted(each, group, brief, first=each is found[0]) for each in found)]
    if rest := group.findings[len(found) :]:
        runs = ", ".join(dict.fromkeys(short_id(each.run_id) for each in rest))
        lines.append(f"  - and {len(rest):,} more: {code(f'loom show {runs}')}")
    return Line("\n".join(lines))


def _noted(each: Noted, group: Group, brief: Brief, *, first: bool) -> str:
    mark = words.mark(each, brief)
    place = words.place(each, group)
    text = f"  - {f'*{mark}* ' if mark else ''}{f'{escape(place, 120)} ' if place else ''}"
    text += escape(each.title, 200) or "(no title)"
    text += f" ({escape(each.agent or each.worker, 40)})" if len(group.workers) > 1 else ""
    return text + (f" → {escape(each.action, 300)}" if first and each.action else "")


def _ahead(each: Ahead, brief: Brief, zone: ZoneInfo) -> Line:
    first, more = words.ahead(each, brief.at, zone)
    note = "; ".join(_ours(text) for text in (more, each.note) if text)
    return Line(f"| {first} | {_ours(each.worker)} | {note} |")


def _halted(each: Halted, brief: Brief, zone: ZoneInfo) -> Line:
    reason = f": {escape(each.reason, 200)}" if each.reason else ""
    resume = f"; {code(f'loom resume {each.worker}')}" if each.by is not None else ""
    return Line(f"- {_ours(each.worker)}: {_ours(words.halted(each, brief.at, zone))}{reason}{resume}")


def _ours(text: str) -> str:
    """Loom's own words, which a chat may show as they are written; escaped if a name in them is anything but
    plain."""
    plain = _PLAIN.fullmatch(text) and "://" not in text and "www." not in text and "GH-" not in text
    return text if plain else escape(text, 600)
