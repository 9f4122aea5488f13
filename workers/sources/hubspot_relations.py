"""Reading a company's relationships from HubSpot."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from workers.sources.hubspot import Filter, HubSpot, up_to
from workers.sources.hubspot_records import Record
from workers.sources.relations import Company, Contact, Deal, Relations, Touch

_CONTACT = (
    "firstname", "lastname", "lifecyclestage", "hubspot_owner_id", "associatedcompanyid", "createdate",
    "notes_last_contacted",
)  # fmt: skip
_COMPANY = ("name", "hubspot_owner_id", "notes_last_contacted")
_DEAL = (
    "dealname", "amount", "closedate", "dealstage", "hubspot_owner_id", "hs_is_closed",
    "hs_v2_date_entered_current_stage",
)  # fmt: skip
_TOUCHES = {
    "emails": ("hs_timestamp", "hs_email_direction", "hs_email_status"),
    "calls": ("hs_timestamp", "hs_call_direction", "hs_call_status"),
    "meetings": ("hs_timestamp", "hs_meeting_outcome"),
}
# A mail that didn't arrive, a call that nobody took, a meeting that wasn't held.
_IN_VAIN = frozenset(
    {"BOUNCED", "FAILED", "BUSY", "NO_ANSWER", "CANCELED", "CANCELLED", "RESCHEDULED", "NO_SHOW"}
)
_AHEAD = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What to read. since: the oldest touch. renewal_property: the companies' property with the renewal day,
    read for those that renew by `renewal_until`; None: not at all."""

    now: datetime
    since: datetime
    renewal_property: str | None
    renewal_until: datetime
    max_contacts: int
    max_touches: int


Progress = Callable[[str], None]


def read_relations(hubspot: HubSpot, span: Span, progress: Progress) -> Relations:
    """Raises what `HubSpot` raises."""
    unread: list[str] = []
    progress("reading owners and contacts")
    owners = hubspot.owners()
    people = hubspot.search("contacts", properties=_CONTACT)
    contacts = [_contact(one) for one in up_to(span.max_contacts, people, "contacts", unread, progress)]
    progress("reading deals and companies")
    open_ones: list[list[Filter]] = [
        [{"propertyName": "hs_is_closed", "operator": "EQ", "value": "false"}],
        [{"propertyName": "hs_is_closed", "operator": "NOT_HAS_PROPERTY"}],
    ]
    deals = [_deal(one) for one in hubspot.search("deals", properties=_DEAL, groups=open_ones)]
    deal_contacts = _gathered(hubspot.associations("deals", "contacts", (deal.id for deal in deals)))
    companies = _companies(hubspot, span, contacts)
    touches: dict[str, list[Touch]] = defaultdict(list)
    ahead: dict[str, datetime] = {}
    for kind in _TOUCHES:
        progress(f"reading {kind}")
        for contact_id, touch in _touches(hubspot, kind, span, unread, progress):
            if touch.at <= span.now:
                touches[contact_id].append(touch)
            else:
                ahead[contact_id] = min(touch.at, ahead.get(contact_id, touch.at))
    return Relations(
        contacts=contacts,
        companies=companies,
        deals=deals,
        owners=owners,
        touches={who: sorted(theirs, key=lambda one: one.at) for who, theirs in touches.items()},
        ahead=ahead,
        deal_contacts=deal_contacts,
        unread=unread,
    )


def _companies(hubspot: HubSpot, span: Span, contacts: Iterable[Contact]) -> dict[str, Company]:
    ids = (contact.company_id for contact in contacts if contact.company_id)
    found = {one.id: _company(one, None) for one in hubspot.read("companies", ids, properties=_COMPANY)}
    name = span.renewal_property
    if name is not None:
        today = datetime.combine(span.now.date(), time(), UTC)  # as HubSpot keeps a day
        coming: list[list[Filter]] = [
            [
                {"propertyName": name, "operator": "GTE", "value": _milliseconds(today)},
                {"propertyName": name, "operator": "LTE", "value": _milliseconds(span.renewal_until)},
            ]
        ]
        for one in hubspot.search("companies", properties=[*_COMPANY, name], groups=coming):
            found[one.id] = _company(one, one.when(name))
    return found


def _touches(
    hubspot: HubSpot, kind: str, span: Span, unread: list[str], progress: Progress
) -> Iterator[tuple[str, Touch]]:
    """Those of one kind, planned meetings included, each with the id of a contact; for several contacts it
    comes several times."""
    until = span.now + _AHEAD if kind == "meetings" else span.now
    between: Filter = {
        "propertyName": "hs_timestamp",
        "operator": "BETWEEN",
        "value": _milliseconds(span.since),
        "highValue": _milliseconds(until),
    }
    found = hubspot.search(kind, properties=_TOUCHES[kind], groups=[[between]])
    read = {
        one.id: touch
        for one in up_to(span.max_touches, found, kind, unread, progress)
        if (touch := _touch(kind, one)) is not None
    }
    for touch_id, contact_ids in hubspot.associations(kind, "contacts", read):
        yield from ((contact_id, read[touch_id]) for contact_id in contact_ids if touch_id in read)


def _contact(one: Record) -> Contact:
    return Contact(
        one.id,
        one.name,
        one.text("lifecyclestage").lower(),
        one.text("hubspot_owner_id"),
        one.text("associatedcompanyid"),
        one.when("createdate"),
        one.when("notes_last_contacted"),
    )


def _company(one: Record, renewal: datetime | None) -> Company:
    return Company(one.id, one.name, one.text("hubspot_owner_id"), one.when("notes_last_contacted"), renewal)


def _deal(one: Record) -> Deal:
    return Deal(
        one.id,
        one.name,
        one.text("dealstage"),
        one.text("hubspot_owner_id"),
        one.number("amount") or 0.0,
        one.when("closedate"),
        one.when("hs_v2_date_entered_current_stage"),
    )


def _touch(kind: str, one: Record) -> Touch | None:
    """None for what came to nothing or has no time."""
    at = one.when("hs_timestamp")
    how = {one.text(name).upper() for name in ("hs_email_status", "hs_call_status", "hs_meeting_outcome")}
    if at is None or how & _IN_VAIN:
        return None
    incoming = one.text("hs_email_direction").upper() == "INCOMING_EMAIL" or (
        one.text("hs_call_direction").upper() == "INBOUND"
    )
    return Touch(at, {"emails": "mail", "calls": "call", "meetings": "meeting"}[kind], incoming)


def _gathered(parts: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one, ends in parts:
        found[one] = found.get(one, ()) + ends
    return found


def _milliseconds(moment: datetime) -> str:
    return str(round(moment.timestamp() * 1000))
