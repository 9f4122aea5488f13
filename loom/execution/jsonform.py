"""Whatever a worker returned -> its JSON form: what is validated, kept and handed on."""

import json
import math
import reprlib
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from loom.cutting import cut
from loom.domain.run import RunError
from loom.execution.failure import text_of
from loom.values import dataclass

OUTPUT_LIMIT = 5_000_000
_PREVIEW = 2_000
_DEEPEST = 30
_ENCODER = json.JSONEncoder(allow_nan=False, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class JsonForm:
    """value: plain dicts, lists, texts, numbers; equal to what a JSON reader would give.
    error: why there is no such form; `value` is then a short text that shows what was returned."""

    value: Any
    error: RunError | None = None


def json_form(returned: object, *, limit: int = OUTPUT_LIMIT) -> JsonForm:
    """The JSON form of `returned`, whatever it is. Never raises.

    limit: the most bytes it may have; more isn't kept. A model is written by its aliases and without
    computed fields, so that it can be read back.
    """
    try:
        text = _json(returned)
        value = json.loads(text)
        if "null" in text and (lost := _lost_number(returned, value)) is not None:
            return JsonForm(_shown(returned), _no_form("NaN and infinity aren't JSON", lost))
        size = len(text.encode())
    except BaseException as error:  # noqa: BLE001 - serialising calls the worker's own code
        path, culprit = _culprit(returned)
        reason = f"{_reason(error)}; got {cut(_shown(culprit), 200)}"
        return JsonForm(_shown(returned), _no_form(reason, path))
    if size > limit:
        reason = f"its JSON form has {size:,} bytes, more than the {limit:,} that are kept"
        return JsonForm(cut(text, _PREVIEW), RunError("validation", reason, _largest(value)))
    return JsonForm(value)


def _json(returned: object) -> str:
    if isinstance(returned, Iterator):
        raise TypeError("an iterator; return a list")
    plain = (
        returned.model_dump(mode="json", by_alias=True, round_trip=True, warnings=False)
        if isinstance(returned, BaseModel)
        else to_jsonable_python(returned, by_alias=True, round_trip=True)
    )
    text = _ENCODER.encode(plain)
    text.encode()
    return text


def _no_form(reason: str, path: str) -> RunError:
    return RunError("validation", f"the output has no JSON form: {reason}", path or None)


def _reason(error: BaseException) -> str:
    text = text_of(error)
    if isinstance(error, UnicodeEncodeError):
        return "text with half a character (a lone surrogate) can't be stored"
    if "ircular reference" in text:
        return "it contains itself"
    if "depth exceeded" in text or isinstance(error, RecursionError):
        return "it is nested too deeply"
    if "float values are not JSON" in text:
        return "NaN and infinity aren't JSON"
    return f"{type(error).__name__}: {cut(text, 300)}"


def _shown(value: object) -> str:
    short = reprlib.Repr()
    short.maxlevel, short.maxdict, short.maxlist, short.maxtuple = 4, 20, 20, 20
    short.maxstring = short.maxother = short.maxlong = 200
    try:
        text = short.repr(value)
    except BaseException as error:  # noqa: BLE001 - __repr__ is the worker's own code
        text = f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    return cut(text.encode(errors="backslashreplace").decode(), _PREVIEW)


def _parts(value: object) -> Iterator[tuple[str, str, object]]:
    """The parts of a value: the name a person knows it by, its key in the JSON form, the part."""
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield name, field.serialization_alias or field.alias or name, getattr(value, name, None)
        for name, part in (value.model_extra or {}).items():
            yield name, name, part
    elif isinstance(value, dict):
        for key, part in value.items():
            yield cut(str(key), 100), str(key), part
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield str(index), str(index), part


def _culprit(returned: object) -> tuple[str, object]:
    """The innermost part that has no JSON form, and its dotted path."""
    path: list[str] = []
    part, seen = returned, {id(returned)}
    try:
        while len(path) < _DEEPEST:
            for name, _, inner in _parts(part):
                if id(inner) not in seen and not _has_form(inner):
                    path.append(name)
                    part = inner
                    seen.add(id(inner))
                    break
            else:
                break
    except BaseException:  # noqa: BLE001 - attributes of the worker's objects are its own code
        return "", returned
    return ".".join(path), part


def _has_form(part: object) -> bool:
    try:
        _json(part)
    except BaseException:  # noqa: BLE001 - as above
        return False
    return True


def _lost_number(value: object, form: object, path: tuple[str, ...] = ()) -> str | None:
    """Where pydantic wrote null for a NaN in a field of type Any: a value must not change on its way."""
    if form is None:
        return ".".join(path) if isinstance(value, float) and not math.isfinite(value) else None
    for name, key, part in _parts(value):
        if isinstance(form, dict):
            inner = form.get(key)
        elif isinstance(form, list) and key.isdigit() and int(key) < len(form):
            inner = form[int(key)]
        else:
            continue
        lost = _lost_number(part, inner, (*path, name))
        if lost is not None:
            return lost
    return None


def _largest(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    return max(value, key=lambda key: len(json.dumps(value[key])), default=None)
