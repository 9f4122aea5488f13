"""A dashboard -> the JSON that its page is drawn from. What `assets/*.js` read is what these keys say.

Times are whole seconds since 1970, UTC. Every list that a worker can fill has its share of a number of bytes,
so that the page stays small; what a share has no room for is counted, and the page says so.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from loom.domain.alert import Alert, Delivery, Episode
from loom.domain.board import Board, Row
from loom.domain.dashboard import Dashboard, DayOutcomes
from loom.domain.pause import Pause
from loom.domain.recent import each_slot
from loom.report.dashboard.embedding import size
from loom.report.dashboard.lists import Room, findings, history
from loom.report.status.needs import silent, troubles_in_words
from loom.report.status.states import state_in_words
from loom.report.words import one_line

_MOST_DIGESTS = 200
_ALERT_BYTES = 250_000
_EPISODE_BYTES = 100_000
_BOARD_BYTES = 150_000

_Value = TypeVar("_Value")


def page_data(dashboard: Dashboard) -> dict[str, Any]:
    board = dashboard.board
    combinations, heats = _heats([worker.days for worker in dashboard.workers])
    rows = {row.worker: row for row in board.rows}
    found, left = findings(dashboard.workers)
    room = Room(dashboard.workers)
    text = _text_limit(len(rows))
    alerts = _fitting([_alert(each) for each in dashboard.deliveries], _ALERT_BYTES)
    episodes = _fitting([_episode(each) for each in dashboard.episodes], _EPISODE_BYTES)
    workers = [
        _row(rows[worker.worker], text, dashboard)
        | {"zone": worker.zone, "heat": heat}
        | history(worker, room)
        | {
            "found_at": _seconds(worker.found_at),
            "findings_total": len(worker.findings),
            "findings_left": left[worker.worker],
        }
        for worker, heat in zip(dashboard.workers, heats, strict=True)
        if worker.worker in rows
    ]
    return {
        "project": dashboard.project,
        "at": _seconds(dashboard.at),
        "zone": dashboard.zone,
        "offsets": [[_seconds(each.since), each.seconds, each.name] for each in dashboard.offsets],
        "days": {"first": dashboard.days.first.isoformat(), "count": dashboard.days.count},
        "figures": _figures(board),
        "ticks": _ticks(dashboard),
        "undelivered": board.undelivered,
        "problems": [one_line(problem, 600) for problem in board.problems[:50]],
        "troubles": [
            [one_line(sentence, 600), command]
            for sentence, command in islice(troubles_in_words(board, ZoneInfo(dashboard.zone)), 50)
        ],
        "notes": list(dashboard.notes),
        "combinations": combinations,
        "workers": workers,
        "findings": found,
        "alerts": alerts,
        "alerts_left": len(dashboard.deliveries) - len(alerts) + dashboard.deliveries_left,
        "episodes": episodes,
        "episodes_left": len(dashboard.episodes) - len(episodes) + dashboard.episodes_left,
        "digests": [
            [each.digest, _seconds(each.first), _seconds(each.last), each.runs, each.rules]
            for each in dashboard.digests[:_MOST_DIGESTS]
        ],
        "digests_left": len(dashboard.digests[_MOST_DIGESTS:]),
    }


def _heats(all_days: Sequence[Sequence[DayOutcomes]]) -> tuple[list[Any], list[list[int]]]:
    """Every combination of outcomes that occurs on a day, and each worker's days as numbers of them."""
    numbers: dict[tuple[tuple[str, int], ...], int] = {}
    heats = [
        [numbers.setdefault(tuple(sorted(day.items())), len(numbers)) for day in days] for days in all_days
    ]
    return [[list(pair) for pair in combination] for combination in numbers], heats


