"""Execution -> Verdict -> Run: what is recorded of one piece of work. Pure, apart from the id it is given."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from loom.domain.run import Ending, Execution, Outcome, Run, RunError
from loom.domain.slot import Ticket
from loom.domain.tick import Tick
from loom.domain.worker import Worker
from loom.ports import Guard
from loom.validation import judge


def conclude(
    ticket: Ticket,
    worker: Worker,
    execution: Execution,
    guard: Guard,
    *,
    tick: Tick,
    digest: str,
    params: Mapping[str, Any],
    mask: Callable[[str], str],
) -> Run:
    """The run that `execution` amounts to, before it is known whether it will be tried again (`final`).

    `mask` blanks secrets in every text that a worker could have written.
    """
    run = Run(
        run_id=ticket.run_id or ticket.key,
        worker=worker.id,
        agent=worker.agent,
        slot=ticket.slot,
        trigger=ticket.trigger,
        outcome=Outcome.FAILED,
        reason=mask(execution.reason),
        attempts=execution.attempts,
        started_at=execution.started_at,
        finished_at=execution.finished_at,
        duration_s=execution.duration_s,
        error=_masked(execution.error, mask) if execution.error else None,
        enforcement_digest=digest,
        log=mask(execution.log),
        tick_id=tick.id,
        tick_at=tick.at,
        counts=not params,
        settings=dict(params),
    )
    match execution.ending:
        case Ending.RETURNED:
            return _returned(run, worker, execution, guard, mask)
        case Ending.SKIPPED:
            return replace(run, outcome=Outcome.SKIPPED)
        case Ending.TIMED_OUT:
            return replace(run, outcome=Outcome.TIMED_OUT)
        case Ending.REFUSED:
            return replace(run, outcome=Outcome.BLOCKED)
        case Ending.RAISED:
            return run


def _returned(
    run: Run, worker: Worker, execution: Execution, guard: Guard, mask: Callable[[str], str]
) -> Run:
    # The shape first, the output rules second: a rule may redact what the model would then refuse.
    verdict = judge(execution, worker.expect)
    if verdict.output is None:
        ruling = guard.rule_on(execution.value)
        return replace(
            run,
            outcome=Outcome.INVALID,
            error=_masked(verdict.errors[0], mask),
            errors=tuple(_masked(error, mask) for error in verdict.errors),
            rejected=_masked_json(ruling.value, mask),
        )
    ruling = guard.rule_on(verdict.output)
    if ruling.refusal is not None:
        refused = RunError(ruling.refusal.rule, str(ruling.refusal), ruling.refusal.where)
        return replace(
            run,
            outcome=Outcome.BLOCKED,
            error=_masked(refused, mask),
            reason=f"the output was refused by rule {ruling.refusal.rule}",
        )
    redacted = f"redacted: {', '.join(ruling.redacted)}" if ruling.redacted else ""
    return replace(run, outcome=Outcome.SUCCEEDED, output=_masked_json(ruling.value, mask), reason=redacted)


def _masked(error: RunError, mask: Callable[[str], str]) -> RunError:
    return replace(error, message=mask(error.message))


def _masked_json(value: Any, mask: Callable[[str], str]) -> Any:
    text = json.dumps(value)
    masked = mask(text)
    return value if masked == text else json.loads(masked)
