"""A brief as JSON. Keys are only ever added; times are RFC 3339 with offset, in the zone given."""

from typing import Any
from zoneinfo import ZoneInfo

from loom.domain.brief import Ahead, Brief, Group, Halted, Need, Noted, Ran
from loom.report.as_json import figures, time_in


def form(brief: Brief, zone: ZoneInfo) -> dict[str, Any]:
    """All of it: whatever a screen leaves out stands here."""
    return {
        "at": time_in(brief.at, zone),
        "since": time_in(brief.since, zone),
        "covers": brief.covers or None,
        "timezone": brief.zone,
        "headline": brief.headline,
        "workers": dict(brief.health),
        "figures": {"span": figures(brief.span), "week": figures(brief.week)},
        "needs": [_need(each, zone) for each in brief.needs],
        "ran": [_ran(each, zone) for each in brief.ran],
        "findings": [_group(each) for each in brief.groups],
        "new": brief.new,
        "gone": brief.gone,
        "coming": [_ahead(each, zone) for each in brief.coming],
        "paused": [_halted(each, zone) for each in brief.paused],
        "notes": [*brief.ticks, *brief.notes],
        "exit_code": 0,
    }


def _need(each: Need, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "worker": each.worker,
        "agent": each.agent,
        "whom": each.whom,
        "since": time_in(each.since, zone),
        "what": each.what,
        "says": each.says or None,
        "do": each.do,
        "run_id": each.run_id,
        "waits": each.waits,
    }


def _ran(each: Ran, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "worker": each.worker,
        "agent": each.agent,
        "outcomes": dict(each.outcomes),
        "runs": each.runs,
        "bad": each.bad,
        "by_hand": each.by_hand,
        "tried_again": each.retried,
        "silent": each.silent,
        "duration_s": each.took_s,
        "longest_s": each.longest_s,
        "recovered_at": time_in(each.recovered, zone),
        "last": None if each.run_id is None else {"run_id": each.run_id, "outcome": each.outcome},
        "says": each.says or None,
    }


def _group(each: Group) -> dict[str, Any]:
    return {
        "subject": each.subject or None,
        "worst": each.worst,
        "workers": list(each.workers),
        "findings": [_noted(found) for found in each.findings],
    }


def _noted(each: Noted) -> dict[str, Any]:
    return {
        "severity": each.severity,
        "title": each.title,
        "detail": each.detail,
        "subject": each.subject,
        "action": each.action,
        "url": each.url or None,
        "worker": each.worker,
        "agent": each.agent,
        "whom": each.whom,
        "run_id": each.run_id,
        "new": each.new,
    }


def _ahead(each: Ahead, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "worker": each.worker,
        "agent": each.agent,
        "slot": time_in(each.slot, zone),
        "last": time_in(each.last, zone),
        "count": each.count,
        "note": each.note or None,
    }


def _halted(each: Halted, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "worker": each.worker,
        "agent": each.agent,
        "status": each.status,
        "by": each.by,
        "since": time_in(each.at, zone),
        "until": time_in(each.until, zone),
        "reason": each.reason or None,
    }
