"""data-integrity against the stand-in for HubSpot and real files; exchanges are held against the OpenAPI."""

import json
import re
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from loom.sample.hubspot import HubSpot
from loom.worker import PermanentError, TransientError
from tests.ground.shut import REPOSITORY
from tests.sample.planted import assert_found
from tests.workers.conftest import NOW, Contexts
from tests.workers.hubspot_openapi import Desk
from tests.workers.hubspot_sample import COMPANY, SAMPLE_NOW, TOKEN, crm_record, planted_at, sample_crm
from tests.workers.outputs import only
from workers.data_integrity import KINDS, Output, Settings, reads, run

SECRETS = {"HUBSPOT_ACCESS_TOKEN": TOKEN}


class Audit:
    """Runs the worker over records and the files of `project`."""

    def __init__(self, contexts: Contexts, client: httpx.Client, desk: Desk) -> None:
        self._contexts, self._client, self._desk = contexts, client, desk
        self.project = contexts.project / "project"
        self.project.mkdir()

    def write(self, path: str, content: str | bytes) -> None:
        file = self.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def __call__(
        self,
        records: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        previous: Output | None = None,
        **settings: Any,
    ) -> Output:
        held = {"contacts": [contact(1)]} if records is None else records
        with self._desk.served(HubSpot(held, token=TOKEN, **(options or {}))) as service:
            given = Settings.model_validate({"api": service.api, "delay": 0} | settings)
            before = previous.model_dump(mode="json") if previous else None
            context = self._contexts(
                given, project=self.project, http=self._client, secrets=SECRETS, previous=before, now=NOW
            )
            return run(context)


@pytest.fixture
def audit(contexts: Contexts, client: httpx.Client, desk: Desk) -> Audit:
    return Audit(contexts, client, desk)


def contact(
    contact_id: int, first: str = "Ana", last: str | None = None, **properties: str
) -> dict[str, Any]:
    usual = {
        "firstname": first,
        "lastname": last or f"Name{contact_id}",
        "email": f"c{contact_id}@firm.example",
    }
    return crm_record(contact_id, usual | properties)


def firm(company_id: int, name: str = "Firm", **properties: str) -> dict[str, Any]:
    return crm_record(company_id, {"name": name, "domain": f"firm{company_id}.example"} | properties)


def deal(deal_id: int, **properties: str) -> dict[str, Any]:
    usual = {"dealname": f"Deal {deal_id}", "dealstage": "contractsent", "closedate": "2026-07-01T00:00:00Z"}
    return crm_record(deal_id, usual | properties, contacts=["1"])


def told(output: Output) -> list[tuple[str, str]]:
    return [(one.title, one.subject) for one in output.findings]


# ---------------------------------------------------------------- the sample company


def test_in_the_sample_company_it_finds_what_was_planted_and_nothing_else(
    contexts: Contexts, client: httpx.Client, desk: Desk
) -> None:
    with desk.served(sample_crm()) as service:
        sample = planted_at("data-integrity", service)
        settings = Settings.model_validate(sample.settings)
        output = run(contexts(settings, project=COMPANY, http=client, secrets=SECRETS, now=SAMPLE_NOW))
    assert_found(output, sample, KINDS)
    assert (output.records_checked, output.files_checked) == (47 + 13 + 8, 3)
    assert all(one.action for one in output.findings)
    assert not re.search(r"\w@\w", output.model_dump_json()), (
        "people are named by their records, not by their mail"
    )


def test_a_record_is_told_with_its_place_in_hubspot(
    contexts: Contexts, client: httpx.Client, desk: Desk
) -> None:
    with desk.served(sample_crm()) as service:
        sample = planted_at("data-integrity", service)
        settings = Settings.model_validate(sample.settings)
        output = run(contexts(settings, project=COMPANY, http=client, secrets=SECRETS, now=SAMPLE_NOW))
    jo = next(one for one in output.findings if one.subject == "contact 1015 (Jo Park)")
    assert jo.url == "https://app.hubspot.com/contacts/41000001/record/0-1/1015"
    assert jo.detail == "So have contact 1016 (Joanna Park)."
    owner = next(one for one in output.findings if "Mark Ellis" in one.subject)
    assert owner.detail == "2: contact 1024 (Claire Munro), deal 3008 (Blue Heron catalogue)."


