"""What workers can fill without end, as far as there is room: the history of each, and all findings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from loom.domain.dashboard import BriefRun, DashboardWorker
from loom.domain.finding import Found
from loom.report.dashboard.embedding import size
from loom.report.gist import SEVERITIES
from loom.report.words import one_line

MOST_FINDINGS = 300
"""Of one worker."""
MOST_METRICS = 12
"""Charts of one worker."""

_HISTORY_BYTES = 650_000
_FINDING_BYTES = 600_000


class Room:
    """The bytes that each worker's history may take: what one doesn't need, those with more may have."""

    def __init__(self, workers: Sequence[DashboardWorker]) -> None:
        self._left = _HISTORY_BYTES
        self._askers = len(workers)

    def take(self, rows: Sequence[Any], *, besides: int) -> int:
        """How many of the first of `rows` fit, `besides` so many bytes that go with them."""
        share = self._left // max(self._askers, 1)
        used, fitting = besides, 0
        self._left -= besides
        for row in rows:
            used += size(row) + 1
            if used > share:
                break
            fitting += 1
            self._left -= size(row) + 1
        self._askers -= 1
        return fitting


def history(worker: DashboardWorker, room: Room) -> dict[str, Any]:
    """The newest runs, and, number by number in the same order, what they measured."""
    names, left = _metric_names(worker.runs)
    measured = [[_number(run.metrics.get(name)) for name in names] for run in worker.runs]
    runs = [_run(run) for run in worker.runs]
    rows = [[*run.values(), values] for run, values in zip(runs, measured, strict=True)]
    kept = room.take(rows, besides=size(names))
    return {
        "runs": {
            "columns": list(_run_columns(worker.runs)),
            "rows": [list(run.values()) for run in runs[:kept]],
        },
        "runs_left": kept < len(runs),
        "metrics": [
            {"name": name, "values": [values[number] for values in measured[:kept]]}
            for number, name in enumerate(names)
        ],
        "metrics_left": left,
    }


def findings(workers: Sequence[DashboardWorker]) -> tuple[list[dict[str, Any]], Mapping[str, int]]:
    """The findings that fit, worst first and then worker by worker, and how many of each worker don't.

    The worst of every worker goes before the second worst of any: none crowds out the others."""
    ranked = [
        (SEVERITIES.index(each.severity), rank, number, worker.worker, each)
        for number, worker in enumerate(workers)
        for rank, each in enumerate(worker.findings[:MOST_FINDINGS])
    ]
    ranked.sort(key=lambda each: each[:3])
    used, kept = 0, []
    for severity, rank, number, worker, each in ranked:
        form = _finding(worker, each)
        used += size(form) + 1
        if used > _FINDING_BYTES:
            break
        kept.append(((severity, number, rank), form))
    kept.sort(key=lambda each: each[0])
    shown = Counter(form["worker"] for _, form in kept)
    return [form for _, form in kept], {
        worker.worker: len(worker.findings) - shown[worker.worker] for worker in workers
    }


def _run(run: BriefRun) -> dict[str, Any]:
    return {
        "id": run.run_id,
        "outcome": run.outcome.value,
        "final": int(run.final),
        "waits": run.waits.value if run.waits is not None else 0,
        "slot": run.slot and int(run.slot.timestamp()),
        "slot_last": run.slot_last and int(run.slot_last.timestamp()),
        "count": run.count,
        "at": int(run.at.timestamp()),
        "started": int(run.started),
        "took": _number(run.duration_s),
        "said": one_line(run.said, 200),
    }


def _run_columns(runs: Sequence[BriefRun]) -> Sequence[str]:
    return tuple(_run(runs[0])) if runs else ()


def _metric_names(runs: Sequence[BriefRun]) -> tuple[list[str], int]:
    """Those that most runs have, the earliest named first; and how many there are besides."""
    times = Counter(name for run in runs for name in run.metrics)
    names = [name for name, _ in times.most_common(MOST_METRICS)]
    return names, len(times) - len(names)


def _number(value: float | None) -> float | None:
    """Six digits: more than a chart shows."""
    return None if value is None else float(f"{value:.6g}")


def _finding(worker: str, each: Found) -> dict[str, Any]:
    return {
        "severity": each.severity,
        "worker": worker,
        "title": one_line(each.title, 200),
        "subject": one_line(each.subject, 120),
        "detail": one_line(each.detail, 400),
        "action": one_line(each.action, 300),
        # Half an address leads elsewhere.
        "url": each.url if len(each.url) <= 500 and each.url.isprintable() else "",
    }
