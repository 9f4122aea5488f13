"""Finds telephone numbers in HubSpot that aren't written as the others are. Changes none."""

from pydantic import BaseModel

from loom.worker import Finding, WorkerContext, WorkerOutput


class Settings(BaseModel):
    api: str


class Output(WorkerOutput):
    contacts_checked: int


def run(context: WorkerContext[Settings]) -> Output:
    contacts = f"{context.settings.api}/crm/v3/objects/contacts"
    headers = {"Authorization": f"Bearer {context.secret('HUBSPOT_ACCESS_TOKEN')}"}
    asked = context.http.get(contacts, params={"properties": "phone", "limit": "100"}, headers=headers)
    found = asked.raise_for_status().json()["results"]
    untidy = [contact for contact in found if _untidy(contact["properties"]["phone"] or "")]
    return Output(
        summary=f"{len(found)} contacts checked, {len(untidy)} numbers to correct.",
        findings=[
            Finding(
                severity="info",
                title="Telephone number with more than digits",
                subject=f"contact {contact['id']}",
                action="Write it with digits alone.",
            )
            for contact in untidy
        ],
        contacts_checked=len(found),
    )


def _untidy(phone: str) -> bool:
    return any(not c.isdigit() and c != "+" for c in phone)
