"""What happened -> Verdict: an output is what its JSON form says, and nothing else.

Two questions, in this order: has it the shape that the worker's own output model demands, and has it
what the registry expects of it (``expect:``).
"""

import json
import reprlib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from loom.cutting import cut
from loom.domain.execution import Execution, Verdict
from loom.domain.run import RunError
from loom.domain.worker import Expect

OUTPUT_LIMIT = 5_000_000
_ERRORS_KEPT = 50
_SHOWN = 200
_MISSING = object()
_ENCODER = json.JSONEncoder(allow_nan=False, ensure_ascii=False)


def judge(execution: Execution, expect: Expect, *, limit: int = OUTPUT_LIMIT) -> Verdict:
    """Whether what a worker returned may count as its output: its shape, then `expect`. Never raises.

    limit: the most bytes that the JSON form may have.
    """
    verdict = execution.shape or fits(execution.value, execution.error, execution.schema, limit)
    if verdict.output is None:
        return verdict
    errors = tuple(_unmet(verdict.output, expect))
    return Verdict(None, errors) if errors else verdict


def fits(value: Any, error: RunError | None, model: type[BaseModel] | None, limit: int) -> Verdict:
    """Whether what a worker returned has the shape that its own output model demands. Never raises.

    The JSON form `value` is read again, strictly, by the output model (extra fields as that model says).
    error: why there is no such form. limit: the most bytes that it may have, before and after.
    """
    if error is not None:
        return Verdict(None, (error,))
    if model is None:
        return _invalid("the run ended without an output")
    if value is None:
        return _invalid(f"returned None, expected {model.__name__}; return the output")
    try:
        output = _read_again(value, model, limit)
    except _Rejected as rejected:
        return Verdict(None, rejected.errors)
    except ValidationError as mistakes:
        return Verdict(None, _shape_errors(mistakes))
    except BaseException as trouble:  # noqa: BLE001 - a validator of the worker's may raise anything
        return _invalid(f"the output model {model.__name__} raised {_described(trouble)}")
    return Verdict(output)


class _Rejected(Exception):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.errors = (RunError("validation", message),)


def _read_again(value: Any, model: type[BaseModel], limit: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Rejected(f"returned {_kind(value)} ({_shown(value)}), expected {model.__name__}")
    text = _ENCODER.encode(value).encode()
    if len(text) > limit:
        raise _Rejected(f"its JSON form has {len(text):,} bytes, more than the {limit:,} allowed")
    validated = model.model_validate_json(text, strict=True)
    written = validated.model_dump_json(by_alias=True)
    if len(written.encode()) > limit:
        raise _Rejected(f"{model.__name__} writes it in {len(written.encode()):,} bytes, more than {limit:,}")
    output = json.loads(written)
    if not isinstance(output, dict):
        raise _Rejected(f"{model.__name__} is written as {_kind(output)}, expected an object")
    return output


def _shape_errors(error: ValidationError) -> tuple[RunError, ...]:
    details = error.errors(include_url=False, include_context=False)
    errors = [_shape_error(detail) for detail in details[:_ERRORS_KEPT]]
    if len(details) > _ERRORS_KEPT:
        errors.append(RunError("validation", f"and {len(details) - _ERRORS_KEPT:,} more mistakes"))
    return tuple(errors)


def _shape_error(detail: ErrorDetails) -> RunError:
    where = cut(".".join(str(part) for part in detail["loc"]), _SHOWN) or None
    if detail["type"] == "missing":
        return RunError("validation", "this field is required and missing", where)
    if detail["type"] == "json_invalid":
        return RunError("validation", f"the output can't be read back: {cut(detail['msg'], _SHOWN)}", where)
    return RunError("validation", f"{cut(detail['msg'], 500)}, got {_shown(detail['input'])}", where)


def _unmet(output: Mapping[str, Any], expect: Expect) -> list[RunError]:
    """The expectations that `output` doesn't meet.

    non_empty: there, not null, and if it is text, a list or an object then with something in it. A number
    or a boolean is there whatever it is: use min for those. min, max: of a number; of text, a list or an
    object they bound its length.
    """
    errors: list[RunError] = []
    for path in expect.non_empty:
        value = _at(output, path)
        if value is _MISSING or _is_empty(value):
            errors.append(_unexpected(path, "something", value))
    for path, least in expect.minimum.items():
        value = _at(output, path)
        if (size := _size(value)) is None or size < least:
            errors.append(_unexpected(path, f"at least {least:g}", value))
    for path, most in expect.maximum.items():
        value = _at(output, path)
        if (size := _size(value)) is None or size > most:
            errors.append(_unexpected(path, f"at most {most:g}", value))
    return errors


def _at(output: Any, path: str) -> Any:
    """The value at a dotted path, ``findings.0.title``; _MISSING if the path leads nowhere."""
    value = output
    for part in path.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return _MISSING
    return value


def _is_empty(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, list | dict) and not value)


def _size(value: Any) -> float | None:
    if isinstance(value, str | list | dict):
        return len(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return None


def _unexpected(path: str, expected: str, value: Any) -> RunError:
    if value is _MISSING:
        got = "there is no such field"
    elif isinstance(value, str | list | dict):
        got = f"got {len(value)}: {_shown(value)}"
    else:
        got = f"got {_shown(value)}"
    return RunError("validation", f"expected {expected}, {got} (`expect` in the registry)", path)


def _invalid(message: str) -> Verdict:
    return Verdict(None, (RunError("validation", message),))


def _described(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {cut(str(error), 500)}"
    except BaseException:  # noqa: BLE001 - the exception is the worker's own
        return type(error).__name__


def _kind(value: Any) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "text",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "null" if value is None else f"a {type(value).__name__}")


def _shown(value: Any) -> str:
    short = reprlib.Repr()
    short.maxlevel, short.maxdict, short.maxlist = 3, 10, 10
    short.maxstring = short.maxother = short.maxlong = _SHOWN
    return cut(short.repr(value), _SHOWN)
