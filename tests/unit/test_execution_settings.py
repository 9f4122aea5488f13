"""Settings come from the registry, through the worker's own model; --param overrides one of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from loom.domain.execution import Ending
from loom.errors import ExitCode
from loom.execution.parameters import ParamError, WorkerSettingsError, apply_params, read_settings
from tests.unit.execution_bench import Bench, bench_in


class Nested(BaseModel):
    deep: int = 1


class Settings(BaseModel):
    days: int = 30
    name: str = "x"
    mode: Literal["fast", "slow"] = "fast"
    hosts: list[str] = Field(default_factory=list)
    nested: Nested = Nested()
    maybe: bool = False


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_in(tmp_path) as opened:
        yield opened


def mistakes(bench: Bench, settings: dict[str, Any], model: type[BaseModel] | None = Settings) -> str:
    worker = bench.worker("", settings=settings)
    with pytest.raises(WorkerSettingsError) as caught:
        read_settings(worker, model, {})
    error = caught.value.error
    assert (error.kind, error.where) == ("SettingsError", "worker-registry.yaml:12")
    assert all(
        line.startswith(f"at worker '{worker.id}' > at key 'settings' > ")
        for line in error.message.split("\n")
    )
    return error.message


def test_the_registry_s_settings_reach_the_worker_validated(bench: Bench) -> None:
    worker = bench.worker(
        """
        class Settings(BaseModel):
            days: int = 30
            name: str = "default"

        def run(context: WorkerContext[Settings]) -> Output:
            return Output(summary=repr(context.settings))
        """,
        settings={"days": 7},
    )
    assert bench.run(worker).value["summary"] == "Settings(days=7, name='default')"
    overridden = bench.run(worker, params={"days": "9", "name": "given"})
    assert overridden.value["summary"] == "Settings(days=9, name='given')"


def test_settings_that_do_not_fit_fail_the_run_for_good(bench: Bench) -> None:
    code = """
        class Settings(BaseModel):
            days: int

        def run(context: WorkerContext[Settings]) -> Output:
            return Output(summary="never")
    """
    wrong = bench.run(bench.worker(code, settings={"days": "many"}, attempts=3))
    assert (wrong.ending, wrong.transient, wrong.attempts) == (Ending.RAISED, False, 1)
    assert wrong.error is not None
    assert (wrong.error.kind, wrong.error.where) == ("SettingsError", "worker-registry.yaml:12")
    bad = bench.run(bench.worker(code, settings={"days": 1}), params={"dayz": "3"})
    assert bad.error is not None
    assert bad.error.kind == "ParamError"


def test_every_mistake_is_told_with_its_path_its_value_and_what_was_expected(bench: Bench) -> None:
    told = mistakes(bench, {"days": "many", "nested": {"deep": [1]}, "dais": 3})
    assert "at key 'dais' > no such setting; did you mean 'days'?" in told
    assert "at key 'days' > Input should be a valid integer" in told
    assert "got 'many'" in told
    assert "at key 'nested' > at key 'deep' > Input should be a valid integer, got [1]" in told


def test_a_key_that_the_model_would_ignore_is_a_mistake_unless_it_allows_extras(bench: Bench) -> None:
    assert "the settings are days, name, mode" in mistakes(bench, {"completely_other": 1})

    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")

    settings = read_settings(bench.worker("", settings={"anything": 1}), Open, {})
    assert settings.model_extra == {"anything": 1}


def test_a_worker_that_names_no_model_takes_no_settings(bench: Bench) -> None:
    assert "takes no settings" in mistakes(bench, {"days": 1}, model=None)
    assert read_settings(bench.worker(""), None, {}).model_dump() == {}


def test_a_required_setting_that_is_missing_is_named(bench: Bench) -> None:
    class Strict(BaseModel):
        token_file: str

    assert "at key 'token_file' > this setting is required and missing" in mistakes(bench, {}, model=Strict)
    given = read_settings(bench.worker(""), Strict, {"token_file": "x"})
    assert given.model_dump() == {"token_file": "x"}


def test_a_validator_that_raises_anything_is_a_mistake_too(bench: Bench) -> None:
    class Exploding(BaseModel):
        @model_validator(mode="after")
        def check(self) -> "Exploding":
            raise KeyboardInterrupt

    assert "the settings model raised KeyboardInterrupt" in mistakes(bench, {}, model=Exploding)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("days", "7", 7),
        ("name", "7", "7"),
        ("name", "", ""),
        ("mode", "slow", "slow"),
        ("hosts", '["a", "b"]', ["a", "b"]),
        ("nested", '{"deep": 3}', Nested(deep=3)),
        ("maybe", "true", True),
    ],
)
def test_a_param_is_read_as_the_field_s_type(name: str, text: str, value: object) -> None:
    merged = apply_params(Settings, {"days": 1, "name": "before"}, {name: text})
    assert getattr(Settings.model_validate(merged), name) == value


def test_a_param_leaves_the_other_settings_and_the_registry_alone() -> None:
    settings = {"days": 1, "name": "before"}
    assert apply_params(Settings, settings, {"days": "2"}) == {"days": "2", "name": "before"}
    assert settings == {"days": 1, "name": "before"}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("dayz", "7", "did you mean 'days'?"),
        ("days", "many", "got 'many'"),
        ("mode", "medium", "'fast' or 'slow'"),
        ("hosts", "a,b", "A list or a mapping is written as JSON"),
        ("hosts", "[1, 2]", "A list or a mapping is written as JSON"),
        ("nested", '{"deep": "x"}', "A list or a mapping is written as JSON"),
    ],
)
def test_a_param_that_does_not_fit_is_a_usage_error_that_says_why(name: str, text: str, says: str) -> None:
    with pytest.raises(ParamError) as caught:
        apply_params(Settings, {}, {name: text})
    assert caught.value.exit_code is ExitCode.USAGE
    assert (caught.value.error.kind, caught.value.error.where) == ("ParamError", f"--param {name}")
    assert says in str(caught.value)
    assert f"--param {name}={text}" in str(caught.value)


def test_a_worker_without_settings_takes_no_params() -> None:
    with pytest.raises(ParamError, match="takes no settings"):
        apply_params(None, {}, {"days": "1"})
