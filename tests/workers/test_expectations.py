"""What the registry expects of each of its twelve workers: that it looked at something, and says so."""

import importlib
import typing
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from loom.domain.execution import Ending, Execution
from loom.domain.worker import Worker
from loom.registry import load
from loom.validation import judge
from loom.worker import WorkerOutput
from tests.ground.shut import REPOSITORY

NOW = datetime(2026, 6, 15, 14, tzinfo=UTC)
WORKERS = load(REPOSITORY / "worker-registry.yaml", project=REPOSITORY).workers


def output_model(worker: Worker) -> type[WorkerOutput]:
    module, _, name = worker.entrypoint.partition(":")
    model: type[WorkerOutput] = typing.get_type_hints(getattr(importlib.import_module(module), name))[
        "return"
    ]
    return model


def good(worker: Worker) -> dict[str, Any]:
    """The least output that the registry's entry is content with."""
    filled: dict[str, Any] = {"summary": "looked", "findings": [], "metrics": {}}
    for name, field in output_model(worker).model_fields.items():
        if field.is_required() and name != "summary":
            kind: Any = typing.get_origin(field.annotation) or field.annotation
            filled[name] = {} if issubclass(kind, BaseModel) else kind()
    for path, least in worker.expect.minimum.items():
        put(filled, path, int(least))
    return filled


def put(output: dict[str, Any], path: str, value: Any) -> None:
    *folders, name = path.split(".")
    for folder in folders:
        output = output.setdefault(folder, {})
    output[name] = value


def verdict_of(worker: Worker, value: dict[str, Any]) -> list[str | None]:
    """Where it is wrong."""
    returned = Execution(
        ending=Ending.RETURNED,
        value=value,
        schema=output_model(worker),
        started_at=NOW,
        finished_at=NOW,
        duration_s=0.0,
    )
    return [error.where for error in judge(returned, worker.expect).errors]


@pytest.mark.parametrize("worker", WORKERS, ids=lambda worker: worker.id)
def test_an_output_that_says_nothing_or_of_nothing_is_invalid(worker: Worker) -> None:
    assert verdict_of(worker, good(worker)) == []
    assert worker.expect.minimum, "it has to have looked at something"
    for path in worker.expect.minimum:
        spoilt = good(worker)
        put(spoilt, path, 0)
        assert verdict_of(worker, spoilt) == [path]
    for path in worker.expect.non_empty:
        spoilt = good(worker)
        put(spoilt, path, "")
        assert verdict_of(worker, spoilt) == [path]


def test_all_twelve_have_one() -> None:
    assert len(WORKERS) == 12