def _row(row: Row, text: int, dashboard: Dashboard) -> dict[str, Any]:
    return {
        "id": row.worker,
        "agent": row.agent and one_line(row.agent, 80),
        "description": one_line(row.description, text),
        "schedule": row.schedule,
        "status": row.status,
        "health": row.health.value if row.health is not None else "broken",
        "next": _seconds(row.next_slot),
        "last": None
        if row.last_run_id is None
        else {
            "id": row.last_run_id,
            "outcome": row.last_outcome.value if row.last_outcome is not None else None,
            "final": row.last_final,
            "at": _seconds(row.last_at),
        },
        "last_success": _seconds(row.last_success_at),
        "streak": row.streak,
        "skipped": "" if row.skip_is_over else one_line(row.skipped, text),
        "why": _why(row, text, dashboard),
        "pause": _pause(row.pause, text),
        "paused_in_registry": row.paused_in_registry,
        "recent": [
            [each.outcome.value if each.final else "open", _seconds(each.first), each.count]
            for each in each_slot(row.recent)
        ],
    }


def _why(row: Row, text: int, dashboard: Dashboard) -> list[str] | None:
    """Why it is down, late or broken: the rest of a sentence that begins with its name; and what to type."""
    told = state_in_words(row, dashboard.at, ZoneInfo(dashboard.zone))
    return None if told is None else [one_line(told[0], 3 * text), told[1]]


def _text_limit(workers: int) -> int:
    """How many characters each text of a row may have, so that hundreds of workers' rows stay small too."""
    return max(40, min(300, _BOARD_BYTES // (6 * max(workers, 1))))


def _pause(pause: Pause | None, text: int) -> dict[str, Any] | None:
    if pause is None:
        return None
    return {
        "by": one_line(pause.by, 80),
        "at": _seconds(pause.at),
        "until": _seconds(pause.until),
        "reason": one_line(pause.reason, text),
    }


def _figures(board: Board) -> dict[str, int]:
    figures = board.figures
    return {
        "days": figures.days,
        "slots": figures.slots,
        "on_time": figures.on_time,
        "undecided": figures.undecided,
        "runs": figures.runs,
        "under_digest": figures.under_digest,
        "bad": figures.bad,
        "bad_delivered": figures.bad_delivered,
    }


def _ticks(dashboard: Dashboard) -> dict[str, Any]:
    last, trigger = dashboard.board.last_tick, dashboard.board.trigger
    return {
        "last_at": _seconds(last.at) if last is not None else None,
        "last_trigger": last.trigger if last is not None else None,
        "cron": trigger.cron,
        "zone": trigger.zone,
        "lines": list(dashboard.trigger_lines),
        "clock_at": _seconds(trigger.last),
        "dead": trigger.dead,
        "silent": silent(dashboard.board, ZoneInfo(dashboard.zone)),
        "late": [[_seconds(at), _rounded(late)] for at, late in dashboard.lateness],
        "days": [
            [
                each.day.isoformat(),
                each.expected,
                each.came,
                _rounded(each.lateness_median_s),
                _rounded(each.lateness_max_s),
            ]
            for each in dashboard.tick_days
        ],
    }


def _alert(delivery: Delivery) -> dict[str, Any]:
    alert: Alert = delivery.alert
    return {
        "event": alert.event.value,
        "worker": alert.worker,
        "summary": one_line(alert.summary, 300),
        "hook": one_line(delivery.hook, 80),
        "state": delivery.state.value,
        "error": one_line(delivery.error or "", 200),
        "at": _seconds(alert.at),
    }


def _episode(episode: Episode) -> dict[str, Any]:
    return {
        "subject": episode.subject,
        "opened": _seconds(episode.opened_at),
        "closed": _seconds(episode.closed_at),
        "gathered": episode.gathered,
        "summary": _said_last(episode),
    }


def _said_last(episode: Episode) -> str:
    return one_line(episode.last_alert.summary, 300) if episode.last_alert is not None else ""


def _fitting(items: list[_Value], room: int) -> list[_Value]:
    """As many of the first ones as fit into `room` bytes."""
    used = 0
    for number, item in enumerate(items):
        used += size(item) + 1
        if used > room:
            return items[:number]
    return items


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
