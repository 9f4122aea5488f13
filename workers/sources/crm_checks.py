"""What can't be right in a CRM's records: twice the same, missing, malformed, leading nowhere, impossible."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from workers.sources.duplicates import FREE_MAIL, Domains, Named, alike, mail_key, name_key, same
from workers.sources.findings import Note, Severity, listing, note
from workers.sources.formats import Fault
from workers.sources.hubspot_records import Owner, Pages, Record

_ONE = {"contacts": "contact", "companies": "company", "deals": "deal"}
_ALIKE_PEOPLE, _ALIKE_COMPANIES = 90, 92
# What never lies ahead, and which of two never comes after the other.
_PAST = {
    "contacts": ("createdate", "date_of_birth"),
    "companies": ("createdate",),
    "deals": ("createdate",),
}
_ORDER = {"deals": (("createdate", "closedate", "closed before it was created"),)}
_CLOCKS_DIFFER = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crm:
    """records: by kind ('contacts', 'companies', 'deals'). absent: by kind, the ids that other records name
    and that HubSpot doesn't have. unread: what the limits left out, in words."""

    records: Mapping[str, Sequence[Record]]
    owners: Mapping[str, Owner] = field(default_factory=dict)
    absent: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unread: Sequence[str] = ()


def label(kind: str, record: Record) -> str:
    """How a finding names a record: 'contact 101 (Ana Ruiz)'."""
    return f"{_ONE[kind]} {record.id} ({record.name})"


def check_duplicates(crm: Crm, pages: Pages) -> Iterator[Note]:
    """The same mailbox or domain twice, and names that hardly differ. What the first tells the second
    doesn't tell again."""
    domains = Domains()
    people, firms = crm.records.get("contacts", ()), crm.records.get("companies", ())
    mails = same((one.id, mail_key(mail)) for one in people for mail in _mails(one))
    yield from _groups("contacts", people, mails, _SAME_MAIL, pages)
    colleagues = (
        Named(one.id, name_key(one.name), block)
        for one in people
        if one.text("lastname") and (block := _workplace(one, domains))
    )
    names = _unless(alike(colleagues, score=_ALIKE_PEOPLE), mails)
    yield from _groups("contacts", people, names, _LIKE_NAME, pages)
    sites = same((one.id, _site(one, domains)) for one in firms)
    yield from _groups("companies", firms, sites, _SAME_SITE, pages)
    titled = (Named(one.id, key, key[:1]) for one in firms if (key := name_key(one.text("name"))))
    titles = _unless(alike(titled, score=_ALIKE_COMPANIES), sites)
    yield from _groups("companies", firms, titles, _LIKE_TITLE, pages)


def check_missing(crm: Crm, required: Mapping[str, Sequence[str]]) -> Iterator[Note]:
    """One finding for each property that records lack, naming them."""
    for kind, properties in required.items():
        for name in properties:
            lacking = [label(kind, one) for one in crm.records.get(kind, ()) if not one.text(name)]
            if lacking:
                yield note(
                    "missing", "warning", f"{kind.capitalize()} without {name}", subject=f"{kind}.{name}",
                    detail=f"{len(lacking)} of {len(crm.records[kind])}: {listing(lacking)}.",
                    action=f"Fill in {name}, or archive what isn't needed.",
                )  # fmt: skip


def check_formats(crm: Crm, faults: Mapping[str, Mapping[str, Fault]], pages: Pages) -> Iterator[Note]:
    """faults: by kind and property, what tells a wrong value."""
    for kind, of_properties in faults.items():
        for one in crm.records.get(kind, ()):
            for name, fault in of_properties.items():
                wrong = fault(one.text(name)) if one.text(name) else None
                if wrong is not None:
                    yield _of_record(
                        kind, one, pages, "malformed", "warning", f"Malformed {name}", f"{wrong}.",
                        f"Correct {name}, or empty it.",
                    )  # fmt: skip


def check_ties(crm: Crm, pages: Pages) -> Iterator[Note]:
    """Records tied to others that aren't there, and deals tied to nobody."""
    for kind, records in crm.records.items():
        for one in records:
            for to, ends in _tied(one).items():
                gone = sorted(set(ends) & crm.absent.get(to, frozenset()))
                if gone:
                    yield _of_record(
                        kind, one, pages, "orphan", "warning", f"Tied to {to} that aren't there",
                        f"HubSpot has no {_ONE[to]} {listing(gone)}.", "Tie it to the right record.",
                    )  # fmt: skip
            if kind == "deals" and not any(_tied(one).values()):
                yield _of_record(
                    kind, one, pages, "orphan", "warning", "Deal tied to nobody",
                    "It has neither a contact nor a company.", "Tie it to its contact and company.",
                )  # fmt: skip


