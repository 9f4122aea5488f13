"""The two HubSpot workers by the real command: guarded, held to what is expected of them, recorded.

The stand-in's address is granted by a rule of the project, as the sample's project does it.
"""

import json
import shutil
from typing import Any

import pytest
import yaml

from loom.sample.hubspot import HubSpot
from tests.ground.command import Command
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY
from tests.sample.planted import differences
from tests.workers.hubspot_openapi import Desk, Service
from tests.workers.hubspot_sample import COMPANY, TOKEN, planted_at, sample_crm

AT = ("--at", "2026-06-15T14:00:00Z")
WITH_TOKEN = {"HUBSPOT_ACCESS_TOKEN": TOKEN}
REGISTRY = yaml.safe_load((REPOSITORY / "worker-registry.yaml").read_text(encoding="utf-8"))["workers"]
BOTH = ("relationship-sentinel", "data-integrity")


def furnish(project: Project, service: Service) -> None:
    """The repository's workers and rules and the sample's data; the registry's entries with its settings."""
    for name in ("workers", "enforcement"):
        shutil.rmtree(project.root / name)
    shutil.copytree(REPOSITORY / "enforcement", project.root / "enforcement")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "workers", project.root / "workers", ignore=ignore)
    shutil.copytree(COMPANY / "data", project.root / "data")
    host, _, prefix = service.api.removeprefix("http://").partition("/")
    project.rule(
        "the-stand-in",
        f"""
        id: the-stand-in
        kind: http
        why: The sample's HubSpot is read.
        hosts: ["{host}"]
        allow:
          - {{methods: [GET], paths: ["/{prefix}/**"]}}
          - methods: [POST]
            paths:
              - /{prefix}/crm/v3/objects/*/search
              - /{prefix}/crm/v3/objects/*/batch/read
              - /{prefix}/crm/v4/associations/*/*/batch/read
        """,
    )
    entries = {one: REGISTRY[one] | {"settings": planted_at(one, service).settings} for one in BOTH}
    project.entries(yaml.safe_dump(entries, sort_keys=False))


def ran(loom: Command, project: Project, worker: str, **env: str) -> dict[str, Any]:
    words = ("run", "--worker", worker, *AT, "--json")
    (run,) = loom(*words, cwd=project.root, env=env).json()["runs"]
    found: dict[str, Any] = run
    return found


@pytest.mark.parametrize("worker", BOTH)
def test_under_the_guard_a_worker_finds_all_that_was_planted(
    worker: str, loom: Command, project: Project, desk: Desk
) -> None:
    with desk.served(sample_crm()) as service:
        furnish(project, service)
        run = ran(loom, project, worker, **WITH_TOKEN)
    assert (run["outcome"], run["reason"]) == ("succeeded", None), json.dumps(run, indent=1)
    sample = planted_at(worker, service)
    assert differences(sample, run["output"]["findings"]) == []
    assert not list(project.root.glob(".loom/**/*.json.tmp"))
    shown = loom("show", run["run_id"], cwd=project.root).stdout
    assert sample.faults[0].subject in shown


@pytest.mark.parametrize("worker", BOTH)
def test_an_account_that_shows_nothing_breaks_what_is_expected_and_is_no_success(
    worker: str, loom: Command, project: Project, desk: Desk
) -> None:
    with desk.served(HubSpot({}, token=TOKEN)) as service:
        furnish(project, service)
        run = ran(loom, project, worker, **WITH_TOKEN)
    assert run["outcome"] == "invalid", run
    field = "contacts_checked" if worker == "relationship-sentinel" else "records_checked"
    assert field in run["error"]["where"]


@pytest.mark.parametrize("worker", BOTH)
def test_an_expired_token_ends_the_run_at_once_with_what_to_do(
    worker: str, loom: Command, project: Project, desk: Desk
) -> None:
    with desk.served(HubSpot({}, token=TOKEN, expired=True)) as service:
        furnish(project, service)
        run = ran(loom, project, worker, **WITH_TOKEN)
        assert len(service.exchanges) == 1, "a refused token isn't tried again"
    assert (run["outcome"], run["final"]) == ("failed", True)
    assert "set HUBSPOT_ACCESS_TOKEN to it" in run["error"]["message"]


@pytest.mark.parametrize("worker", BOTH)
def test_without_the_token_the_requirement_is_named_and_nothing_is_asked(
    worker: str, loom: Command, project: Project, desk: Desk
) -> None:
    with desk.served(sample_crm()) as service:
        furnish(project, service)
        run = ran(loom, project, worker)
        assert service.exchanges == []
    assert run["outcome"] != "succeeded"
    assert "HUBSPOT_ACCESS_TOKEN" in json.dumps(run)
    for word in ("check", "status"):
        told = loom(word, cwd=project.root)
        assert "HUBSPOT_ACCESS_TOKEN" in told.stdout + told.stderr, told


@pytest.mark.parametrize("worker", BOTH)
def test_a_dry_run_shows_what_would_be_read_and_asks_nothing(
    worker: str, loom: Command, project: Project, desk: Desk
) -> None:
    with desk.served(sample_crm()) as service:
        furnish(project, service)
        told = loom("run", "--worker", worker, *AT, "--dry-run", cwd=project.root, env=WITH_TOKEN)
        assert service.exchanges == []
    assert told.exit_code == 0, told
    assert f"GET {service.api}/crm/v3/owners" in told.stdout
    assert ("data/**/*.csv: 2 files" in told.stdout) is (worker == "data-integrity")


@pytest.mark.parametrize("worker", BOTH)
def test_an_address_that_no_rule_grants_is_never_given_the_token(
    worker: str, loom: Command, project: Project, desk: Desk
) -> None:
    with desk.served(sample_crm()) as service:
        furnish(project, service)
        registry = project.root / "worker-registry.yaml"
        port = service.api.split(":")[2].partition("/")[0]
        text = registry.read_text().replace(f"127.0.0.1:{port}", f"localhost:{port}")
        registry.write_text(text)
        run = ran(loom, project, worker, **WITH_TOKEN)
        assert service.exchanges == []
    assert run["outcome"] == "blocked", run