# ---------------------------------------------------------------- duplicates


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ana@Firm.example", "ana@firm.example", True),
        ("ana+list@firm.example", "ana@firm.example", True),
        ("a.na@gmail.com", "ana@googlemail.com", True),
        ("a.na@firm.example", "ana@firm.example", False),
        ("ana@firm.example", "ana@other.example", False),
    ],
)
def test_spellings_of_one_mailbox_are_one(audit: Audit, one: str, other: str, same: bool) -> None:
    output = audit({"contacts": [contact(1, email=one), contact(2, "Bob", email=other)]})
    title = "Contacts with the same mail address"
    assert told(output) == ([(title, "contact 1 (Ana Name1)")] if same else [])


def test_an_additional_address_of_one_may_be_the_main_one_of_another(audit: Audit) -> None:
    first = contact(1, hs_additional_emails="x@firm.example;c2@firm.example")
    assert only(audit({"contacts": [first, contact(2, "Bob")]})).detail == "So have contact 2 (Bob Name2)."
    both = contact(2, "Bob", email="c1@firm.example", hs_additional_emails="x@firm.example")
    assert only(audit({"contacts": [first, both]})).subject == "contact 1 (Ana Name1)"


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (("Katherine", "Bloom"), ("Katharine", "Bloom"), True),
        (("José", "Núñez"), ("Jose", "Nunez"), True),
        (("Bloom", "Katherine"), ("Katherine", "Bloom"), True),
        (("Tom", "Park"), ("Tim", "Park"), False),
        (("Agent 1", "Booking"), ("Agent 2", "Booking"), False),
    ],
)
def test_names_that_hardly_differ_at_one_company_are_told(
    audit: Audit, one: tuple[str, str], other: tuple[str, str], alike: bool
) -> None:
    records = {
        "contacts": [
            contact(1, *one, email="kb@firm.example"),
            contact(2, *other, email="x@firm.example"),
            contact(3, *one, email="kb@gmail.com"),
            contact(4, *one, email="kb@elsewhere.example"),
        ]
    }
    title = "Contacts at one company with nearly one name"
    assert [one_title for one_title, _ in told(audit(records))] == ([title] if alike else [])


@pytest.mark.parametrize(
    ("one", "other", "title"),
    [
        ({"domain": "shop.acme.co.uk"}, {"domain": "acme.co.uk"}, "Companies with the same domain"),
        ({"domain": "", "website": "https://www.acme.com/en"}, {"domain": "acme.com"}, "same domain"),
        ({"domain": "gmail.com"}, {"domain": "gmail.com"}, ""),
        ({"domain": "acme.co.uk"}, {"domain": "other.co.uk"}, ""),
        ({"name": "Harbor Foods, Inc."}, {"name": "harbor foods GmbH"}, "nearly the same name"),
        ({"name": "Müller & Söhne"}, {"name": "Muller and Sohne"}, "nearly the same name"),
        ({"name": "Store 41"}, {"name": "Store 42"}, ""),
    ],
)
def test_companies_are_compared_by_registrable_domain_and_by_name(
    audit: Audit, one: dict[str, str], other: dict[str, str], title: str
) -> None:
    names = ({"name": "First Firm"} | one, {"name": "Second Shop"} | other)
    records = {"companies": [firm(number, **properties) for number, properties in enumerate(names, 1)]}
    found = [one_title for one_title, _ in told(audit(records, required={}))]
    assert len(found) == (1 if title else 0)
    assert all(title in one_title for one_title in found)


def test_three_of_a_kind_are_one_finding(audit: Audit) -> None:
    output = audit({"contacts": [contact(n, f"P{n}", email="info@firm.example") for n in (12, 3, 7)]})
    assert only(output).subject == "contact 3 (P3 Name3)"
    assert only(output).detail == "So have contact 7 (P7 Name7), contact 12 (P12 Name12)."


