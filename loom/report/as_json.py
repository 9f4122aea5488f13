"""The JSON contracts of `run`, `status`, `next`, `history`, `show` and `check`. Keys are only ever added.

Times are RFC 3339 with offset, in the zone given.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from loom.domain.alert import Delivery, DeliveryState
from loom.domain.board import Answer, Board, Coming, Figures, OneWorker, Row
from loom.domain.run import Run, RunError
from loom.domain.slot import Ticket
from loom.domain.slot_outcome import SlotOutcome
from loom.domain.tick import Planned, TickReport
from loom.report import trigger


def dump(value: Any) -> str:
    """One JSON document with a newline at its end; plain ASCII, so that no text of a worker can break it."""
    text = json.dumps(value, indent=2, default=_plain)
    # The runner of GitHub Actions obeys this old form of a command anywhere in a line; it means the same so.
    return text.replace("##[", "\\u0023#[") + "\n"


def tick_report(report: TickReport, zone: ZoneInfo) -> dict[str, Any]:
    tick = report.tick
    return {
        "tick": {"id": tick.id, "at": time_in(tick.at, zone), "trigger": tick.trigger},
        "runs": [run(each, zone) for each in report.runs],
        "alerts": [_delivery(each) for each in report.deliveries],
        "problems": list(report.problems),
        "notes": list(report.notes),
        "planned": [_planned(each, zone) for each in report.planned],
        "next": (
            None
            if report.upcoming is None
            else {"worker": report.upcoming.worker, "slot": time_in(report.upcoming.at, zone)}
        ),
        "exit_code": int(report.exit_code),
    }


def run(each: Run, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "run_id": each.run_id,
        "worker": each.worker,
        "agent": each.agent,
        "slot": time_in(each.slot, zone),
        "slot_last": time_in(each.slot_last, zone),
        "count": each.count,
        "trigger": each.trigger.value,
        "outcome": each.outcome.value,
        "final": each.final,
        "open_reason": each.open_reason.value if each.open_reason else None,
        "not_before": time_in(each.not_before, zone),
        "reason": each.reason or None,
        "attempts": each.attempts,
        "started_at": time_in(each.started_at, zone),
        "finished_at": time_in(each.finished_at, zone),
        "duration_s": each.duration_s,
        "output": each.output,
        "error": _error(each.error),
        "enforcement_digest": each.enforcement_digest,
        "enforcement_rules": list(each.rules),
        "enforcement_checks": each.checks,
        "enforcement_refusals": each.refusals,
        "episode": each.episode or None,
    }


def run_in_full(each: Run, deliveries: Sequence[Delivery], zone: ZoneInfo) -> dict[str, Any]:
    return run(each, zone) | {
        "errors": [_error(error) for error in each.errors],
        "rejected": each.rejected,
        "log": each.log,
        "settings": dict(each.settings),
        "counts": each.counts,
        "on_time": each.on_time,
        "tick": {"id": each.tick_id, "at": time_in(each.tick_at, zone)},
        "alerts": [_delivery(delivery) for delivery in deliveries],
    }


def board(each: Board, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "at": time_in(each.at, zone),
        "timezone": each.zone,
        "workers": [_row(row, zone) for row in each.rows],
        "ticks": {
            "last_at": time_in(each.last_tick.at, zone) if each.last_tick else None,
            "last_trigger": each.last_tick.trigger if each.last_tick else None,
            "last_by_clock_at": time_in(each.trigger.last, zone),
            "lost_in_a_row": each.trigger.lost,
        }
        | trigger.as_json(each.trigger),
        "figures": {"days": each.figures.days, "slots_undecided": each.figures.undecided}
        | figures(each.figures),
        "alerts": {"undelivered": each.undelivered},
        "undelivered": [_delivery(delivery) for delivery in each.waiting],
        "troubles": [
            {
                "subject": trouble.subject,
                "since": time_in(trouble.opened_at, zone),
                "summary": trouble.last_alert.summary if trouble.last_alert else None,
            }
            for trouble in each.troubles
        ],
        "problems": list(each.problems),
    }


def one_worker(each: OneWorker, zone: ZoneInfo) -> dict[str, Any]:
    """The worker's part of the board, and what only `--worker` shows."""
    return {
        "at": time_in(each.at, zone),
        "timezone": each.zone,
        "worker": _row(each.row, zone)
        | {
            "schedule_timezone": each.worker.schedule.zone,
            "catch_up": {
                "policy": each.worker.catch_up.policy.value,
                "within_s": each.within.total_seconds(),
            },
            "open": [_ticket(ticket, zone) for ticket in each.row.owed],
            "coming": coming(each.coming, zone),
            "last": None if each.last is None else run(each.last, zone),
            "last_valid": None if each.good is None else run(each.good, zone),
        },
    }


