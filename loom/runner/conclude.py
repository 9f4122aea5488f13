"""Execution -> Verdict -> Run: what is recorded of one piece of work."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from loom.domain.enforcement import Refusal
from loom.domain.execution import Ending, Execution
from loom.domain.run import Outcome, Run, RunError
from loom.domain.slot import Ticket, TicketState
from loom.domain.tick import Tick
from loom.domain.worker import Worker
from loom.execution.failure import place_in
from loom.ports import Guard
from loom.runner.discretion import masked
from loom.runner.parts import Mask
from loom.validation import judge
from loom.values import replace


def conclude(
    ticket: Ticket,
    worker: Worker,
    execution: Execution,
    guard: Guard,
    *,
    tick: Tick,
    digest: str,
    params: Mapping[str, Any],
    project: Path,
    mask: Mask,
    on_time: bool,
    settle: Callable[[Outcome], Ticket],
) -> tuple[Run, Ticket]:
    """The run that `execution` amounts to, and its ticket as `settle` has it after that outcome.

    `mask` blanks secrets in every text that a worker could have written. All of it is also held
    against the output rules, for a log is shown in places that many can read.
    """
    clean = _Clean(guard, mask)
    if execution.ending is Ending.RETURNED:
        found = _returned(worker, execution, guard, clean, project)
    else:
        found = {
            "outcome": _OUTCOMES[execution.ending],
            "reason": clean.text(execution.reason),
            "error": clean.error(execution.error) if execution.error else None,
            "checks": execution.checks,
            "refusals": execution.refusals,
        }
    after = settle(found["outcome"])
    final = after.state is TicketState.CLOSED
    run = Run(
        run_id=ticket.run_id or ticket.key,
        worker=worker.id,
        agent=worker.agent,
        slot=ticket.slot,
        trigger=ticket.trigger,
        by_hand=ticket.is_request,
        final=final,
        open_reason=None if final else after.reason,
        not_before=after.not_before,
        attempts=execution.attempts,
        started_at=execution.started_at,
        finished_at=execution.finished_at,
        duration_s=execution.duration_s,
        enforcement_digest=digest,
        rules=guard.rules,
        log=clean.text(execution.log),
        tick_id=tick.id,
        tick_at=tick.at,
        on_time=on_time,
        counts=not params,
        settings=dict(params),
        **found,
    )
    return run, after


def cleaner(guard: Guard, mask: Mask) -> Callable[[str], str]:
    """What takes out of a run's text all that its record may not hold."""
    return _Clean(guard, mask).text


def refusal_error(refusal: Refusal, guard: Guard, project: Path, mask: Mask) -> RunError:
    """What is recorded of a forbidden act that was stopped."""
    return _Clean(guard, mask).error(_as_error(refusal, project))


def _as_error(refusal: Refusal, project: Path) -> RunError:
    return RunError(refusal.rule, str(refusal), place_in(refusal.where, project))


_OUTCOMES = {
    Ending.RAISED: Outcome.FAILED,
    Ending.SKIPPED: Outcome.SKIPPED,
    Ending.TIMED_OUT: Outcome.TIMED_OUT,
    Ending.REFUSED: Outcome.BLOCKED,
}


_LONGEST_KIND = 200


class _Clean:
    """Takes out of a text what must not leave: secrets, and what the output rules name."""

    def __init__(self, guard: Guard, mask: Mask) -> None:
        self._guard = guard
        self._mask = mask

    def text(self, text: str) -> str:
        return str(self._guard.rule_on(self._mask(text)).value) if text else ""

    def error(self, error: RunError) -> RunError:
        # A worker names its exceptions and files as it likes. Cut after masking: half a secret is one too.
        return replace(
            error,
            kind=" ".join(self.text(error.kind).split())[:_LONGEST_KIND],
            message=self.text(error.message),
            where=self.text(error.where) if error.where else error.where,
        )

    def json(self, value: Any) -> Any:
        """For a value the output rules have gone over already: each text in it is masked by itself."""
        return masked(value, self._mask) if self._mask else value


def _returned(
    worker: Worker, execution: Execution, guard: Guard, clean: _Clean, project: Path
) -> dict[str, Any]:
    """The fields of `Run` that tell what became of an output."""
    # The shape first, the output rules second: a rule may redact what the model would then refuse. If they
    # weren't asked within the run, the output's own model and its validators are the worker's code.
    with guard.inside() if execution.shape is None else nullcontext():
        verdict = judge(execution, worker.expect)
    acts = {
        "checks": max(execution.checks, guard.checks),
        "refusals": max(execution.refusals, guard.refused),
    }
    if guard.refusals:
        stopped = _as_error(guard.refusals[0], project)
        return acts | {"outcome": Outcome.BLOCKED, "error": clean.error(stopped)}
    if verdict.output is None:
        errors = tuple(clean.error(error) for error in verdict.errors)
        return acts | {
            "outcome": Outcome.INVALID,
            "error": errors[0],
            "errors": errors,
            "rejected": clean.json(guard.rule_on(execution.value).value),
        }
    ruling = guard.rule_on_output(verdict.output)
    if ruling.refusal is not None:
        refused = RunError(ruling.refusal.rule, str(ruling.refusal), ruling.refusal.where)
        return acts | {
            "outcome": Outcome.BLOCKED,
            "error": clean.error(refused),
            "reason": f"the output was refused by rule {ruling.refusal.rule}",
            "rejected": clean.json(ruling.value),
        }
    redacted = f"redacted: {', '.join(ruling.redacted)}" if ruling.redacted else ""
    return acts | {
        "outcome": Outcome.SUCCEEDED,
        "output": clean.json(ruling.value),
        # It names keys of the output, which are the worker's words.
        "reason": clean.text(redacted),
    }
