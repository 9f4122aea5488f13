"""Would what a tick finds around it serve: the ledger, the alert hooks, the workflow that calls it?"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from loom.alerts.missing import MissingHook
from loom.domain.alert import EVERY_EVENT
from loom.domain.board import Answer
from loom.domain.pause import Pause
from loom.domain.registry import Registry
from loom.errors import LedgerError
from loom.ports import AlertHook, Ledger
from loom.report.words import ago
from loom.workflows import lacks

_A_LONG_PAUSE = timedelta(days=14)


def about_ledger(open_: Callable[[], Ledger], now: datetime) -> Iterator[Answer]:
    try:
        ledger = open_()
        try:
            snapshot = ledger.snapshot()
            # Writing nothing is the smallest write there is: it takes the lock and commits.
            ledger.record([])
        finally:
            ledger.close()
    except LedgerError as error:
        yield Answer(level="error", what="ledger", detail=str(error))
        return
    last = f"last tick {ago(snapshot.last_tick.at, now)}" if snapshot.last_tick else "no tick yet"
    yield Answer(level="ok", what="ledger", detail=f"writable, {last}")
    yield from _pauses(snapshot.pauses.values(), now)
    waiting = len(snapshot.deliveries)
    if waiting:
        reasons = "; ".join(sorted({f"{d.hook}: {d.error}" for d in snapshot.deliveries if d.error}))
        yield Answer(
            level="warning",
            what="alerts",
            detail=f"{waiting} not delivered yet" + (f" ({reasons})" if reasons else ""),
            remedy="each tick tries them again; check the hook with: loom check --send-test-alert",
        )


def _pauses(held: Iterable[Pause], now: datetime) -> Iterator[Answer]:
    """Those that somebody may have forgotten."""
    for pause in held:
        if pause.in_force(now) and pause.until is None and now - pause.at > _A_LONG_PAUSE:
            why = f": {pause.reason}" if pause.reason else ""
            yield Answer(
                level="warning",
                what=f"worker {pause.worker}",
                detail=f"paused by {pause.by} {(now - pause.at).days} days ago, without an end{why}",
                remedy=f"let it go on, loom resume {pause.worker}, or say until when: "
                f"loom pause {pause.worker} --until 7d",
            )


def about_alerts(hooks: tuple[AlertHook, ...]) -> Iterator[Answer]:
    usable = [hook for hook in hooks if not isinstance(hook, MissingHook)]
    for hook in hooks:
        if isinstance(hook, MissingHook) and any(hook.wants(event) for event in EVERY_EVENT):
            yield Answer(level="error", what=f"alert hook {hook.name}", detail=hook.why)
    if not usable:
        yield Answer(
            level="error",
            what="alert hooks",
            detail="none is configured, so no failure would reach a person",
            remedy="add one under alerts: in worker-registry.yaml, such as {kind: stderr}",
        )
        return
    yield Answer(level="ok", what="alert hooks", detail=", ".join(hook.name for hook in usable))
    if all(hook.name.startswith("stderr") for hook in usable):
        yield Answer(
            level="warning",
            what="alert hooks",
            detail="alerts only go to stderr, which a person has to read",
            remedy="set LOOM_ALERT_WEBHOOK_URL, or add a webhook, command or file hook",
        )


def about_workflows(project: Path, registry: Registry) -> Iterator[Answer]:
    for lack in lacks(project, registry):
        yield Answer(level="error" if lack.serious else "warning", what=lack.place, detail=lack.what)


def about_memory(forgetful: bool) -> Iterator[Answer]:
    if forgetful:
        yield Answer(
            level="error",
            what="memory between runners",
            detail="each tick on GitHub Actions starts with an empty ledger: it sees only this hour's slots",
            remedy="set LOOM_STATE_BRANCH, or state: {branch: loom-state} in worker-registry.yaml",
        )
