"""relationship-sentinel against the stand-in for HubSpot; each exchange is held against HubSpot's OpenAPI."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from loom.sample.hubspot import HubSpot
from loom.worker import PermanentError, TransientError
from tests.sample.planted import assert_found
from tests.workers.conftest import Contexts
from tests.workers.hubspot_openapi import Desk
from tests.workers.hubspot_sample import COMPANY, SAMPLE_NOW, TOKEN, crm_record, planted_at, sample_crm
from tests.workers.outputs import only
from workers.relationship_sentinel import KINDS, Output, Settings, reads, run

NOW = datetime(2026, 6, 15, 14, 0, tzinfo=UTC)
SECRETS = {"HUBSPOT_ACCESS_TOKEN": TOKEN}


Watch = Callable[..., Output]


@pytest.fixture
def watch(contexts: Contexts, client: httpx.Client, desk: Desk) -> Watch:
    """Runs the worker over these records; `options` are the stand-in's, the rest settings."""

    def watched(
        records: Mapping[str, Sequence[Mapping[str, Any]]],
        *,
        options: Mapping[str, Any] | None = None,
        previous: Output | None = None,
        now: datetime = NOW,
        **settings: Any,
    ) -> Output:
        stand_in = HubSpot(records, token=TOKEN, **(options or {}))
        with desk.served(stand_in) as service:
            given = Settings.model_validate({"api": service.api, "delay": 0} | settings)
            before = previous.model_dump(mode="json") if previous else None
            return run(contexts(given, http=client, secrets=SECRETS, previous=before, now=now))

    return watched


