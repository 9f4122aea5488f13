"""The JSON Schema agrees with the loader, and the registry that ships fits both."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it comes without types
import pytest
import yaml

from loom.domain.worker import Status
from loom.registry import load
from loom.registry.json_schema import schema
from tests.unit.registry_project import GOOD, HEAD, Project

SHIPPED = Path(__file__).parents[2] / "worker-registry.yaml"
TWELVE = {
    "pattern-memory-analyzer": ("Echo", "0 3 * * *"),
    "instruction-optimizer": ("Refiner", "0 3 * * SUN"),
    "staleness-detector": ("Archivist", "0 4 * * SUN"),
    "relationship-sentinel": ("Sentinel", "0 6 * * *"),
    "content-queue-scanner": ("Forge", "0 3 * * MON"),
    "data-integrity": ("Audit", "0 3 * * SAT"),
    "website-health-scanner": ("Lookout", "0 14 * * FRI"),
    "media-pre-production": ("Prelude", "0 6 * * *"),
    "media-post-production": ("Encore", "0 16 * * *"),
    "media-distribution": ("Broadcast", "0 10 * * *"),
    "media-youtube-comments": ("Broadcast", "0 8 * * *"),
    "media-linkedin-events": (None, "0 18 * * SUN"),
}


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema())


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_every_key_in_the_schema_says_what_it_is_for() -> None:
    nameless = [name for name, description in _properties(schema()) if len(description) < 10]
    assert not nameless


def _properties(part: Any) -> Iterator[tuple[str, str]]:
    if isinstance(part, list):
        for item in part:
            yield from _properties(item)
    if isinstance(part, dict):
        for name, value in part.get("properties", {}).items():
            yield name, value.get("description", "")
        for value in part.values():
            yield from _properties(value)


def test_the_shipped_registry_loads_with_its_twelve_workers_eleven_of_them_active() -> None:
    registry = load(SHIPPED, project=SHIPPED.parent)
    assert [str(problem) for entry in registry.broken for problem in entry.problems] == []
    found = {worker.id: (worker.agent, worker.schedule.cron) for worker in registry.workers}
    assert found == TWELVE
    assert {worker.schedule.zone for worker in registry.workers} == {"America/Chicago"}
    assert [worker.id for worker in registry.workers if worker.status is not Status.ACTIVE] == [
        "media-linkedin-events"
    ]
    for worker in registry.workers:
        assert worker.entrypoint == f"workers.{worker.id.replace('-', '_')}:run"
        assert worker.expect.non_empty, f"{worker.id} expects nothing of its output"
        assert worker.description
    assert registry.declared_env == ("HUBSPOT_ACCESS_TOKEN", "LOOM_ALERT_WEBHOOK_URL", "YOUTUBE_API_KEY")


def test_the_shipped_registry_fits_the_schema(validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(yaml.safe_load(SHIPPED.read_text()))


def test_the_shipped_registry_tells_editors_where_its_schema_is_and_how_to_make_it() -> None:
    lines = SHIPPED.read_text().splitlines()
    assert lines[0] == "# yaml-language-server: $schema=.loom/schema.json"
    assert any("loom schema > .loom/schema.json" in line for line in lines[1:12])


def test_a_typo_in_the_shipped_registry_leaves_eleven_workers(tmp_path: Path) -> None:
    shutil.copytree(
        SHIPPED.parent / "workers", tmp_path / "workers", ignore=shutil.ignore_patterns("__pycache__")
    )
    file = tmp_path / SHIPPED.name
    file.write_text(SHIPPED.read_text().replace('schedule: "0 14 * * FRI"', 'shedule: "0 14 * * FRI"'))
    registry = load(file, project=tmp_path)
    assert len(registry.workers) == 11
    assert [entry.id for entry in registry.broken] == ["website-health-scanner"]


@pytest.mark.parametrize(
    "text",
    [
        "version: 2\ntimezone: UTC\nworkers: {}\n",
        "version: 1\nworkers: {}\n",
        f"{HEAD}workers: []\n",
        f"{HEAD}workers: {{}}\ntypo: 1\n",
        f"{HEAD}workers: {{}}\nmax_parallel: 65\n",
        f"{HEAD}workers: {{}}\ndefaults: {{isolation: thread}}\n",
        f"{HEAD}workers: {{}}\ndefaults: {{memory: 512}}\n",
        f"{HEAD}workers: {{}}\ndefaults: {{timeout: 10}}\n",
        f"{HEAD}workers: {{}}\nalerts: []\n",
        f"{HEAD}workers: {{}}\nalerts: [{{kind: mail}}]\n",
        f"{HEAD}workers: {{}}\nalerts: [{{kind: webhook}}]\n",
        f"{HEAD}workers: {{}}\nalerts: [{{kind: webhook, url: 'https://a.org', url_env: A}}]\n",
        f"{HEAD}workers: {{Echo: {GOOD}}}\n",
        f"{HEAD}workers: {{echo: {{schedule: '0 6 * *', entrypoint: 'workers.echo:run'}}}}\n",
        f"{HEAD}workers: {{echo: {{schedule: '@daily'}}}}\n",
        f"{HEAD}workers: {{echo: {GOOD[:-1]}, entrypont: x}}}}\n",
        f"{HEAD}workers: {{echo: {GOOD[:-1]}, retry: {{attempts: three}}}}}}\n",
        f"{HEAD}workers: {{echo: {GOOD[:-1]}, dst: {{gap: jump}}}}}}\n",
        f"{HEAD}workers: {{echo: {GOOD[:-1]}, expect: {{min: {{a: x}}}}}}}}\n",
    ],
)
def test_what_the_schema_refuses_the_loader_refuses_too(
    tmp_path: Path, validator: jsonschema.Draft202012Validator, text: str
) -> None:
    assert not validator.is_valid(yaml.safe_load(text))
    project = Project(tmp_path)
    if "  " in text or "workers: {echo" in text.lower():
        assert project.load(text).broken
    else:
        assert project.whole_file_mistakes(text)
