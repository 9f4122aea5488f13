"""What workers do with their findings: write them safely, count them by kind, order and limit them, and
compare them with last time's."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from loom.worker import Finding

Severity = Literal["critical", "warning", "info"]
_ORDER: tuple[Severity, ...] = ("critical", "warning", "info")


@dataclass(frozen=True, slots=True)
class Note:
    """A finding and its kind, a word of the worker's own by which its metrics count."""

    kind: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Report:
    """findings: worst first, limited. metrics: notes by kind and, when there is a last time, `new` and
    `resolved`. text: the same for a summary, '3 findings, 1 new and 2 resolved since the last run'."""

    findings: list[Finding]
    metrics: dict[str, float]
    text: str


def note(
    kind: str,
    severity: Severity,
    title: str,
    *,
    subject: str = "",
    detail: str = "",
    action: str = "",
    url: str | None = None,
) -> Note:
    """A finding whose texts, which may come from outside, are fit to show and to keep as JSON."""
    finding = Finding(
        severity=severity,
        title=plain(title, limit=300),
        detail=plain(detail, limit=3_000),
        subject=plain(subject, limit=500),
        url=url,
        action=plain(action, limit=1_000),
    )
    return Note(kind, finding)


def report(
    notes: Sequence[Note], *, kinds: Iterable[str], previous: Mapping[str, Any] | None, limit: int
) -> Report:
    """previous: the last valid output's JSON form, or None. limit: the most findings to keep."""
    metrics = dict.fromkeys(kinds, 0.0)
    for one in notes:
        metrics[one.kind] = metrics.get(one.kind, 0.0) + 1
    findings = [one.finding for one in notes]
    text = "1 finding" if len(notes) == 1 else f"{len(notes)} findings"
    kept = worst_first(findings, limit=limit)
    change = since_last(previous, kept)
    if change is not None:
        metrics["new"], metrics["resolved"] = float(change[0]), float(change[1])
        text += f", {change[0]} new and {change[1]} resolved since the last run"
    return Report(kept, metrics, text)


def worst_first(findings: Iterable[Finding], *, limit: int) -> list[Finding]:
    """Critical before warning before info, otherwise in the order given. Beyond `limit` findings the last
    one says how many were left out."""
    ordered = sorted(findings, key=lambda finding: _ORDER.index(finding.severity))
    if len(ordered) <= limit:
        return ordered
    rest = Finding(
        severity="info",
        title="More findings than fit",
        detail=f"{len(ordered) - limit} more findings, none worse than those shown, were left out.",
    )
    return [*ordered[:limit], rest]


def since_last(previous: Mapping[str, Any] | None, findings: Iterable[Finding]) -> tuple[int, int] | None:
    """How many findings are new, and how many of last time's are gone; None without a last time.

    A finding is the same one while its title and its subject, line number aside, are.
    """
    if previous is None:
        return None
    before = {
        _identity(str(finding.get("title", "")), str(finding.get("subject", "")))
        for finding in previous.get("findings", [])
        if isinstance(finding, Mapping)
    }
    now = {_identity(finding.title, finding.subject) for finding in findings}
    return len(now - before), len(before - now)


def listing(items: Sequence[str], *, limit: int = 10) -> str:
    """``a, b, c and 4 more``."""
    shown = ", ".join(items[:limit])
    return shown if len(items) <= limit else f"{shown} and {len(items) - limit} more"


def plain(text: str, *, limit: int = 200) -> str:
    """Text from outside made fit to show: one line, no control characters, at most `limit` characters."""
    spaced = " ".join(text.split())
    safe = "".join(
        char if unicodedata.category(char)[0] != "C" else "\N{REPLACEMENT CHARACTER}" for char in spaced
    )
    return safe if len(safe) <= limit else f"{safe[: limit - 1]}…"


def _identity(title: str, subject: str) -> tuple[str, str]:
    path, colon, line = subject.rpartition(":")
    return title, path if colon and line.isdigit() else subject