def _row(row: Row, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": row.worker,
        "agent": row.agent,
        "description": row.description or None,
        "schedule": row.schedule,
        "status": row.status,
        "health": row.health.value if row.health else "broken",
        "next_slot": time_in(row.next_slot, zone),
        "last_run": (
            None
            if row.last_run_id is None
            else {
                "run_id": row.last_run_id,
                "outcome": row.last_outcome.value if row.last_outcome else None,
                "final": row.last_final,
                "at": time_in(row.last_at, zone),
                "reason": row.skipped or None,
            }
        ),
        "last_success_at": time_in(row.last_success_at, zone),
        "consecutive_failures": row.consecutive_failures,
        "recent": [_slot_outcome(each, zone) for each in row.recent],
        "streak": row.streak,
        "pause": (
            None
            if row.pause is None
            else {
                "by": row.pause.by,
                "at": time_in(row.pause.at, zone),
                "until": time_in(row.pause.until, zone),
                "reason": row.pause.reason or None,
            }
        ),
        "under_way": (
            None
            if row.under_way is None
            else {
                "run_id": row.under_way.run_id,
                "slot": time_in(row.under_way.slot, zone),
                "since": time_in(row.under_way.since, zone),
                "by_hand": row.under_way.by_hand,
                "alive": row.under_way.alive,
            }
        ),
        "needs": row.needs or None,
    }


def _slot_outcome(each: SlotOutcome, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "slot": time_in(each.first, zone),
        "slot_last": time_in(each.last, zone) if each.last != each.first else None,
        "count": each.count,
        "outcome": each.outcome.value,
        "final": each.final,
        "run_id": each.run_id,
    }


def _ticket(each: Ticket, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "slot": time_in(each.slot, zone),
        "state": each.state.value,
        "reason": each.reason.value if each.reason else None,
        "detail": each.detail or None,
        "not_before": time_in(each.not_before, zone),
        "starts": each.starts,
        "run_id": each.run_id,
    }


def coming(slots: Sequence[Coming], zone: ZoneInfo) -> list[dict[str, Any]]:
    return [
        {
            "worker": each.worker,
            "agent": each.agent,
            "slot": time_in(each.slot, zone),
            "note": each.note or None,
        }
        for each in slots
    ]


def figures(each: Figures) -> dict[str, int]:
    return {
        "slots_decided": each.slots,
        "slots_on_time": each.on_time,
        "runs": each.runs,
        "runs_under_digest": each.under_digest,
        "bad_outcomes": each.bad,
        "bad_outcomes_delivered": each.bad_delivered,
    }


def answers(each: Sequence[Answer]) -> list[dict[str, Any]]:
    return [{"ok": a.ok, "level": a.level, "what": a.what, "detail": a.detail, "do": a.remedy} for a in each]


def _planned(each: Planned, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "worker": each.worker,
        "agent": each.agent,
        "slot": time_in(each.slot, zone),
        "count": each.count,
        "action": each.action,
        "reason": each.reason or None,
        "reads": None if each.reads is None else list(each.reads),
    }


def _delivery(each: Delivery) -> dict[str, Any]:
    return {
        "event": each.alert.event.value,
        "worker": each.alert.worker,
        "hook": each.hook,
        "delivered": each.state is DeliveryState.SENT,
        "error": each.error,
    }


def _error(error: RunError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {"kind": error.kind, "message": error.message, "where": error.where}


def time_in(at: datetime | None, zone: ZoneInfo) -> str | None:
    """RFC 3339, with the offset that `zone` has then."""
    return None if at is None else at.astimezone(zone).isoformat()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form here")
