"""Sentinel: which relationships are growing cold.

Reads contacts, companies, open deals, their owners, and mails, calls and meetings in HubSpot; writes nothing.
Finds people not heard from for longer than their lifecycle stage allows, people who went silent after
frequent contact, mails waiting for an answer, deals past their close date or stuck in a stage, and customers
about to renew whom nobody speaks to. Worst first, and within that by what is at stake.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

from pydantic import Field, field_validator

from loom.worker import WorkerContext, WorkerOutput
from workers.sources.findings import Note, Severity, note, report
from workers.sources.hubspot_relations import Span, read_relations
from workers.sources.hubspot_settings import HubSpotSettings
from workers.sources.relations import Deal, Keeper, Person, Relations, keeper_of, people_of

KINDS = ("waiting", "silence", "quiet", "renewal", "overdue", "stuck", "unchecked")

# Dearest first, as far as HubSpot's own stages go.
_STAGES = {
    "customer": "customer",
    "evangelist": "evangelist",
    "opportunity": "opportunity",
    "salesqualifiedlead": "sales qualified lead",
    "marketingqualifiedlead": "marketing qualified lead",
    "lead": "lead",
}
_DEAR, _PROMISING = ("customer", "evangelist"), ("opportunity", "salesqualifiedlead")
# Whoever is silent for less isn't missed yet, however often there was contact before.
_SHORTEST_SILENCE = timedelta(days=7)


class Settings(HubSpotSettings):
    """quiet_after_days: by lifecycle stage, days without a touch; one number: for each of HubSpot's stages
        from lead on. Contacts in other stages aren't held to any.
    stuck_after_days: days in one stage of a deal; by_stage: the same for single stages, by HubSpot's ids.
    renewal_property: the companies' property that holds the day of renewal; within `renewal_days` of it there
        must have been a touch in the last `renewal_touch_days`.
    frequent_touches: days with contact within `window_days` that make it frequent; silence begins at
        `silence_factor` times the usual gap. large_deal: an amount that makes a matter worse.
    """

    quiet_after_days: dict[str, int] = Field(
        default={
            "customer": 30,
            "evangelist": 60,
            "opportunity": 14,
            "salesqualifiedlead": 21,
            "marketingqualifiedlead": 60,
            "lead": 60,
        }
    )
    stuck_after_days: int = Field(default=30, ge=1)
    stuck_after_days_by_stage: dict[str, int] = Field(default={})
    renewal_property: str | None = None
    renewal_days: int = Field(default=60, ge=1)
    renewal_touch_days: int = Field(default=30, ge=1)
    reply_within_days: int = Field(default=2, ge=1)
    window_days: int = Field(default=180, ge=7)
    frequent_touches: int = Field(default=6, ge=3)
    silence_factor: float = Field(default=4, ge=1.5)
    large_deal: float = Field(default=10_000, gt=0)
    max_contacts: int = Field(default=50_000, ge=1)
    max_touches: int = Field(default=50_000, ge=1)
    max_findings: int = Field(default=200, ge=1)

    @field_validator("quiet_after_days", mode="before")
    @classmethod
    def _for_each_stage(cls, value: object) -> object:
        return dict.fromkeys(_STAGES, value) if isinstance(value, int) else value


class Output(WorkerOutput):
    """contacts_checked: how many contacts were read. metrics: how many findings of each kind (`KINDS`),
    `deals_checked`, `companies_checked`, `touches_checked`, `requests`, and, once there is a last time to
    compare with, `new` and `resolved`."""

    contacts_checked: int


def run(context: WorkerContext[Settings]) -> Output:
    settings = context.settings
    hubspot = settings.connect(context)
    relations = read_relations(hubspot, _span(settings, context.now), context.progress)
    notes = find(relations, settings, context.now)
    told = report(notes, kinds=KINDS, previous=context.previous, limit=settings.max_findings)
    people, deals = len(relations.contacts), len(relations.deals)
    counted = f"{people} contact{'s' * (people != 1)} and {deals} open deal{'s' * (deals != 1)}"
    renewals = (
        "" if settings.renewal_property else " Renewals aren't looked at: `renewal_property` isn't set."
    )
    return Output(
        summary=f"{counted} in HubSpot checked, {told.text}.{renewals}",
        findings=told.findings,
        metrics=told.metrics
        | {
            "deals_checked": deals,
            "companies_checked": len(relations.companies),
            "touches_checked": len({id(one) for some in relations.touches.values() for one in some}),
            "requests": hubspot.requests,
        },
        contacts_checked=people,
    )


def reads(settings: Settings, _project: Path) -> Iterator[str]:
    """What a run would ask of HubSpot, one line each."""
    objects = f"{settings.api}/crm/v3/objects"
    yield f"GET {settings.api}/crm/v3/owners"
    yield f"POST {objects}/contacts/search: all contacts, at most {settings.max_contacts:,}"
    yield f"POST {objects}/0-3/search: open deals"
    yield f"POST {objects}/companies/batch/read: these contacts' companies"
    if settings.renewal_property:
        yield (
            f"POST {objects}/companies/search: where {settings.renewal_property} comes within "
            f"{settings.renewal_days} days"
        )
    for kind in ("emails", "calls", "meetings"):
        yield f"POST {objects}/{kind}/search: of the last {settings.window_days} days"
    for kind in ("deals", "emails", "calls", "meetings"):
        yield f"POST {settings.api}/crm/v4/associations/{kind}/contacts/batch/read"


def _span(settings: Settings, now: datetime) -> Span:
    last = now.date() + timedelta(days=settings.renewal_days)
    return Span(
        now=now,
        since=now - timedelta(days=settings.window_days),
        renewal_property=settings.renewal_property,
        renewal_until=datetime.combine(last, time(), UTC),
        max_contacts=settings.max_contacts,
        max_touches=settings.max_touches,
    )


@dataclass(frozen=True, slots=True)
class Weighed:
    """A note, and what is at stake: money in open deals, then how dear the stage is, then days."""

    note: Note
    money: float
    dear: int
    days: int


def find(relations: Relations, settings: Settings, now: datetime) -> list[Note]:
    """Every note, the weightiest first."""
    people = list(people_of(relations))
    found = [
        *(one for person in people if (one := check_person(person, settings, now)) is not None),
        *(one for deal in relations.deals for one in check_deal(deal, relations, settings, now)),
        *check_renewals(relations, people, settings, now),
    ]
    found.sort(key=lambda one: (one.money, one.dear, one.days), reverse=True)
    left = [
        note(
            "unchecked", "warning", "Part of HubSpot was left unread", subject=what,
            detail=f"The run stopped at its limit: {what} weren't looked at.",
            action="Raise `max_contacts` or `max_touches` at worker 'relationship-sentinel'.",
        )
        for what in relations.unread
    ]  # fmt: skip
    return [*(one.note for one in found), *left]


def check_person(person: Person, settings: Settings, now: datetime) -> Weighed | None:
    """At most one: a mail that waits says more than a silence, a sudden silence more than a long one."""
    return (
        check_waiting(person, settings, now)
        or check_silence(person, settings, now)
        or check_quiet(person, settings, now)
    )


def check_waiting(person: Person, settings: Settings, now: datetime) -> Weighed | None:
    """The last touch is a mail from them, and nobody answered."""
    last = person.touches[-1] if person.touches else None
    if last is None or last.kind != "mail" or not last.incoming:
        return None
    # HubSpot also sees touches of other kinds, a chat for instance.
    answered = person.contact.contacted is not None and person.contact.contacted > last.at + timedelta(
        minutes=1
    )
    days = (now - last.at).days
    if answered or now - last.at < timedelta(days=settings.reply_within_days):
        return None
    strained = days >= 3 * settings.reply_within_days
    return _of_person(
        person, settings, "waiting", _worse("warning", _severity(person, settings, strained)),
        "Reply waiting", days,
        detail=f"The last mail is theirs, of {last.at:%Y-%m-%d}, {_days(days)} ago, and has no answer.",
        action=f"answer {person.contact.name}, or log the answer if it was given elsewhere",
    )  # fmt: skip


def check_silence(person: Person, settings: Settings, now: datetime) -> Weighed | None:
    """There was frequent contact, and suddenly none."""
    days = sorted({touch.at.date() for touch in person.touches})
    if person.planned or person.last is None or len(days) < settings.frequent_touches:
        return None
    gap = max(median((later - earlier).days for earlier, later in pairwise(days)), 1)
    silent = now - person.last
    if silent <= max(timedelta(days=settings.silence_factor * gap), _SHORTEST_SILENCE):
        return None
    allowed = settings.quiet_after_days.get(person.contact.stage)
    strained = allowed is not None and silent.days > allowed
    return _of_person(
        person, settings, "silence", _worse("warning", _severity(person, settings, strained)),
        "Sudden silence after frequent contact", silent.days,
        detail=(
            f"Contact on {len(days)} days, about every {gap:g} days, up to {person.last:%Y-%m-%d}; then, for "
            f"{_days(silent.days)}, nothing."
        ),
        action=f"find out from {person.contact.name} what changed",
    )  # fmt: skip


def check_quiet(person: Person, settings: Settings, now: datetime) -> Weighed | None:
    """No touch for longer than the lifecycle stage allows."""
    allowed = settings.quiet_after_days.get(person.contact.stage)
    since = person.last or person.contact.created
    if allowed is None or since is None or person.planned or (now - since).days <= allowed:
        return None
    days = (now - since).days
    stage = _STAGES.get(person.contact.stage, person.contact.stage)
    what = "Last touch" if person.last else "No touch on record; known since"
    return _of_person(
        person, settings, "quiet", _severity(person, settings, days > 2 * allowed),
        f"Gone quiet: {stage}", days,
        detail=f"{what} {since:%Y-%m-%d}, {_days(days)} ago; in this stage {_days(allowed)} are allowed.",
        action=f"get in touch with {person.contact.name}, or move the contact to the stage it is in",
    )  # fmt: skip


def check_deal(deal: Deal, relations: Relations, settings: Settings, now: datetime) -> Iterator[Weighed]:
    """An open deal past its close date, or too long in its stage."""
    keeper = keeper_of(deal.owner_id, relations.owners)
    severity: Severity = "critical" if deal.amount >= settings.large_deal else "warning"

    def weighed(kind: str, title: str, days: int, detail: str, action: str) -> Weighed:
        worth = f" Worth {deal.amount:,.0f}." if deal.amount else ""
        found = note(
            kind, severity, title, subject=f"deal {deal.id} ({deal.name})",
            detail=f"{detail}{worth} Owner: {keeper.name}.", action=_asked_of(keeper, action),
            url=settings.pages.of("deals", deal.id),
        )  # fmt: skip
        return Weighed(found, deal.amount, 0, days)

    if deal.closes is not None and deal.closes.date() < now.date():
        days = (now.date() - deal.closes.date()).days
        detail = f"It was to close on {deal.closes:%Y-%m-%d}, {_days(days)} ago, and is still open."
        action = "close the deal as won or lost, or give it a close date that can be kept"
        yield weighed("overdue", "Deal past its close date", days, detail, action)
    allowed = settings.stuck_after_days_by_stage.get(deal.stage, settings.stuck_after_days)
    if deal.entered is not None and (now - deal.entered).days > allowed:
        days = (now - deal.entered).days
        detail = f"In stage {deal.stage} since {deal.entered:%Y-%m-%d}, {_days(days)}; {allowed} are allowed."
        yield weighed(
            "stuck", "Deal stuck in its stage", days, detail, "agree on the next step, or close it as lost"
        )


def check_renewals(
    relations: Relations, people: Iterable[Person], settings: Settings, now: datetime
) -> Iterator[Weighed]:
    """Companies about to renew whom nobody spoke to lately."""
    of_company: dict[str, list[Person]] = defaultdict(list)
    for person in people:
        of_company[person.contact.company_id].append(person)
    for company in relations.companies.values():
        theirs = of_company[company.id]
        if company.renewal is None or any(person.planned for person in theirs):
            continue
        touched = [one for one in (company.contacted, *(person.last for person in theirs)) if one is not None]
        if touched and now - max(touched) <= timedelta(days=settings.renewal_touch_days):
            continue
        left = (company.renewal.date() - now.date()).days
        last = f"last touch {max(touched):%Y-%m-%d}" if touched else "no touch on record"
        keeper = keeper_of(company.owner_id, relations.owners)
        found = note(
            "renewal", "critical" if left <= settings.renewal_days / 2 else "warning",
            "Renewal ahead and no recent contact", subject=f"company {company.id} ({company.name})",
            detail=f"Renews on {company.renewal:%Y-%m-%d}, in {_days(left)}; {last}. Owner: {keeper.name}.",
            action=_asked_of(keeper, f"speak with {company.name} before it decides alone"),
            url=settings.pages.of("companies", company.id),
        )  # fmt: skip
        yield Weighed(found, sum(person.money for person in theirs), len(_STAGES), -left)


def _severity(person: Person, settings: Settings, strained: bool) -> Severity:
    dear = person.contact.stage in _DEAR or person.money >= settings.large_deal
    if dear:
        return "critical" if strained else "warning"
    return "warning" if person.contact.stage in _PROMISING else "info"


def _worse(one: Severity, other: Severity) -> Severity:
    return "critical" if "critical" in (one, other) else "warning" if "warning" in (one, other) else "info"


def _of_person(
    person: Person,
    settings: Settings,
    kind: str,
    severity: Severity,
    title: str,
    days: int,
    *,
    detail: str,
    action: str,
) -> Weighed:
    company = f" Company: {person.company}." if person.company else ""
    money = f" In open deals: {person.money:,.0f}." if person.money else ""
    found = note(
        kind, severity, title, subject=f"contact {person.contact.id} ({person.contact.name})",
        detail=f"{detail}{company}{money} Owner: {person.keeper.name}.",
        action=_asked_of(person.keeper, action),
        url=settings.pages.of("contacts", person.contact.id),
    )  # fmt: skip
    stages = list(_STAGES)
    dear = len(stages) - stages.index(person.contact.stage) if person.contact.stage in stages else 0
    return Weighed(found, person.money, dear, days)


def _asked_of(keeper: Keeper, action: str) -> str:
    return f"{keeper.name}: {action}." if keeper.reachable else f"Give it an owner, who is to {action}."


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
