"""An alert as the text of a GitHub issue or comment, in which foreign text is shown and never obeyed.

All of it stands in code, where GitHub reads no markup, HTML, mention, reference or closing keyword. The
hidden markers at the end are how Loom finds again what it wrote.
"""

import hashlib
import re
import textwrap
from datetime import UTC, datetime, time
from typing import Final

from loom.alerts.payload import encode
from loom.alerts.plain import plain
from loom.alerts.wording import named
from loom.domain.alert import Alert, Event
from loom.values import replace

_LONGEST_TITLE = 200
_LONGEST_LINE = 1_000
_MOST_LINES = 20
_WIDTH = 100
_PLAIN_ID = re.compile(r"[0-9A-Za-z]+(?:[-.][0-9A-Za-z]+)*")
_SAFE_URL = re.compile(r"https?://[0-9A-Za-z._~:/?#@!$&*+,;=%-]{1,500}")
_BACKTICKS = re.compile("`+")
_MENTION = re.compile(r"(?<=[@#])(?=\w)")

_TITLES: Final = {
    Event.WORKER_FAILING: "is failing",
    Event.WORKER_DOWN: "is failing",
    Event.WORKER_RECOVERED: "failed and works again",
    Event.SLOT_MISSED: "missed a run",
    Event.TICK_OVERDUE: "no tick came",
    Event.TICK_RESUMED: "ticks stayed away and come again",
    Event.CLOCK_BACKWARDS: "the clock went backwards",
    Event.ENFORCEMENT_BROKEN: "the enforcement context is broken",
    Event.ENFORCEMENT_RESTORED: "the enforcement context was broken and is whole again",
    Event.REGISTRY_BROKEN: "the registry is broken",
    Event.REGISTRY_MENDED: "the registry was broken and is mended",
    Event.LEDGER_BROKEN: "the ledger can't be used",
    Event.STATE_UNPUSHED: "the state can't be pushed",
}

_VERBS = ("is ", "failed ", "missed ")

_CLOSING = (
    "Loom opened this issue. It comments here when there is news and closes it on recovery. An issue closed "
    "by hand is opened again by the next bad news"
)
_QUIET = "; to have quiet, set the worker's `status: paused`"


def title(alert: Alert) -> str:
    """'Loom: Sentinel (relationship-sentinel) is failing': one line of at most 200 characters, in which
    nobody is mentioned."""
    what = _TITLES[alert.event]
    who = named(alert.worker, alert.agent) if alert.worker else ""
    # A title is no place for code, and a mention or reference needs its sign right before the name.
    who = plain(who, _LONGEST_TITLE // 2).replace("`", "'")
    who = _MENTION.sub(" ", who)[: _LONGEST_TITLE - len(what) - len("Loom: : ")]
    return f"Loom: {who}{' ' if who and what.startswith(_VERBS) else ': ' if who else ''}{what}"


def body(alert: Alert, *, opening: bool) -> str:
    """Markdown, well under GitHub's 65,536 characters. opening: whether it opens the issue and so says what
    will become of it."""
    parts = [f"**{alert.event.value}** at {_moment(alert.at)}", _block(alert.summary)]
    facts = _facts(alert)
    if facts:
        parts.append("\n".join(facts))
    if alert.error is not None and alert.error.message:
        parts.append(_block(alert.error.message))
    if opening:
        parts.append(f"{_CLOSING}{_QUIET if alert.worker else ''}.")
    markers = (thread_marker(alert), delivery_marker(alert)) if opening else (delivery_marker(alert),)
    return "\n\n".join([*parts, "\n".join(markers)])


def thread_marker(alert: Alert) -> str:
    """The line by which the issue of this alert's episode is known. What is said outside any episode has
    one open issue per kind of event ('ledger', 'tick') and worker."""
    if alert.episode is not None:
        return f"<!-- loom:episode:{_token(alert.episode)} -->"
    kind = alert.event.value.partition(".")[0]
    return f"<!-- loom:outside:{_token(f'{kind}.{alert.worker}' if alert.worker else kind)} -->"


def delivery_marker(alert: Alert) -> str:
    """The line by which it is known that this very alert was said already. Outside any episode, saying the
    same again on the same day (UTC) counts as saying it once."""
    if alert.episode is None:
        alert = replace(alert, at=datetime.combine(alert.at.astimezone(UTC), time(), UTC), run_url=None)
    return f"<!-- loom:delivery:{hashlib.sha256(encode(alert)).hexdigest()[:32]} -->"


def carries(text: object, marker: str) -> bool:
    """Whether a body holds the marker as a line of its own."""
    return isinstance(text, str) and any(line.strip() == marker for line in text.splitlines())


def _facts(alert: Alert) -> list[str]:
    facts: list[str] = []
    if alert.worker:
        agent = f", agent {_code(alert.agent)}" if alert.agent else ""
        facts.append(f"- Worker: {_code(alert.worker)}{agent}")
    if alert.slot:
        facts.append(f"- Slot: {_moment(alert.slot)}")
    if alert.outcome:
        facts.append(f"- Outcome: `{alert.outcome.value}`")
    if alert.consecutive_failures:
        facts.append(f"- Bad outcomes in a row: {alert.consecutive_failures:,}")
    if alert.run_id:
        facts.append(f"- Run: {_code(alert.run_id)}")
    if alert.run_url:
        safe = _SAFE_URL.fullmatch(alert.run_url)
        facts.append(f"- Log: {f'<{alert.run_url}>' if safe else _code(alert.run_url)}")
    if alert.error is not None:
        where = f" at {_code(alert.error.where)}" if alert.error.where else ""
        facts.append(f"- Error: {_code(alert.error.kind)}{where}")
    return facts


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _block(text: str) -> str:
    """A fenced block that `text` can't end. Long lines are broken: GitHub doesn't wrap code."""
    lines = text[: 2 * _MOST_LINES * _LONGEST_LINE].splitlines()
    shown = [_defused(plain(line, _LONGEST_LINE)) for line in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        shown.append(f"({len(lines) - _MOST_LINES:,} lines more)")
    broken = [
        part
        for line in shown
        for part in textwrap.wrap(line, _WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
    ]
    fence = "`" * max(3, _longest_run(shown) + 1)
    return "\n".join([f"{fence}text", *broken, fence])


def _code(text: str) -> str:
    """A code span that `text` can't end."""
    shown = _defused(plain(text, 300)) or " "
    ticks = "`" * (_longest_run([shown]) + 1)
    space = " " if "`" in (shown[0], shown[-1]) else ""
    return f"{ticks}{space}{shown}{space}{ticks}"


def _longest_run(lines: list[str]) -> int:
    return max((len(run) for line in lines for run in _BACKTICKS.findall(line)), default=0)


def _defused(text: str) -> str:
    """Foreign text can't forge a marker."""
    return text.replace("<!--", "<! --")


def _token(text: str) -> str:
    if len(text) <= 100 and _PLAIN_ID.fullmatch(text):
        return text
    return hashlib.sha256(text.encode("utf-8", errors="replace")).hexdigest()[:32]