# ---------------------------------------------------------------- values, ties, dates


def test_what_records_lack_is_gathered_by_property(audit: Audit) -> None:
    records = {"contacts": [contact(n, email="") for n in range(1, 15)] + [contact(15)]}
    output = audit(records, required={"contacts": ["email", "jobtitle"]})
    assert told(output) == [
        ("Contacts without email", "contacts.email"),
        ("Contacts without jobtitle", "contacts.jobtitle"),
    ]
    assert output.findings[0].detail.startswith("14 of 15: contact 1 (Ana Name1), contact 2")
    assert output.findings[0].detail.endswith("and 4 more.")


@pytest.mark.parametrize(
    ("kind", "name", "wrong", "right"),
    [
        ("contacts", "email", "ana(at)firm.example", "ana@firm.example"),
        ("contacts", "email", "ana@@firm.example", "ana@münchen.example"),
        ("contacts", "phone", "555", "+49 30 901820"),
        ("contacts", "mobilephone", "none", "(312) 555-0123 ext. 4"),
        ("companies", "domain", "firm", "https://firm.example/"),
        ("companies", "domain", "fi rm.example", "xn--mnchen-3ya.example"),
        ("deals", "amount", "TBD", "1200.50"),
        ("deals", "amount", "-1", "0"),
        ("deals", "closedate", "soon", "1780308000000"),
    ],
)
def test_malformed_values_are_told_and_well_formed_ones_not(
    audit: Audit, kind: str, name: str, wrong: str, right: str
) -> None:
    makers: dict[str, Callable[..., dict[str, Any]]] = {"contacts": contact, "companies": firm, "deals": deal}
    made = makers[kind]
    people = {"contacts": [contact(1)]}
    output = audit(people | {kind: [made(1, **{name: wrong})]})
    assert [title for title, _ in told(output)] == [f"Malformed {name}"]
    assert wrong not in only(output).detail, "a value may be personal data: it isn't repeated"
    assert audit(people | {kind: [made(1, **{name: right})]}).findings == []


def test_numbers_without_a_country_are_read_by_the_region_that_is_set(audit: Audit) -> None:
    records = {"contacts": [contact(1, phone="030 901820")]}
    assert told(audit(records, region="DE")) == []
    assert [title for title, _ in told(audit(records, region="US"))] == ["Malformed phone"]


def test_a_tie_to_what_is_gone_is_told_and_a_tie_to_what_was_only_not_read_is_not(audit: Audit) -> None:
    records = {
        "contacts": [contact(1, associatedcompanyid="51"), contact(2, associatedcompanyid="59")],
        "companies": [firm(50, "Read"), firm(51, "Not Read"), firm(52, "Gone") | {"archived": True}],
        "deals": [deal(21), crm_record(22, deal(22)["properties"], companies=["52", "50"])],
    }
    output = audit(records, max_records=2)
    assert told(output) == [
        ("Tied to companies that aren't there", "contact 2 (Ana Name2)"),
        ("Tied to companies that aren't there", "deal 22 (Deal 22)"),
    ]
    assert output.findings[0].detail == "HubSpot has no company 59."
    cut = audit(records, max_records=1)
    assert ("Tied to companies that aren't there", "contact 1 (Ana Name1)") not in told(cut)
    assert ("Part of the data was left unread", "contacts beyond the first 1") in told(cut)


def test_a_deal_tied_to_nobody_is_told(audit: Audit) -> None:
    alone = crm_record(21, deal(21)["properties"])
    assert told(audit({"contacts": [contact(1)], "deals": [alone, deal(22)]})) == [
        ("Deal tied to nobody", "deal 21 (Deal 21)")
    ]


