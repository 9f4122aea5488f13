"""A company's relationships, as its CRM knows them: people, their companies and deals, and every touch.

A touch is a mail, a call or a meeting that happened. Notes and tasks are the team's own affair and are none.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from workers.sources.hubspot_records import Owner


@dataclass(frozen=True, slots=True)
class Contact:
    """contacted: when HubSpot itself saw the last touch, which may be of a kind that isn't read here."""

    id: str
    name: str
    stage: str
    owner_id: str
    company_id: str
    created: datetime | None
    contacted: datetime | None


@dataclass(frozen=True, slots=True)
class Company:
    """renewal: the day, at midnight UTC, by which its contract is renewed; None where it isn't known or asked
    for."""

    id: str
    name: str
    owner_id: str
    contacted: datetime | None
    renewal: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deal:
    """An open deal. entered: when it came to its stage; None where HubSpot doesn't know."""

    id: str
    name: str
    stage: str
    owner_id: str
    amount: float
    closes: datetime | None
    entered: datetime | None


@dataclass(frozen=True, slots=True)
class Touch:
    """kind: 'mail', 'call' or 'meeting'. incoming: whether it came from the other side."""

    at: datetime
    kind: str
    incoming: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Relations:
    """touches: by contact, oldest first. ahead: by contact, the next meeting that is planned.
    deal_contacts: by deal, the ids of its contacts. unread: what the limits left out, in words."""

    contacts: Sequence[Contact]
    companies: Mapping[str, Company] = field(default_factory=dict)
    deals: Sequence[Deal] = ()
    owners: Mapping[str, Owner] = field(default_factory=dict)
    touches: Mapping[str, Sequence[Touch]] = field(default_factory=dict)
    ahead: Mapping[str, datetime] = field(default_factory=dict)
    deal_contacts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unread: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who looks after something, by name, and why it is nobody where it is. reachable: whether they can be
    asked to do something about it."""

    name: str
    reachable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A contact, and what Sentinel makes of it. last: the last touch of any kind, or None. money: in open
    deals. planned: whether a meeting is to come."""

    contact: Contact
    touches: tuple[Touch, ...]
    last: datetime | None
    money: float
    planned: bool
    company: str
    keeper: Keeper


def people_of(relations: Relations) -> Iterator[Person]:
    """Every contact, with what there is between it and the team."""
    money = _money(relations)
    for contact in relations.contacts:
        touches = tuple(relations.touches.get(contact.id, ()))
        seen = [one for one in (contact.contacted, touches[-1].at if touches else None) if one is not None]
        company = relations.companies.get(contact.company_id)
        yield Person(
            contact=contact,
            touches=touches,
            last=max(seen, default=None),
            money=money.get(contact.id, 0.0),
            planned=contact.id in relations.ahead,
            company=company.name if company else "",
            keeper=keeper_of(contact.owner_id, relations.owners),
        )


def _money(relations: Relations) -> Mapping[str, float]:
    found: dict[str, float] = defaultdict(float)
    for deal in relations.deals:
        for contact_id in relations.deal_contacts.get(deal.id, ()):
            found[contact_id] += deal.amount
    return found


def keeper_of(owner_id: str, owners: Mapping[str, Owner]) -> Keeper:
    if not owner_id:
        return Keeper("nobody", reachable=False)
    owner = owners.get(owner_id)
    if owner is None:
        return Keeper(f"owner {owner_id}, whom HubSpot doesn't list", reachable=False)
    return Keeper(owner.name if owner.active else f"{owner.name}, who has left", reachable=owner.active)
