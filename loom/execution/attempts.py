"""The whole of one run, in its own thread: load, settle the settings, attempt, wait, attempt again, judge."""

import inspect
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from loom.domain.enforcement import Refusal
from loom.domain.execution import Ending, Execution, Verdict
from loom.domain.run import RunError
from loom.execution.assignment import Assignment
from loom.execution.backoff import wait_before
from loom.execution.briefing import Briefing
from loom.execution.entrypoint import Entrypoint, EntrypointError, forget, load, modules
from loom.execution.failure import kind_of, place_of, run_error, text_of, traceback_of
from loom.execution.flight import Flight
from loom.execution.jsonform import JsonForm, json_form
from loom.execution.parameters import ParamError, WorkerSettingsError, read_settings
from loom.execution.trouble import Trouble, classify
from loom.values import dataclass
from loom.worker import Refused, Skip

Pause = Callable[[threading.Event, float], bool]
"""Wait so many seconds, or until the event is set; True if it is set."""

Fits = Callable[[Any, RunError | None, type[BaseModel], int], Verdict]
"""What an output model says of a JSON form, or of why there is none; it may have so many bytes."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """One attempt that raised, looked at once so that nothing holds on to its frames."""

    error: RunError
    trouble: Trouble
    refusal: Refusal | None = None
    skip: str | None = None


TOLD_IN = (Execution, RunError, Refusal, Trouble, _Failure)
"""What the end of a run is told in, whatever it ended in."""


def conduct(
    flight: Flight, *, pause: Pause, random: Callable[[], float], limit: int, fits: Fits | None = None
) -> Execution:
    """Run the worker's code to its end. Never raises; may hang, as the worker does.

    limit: the most bytes an output's JSON form may have. fits: asked of it, unless somebody else will.
    """
    try:
        execution = _conduct(flight, pause, random, limit, fits)
        refusals = flight.refusals()
    except BaseException as error:  # noqa: BLE001 - a mistake of Loom's must not leave a slot without an outcome
        flight.log.write(traceback_of(error))
        if (stopped := _first_refusal(flight)) is not None:
            return flight.refused(stopped)  # a refusal of what ran while the worker's code was looked at
        mistake = f"Loom itself failed while running this worker: {type(error).__name__}: {text_of(error)}"
        return flight.ended(Ending.RAISED, error=RunError("LoomBug", mistake))
    if refusals and execution.ending is not Ending.REFUSED:
        return flight.refused(refusals[0])
    return execution


def _first_refusal(flight: Flight) -> Refusal | None:
    try:
        return next(iter(flight.refusals()), None)
    except Exception:  # noqa: BLE001 - it is what went wrong that is to be told
        return None


def _conduct(
    flight: Flight, pause: Pause, random: Callable[[], float], limit: int, fits: Fits | None
) -> Execution:
    assignment = flight.assignment
    known = modules()
    try:
        entrypoint = load(assignment.worker, assignment.project)
        settings = read_settings(assignment.worker, entrypoint.settings_model, assignment.params)
    except (EntrypointError, WorkerSettingsError, ParamError) as unusable:
        flight.log.write(traceback_of(unusable.__cause__) if unusable.__cause__ else "")
        flight.log.line("ERROR", unusable.error.message)
        return flight.ended(Ending.RAISED, error=unusable.error)
    finally:
        if flight.refusals():
            forget(known, assignment.project)
    with Briefing(flight, settings) as briefing:
        begin, model = _begin(entrypoint, briefing, settings, assignment)
        while True:
            flight.attempts += 1
            made = _attempt(flight, begin, briefing, limit)
            if isinstance(made, JsonForm):
                break
            if made.refusal is not None:
                return flight.refused(made.refusal, made.error.where)
            if made.skip is not None:
                return flight.ended(Ending.SKIPPED, reason=made.skip)
            flight.last_error = made.error
            if not _another_attempt(flight, made, pause, random):
                return flight.ended(
                    Ending.RAISED,
                    error=made.error,
                    transient=made.trouble.transient,
                    retry_after=made.trouble.retry_after,
                )
    shape = fits(made.value, made.error, model, limit) if fits is not None else None
    return flight.ended(Ending.RETURNED, value=made.value, error=made.error, schema=model, shape=shape)


def _begin(
    entrypoint: Entrypoint, briefing: Briefing, settings: BaseModel, assignment: Assignment
) -> tuple[Callable[[], Any], type[BaseModel]]:
    """What an attempt calls, and the model of what it returns."""
    if not assignment.preview:
        return lambda: entrypoint.function(briefing.context), entrypoint.output_model
    from loom.execution.reads import Reads, reads_of

    return lambda: reads_of(entrypoint, settings, assignment.project), Reads


def _attempt(flight: Flight, begin: Callable[[], Any], briefing: Briefing, limit: int) -> JsonForm | _Failure:
    try:
        returned = begin()
        if inspect.isawaitable(returned):
            returned = briefing.loop.run(returned)
        return json_form(returned, limit=limit)
    except BaseException as error:  # noqa: BLE001 - containing whatever a worker raises is what this is for
        return _failure(flight, error)


def _failure(flight: Flight, error: BaseException) -> _Failure:
    try:
        return _examined(flight, error)
    except BaseException as broken:  # noqa: BLE001 - it is the worker's own class, and may fail when looked at
        place = place_of(error, flight.assignment.project)
        flight.log.write(traceback_of(error))
        flight.log.line("ERROR", f"what was raised can't be looked at closely ({kind_of(broken)})")
        return _Failure(RunError(kind_of(error), text_of(error), place), Trouble(transient=False))


def _examined(flight: Flight, error: BaseException) -> _Failure:
    recorded = run_error(error, flight.assignment.project)
    if isinstance(error, Skip):
        reason = text_of(error, wordless="the worker gave no reason")
        return _Failure(recorded, Trouble(transient=False), skip=reason)
    flight.log.write(traceback_of(error))
    if isinstance(error, Refused) and _is_whole(error.refusal):
        return _Failure(recorded, Trouble(transient=False), refusal=error.refusal)
    if flight.cancelled.is_set() and type(error).__name__ == "CancelledError":
        stopped = RunError("Cancelled", f"stopped before its end: {flight.why}", recorded.where)
        return _Failure(stopped, Trouble(transient=True))
    return _Failure(recorded, classify(error, flight.clock.real()))


def _is_whole(refusal: object) -> bool:
    """Whether it is a refusal as the guard makes them: a worker may raise `Refused` with anything in it."""
    if type(refusal) is not Refusal:
        return False
    words = (refusal.rule, refusal.act, refusal.why, refusal.where or "")
    return all(type(word) is str for word in words)


def _another_attempt(flight: Flight, failure: _Failure, pause: Pause, random: Callable[[], float]) -> bool:
    """Wait as long as is due before the next attempt; False if there is none."""
    retry = flight.assignment.worker.retry
    if not failure.trouble.transient or flight.refusals() or flight.attempts >= retry.attempts:
        return False
    wait = wait_before(flight.attempts + 1, retry, random)
    wait = max(wait, failure.trouble.retry_after or timedelta(0))
    tried = f"attempt {flight.attempts} of {retry.attempts} failed ({failure.error.kind})"
    seconds = wait.total_seconds()
    if wait >= flight.left:
        flight.log.line("WARNING", f"{tried}; no time left to wait {seconds:.1f} s and try again")
        return False
    flight.log.line("WARNING", f"{tried}; trying again in {seconds:.1f} s")
    return not (flight.cancelled.is_set() or pause(flight.cancelled, seconds))
