"""The registry's ``settings`` and ``--param`` -> a worker's validated settings."""

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from loom.cutting import cut
from loom.domain.run import RunError
from loom.domain.worker import Worker
from loom.errors import LoomError, UsageError
from loom.execution.failure import text_of


class NoSettings(BaseModel):
    """What a worker gets that names no settings model."""


class WorkerSettingsError(LoomError):
    """A worker's ``settings`` in the registry don't fit its model; `error` is what its run records."""

    def __init__(self, error: RunError) -> None:
        super().__init__(error.message)
        self.error = error


class ParamError(UsageError):
    """A ``--param`` names no setting, or its value doesn't fit; `error` is what a run records of it."""

    def __init__(self, error: RunError) -> None:
        super().__init__(error.message)
        self.error = error


def read_settings(worker: Worker, model: type[BaseModel] | None, params: Mapping[str, str]) -> BaseModel:
    """The settings of one run: the registry's, each of `params` in its place, validated by `model`.

    Raises WorkerSettingsError naming every mistake in the registry with its line, and ParamError.
    """
    model = model or NoSettings
    where = "worker-registry.yaml" if worker.line is None else f"worker-registry.yaml:{worker.line}"
    try:
        return _validate(model, apply_params(model, worker.settings, params))
    except _Mistakes as found:
        crumbs = f"at worker {worker.id!r} > at key 'settings' > "
        message = "\n".join(crumbs + mistake for mistake in found.mistakes)
        raise WorkerSettingsError(RunError("SettingsError", message, where)) from None


def apply_params(
    model: type[BaseModel] | None, settings: Mapping[str, Any], params: Mapping[str, str]
) -> dict[str, Any]:
    """`settings` with each of `params` in its place, as the value that fits the model.

    A text that doesn't fit as it stands is read as JSON, so ``--param 'hosts=["a", "b"]'`` gives a list.
    Raises ParamError for a name that is no field of `model`, and for a value that fits neither way.
    """
    model = model or NoSettings
    merged = dict(settings)
    for name, text in params.items():
        merged[name] = _fitting(model, merged, name, text)
    return merged


def _fitting(model: type[BaseModel], settings: Mapping[str, Any], name: str, text: str) -> Any:
    where = f"--param {name}"
    unknown = _unknown_key(model, name)
    if unknown:
        raise ParamError(RunError("ParamError", f"{where}={text}: {unknown}", where))
    mistakes = _mistakes_at(model, {**settings, name: text}, name)
    if not mistakes:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        pass
    else:
        if not _mistakes_at(model, {**settings, name: value}, name):
            return value
    message = f"{where}={cut(text, 200)}: {'; '.join(mistakes)}. A list or a mapping is written as JSON."
    raise ParamError(RunError("ParamError", message, where))


def _mistakes_at(model: type[BaseModel], settings: Mapping[str, Any], name: str) -> list[str]:
    try:
        _validate(model, settings)
    except _Mistakes as found:
        return [text for text in found.mistakes if text.startswith((f"at key {name!r}", "the settings"))]
    return []


class _Mistakes(Exception):
    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(*self.mistakes)


def _validate(model: type[BaseModel], settings: Mapping[str, Any]) -> BaseModel:
    unknown = [text for name in settings if (text := _unknown_key(model, name))]
    try:
        validated = model.model_validate(dict(settings))
    except ValidationError as error:
        raise _Mistakes([*unknown, *map(_in_words, error.errors(include_url=False))]) from None
    except BaseException as error:  # noqa: BLE001 - a validator of the worker's may raise anything
        raise _Mistakes(
            [*unknown, f"the settings model raised {type(error).__name__}: {text_of(error)}"]
        ) from None
    if unknown:
        raise _Mistakes(unknown)
    return validated


def _unknown_key(model: type[BaseModel], name: str) -> str:
    if model.model_config.get("extra") == "allow":
        return ""
    fields = model.model_fields
    # An aliased field may be written under several names; only the model itself can tell which.
    if name in fields or any(field.validation_alias is not None for field in fields.values()):
        return ""
    if not fields:
        return (
            f"at key {name!r} > this worker takes no settings; remove the key, or give `run` a settings model"
        )
    close = difflib.get_close_matches(name, fields, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"the settings are {', '.join(fields)}"
    return f"at key {name!r} > no such setting; {hint}"


def _in_words(error: Any) -> str:
    place = "".join(f"at key {part!r} > " for part in error["loc"]) or "the settings as a whole: "
    if error["type"] == "missing":
        return f"{place}this setting is required and missing"
    return f"{place}{cut(error['msg'], 300)}, got {cut(repr(error['input']), 200)}"