def check_owners(crm: Crm) -> Iterator[Note]:
    """Records whose owner has left or isn't there: one finding for each such owner."""
    theirs: dict[str, list[str]] = defaultdict(list)
    for kind, records in crm.records.items():
        for one in records:
            owner_id = one.text("hubspot_owner_id")
            owner = crm.owners.get(owner_id)
            if owner_id and (owner is None or not owner.active):
                theirs[owner_id].append(label(kind, one))
    for owner_id, records_ in theirs.items():
        owner = crm.owners.get(owner_id)
        title = "Records of an owner who has left" if owner else "Records of an owner who isn't there"
        yield note(
            "owner", "warning", title, subject=f"owner {owner_id}" + (f" ({owner.name})" if owner else ""),
            detail=f"{len(records_)}: {listing(records_)}.", action="Give them an owner who is there.",
        )  # fmt: skip


def check_dates(crm: Crm, pages: Pages, now: datetime) -> Iterator[Note]:
    """Days that lie ahead and can't, and ends before beginnings."""
    for kind, records in crm.records.items():
        for one in records:
            for name in _PAST.get(kind, ()):
                when = one.when(name)
                if when is not None and when > now + _CLOCKS_DIFFER:
                    yield _of_record(
                        kind, one, pages, "impossible_date", "warning", f"{name} lies ahead",
                        f"It is {when:%Y-%m-%d}.", f"Correct {name}.",
                    )  # fmt: skip
            for first, second, what in _ORDER.get(kind, ()):
                begun, ended = one.when(first), one.when(second)
                if begun is not None and ended is not None and ended + _CLOCKS_DIFFER < begun:
                    yield _of_record(
                        kind, one, pages, "impossible_date", "warning", f"{_ONE[kind].title()} {what}",
                        f"{first} is {begun:%Y-%m-%d}, {second} is {ended:%Y-%m-%d}.",
                        f"Correct {first} or {second}.",
                    )  # fmt: skip


def named_ids(records: Mapping[str, Iterable[Record]]) -> dict[str, set[str]]:
    """By kind, the ids that records name."""
    found: dict[str, set[str]] = defaultdict(set)
    for some in records.values():
        for one in some:
            for to, ends in _tied(one).items():
                found[to].update(ends)
    return found


def _tied(one: Record) -> dict[str, tuple[str, ...]]:
    tied = {kind: ends for kind, ends in one.associations.items() if kind in _ONE}
    main = one.text("associatedcompanyid")
    return tied | ({"companies": (*tied.get("companies", ()), main)} if main else {})


@dataclass(frozen=True, slots=True)
class _Likeness:
    """What a group of duplicates has in common. others: how a finding speaks of the rest of the group."""

    of_kind: str
    severity: Severity
    title: str
    others: str


_SAME_MAIL = _Likeness("duplicate_contact", "warning", "Contacts with the same mail address", "So have")
_LIKE_NAME = _Likeness("duplicate_contact", "info", "Contacts at one company with nearly one name", "Compare")
_SAME_SITE = _Likeness("duplicate_company", "warning", "Companies with the same domain", "So have")
_LIKE_TITLE = _Likeness("duplicate_company", "info", "Companies with nearly the same name", "Compare")


def _groups(
    kind: str, records: Iterable[Record], groups: Iterable[tuple[str, ...]], like: _Likeness, pages: Pages
) -> Iterator[Note]:
    by_id = {one.id: one for one in records}
    for ids in groups:
        first, *others = sorted((by_id[one] for one in ids), key=lambda one: (len(one.id), one.id))
        detail = f"{like.others} {listing([label(kind, one) for one in others])}."
        action = "Merge them in HubSpot if they are one."
        yield _of_record(kind, first, pages, like.of_kind, like.severity, like.title, detail, action)


def _unless(groups: Iterable[tuple[str, ...]], told: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The groups that aren't part of one that is told already."""
    known = [set(one) for one in told]
    return [one for one in groups if not any(set(one) <= each for each in known)]


def _mails(one: Record) -> Iterator[str]:
    yield one.text("email")
    yield from one.text("hs_additional_emails").split(";")


def _workplace(one: Record, domains: Domains) -> str:
    """What people of one company have in common; empty where nothing tells."""
    company = one.text("associatedcompanyid")
    if company:
        return f"company {company}"
    domain = domains.key(one.text("email").rpartition("@")[2])
    return "" if domain in FREE_MAIL else domain


def _site(one: Record, domains: Domains) -> str:
    domain = domains.key(one.text("domain") or one.text("website"))
    return "" if domain in FREE_MAIL else domain


def _of_record(
    kind: str,
    one: Record,
    pages: Pages,
    of_kind: str,
    severity: Severity,
    title: str,
    detail: str,
    action: str,
) -> Note:
    subject, link = label(kind, one), pages.of(kind, one.id)
    return note(of_kind, severity, title, subject=subject, detail=detail, action=action, url=link)