def ago(days: float) -> str:
    return (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def contact(contact_id: int, stage: str = "customer", **properties: str) -> dict[str, Any]:
    named = {"firstname": "Ana", "lastname": f"Ruiz {contact_id}", "lifecyclestage": stage}
    return crm_record(contact_id, named | properties)


def mail(
    mail_id: int, days: float, to: int, *, incoming: bool = False, status: str = "SENT"
) -> dict[str, Any]:
    how = {"hs_email_direction": "INCOMING_EMAIL" if incoming else "EMAIL", "hs_email_status": status}
    return crm_record(mail_id, {"hs_timestamp": ago(days), **how}, contacts=[str(to)])


def call(call_id: int, days: float, to: int, **properties: str) -> dict[str, Any]:
    return crm_record(call_id, {"hs_timestamp": ago(days), **properties}, contacts=[str(to)])


def deal(deal_id: int, **properties: str) -> dict[str, Any]:
    usual = {"dealname": f"Deal {deal_id}", "hs_is_closed": "false", "dealstage": "contractsent"}
    return crm_record(deal_id, usual | properties)


def titles(output: Output) -> list[str]:
    return [one.title for one in output.findings]


def test_in_the_sample_company_it_finds_what_was_planted_and_nothing_else(
    contexts: Contexts, client: httpx.Client, desk: Desk
) -> None:
    with desk.served(sample_crm()) as service:
        sample = planted_at("relationship-sentinel", service)
        settings = Settings.model_validate(sample.settings)
        output = run(contexts(settings, project=COMPANY, http=client, secrets=SECRETS, now=SAMPLE_NOW))
    assert_found(output, sample, KINDS)
    assert output.contacts_checked == 47


def test_each_finding_of_the_sample_says_who_why_what_to_do_and_where_to_look(
    contexts: Contexts, client: httpx.Client, desk: Desk
) -> None:
    with desk.served(sample_crm()) as service:
        sample = planted_at("relationship-sentinel", service)
        settings = Settings.model_validate(sample.settings)
        output = run(contexts(settings, project=COMPANY, http=client, secrets=SECRETS, now=SAMPLE_NOW))
    for finding in output.findings:
        assert finding.url is not None
        assert finding.url.startswith("https://app.hubspot.com/contacts/41000001/record/0-")
        assert "Owner: " in finding.detail
        assert finding.action
        assert "@" not in finding.model_dump_json(), "people are named by their records, not by their mail"
    ana = next(one for one in output.findings if "Ana Ruiz" in one.subject)
    assert ana.url == "https://app.hubspot.com/contacts/41000001/record/0-1/1001"
    assert ana.detail == (
        "Last touch 2026-04-20, 55 days ago; in this stage 30 days are allowed. Company: Harbor Foods. "
        "Owner: Dana Fox."
    )
    assert ana.action == "Dana Fox: get in touch with Ana Ruiz, or move the contact to the stage it is in."


def test_the_worst_comes_first_and_among_equals_what_is_at_stake(watch: Watch) -> None:
    records = {
        "contacts": [contact(1, "lead"), contact(2), contact(3), contact(4, "evangelist")],
        "emails": [mail(11, 70, 1), mail(12, 40, 2), mail(13, 35, 3), mail(14, 90, 4)],
        "deals": [
            crm_record(21, {"dealname": "A", "hs_is_closed": "false", "amount": "500"}, contacts=["3"])
        ],
    }
    output = watch(records)
    assert [one.subject.split()[1] for one in output.findings] == ["3", "2", "4", "1"]
    assert "In open deals: 500." in output.findings[0].detail


@pytest.mark.parametrize(
    ("stage", "days", "severity"),
    [
        ("customer", 30, None),
        ("customer", 31, "warning"),
        ("customer", 61, "critical"),
        ("opportunity", 14, None),
        ("opportunity", 15, "warning"),
        ("opportunity", 90, "warning"),
        ("lead", 60, None),
        ("lead", 61, "info"),
        ("subscriber", 900, None),
        ("", 900, None),
    ],
)
def test_how_long_silence_may_last_depends_on_the_lifecycle_stage(
    watch: Watch, stage: str, days: int, severity: str | None
) -> None:
    output = watch({"contacts": [contact(1, stage, notes_last_contacted=ago(days))]})
    assert [one.severity for one in output.findings] == ([severity] if severity else [])


def test_one_number_of_days_holds_for_every_stage_from_lead_on(watch: Watch) -> None:
    records = {"contacts": [contact(1, "lead", notes_last_contacted=ago(9)), contact(2, "other")]}
    assert titles(watch(records, quiet_after_days=8)) == ["Gone quiet: lead"]
    assert titles(watch(records, quiet_after_days={"other": 8})) == ["Gone quiet: other"]


def test_what_came_to_nothing_is_no_touch(watch: Watch) -> None:
    records = {
        "contacts": [contact(1)],
        "emails": [mail(11, 40, 1), mail(12, 3, 1, status="BOUNCED")],
        "calls": [call(13, 2, 1, hs_call_status="NO_ANSWER")],
        "meetings": [
            crm_record(14, {"hs_timestamp": ago(1), "hs_meeting_outcome": "NO_SHOW"}, contacts=["1"])
        ],
    }
    assert only(watch(records)).detail.startswith(f"Last touch {ago(40)[:10]}, 40 days ago")


def test_a_planned_meeting_makes_nobody_quiet(watch: Watch) -> None:
    meeting = crm_record(14, {"hs_timestamp": ago(-5), "hs_meeting_outcome": "SCHEDULED"}, contacts=["1"])
    records = {"contacts": [contact(1, notes_last_contacted=ago(99))], "meetings": [meeting]}
    assert watch(records).findings == []
    meeting["properties"]["hs_meeting_outcome"] = "CANCELED"
    assert titles(watch(records)) == ["Gone quiet: customer"]


def test_whoever_was_never_touched_counts_from_the_day_they_became_known(watch: Watch) -> None:
    one = watch({"contacts": [crm_record(1, {"lifecyclestage": "lead"}, created=ago(70))]})
    assert only(one).detail.startswith("No touch on record; known since")
    assert only(one).subject == "contact 1 ((no name))"
    assert watch({"contacts": [crm_record(1, {"lifecyclestage": "lead"}, created=ago(7))]}).findings == []


def test_a_mail_waits_until_anything_at_all_answers_it(watch: Watch) -> None:
    records = {"contacts": [contact(1)], "emails": [mail(11, 5, 1), mail(12, 3, 1, incoming=True)]}
    assert titles(watch(records)) == ["Reply waiting"]
    assert watch(records, reply_within_days=4).findings == []
    assert watch(records | {"calls": [call(13, 2, 1)]}).findings == []
    assert watch(records | {"emails": [*records["emails"], mail(14, 2.9, 1)]}).findings == []
    seen_by_hubspot = {"contacts": [contact(1, notes_last_contacted=ago(1))], "emails": records["emails"]}
    assert watch(seen_by_hubspot).findings == []


def test_sudden_silence_is_measured_by_the_contact_there_was(watch: Watch) -> None:
    weekly = [call(10 + week, 30 + 7 * week, 1) for week in range(8)]
    output = watch({"contacts": [contact(1, "lead")], "calls": weekly})
    assert titles(output) == ["Sudden silence after frequent contact"]
    assert only(output).severity == "warning"
    assert "Contact on 8 days, about every 7 days" in only(output).detail
    assert watch({"contacts": [contact(1, "lead")], "calls": weekly[:5]}).findings == []
    recent = [call(10 + week, 25 + 7 * week, 1) for week in range(8)]
    assert watch({"contacts": [contact(1, "lead")], "calls": recent}).findings == []


def test_one_person_is_told_of_once_by_what_says_most(watch: Watch) -> None:
    weekly = [call(10 + week, 50 + 7 * week, 1) for week in range(8)]
    output = watch({"contacts": [contact(1)], "calls": weekly, "emails": [mail(11, 45, 1, incoming=True)]})
    assert titles(output) == ["Reply waiting"]
    assert only(output).severity == "critical"


def test_open_deals_past_their_close_date_or_stuck_are_found_and_closed_ones_not(watch: Watch) -> None:
    entered = "hs_v2_date_entered_current_stage"
    records = {
        "contacts": [contact(1, "other")],
        "deals": [
            deal(21, closedate=ago(1), amount="900"),
            deal(22, closedate=ago(0.2), amount="900"),
            deal(23, closedate=ago(40), amount="12000"),
            deal(24, closedate=ago(40), hs_is_closed="true"),
            deal(25, closedate=ago(-9), **{entered: ago(31)}),
            deal(26, closedate=ago(-9), **{entered: ago(29)}),
            deal(27, dealstage="slow", **{entered: ago(50)}),
        ],
    }
    output = watch(records, stuck_after_days_by_stage={"slow": 60})
    assert [(one.severity, one.title, one.subject) for one in output.findings] == [
        ("critical", "Deal past its close date", "deal 23 (Deal 23)"),
        ("warning", "Deal past its close date", "deal 21 (Deal 21)"),
        ("warning", "Deal stuck in its stage", "deal 25 (Deal 25)"),
    ]
    assert "12,000" in output.findings[0].detail
    assert output.metrics["deals_checked"] == 6


def test_a_deal_without_the_mark_of_closed_counts_as_open(watch: Watch) -> None:
    unmarked = crm_record(21, {"dealname": "Old", "closedate": ago(3)})
    assert titles(watch({"contacts": [contact(1, "other")], "deals": [unmarked]})) == [
        "Deal past its close date"
    ]


def company(company_id: int, renewal: float | None, touched: float | None = None) -> dict[str, Any]:
    day = None if renewal is None else ago(-renewal)[:10]
    last = None if touched is None else ago(touched)
    return crm_record(company_id, {"name": f"Firm {company_id}", "renews": day, "notes_last_contacted": last})


def test_a_renewal_ahead_wants_a_recent_touch_with_anyone_of_the_company(watch: Watch) -> None:
    records = {
        "contacts": [contact(1, "other", associatedcompanyid="34")],
        "calls": [call(11, 3, 1)],
        "companies": [company(31, 10), company(32, 50, 40), company(33, 50, 20), company(34, 50, 40),
                      company(35, 90)],
    }  # fmt: skip
    output = watch(records, renewal_property="renews")
    assert [(one.severity, one.subject) for one in output.findings] == [
        ("critical", "company 31 (Firm 31)"),
        ("warning", "company 32 (Firm 32)"),
    ]
    assert "no touch on record" in output.findings[0].detail
    assert "Give it an owner" in output.findings[0].action
    unset = watch(records)
    assert unset.findings == []
    assert "`renewal_property` isn't set" in unset.summary


def test_a_company_that_renews_today_is_told_of_in_the_zone_of_the_worker(watch: Watch) -> None:
    here = NOW.astimezone(SAMPLE_NOW.tzinfo)
    records = {"contacts": [contact(1, "other")], "companies": [company(31, 0)]}
    assert "in 0 days" in only(watch(records, renewal_property="renews", now=here)).detail


def test_an_owner_who_left_is_named_as_such_and_not_asked(watch: Watch) -> None:
    owner = {"id": "7", "firstName": "Mark", "lastName": "Ellis", "type": "PERSON", "archived": True}
    dates = {"createdAt": "2026-01-05T15:00:00.000Z", "updatedAt": "2026-01-05T15:00:00.000Z"}
    quiet = {"notes_last_contacted": ago(40), "hubspot_owner_id": "7"}
    output = watch({"contacts": [contact(1, **quiet)], "owners": [owner | dates]})
    assert "Owner: Mark Ellis, who has left." in only(output).detail
    assert only(output).action.startswith("Give it an owner")
    output = watch({"contacts": [contact(1, **quiet)]})
    assert "owner 7, whom HubSpot doesn't list" in only(output).detail


def test_what_is_new_and_what_is_resolved_is_told_against_the_last_run(watch: Watch) -> None:
    first = watch(
        {"contacts": [contact(1, notes_last_contacted=ago(40)), contact(2, notes_last_contacted=ago(50))]}
    )
    assert "new" not in first.metrics
    records = {
        "contacts": [contact(1, notes_last_contacted=ago(45)), contact(3, notes_last_contacted=ago(33))]
    }
    second = watch(records, previous=first)
    assert (second.metrics["new"], second.metrics["resolved"]) == (1, 1)
    assert "1 new and 1 resolved since the last run" in second.summary


def test_beyond_a_limit_it_says_what_it_left_unread(watch: Watch) -> None:
    records = {
        "contacts": [contact(number, "other") for number in range(1, 6)],
        "emails": [mail(11 + number, 3, 1) for number in range(3)],
    }
    output = watch(records, max_contacts=4, max_touches=2)
    assert [(one.title, one.subject) for one in output.findings] == [
        ("Part of HubSpot was left unread", "contacts beyond the first 4"),
        ("Part of HubSpot was left unread", "emails beyond the first 2"),
    ]
    assert output.contacts_checked == 4
    assert output.metrics["unchecked"] == 2


def test_more_findings_than_fit_are_cut_with_a_word(watch: Watch) -> None:
    records = {"contacts": [contact(number, notes_last_contacted=ago(40)) for number in range(1, 9)]}
    output = watch(records, max_findings=3)
    assert len(output.findings) == 4
    assert output.findings[-1].title == "More findings than fit"
    assert output.metrics["quiet"] == 8


def test_pages_are_followed_to_the_end(watch: Watch) -> None:
    records = {
        "contacts": [contact(number, notes_last_contacted=ago(40)) for number in range(1, 8)],
        "calls": [call(20, 45, 1) | {"associations": {"contacts": [str(number) for number in range(1, 8)]}}],
    }
    output = watch(records, options={"page": 2, "reach": 400})
    assert output.contacts_checked == 7
    assert output.metrics["quiet"] == 7
    assert output.metrics["touches_checked"] == 1


def test_an_expired_token_is_told_by_the_secrets_name_and_what_to_do(watch: Watch) -> None:
    with pytest.raises(
        PermanentError, match=r"HUBSPOT_ACCESS_TOKEN \(401 EXPIRED_AUTHENTICATION.*make a new one"
    ):
        watch({"contacts": [contact(1)]}, options={"expired": True})


def test_a_missing_scope_is_named(watch: Watch) -> None:
    with pytest.raises(PermanentError, match=r"lacks crm\.objects\.owners\.read .*add the scope"):
        watch({"contacts": [contact(1)]}, options={"lacks": "crm.objects.owners.read"})


def test_a_rate_limit_is_waited_for_and_the_daily_one_is_left_to_a_later_tick(watch: Watch) -> None:
    assert watch({"contacts": [contact(1)]}, options={"busy": 3, "retry_after": "0"}).contacts_checked == 1
    with pytest.raises(TransientError, match="daily limit") as caught:
        watch({"contacts": [contact(1)]}, options={"busy": 1, "policy": "DAILY", "retry_after": "7200"})
    assert caught.value.retry_after == timedelta(hours=2)


def test_an_empty_account_checks_nobody_and_says_so(watch: Watch) -> None:
    output = watch({})
    assert (output.contacts_checked, output.findings) == (0, [])
    assert output.summary.startswith("0 contacts and 0 open deals in HubSpot checked, 0 findings")


def test_a_dry_run_names_every_request_it_would_make(
    contexts: Contexts, client: httpx.Client, desk: Desk, tmp_path: Path
) -> None:
    with desk.served(sample_crm()) as service:
        sample = planted_at("relationship-sentinel", service)
        settings = Settings.model_validate(sample.settings)
        run(contexts(settings, project=tmp_path, http=client, secrets=SECRETS, now=SAMPLE_NOW))
        promised = {line.replace(service.api, "").partition(":")[0] for line in reads(settings, tmp_path)}
        assert promised == set(service.asked)
    assert not any("renews" in line for line in reads(Settings(), tmp_path))
    assert (
        "POST https://api.hubapi.com/crm/v3/objects/contacts/search: all contacts, at most 50,000"
        in reads(Settings(), tmp_path)
    )


@pytest.mark.parametrize(
    "wrong",
    [{"portal": "x"}, {"quiet_after_days": "often"}, {"frequent_touches": 1}, {"no_such": 1}, {"delay": -1}],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Settings.model_validate(wrong)


def test_what_people_wrote_into_the_crm_is_bounded_and_made_plain(watch: Watch) -> None:
    name = "Eve\x1b[31m\n\u202e<script>" + "x" * 5_000
    quiet = contact(1, firstname=name, notes_last_contacted=ago(40), associatedcompanyid="31")
    firms = [crm_record(31, {"name": "Acme\r\nOwner: Boss" + "y" * 9_000})]
    found = only(watch({"contacts": [quiet], "companies": firms}))
    for text in (found.title, found.subject, found.detail, found.action):
        assert text.isprintable()
    assert (len(found.subject), len(found.detail), len(found.action)) == (500, 3_000, 1_000)


def test_a_run_that_is_cancelled_asks_nothing_more(
    contexts: Contexts, client: httpx.Client, desk: Desk
) -> None:
    with desk.served(sample_crm()) as service:
        settings = Settings.model_validate({"api": service.api, "delay": 0})
        with pytest.raises(TransientError, match="was over after 0 requests"):
            run(contexts(settings, http=client, secrets=SECRETS, cancelled=lambda: True))
        assert service.exchanges == []