def test_records_of_owners_who_left_or_never_were_are_told_by_owner(audit: Audit) -> None:
    dates = {
        "createdAt": "2026-01-05T15:00:00.000Z",
        "updatedAt": "2026-01-05T15:00:00.000Z",
        "type": "PERSON",
    }
    owners = [
        {"id": "7", "firstName": "Dana", "lastName": "Fox", "archived": False} | dates,
        {"id": "8", "firstName": "Mark", "lastName": "Ellis", "archived": True} | dates,
    ]
    people = [contact(n, hubspot_owner_id=owner) for n, owner in enumerate(("7", "8", "9", "8", ""), 1)]
    assert told(audit({"contacts": people, "owners": owners})) == [
        ("Records of an owner who has left", "owner 8 (Mark Ellis)"),
        ("Records of an owner who isn't there", "owner 9"),
    ]


def test_dates_that_cannot_be_are_told(audit: Audit) -> None:
    records = {
        "contacts": [contact(1, date_of_birth="2062-01-01"), contact(2, date_of_birth="1962-01-01")],
        "deals": [
            deal(21, closedate="2025-12-01T00:00:00Z"),
            deal(22, closedate="2026-01-05T00:00:00Z"),
            crm_record(23, deal(23)["properties"], created="2026-06-20T00:00:00.000Z", contacts=["1"]),
        ],
    }
    assert told(audit(records)) == [
        ("date_of_birth lies ahead", "contact 1 (Ana Name1)"),
        ("Deal closed before it was created", "deal 21 (Deal 21)"),
        ("createdate lies ahead", "deal 23 (Deal 23)"),
    ]


# ---------------------------------------------------------------- data files


def test_without_data_files_only_hubspot_is_audited_and_it_says_so(audit: Audit) -> None:
    output = audit()
    assert output.findings == []
    assert output.summary == (
        "1 contact, 0 companies, 0 deals in HubSpot and no data file (none fits `data`) checked, 0 findings."
    )


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("data/a.json", '{"a": [1, 2', r"isn't JSON from line 1, column 12 on"),
        ("data/a.json", "", "isn't JSON from line 1, column 1 on"),
        ("data/a.json", '{"a": NaN}', "has NaN, which isn't JSON"),
        ("data/a.json", "[" * 100_000, "isn't JSON that can be read"),
        ("data/a.yaml", "a: [1, 2", "isn't YAML at line 1"),
        ("data/a.yaml", "a: !!python/object:os.system {}", "isn't YAML at line 1"),
        ("data/a.yaml", "a: 1\n---\nb: 2\n", "isn't YAML at line 2"),
        ("data/a.csv", 'id,name\n1,"half', "isn't CSV at line 2"),
        ("data/a.csv", "\n", "has no header line"),
        ("data/a.csv", b"id,name\n1,caf\xe9\n", "isn't UTF-8 text: line 2"),
        ("data/a.csv", b"\0" * 10, "is binary"),
        ("data/a.csv", "id\n" + "1\n" * 600, "more than the limit of 1,000"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_place(
    audit: Audit, path: str, content: str | bytes, why: str
) -> None:
    audit.write(path, content)
    audit.write("data/whole.json", '{"fine": true}')
    output = audit(max_file_bytes=1_000 if "limit" in why else 200_000)
    assert told(output) == [("Data file that can't be read", path)]
    assert why in only(output).detail
    assert output.files_checked == 1


def test_a_small_yaml_file_that_unfolds_without_end_is_refused(audit: Audit) -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    audit.write("data/bomb.yaml", "\n".join(lines))
    audit.write("data/ring.yaml", "a: &a [*a]")
    started = time.thread_time()
    output = audit(schemas={"data/*.yaml": "schema.json"})
    assert "unfolds to more than 1,000,000 values" in output.findings[0].detail
    assert output.metrics["unreadable"] >= 2
    assert time.thread_time() - started < 20


def test_doubled_keys_and_rows_of_another_length_are_flaws(audit: Audit) -> None:
    audit.write("data/a.csv", "id,name,id\n1,x,1\n\n2,y\n")
    audit.write("data/b.json", '{"a": 1, "a": 2}')
    audit.write("data/c.yaml", "a: 1\nb: 2\na: 3\n")
    assert told(audit()) == [
        ("Data file with a flaw", "data/a.csv:1"),
        ("Data file with a flaw", "data/a.csv:4"),
        ("Data file with a flaw", "data/b.json"),
        ("Data file with a flaw", "data/c.yaml:3"),
    ]


PERSON = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "integer"},
        "born": {"type": "string", "format": "date"},
        "fee": {"type": ["number", "null"]},
        "paid": {"type": "boolean"},
        "code": {"type": "string", "pattern": "^[0-9]+$"},
    },
}


