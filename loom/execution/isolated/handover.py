"""Handover: what a run in its own process came to, as frames; and the frames, as what it came to."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NoReturn

from loom.cutting import cut
from loom.domain.enforcement import Refusal
from loom.domain.execution import Ending, Execution, Verdict
from loom.domain.run import RunError
from loom.execution.isolated.frames import OUTPUT, REPORT, VALUE, Garbled, safe

_TEXT = 20_000
_MOST_ERRORS = 100
_MOST_ATTEMPTS = 1000
_MOST_COUNTED = 10**15
_LONGEST_WAIT = timedelta(days=31)


def written(execution: Execution, shape: Verdict | None) -> Iterator[tuple[bytes, bytes]]:
    """The frames of an execution, the report last. shape: what its output model says, if it returned."""
    if execution.ending is Ending.RETURNED:
        value = _dump(execution.value)
        yield VALUE, value
        if shape is not None and shape.output is not None and (output := _dump(shape.output)) != value:
            yield OUTPUT, output
    wait = execution.retry_after
    report = {
        "ending": execution.ending.value,
        "reason": cut(execution.reason, _TEXT),
        "error": _error(execution.error) if execution.error else None,
        "transient": execution.transient,
        "retry_after": wait.total_seconds() if wait is not None else None,
        "attempts": execution.attempts,
        "checks": execution.checks,
        "refusals": execution.refusals,
        "fits": shape is not None and shape.output is not None,
        "errors": [_error(error) for error in shape.errors] if shape else [],
    }
    yield REPORT, json.dumps(report).encode()


def read(report: bytes, value: bytes | None, output: bytes | None) -> tuple[int, dict[str, Any]]:
    """The number of attempts, and what `Flight.ended` takes, of the frames that came. Raises Garbled when
    they aren't `written`'s."""
    said = _parse(report)
    if not isinstance(said, dict):
        raise Garbled("a report that isn't an object")
    ending = _ending(said.get("ending"))
    found: dict[str, Any] = {
        "ending": ending,
        "reason": _text(said.get("reason")),
        "error": _read_error(said["error"]) if said.get("error") is not None else None,
        "transient": said.get("transient") is True,
        "retry_after": _wait(said.get("retry_after")),
        "checks": _count(said.get("checks")),
        "refusals": _count(said.get("refusals")),
    }
    if ending is Ending.RETURNED:
        if value is None:
            raise Garbled("it returned, but what?")
        found["value"] = _parse(value)
        found["shape"] = _shape(said, found["value"], output)
    elif found["error"] is None and ending is not Ending.SKIPPED:
        raise Garbled(f"it ended {ending} without an error")
    return _attempts(said.get("attempts")), found


def refusal_written(refusal: Refusal) -> bytes:
    parts = (refusal.rule, refusal.act, refusal.why, refusal.where)
    return json.dumps([cut(part, 2_000) if part else part for part in parts]).encode()


def refusal_read(payload: bytes) -> Refusal:
    """Raises Garbled."""
    parts = _parse(payload)
    if not isinstance(parts, list) or len(parts) != 4:
        raise Garbled("a refusal that can't be read")
    rule, act, why, where = parts
    return Refusal(_text(rule), _text(act), _text(why), _text(where) if where is not None else None)


def progress_written(text: object) -> bytes:
    return safe(str(text))


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _error(error: RunError) -> list[str | None]:
    parts = (error.kind, error.message, error.where)
    return [cut(part, _TEXT) if part else part for part in parts]


def _parse(payload: bytes) -> Any:
    try:
        return json.loads(payload, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Garbled(f"not JSON: {error}") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} isn't JSON")


def _attempts(number: object) -> int:
    if type(number) is not int or not 1 <= number <= _MOST_ATTEMPTS:
        raise Garbled(f"{cut(repr(number), 100)} attempts")
    return number


def _count(number: object) -> int:
    if type(number) is not int or not 0 <= number <= _MOST_COUNTED:
        raise Garbled(f"a count of {cut(repr(number), 100)}")
    return number


def _ending(word: object) -> Ending:
    if word not in [ending.value for ending in Ending]:
        raise Garbled(f"it ended {cut(repr(word), 100)}")
    return Ending(str(word))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Garbled(f"expected text, got {cut(repr(value), 100)}")
    return cut(value, _TEXT)


def _read_error(parts: object) -> RunError:
    if not isinstance(parts, list) or len(parts) != 3:
        raise Garbled("an error that can't be read")
    kind, message, where = parts
    return RunError(_text(kind), _text(message), _text(where) if where is not None else None)


def _wait(seconds: object) -> timedelta | None:
    if seconds is None:
        return None
    if type(seconds) not in (int, float) or not 0 <= seconds <= _LONGEST_WAIT.total_seconds():  # type: ignore[operator]
        raise Garbled(f"a wait of {cut(repr(seconds), 100)}")
    return timedelta(seconds=seconds)  # type: ignore[arg-type]


def _shape(said: Mapping[str, Any], value: Any, output: bytes | None) -> Verdict:
    errors = said.get("errors")
    if not isinstance(errors, list) or len(errors) > _MOST_ERRORS:
        raise Garbled("errors that can't be read")
    if said.get("fits") is not True:
        if not errors:
            raise Garbled("its output doesn't fit, but why?")
        return Verdict(None, tuple(_read_error(error) for error in errors))
    model_output = value if output is None else _parse(output)
    if not isinstance(model_output, dict):
        raise Garbled("an output that isn't an object")
    return Verdict(model_output)
