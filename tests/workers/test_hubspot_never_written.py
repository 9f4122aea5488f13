"""No worker can write to HubSpot: not one of the twelve, by no operation that HubSpot publishes, whatever it
tries. The shipped rules decide; what is tried is everything in HubSpot's OpenAPI files, and more."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from loom.domain.rules import HttpRule
from loom.enforcement.guarding.client import asked_by
from loom.enforcement.judges.http import Asked, decide_http
from loom.enforcement.reading.loader import load
from tests.ground.command import Command
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY

SHIPPED = load(REPOSITORY / "enforcement").of(HttpRule)
REGISTRY = yaml.safe_load((REPOSITORY / "worker-registry.yaml").read_text(encoding="utf-8"))["workers"]
TWELVE = sorted(REGISTRY)
API = "https://api.hubapi.com"
AT = ("--at", "2026-11-20T12:10:00Z")


def published() -> Iterator[tuple[str, str]]:
    """Method and path of every operation in HubSpot's files, the parts to fill in filled in."""
    for file in sorted((Path(__file__).parent / "openapi").glob("*.json")):
        for template, methods in json.loads(file.read_text(encoding="utf-8"))["paths"].items():
            path = template
            for name in (
                "contactId",
                "companyId",
                "dealId",
                "ownerId",
                "objectId",
                "fromObjectId",
                "toObjectId",
            ):
                path = path.replace(f"{{{name}}}", "101")
            for name in ("objectType", "fromObjectType", "toObjectType"):
                path = path.replace(f"{{{name}}}", "contacts")
            path = path.replace("{userId}", "7")
            assert "{" not in path, path
            yield from ((method.upper(), path) for method in methods)


def reads(method: str, path: str) -> bool:
    return method == "GET" or (method == "POST" and path.endswith(("/search", "/batch/read")))


READS = sorted(one for one in set(published()) if reads(*one))
WRITES = [
    *sorted(one for one in set(published()) if not reads(*one)),
    # What isn't in the files at hand.
    *(
        ("POST", f"/crm/v3/objects/{kind}{rest}")
        for kind in ("calls", "emails", "meetings", "notes", "tasks", "tickets", "2-1234567")
        for rest in ("", "/batch/create", "/batch/update", "/batch/upsert", "/batch/archive", "/merge")
    ),
    ("PATCH", "/crm/v3/objects/notes/101"),
    ("DELETE", "/crm/v3/objects/emails/101"),
    ("POST", "/crm/v3/associations/contacts/companies/batch/create"),
    ("POST", "/crm/v3/associations/contacts/companies/batch/archive"),
    ("POST", "/crm/v3/properties/contacts"),
    ("POST", "/crm/v3/lists"),
    ("PUT", "/crm/v3/lists/101/memberships/add"),
    ("POST", "/crm/v3/imports"),
    ("POST", "/crm/v3/exports/export/async"),
    ("POST", "/contacts/v1/contact"),
    ("POST", "/contacts/v1/contact/createOrUpdate/email/a@example.org"),
    ("POST", "/engagements/v1/engagements"),
    ("POST", "/automation/v4/flows"),
    ("POST", "/marketing/v4/email/single-send"),
    ("POST", "/conversations/v3/conversations/threads/101/messages"),
    ("POST", "/oauth/v1/token"),
    ("POST", "/graphql"),
    ("POST", "/crm/v3/objects/contacts/search/batch/create"),
    ("POST", "/crm/v3/objects/contacts/batch/read/101"),
    ("POST", "/crm/v3/owners/search"),
]


def test_the_files_publish_operations_of_both_sorts_and_the_registry_has_twelve_workers() -> None:
    assert len(TWELVE) == 12
    assert len(READS) >= 15
    assert len(set(WRITES)) == len(WRITES) >= 70


@pytest.mark.parametrize("worker", TWELVE)
def test_every_operation_that_writes_is_refused_to_every_worker(worker: str) -> None:
    for method, path in WRITES:
        refusal = decide_http(SHIPPED, worker, REGISTRY[worker].get("agent"), asked(method, path))
        assert refusal is not None, f"{worker} may {method} {path}"
        assert refusal.rule == "hubspot-read-only"


@pytest.mark.parametrize("worker", TWELVE)
def test_every_host_of_hubspot_is_closed_to_every_worker_for_posts(worker: str) -> None:
    for host in (
        "hubapi.com",
        "eu1.hubapi.com",
        "app.hubspot.com",
        "forms.hsforms.com",
        "api.hubapi.com:8443",
    ):
        for path in ("/crm/v3/objects/contacts", "/crm/v3/objects/contacts/batch/create", "/submissions/v3"):
            one = asked_by(httpx.Request("POST", f"https://{host}{path}", json={}))
            assert decide_http(SHIPPED, worker, REGISTRY[worker].get("agent"), one) is not None, host


def test_what_reads_is_allowed() -> None:
    for method, path in READS:
        assert decide_http(SHIPPED, "data-integrity", "Audit", asked(method, path)) is None, path


def asked(method: str, path: str) -> Asked:
    return asked_by(httpx.Request(method, API + path, json={} if method != "GET" else None))


WRITER = f"""
    import json

    from loom.worker import Refused, WorkerContext, WorkerOutput

    WRITES = {WRITES!r}

    def run(context: WorkerContext) -> WorkerOutput:
        tried = {{}}
        for method, path in WRITES:
            try:
                answer = context.http.request(method, {API!r} + path, json={{}})
                tried[f"{{method}} {{path}}"] = f"answered {{answer.status_code}}"
            except Refused as refused:
                tried[f"{{method}} {{path}}"] = refused.refusal.rule
        (context.project / f"tried-{{context.worker_id}}.json").write_text(json.dumps(tried))
        return WorkerOutput(summary="wrote everything")
"""


def test_by_the_real_command_each_of_the_twelve_tries_every_write_and_ends_blocked(
    loom: Command, project: Project
) -> None:
    project.worker("writer", WRITER)
    entries = {
        worker: {
            "agent": REGISTRY[worker].get("agent") or "Nobody",
            "schedule": "0 * * * *",
            "entrypoint": "workers.writer:run",
        }
        for worker in TWELVE
    }
    project.entries(yaml.safe_dump(entries))
    ran = loom("run", *AT, "--json", cwd=project.root)
    outcomes = {run["worker"]: (run["outcome"], run["error"]["kind"]) for run in ran.json()["runs"]}
    assert outcomes == dict.fromkeys(TWELVE, ("blocked", "hubspot-read-only")), ran
    everything = {f"{method} {path}": "hubspot-read-only" for method, path in WRITES}
    for worker in TWELVE:
        assert json.loads((project.root / f"tried-{worker}.json").read_text()) == everything