def test_rows_of_csv_are_held_against_the_schema_of_an_object(audit: Audit) -> None:
    audit.write("person.json", json.dumps(PERSON))
    audit.write(
        "data/people.csv",
        "id;born;fee;paid;code\n1;1990-05-01;2.5;yes;007\n2;1990-13-01;;no;1\nx;;free;maybe;a1\n;;1;1;1\n",
    )
    output = audit(schemas={"data/*.csv": "person.json"})
    assert sorted(subject for _, subject in told(output)) == [
        "data/people.csv:3",
        *["data/people.csv:4"] * 4,
        "data/people.csv:5",
    ]
    assert ("Against its schema at line 3, born", "data/people.csv:3") in told(output)
    assert output.metrics["schema"] == 6


@pytest.mark.parametrize(
    "draft", ["draft-04/schema#", "draft-07/schema#", "draft/2019-09/schema", "draft/2020-12/schema"]
)
def test_json_and_yaml_are_held_against_schemas_of_any_draft(audit: Audit, draft: str) -> None:
    scheme = "http" if "#" in draft else "https"
    named = {"$schema": f"{scheme}://json-schema.org/{draft}"}
    audit.write("person.json", json.dumps(named | PERSON))
    listed = {"type": "object", "properties": {"people": {"type": "array", "items": {"$ref": "person.json"}}}}
    audit.write("schemas/team.yaml", json.dumps(named | listed))
    audit.write("data/one.yaml", "id: 1\nborn: 1990-05-01\n")
    audit.write("data/many.json", json.dumps([{"id": 1}, {"id": "2"}]))
    audit.write("data/team.json", json.dumps({"people": [{"id": 1}, {"id": 2.5}]}))
    schemas = {"data/team.json": "schemas/team.yaml", "one.yaml": "person.json", "data/many.*": "person.json"}
    assert told(audit(schemas=schemas)) == [
        ("Against its schema at people.1.id", "data/team.json"),
        ("Against its schema at 1.id", "data/many.json"),
    ]


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ('{"type": "objekt"}', "is no JSON Schema: at $.type"),
        ("[1]", "is neither an object nor true or false"),
        (
            '{"properties": {"a": {"$ref": "http://127.0.0.1:9/x.json"}}}',
            "refers to http://127.0.0.1:9/x.json, which",
        ),
        ('{"properties": {"a": {"$ref": "gone.json"}}}', "refers to gone.json, which isn't there"),
        ('{"type": ', "isn't JSON from line 1"),
        (None, "can't be read"),
    ],
)
def test_a_schema_that_cannot_be_used_is_told_and_nothing_is_fetched_for_it(
    audit: Audit, schema: str | None, why: str
) -> None:
    if schema is not None:
        audit.write("s.json", schema)
    audit.write("data/a.json", '{"a": 1}')
    output = audit(schemas={"data/*.json": "s.json"})
    assert told(output) == [("Schema that can't be used", "s.json")]
    assert why in only(output).detail


def test_a_file_with_many_violations_tells_the_first_and_counts_the_rest(audit: Audit) -> None:
    audit.write("person.json", json.dumps(PERSON))
    audit.write("data/a.json", json.dumps([{} for _ in range(60)]))
    output = audit(schemas={"data/a.json": "person.json"})
    assert output.metrics["schema"] == 26
    assert told(output)[-1] == ("More flaws than shown", "data/a.json")
    assert output.findings[-1].detail == "35 more of the 60 in this file."


