"""Ten thousand contacts: both HubSpot workers read them all in less than 200 MB, each in its own process."""

import json
import subprocess
import sys
from typing import Any

import pytest

from loom.sample.hubspot import HubSpot
from tests.ground.shut import REPOSITORY
from tests.workers.hubspot_openapi import Desk
from tests.workers.hubspot_sample import TOKEN, crm_record

CONTACTS, COMPANIES = 10_000, 2_500
_FIRST = ("Ana", "Ben", "Cleo", "Dan", "Eva", "Finn", "Grace", "Hal", "Iris", "Jon")
_LAST = ("Abbott", "Becker", "Castellano", "Drummond", "Eriksen", "Fitzgerald", "Greene", "Hoffmann")


def a_large_account() -> dict[str, list[dict[str, Any]]]:
    """Each contact with what a CRM knows of somebody, a mail, and a company; a duplicate of the first at the
    end."""
    contacts = [
        crm_record(
            1_000_000 + number,
            {
                "firstname": _FIRST[number % 10],
                "lastname": f"{_LAST[number // 10 % 8]}-{_LAST[number // 80 % 8]}{number}",
                "email": f"person.{number}@company{number % COMPANIES}.example",
                "phone": f"(312) 555-{number:04d}",
                "lifecyclestage": "customer" if number % 2 else "lead",
                "associatedcompanyid": str(500_000 + number % COMPANIES),
                "notes_last_contacted": "2026-06-10T10:00:00Z",
                "hubspot_owner_id": "7",
            },
        )
        for number in range(CONTACTS - 1)
    ]
    contacts.append(crm_record(2_000_000, {"lastname": "Twin", "email": "person.0+x@company0.example"}))
    companies = [
        crm_record(
            500_000 + number,
            {
                "name": f"{_LAST[number % 8]} {_FIRST[number // 8 % 10]} {number}",
                "domain": f"company{number}.example",
            },
        )
        for number in range(COMPANIES)
    ]
    emails = [
        crm_record(
            3_000_000 + number,
            {
                "hs_timestamp": "2026-06-10T10:00:00Z",
                "hs_email_direction": "EMAIL",
                "hs_email_status": "SENT",
            },
            contacts=[str(1_000_000 + number)],
        )
        for number in range(CONTACTS - 1)
    ]
    dates = {"createdAt": "2026-01-05T15:00:00.000Z", "updatedAt": "2026-01-05T15:00:00.000Z"}
    owner = {"id": "7", "firstName": "Dana", "lastName": "Fox", "archived": False, "type": "PERSON"}
    return {"contacts": contacts, "companies": companies, "emails": emails, "owners": [owner | dates]}


@pytest.mark.parametrize("worker", ["relationship_sentinel", "data_integrity"])
def test_ten_thousand_contacts_are_read_in_less_than_200_mb(worker: str, desk: Desk) -> None:
    with desk.served_anyhow(HubSpot(a_large_account(), token=TOKEN)) as service:
        done = subprocess.run(
            [sys.executable, "-m", "tests.workers.hubspot_memory", worker, service.api, TOKEN],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["checked"] == CONTACTS + (COMPANIES if worker == "data_integrity" else 0)
    assert told["peak_mb"] < 200, told
    if worker == "data_integrity":
        assert told["problems"]["duplicate_contact"] == 1
        assert told["problems"]["duplicate_company"] == 0
    else:
        assert told["findings"] == 0, told
        assert told["problems"]["touches_checked"] == CONTACTS - 1
