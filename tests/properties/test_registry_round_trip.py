"""Laws of the registry: what is written is read; one mistake stops one worker; nothing is a traceback."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it comes without types
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loom.domain.cron import parse_cron
from loom.domain.registry import HookSettings, Registry, StateSettings
from loom.domain.schedule import CatchUp, CatchUpPolicy, DstPolicy, Fold, Gap, Schedule
from loom.domain.worker import AlertPolicy, Expect, Isolation, Requires, Retry, Status, Worker
from loom.errors import RegistryError
from loom.registry import load
from loom.registry.json_schema import schema

ZONE = "America/Chicago"
VALIDATOR = jsonschema.Draft202012Validator(schema())
LAW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = texts.filter(str.strip)
ids = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
env_names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)
output_paths = st.from_regex(r"[A-Za-z0-9_-]{1,8}(\.[A-Za-z0-9_-]{1,8}){0,2}", fullmatch=True)
numbers = st.floats(-1e9, 1e9) | st.integers(-(10**9), 10**9).map(float)
durations = st.integers(1, 7 * 86_400_000).map(lambda ms: timedelta(milliseconds=ms))
plain_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
crons = st.builds(
    "{} {} * {} {}".format,
    st.integers(0, 59) | st.sampled_from(["*", "*/15", "5,35"]),
    st.integers(0, 23) | st.sampled_from(["*/2", "8-17"]),
    st.integers(1, 12) | st.just("*"),
    st.sampled_from(["*", "SUN", "mon-fri", "1,3"]),
) | st.sampled_from(["@daily", "@hourly", "0 6 1 * *"])
schedules = st.builds(
    lambda cron, zone, dst: Schedule(cron, parse_cron(cron), zone, dst),
    crons,
    st.sampled_from([ZONE, "UTC", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    st.builds(DstPolicy, st.sampled_from(Gap), st.sampled_from(Fold)),
)
retries = st.builds(
    Retry,
    attempts=st.integers(1, 10),
    backoff=durations,
    factor=st.floats(1, 100),
    max_backoff=durations,
    jitter=st.floats(0, 1),
    later_ticks=st.integers(0, 100),
    abandoned=st.booleans(),
)
expectations = st.builds(
    lambda non_empty, lowest, highest: Expect(
        non_empty, lowest, {path: value for path, value in highest.items() if path not in lowest}
    ),
    st.lists(output_paths, max_size=2).map(tuple),
    st.dictionaries(output_paths, numbers, max_size=2),
    st.dictionaries(output_paths, numbers, max_size=2),
)
isolations = st.sampled_from(
    [(Isolation.INLINE, None), (Isolation.PROCESS, None), (Isolation.PROCESS, 64_000_000)]
)
workers = st.builds(
    lambda isolation, **rest: Worker(isolation=isolation[0], memory=isolation[1], **rest),
    isolation=isolations,
    id=ids,
    schedule=schedules,
    entrypoint=st.sampled_from(["workers.echo:run", "workers.echo:other"]),
    agent=st.none() | names,
    description=st.just("") | names,
    status=st.sampled_from(Status),
    timeout=durations,
    retry=retries,
    catch_up=st.builds(CatchUp, st.sampled_from(CatchUpPolicy), st.none() | durations),
    requires=st.builds(Requires, st.lists(env_names, max_size=2).map(tuple), st.just(("docs/a",))),
    settings=st.dictionaries(names, plain_data, max_size=3),
    expect=expectations,
    alert=st.builds(AlertPolicy, st.integers(1, 100), durations),
)
hooks = st.lists(
    st.builds(HookSettings, st.just("stderr"), st.just({}))
    | st.builds(
        lambda name, optional: HookSettings("webhook", {"url_env": name, "optional": optional}),
        env_names,
        st.booleans(),
    )
    | st.builds(lambda argv: HookSettings("command", {"command": argv}), st.lists(names, min_size=1)),
    min_size=1,
    max_size=3,
).map(tuple)
registries = st.builds(
    Registry,
    zone=st.just(ZONE),
    workers=st.lists(workers, max_size=4, unique_by=lambda worker: worker.id).map(tuple),
    hooks=hooks,
    state=st.builds(StateSettings, names, st.none(), st.sampled_from(["redacted", "full"]), durations),
    max_parallel=st.integers(1, 64),
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "echo.py").touch()
    return tmp_path


@LAW
@given(registry=registries, flow=st.booleans(), canonical=st.booleans())
def test_a_registry_that_is_written_down_is_read_back_the_same(
    project: Path, registry: Registry, flow: bool, canonical: bool
) -> None:
    document = _document(registry)
    VALIDATOR.validate(document)
    text = yaml.safe_dump(document, default_flow_style=flow, canonical=canonical, sort_keys=False)
    found = _read(project, text)
    assert found.broken == ()
    workers_read = tuple(replace(worker, line=None) for worker in found.workers)
    env = {name for worker in registry.workers for name in worker.requires.env}
    env |= {str(hook.options["url_env"]) for hook in registry.hooks if "url_env" in hook.options}
    expected = replace(registry, declared_env=tuple(sorted(env)))
    assert replace(found, workers=workers_read) == expected


SPOILERS: tuple[Mapping[str, Any] | str | None, ...] = (
    None,
    "a word",
    {"typo": 1},
    {"schedule": "0 0 30 2 *"},
    {"entrypoint": "workers.gone:run"},
    {"timezone": "Mars/Olympus"},
    {"retry": {"attempts": "three"}},
    {"settings": {1: "a number for a key"}},
    {"was": "the-good-one"},
)


@LAW
@given(registry=registries, spoiler=st.sampled_from(SPOILERS), place=st.integers(0, 5))
def test_a_mistake_in_one_entry_never_stops_the_other_workers(
    project: Path, registry: Registry, spoiler: Mapping[str, Any] | str | None, place: int
) -> None:
    document = _document(registry)
    good = {"schedule": "@daily", "entrypoint": "workers.echo:run"}
    bad = {**good, **spoiler} if isinstance(spoiler, dict) else spoiler
    entries = [(id_, entry) for id_, entry in document["workers"].items() if not id_.startswith("the-")]
    entries.insert(place, ("the-bad-one", bad))
    entries.append(("the-good-one", good))
    document["workers"] = dict(entries)
    found = _read(project, yaml.safe_dump(document, sort_keys=False))
    assert [entry.id for entry in found.broken] == ["the-bad-one"]
    kept = [worker for worker in registry.workers if not worker.id.startswith("the-")]
    assert [replace(worker, line=None) for worker in found.workers[:-1]] == kept
    assert found.workers[-1].id == "the-good-one"
    for problem in found.broken[0].problems:
        assert problem.address[0] == "worker 'the-bad-one'"
        assert problem.line is not None


SHIPPED = (Path(__file__).parents[2] / "worker-registry.yaml").read_text()


@settings(LAW, max_examples=150)
@given(
    cut=st.integers(0, len(SHIPPED)),
    length=st.integers(0, 30),
    inserted=st.text(max_size=8)
    | st.sampled_from(["\t", "&a ", "*a", "<<: ", "!!x ", "- ", "? ", "{", "\x00"]),
)
def test_a_damaged_registry_is_told_as_problems_and_never_as_a_traceback(
    project: Path, cut: int, length: int, inserted: str
) -> None:
    text = SHIPPED[:cut] + inserted + SHIPPED[cut + length :]
    try:
        told = [entry.problems for entry in _read(project, text).broken]
    except RegistryError as error:
        told = [error.problems]
    assert all(told)


@settings(LAW, max_examples=60)
@given(content=st.binary(max_size=60))
def test_bytes_of_any_kind_are_told_as_problems(project: Path, content: bytes) -> None:
    file = project / "worker-registry.yaml"
    file.write_bytes(content)
    with pytest.raises(RegistryError) as caught:
        load(file, project=project)
    assert caught.value.problems


def _read(project: Path, text: str) -> Registry:
    file = project / "worker-registry.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    return load(file, project=project)


def _document(registry: Registry) -> dict[str, Any]:
    state = registry.state
    return {
        "version": 1,
        "timezone": registry.zone,
        "max_parallel": registry.max_parallel,
        "state": {
            "ledger": state.ledger,
            "branch": state.branch,
            "outputs": state.outputs,
            "keep": _written(state.keep),
        },
        "alerts": [{"kind": hook.kind, **hook.options} for hook in registry.hooks],
        "workers": {worker.id: _entry(worker) for worker in registry.workers},
    }


def _entry(worker: Worker) -> dict[str, Any]:
    retry, within = worker.retry, worker.catch_up.within
    entry = {
        "agent": worker.agent,
        "schedule": worker.schedule.cron,
        "timezone": worker.schedule.zone,
        "dst": {"gap": worker.schedule.dst.gap.value, "fold": worker.schedule.dst.fold.value},
        "status": worker.status.value,
        "entrypoint": worker.entrypoint,
        "timeout": _written(worker.timeout),
        "retry": {
            "attempts": retry.attempts,
            "backoff": _written(retry.backoff),
            "factor": retry.factor,
            "max_backoff": _written(retry.max_backoff),
            "jitter": retry.jitter,
            "later_ticks": retry.later_ticks,
            "abandoned": retry.abandoned,
        },
        "catch_up": {
            "policy": worker.catch_up.policy.value,
            "within": None if within is None else _written(within),
        },
        "requires": {"env": list(worker.requires.env), "paths": list(worker.requires.paths)},
        "settings": dict(worker.settings),
        "expect": {
            "non_empty": list(worker.expect.non_empty),
            "min": dict(worker.expect.minimum),
            "max": dict(worker.expect.maximum),
        },
        "alert": {"after": worker.alert.after, "remind": _written(worker.alert.remind)},
        "isolation": worker.isolation.value,
        "memory": None if worker.memory is None else f"{worker.memory // 10**6}MB",
    }
    return entry | ({"description": worker.description} if worker.description else {})


def _written(length: timedelta) -> str:
    minutes, milliseconds = divmod(length // timedelta(milliseconds=1), 60_000)
    seconds, milliseconds = divmod(milliseconds, 1000)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = {"d": days, "h": hours, "m": minutes, "s": seconds, "ms": milliseconds}
    return "".join(f"{count}{unit}" for unit, count in units.items() if count)