def test_references_between_files_must_lead_somewhere_and_to_one_place(audit: Audit) -> None:
    audit.write("data/clients.json", json.dumps({"clients": [{"id": 1}, {"id": 2}, {"id": 2}, {}]}))
    audit.write("data/bookings.csv", "no,client\n1,1\n2,3\n3,\n4,3\n5,4\n")
    audit.write("data/tags.yaml", "- {client: 2, also: [1, 9]}\n")
    references = {
        "data/bookings.csv:client": "data/clients.json:clients.id",
        "data/tags.yaml:also": "data/clients.json:clients.id",
        "data/tags.yaml:client": "data/gone.csv:id",
    }
    output = audit(references=references)
    assert told(output) == [
        ("client '3' isn't in data/clients.json", "data/bookings.csv:3"),
        ("client '4' isn't in data/clients.json", "data/bookings.csv:6"),
        ("also '9' isn't in data/clients.json", "data/tags.yaml"),
        ("Reference that can't be followed", "data/tags.yaml:client"),
        ("clients.id '2' comes more than once", "data/clients.json"),
    ]


@pytest.mark.parametrize(
    ("clients", "bookings", "why"),
    [
        (None, "client\n1\n", "data/clients.csv isn't there."),
        ('id\n"1', "client\n1\n", "data/clients.csv can't be read."),
        ("number\n1\n", "client\n1\n", "nothing in data/clients.csv has id."),
        ("id\n1\n", "customer\n1\n", "nothing in data/bookings.csv has client."),
    ],
)
def test_a_reference_that_cannot_be_followed_is_told_once_and_never_passes_for_whole(
    audit: Audit, clients: str | None, bookings: str, why: str
) -> None:
    if clients is not None:
        audit.write("data/clients.csv", clients)
    audit.write("data/bookings.csv", bookings)
    output = audit(references={"data/bookings.csv:client": "data/clients.csv:id"})
    (told_of,) = [one for one in output.findings if one.title == "Reference that can't be followed"]
    assert (told_of.subject, told_of.detail) == ("data/bookings.csv:client", why)
    assert output.metrics["reference"] == 1


def test_many_broken_references_tell_the_first_and_count_the_rest(audit: Audit) -> None:
    audit.write("data/clients.csv", "id\n0\n")
    audit.write("data/bookings.csv", "client\n" + "".join(f"{n}\n" for n in range(1, 41)))
    output = audit(references={"data/bookings.csv:client": "data/clients.csv:id"})
    assert output.metrics["reference"] == 26
    assert output.findings[-1].detail == "15 more of the 40 in this file."


def test_a_schema_that_fits_no_file_is_told(audit: Audit) -> None:
    audit.write("s.json", "{}")
    audit.write("data/half.json", "{")
    assert told(audit(schemas={"data/*.csv": "s.json", "data/*.json": "s.json"})) == [
        ("Data file that can't be read", "data/half.json"),
        ("Schema that can't be used", "s.json"),
    ]


def test_a_link_out_of_the_project_is_not_followed(audit: Audit, tmp_path: Path) -> None:
    (tmp_path / "private.json").write_text('{"a": ')
    (audit.project / "data").mkdir()
    (audit.project / "data" / "link.json").symlink_to(tmp_path / "private.json")
    assert audit().findings == []


# ---------------------------------------------------------------- trend, limits, trouble


def test_each_kind_is_compared_with_the_last_run(audit: Audit) -> None:
    first = audit({"contacts": [contact(1, email=""), contact(2, phone="none")]})
    assert not any(name.endswith("_change") for name in first.metrics)
    second = audit(
        {"contacts": [contact(1), contact(2, phone="none"), contact(3, phone="1")]}, previous=first
    )
    assert second.metrics["missing_change"] == -1
    assert second.metrics["malformed_change"] == 1
    assert second.metrics["schema_change"] == 0
    assert (second.metrics["new"], second.metrics["resolved"]) == (1, 1)
    assert second.summary.endswith("Since the last run: missing -1, malformed +1.")
    third = audit({"contacts": [contact(2, phone="none"), contact(3, phone="1")]}, previous=second)
    assert third.summary.endswith("Since the last run: as many of each kind.")


