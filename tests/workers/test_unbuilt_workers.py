"""The workers that are registered and not built yet say so, and never make anything up."""

import importlib
import typing

import pytest
from pydantic import BaseModel, ValidationError

from loom.worker import Skip, WorkerContext, WorkerOutput
from tests.workers.conftest import Contexts

UNBUILT = [
    "media_distribution",
    "media_youtube_comments",
]


@pytest.mark.parametrize("name", UNBUILT)
def test_an_unbuilt_worker_skips_and_already_states_its_settings_and_output(
    name: str, contexts: Contexts
) -> None:
    module = importlib.import_module(f"workers.{name}")
    hints = typing.get_type_hints(module.run)
    output, context_type = hints.pop("return"), next(iter(hints.values()))
    assert typing.get_origin(context_type) is WorkerContext
    (settings,) = typing.get_args(context_type)
    assert issubclass(settings, BaseModel)
    assert issubclass(output, WorkerOutput)
    assert set(output.model_fields) - set(WorkerOutput.model_fields), "an output says how much was checked"
    with pytest.raises(ValidationError):
        settings.model_validate({"no_such_setting": 1})
    with pytest.raises(Skip, match="not built yet"):
        module.run(contexts(settings()))


@pytest.mark.parametrize("name", UNBUILT)
def test_an_unbuilt_worker_says_what_it_will_read_and_find(name: str) -> None:
    text = importlib.import_module(f"workers.{name}").__doc__ or ""
    assert "will read" in text
    assert "find" in text
