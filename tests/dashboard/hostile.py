"""A project whose every text is out to break the page that shows it."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from loom.domain.alert import Alert, Delivery, DeliveryState, Episode, Event
from loom.domain.pause import Pause
from loom.domain.record import Entry
from loom.domain.run import Outcome, Run, RunError, Trigger
from loom.domain.tick import Mark, Tick
from loom.ids import new_id
from tests.ground.project import Project, build_project

MARKUP = (
    "</script><script>hit('script')</script>",
    "<!--<script>hit('comment')",
    "<img src=x onerror=hit('img')>",
    "\"><svg/onload=hit('svg')><a id=planted>",
    "' onfocus=hit('handler') autofocus tabindex=1 x='",
    "</title></style></main><h1 class=planted>planted</h1>",
    "{{7*7}} ${7*7} <%=7*7%> [[${hit('template')}]] &lt;b&gt; &#60;i&#62; \\u003cb\\u003e",
    "__proto__ constructor toString hasOwnProperty",
)
ODD = (
    "line\u2028separator\u2029and\x85next",
    "right-to-left \u202egnp.exe\u202c and \u2067isolated\u2069 \u05e9\u05dc\u05d5\u05dd",
    "\x1b[31mred\x1b[0m bell\x07 null\x00 back\x08 del\x7f",
    "W" * 3000,
    "e\u0301" + "\u0301" * 60 + " zalgo",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16") + " emoji \ufffe \ufeff bom",
)
TEXTS = MARKUP + ODD
URLS = (
    "javascript:hit('url')",
    "JaVaScRiPt:hit('case')",
    " javascript:hit('space')",
    "java\nscript:hit('newline')",
    "data:text/html,<script>hit('data')</script>",
    "vbscript:hit('vb')",
    "//elsewhere.invalid/protocol-relative",
    "file:///etc/passwd",
    "https://elsewhere.invalid/?q=\"><script>hit('query')</script>",
    "https://user:word@elsewhere.invalid/",
)
# A word that every object of JavaScript knows, and the longest id there may be.
WORKERS = ("constructor", "w" * 64)
EVERYTHING = " ".join(TEXTS)


def build(root: Path, now: datetime) -> tuple[Project, list[Entry]]:
    """The project in `root`, and what its ledger is to hold as of `now` (UTC)."""
    project = build_project(root)
    agents = ("<b>Agent</b> \" ' & " + MARKUP[0], "A" * 200)
    project.entries(
        "\n".join(
            f"{worker}: "
            + json.dumps(
                {
                    "agent": agent,
                    "description": " ".join(MARKUP),
                    "schedule": "0 * * * *",
                    "entrypoint": "workers.echo:run",
                }
            )
            for worker, agent in zip(WORKERS, agents, strict=True)
        )
        + f"\nbroken: {json.dumps({'schedule': MARKUP[2], 'entrypoint': MARKUP[0]})}"
    )
    return project, _entries(agents, now)


def _entries(agents: tuple[str, ...], now: datetime) -> list[Entry]:
    entries: list[Entry] = []
    for number in range(30):
        at = (now - timedelta(hours=30 - number)).replace(minute=0, second=0, microsecond=0)
        tick = Tick(id=new_id(at), at=at, trigger="schedule", finished_at=at, exit_code=1, host=MARKUP[2])
        entries.append(tick)
        for worker, agent in zip(WORKERS, agents, strict=True):
            bad = number % 4 == 0
            entries.append(_run(worker, agent, tick, number, bad=bad))
            entries.append(Mark(worker, at))
            if bad:
                entries += _alert(worker, agent, tick, number)
    entries.append(Pause(worker=WORKERS[1], by=MARKUP[2], at=now - timedelta(hours=1), reason=MARKUP[0]))
    return entries


def _run(worker: str, agent: str, tick: Tick, number: int, *, bad: bool) -> Run:
    text = TEXTS[number % len(TEXTS)]
    return Run(
        run_id=new_id(tick.at),
        worker=worker,
        agent=agent,
        slot=tick.at,
        trigger=Trigger.SCHEDULE,
        outcome=Outcome.FAILED if bad else Outcome.SUCCEEDED,
        reason=text,
        attempts=1,
        started_at=tick.at,
        finished_at=tick.at + timedelta(seconds=3),
        duration_s=(0.0, 1e9, 1e-9, 3.5)[number % 4],
        error=RunError(text, " ".join(MARKUP), text) if bad else None,
        output=None if bad else _output(number),
        enforcement_digest=f"sha256:{'<b>0' if number > 20 else 'a1b2'}{'0' * 60}",
        rules=(MARKUP[2],),
        tick_id=tick.id,
        tick_at=tick.at,
        on_time=True,
        log=EVERYTHING,
    )


def _output(number: int) -> dict[str, Any]:
    findings = [
        {
            "severity": ("info", "warning", "critical")[position % 3],
            "title": text,
            "detail": EVERYTHING,
            "subject": f"subject {text}",
            "url": URLS[position % len(URLS)],
            "action": text,
        }
        for position, text in enumerate((*TEXTS, "an ordinary finding"))
    ]
    return {
        "summary": TEXTS[number % len(TEXTS)],
        "findings": findings,
        "metrics": {
            "__proto__": float(number),
            "constructor": 1e300 * (-1) ** number,
            "<img src=x onerror=hit('metric')>": 5e-324,
            "m" * 200: 0.0,
        },
        MARKUP[0]: MARKUP[2],
    }


def _alert(worker: str, agent: str, tick: Tick, number: int) -> list[Entry]:
    alert = Alert(
        event=Event.WORKER_DOWN,
        summary=" ".join(MARKUP) if number % 8 else EVERYTHING,
        at=tick.at,
        worker=worker,
        agent=agent,
        outcome=Outcome.FAILED,
        error=RunError(MARKUP[0], EVERYTHING, MARKUP[2]),
        run_url=URLS[number % len(URLS)],
    )
    episode = Episode(
        id=new_id(tick.at),
        subject=worker,
        opened_at=tick.at,
        announced=True,
        gathered=1,
        kind=MARKUP[2],
        last_alert_at=tick.at,
        last_alert=alert,
        closed_at=tick.at + timedelta(minutes=30) if number < 28 else None,
    )
    delivery = Delivery(
        id=new_id(tick.at),
        alert=alert,
        hook=MARKUP[2],
        episode=episode.id,
        state=DeliveryState.FAILED,
        tries=3,
        error=EVERYTHING,
        changed_at=tick.at,
    )
    return [episode, delivery]