def test_an_earlier_output_of_another_shape_is_no_trouble(audit: Audit) -> None:
    odd = Output(summary="x", records_checked=1, files_checked=0, metrics={})
    assert audit(previous=odd).metrics["missing_change"] == 0


def test_beyond_its_limits_it_says_what_it_left_unread(audit: Audit) -> None:
    for number in range(4):
        audit.write(f"data/{number}.json", "{}")
    output = audit({"contacts": [contact(n) for n in range(1, 5)]}, max_records=3, max_files=3)
    assert told(output) == [
        ("Part of the data was left unread", "contacts beyond the first 3"),
        ("Part of the data was left unread", "data files beyond the limits"),
    ]
    assert (output.records_checked, output.files_checked) == (3, 3)
    assert output.findings[-1].detail.endswith("beyond the limits: data/3.json.")
    small = audit(max_data_bytes=5)
    assert (small.files_checked, small.findings[-1].detail[-25:]) == (2, "data/2.json, data/3.json.")


def test_an_empty_account_checks_nothing_and_says_so(audit: Audit) -> None:
    output = audit({})
    assert (output.records_checked, output.findings) == (0, [])


def test_trouble_with_hubspot_is_no_pretty_success(audit: Audit) -> None:
    with pytest.raises(PermanentError, match="401 EXPIRED_AUTHENTICATION"):
        audit(options={"expired": True})
    with pytest.raises(PermanentError, match=r"lacks crm\.objects\.contacts\.read"):
        audit(options={"lacks": "crm.objects.contacts.read"})
    with pytest.raises(TransientError, match="answers 500"):
        audit(options={"broken": 9}, max_wait=0)
    assert audit(options={"busy": 2, "retry_after": "0"}).records_checked == 1


def test_a_dry_run_names_every_request_and_the_files(
    contexts: Contexts, client: httpx.Client, desk: Desk, tmp_path: Path
) -> None:
    project = tmp_path / "copy"
    shutil.copytree(COMPANY / "data", project / "data")
    with desk.served(sample_crm()) as service:
        sample = planted_at("data-integrity", service)
        settings = Settings.model_validate(sample.settings)
        run(contexts(settings, project=project, http=client, secrets=SECRETS, now=SAMPLE_NOW))
        lines = list(reads(settings, project))
        promised = {
            line.replace(service.api, "").partition(":")[0]
            for line in lines
            if line.startswith(("GET", "POST"))
        }
        assert set(service.asked) <= promised
    assert "data/**/*.csv: 2 files" in lines
    assert "data/**/*.yaml: 1 file" in lines
    assert "data/schemas/client.json: the schema of data/clients.csv" in lines


@pytest.mark.parametrize(
    "wrong",
    [
        {"required": {"tickets": ["subject"]}},
        {"references": {"data/a.csv": "data/b.csv:id"}},
        {"references": {"data/a.csv:x": ":id"}},
        {"region": "Germany"},
        {"no_such": 1},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Settings.model_validate(wrong)


@pytest.mark.parametrize(
    "library", ["rapidfuzz", "tldextract", "email_validator", "phonenumbers", "jsonschema"]
)
def test_without_a_library_of_the_extra_it_is_skipped_before_anything_is_asked(library: str) -> None:
    script = f"""
        import sys, tempfile
        from pathlib import Path
        from tests.workers.conftest import Contexts
        from loom.worker import Skip
        from workers.data_integrity import Settings, run

        sys.modules[{library!r}] = None  # how Python remembers what can't be imported
        try:
            run(Contexts(Path(tempfile.gettempdir()))(Settings()))
        except Skip as skip:
            print(skip)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert f"the library {library!r} isn't installed: pip install 'loom-runner[workers]'" in done.stdout, done
