"""What a run has to say, in the words of its worker: foreign text, to be escaped by whoever shows it."""

from collections.abc import Mapping
from typing import Any

from loom.domain.finding import Found
from loom.domain.run import Run

SEVERITIES = ("critical", "warning", "info")
"""Worst first."""


def gist(run: Run) -> str:
    """What went wrong and where, else the summary, else the reason; empty when there is nothing to say."""
    if run.error is not None:
        where = f" ({run.error.where})" if run.error.where else ""
        return f"{run.error.kind}: {run.error.message}{where}"
    return _text(run.output or {}, "summary") or run.reason


def findings(run: Run) -> list[Found]:
    """The findings of a run, worst first, otherwise in the worker's order.

    A worker's output model may redefine `findings`: what isn't a finding is passed over."""
    listed = (run.output or {}).get("findings")
    found = [_found(each) for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    return sorted(found, key=lambda each: SEVERITIES.index(each.severity))


def _found(each: Mapping[str, Any]) -> Found:
    severity = _text(each, "severity")
    return Found(
        severity=severity if severity in SEVERITIES else "info",
        title=_text(each, "title"),
        detail=_text(each, "detail"),
        subject=_text(each, "subject"),
        url=_text(each, "url"),
        action=_text(each, "action"),
    )


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""
