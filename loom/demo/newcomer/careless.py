"""Corrects telephone numbers in HubSpot."""

from pydantic import BaseModel

from loom.worker import WorkerContext, WorkerOutput


class Settings(BaseModel):
    api: str


class Output(WorkerOutput):
    contacts_checked: int


def run(context: WorkerContext[Settings]) -> Output:
    contacts = f"{context.settings.api}/crm/v3/objects/contacts"
    headers = {"Authorization": f"Bearer {context.secret('HUBSPOT_ACCESS_TOKEN')}"}
    asked = context.http.get(contacts, params={"properties": "phone", "limit": "100"}, headers=headers)
    corrected = 0
    for contact in asked.raise_for_status().json()["results"]:
        phone = contact["properties"]["phone"] or ""
        plain = "".join(c for c in phone if c.isdigit() or c == "+")
        if phone != plain:
            corrected += 1
            change = {"properties": {"phone": plain}}
            context.http.patch(f"{contacts}/{contact['id']}", json=change, headers=headers).raise_for_status()
    return Output(summary=f"{corrected} numbers corrected.", contacts_checked=len(asked.json()["results"]))
