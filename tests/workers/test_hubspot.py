"""The client for HubSpot's CRM and its stand-in, each held against the OpenAPI that HubSpot publishes."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from loom.sample.exchange import Answered, Asked, StandIn
from loom.sample.hubspot import HubSpot as StandInHubSpot
from loom.worker import PermanentError, TransientError
from tests.workers.hubspot_openapi import Desk, mistakes
from tests.workers.hubspot_sample import TOKEN, crm_record
from workers.sources.hubspot import HubSpot
from workers.sources.hubspot_asking import Limits
from workers.sources.hubspot_records import Owner, Pages, Record, instant

KINDS = ("contacts", "companies", "deals", "calls", "emails", "meetings", "notes", "tasks")


Connect = Callable[..., HubSpot]


@pytest.fixture
def connect(client: httpx.Client) -> Connect:
    def connected(api: str, *, token: str = TOKEN, max_seconds: float = 60, **limits: Any) -> HubSpot:
        return HubSpot.of(
            client,
            token=token,
            api=api,
            limits=Limits(**{"pause_s": 0} | limits),
            delay_s=0,
            max_seconds=max_seconds,
            cancelled=lambda: False,
        )

    return connected


def stand_in(records: Mapping[str, Sequence[Mapping[str, Any]]], **options: Any) -> StandInHubSpot:
    return StandInHubSpot(records, token=TOKEN, **options)


def some(count: int, **properties: str) -> list[dict[str, Any]]:
    return [crm_record(number, {"firstname": f"N{number}"} | properties) for number in range(1, count + 1)]


def ids(found: Iterator[Record]) -> list[str]:
    return [one.id for one in found]


# ---------------------------------------------------------------- what it reads


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_record_is_searched_listed_and_read_in_the_published_shapes(
    kind: str, desk: Desk, connect: Connect
) -> None:
    with desk.served(stand_in({kind: some(3)}, page=2)) as service:
        hubspot = connect(service.api)
        assert ids(hubspot.search(kind, properties=["firstname"])) == ["1", "2", "3"]
        assert ids(hubspot.listing(kind, properties=["firstname"])) == ["1", "2", "3"]
        assert ids(hubspot.read(kind, ["3", "9", "1", "3"], properties=["firstname"])) == ["3", "1"]
        assert hubspot.requests == len(service.exchanges) == 5


def test_a_record_has_its_properties_as_text_and_leaves_out_the_empty_ones(
    desk: Desk, connect: Connect
) -> None:
    one = crm_record(7, {"firstname": " Ana ", "lastname": None, "amount": "12.5", "day": "2026-06-01"})
    with desk.served(stand_in({"contacts": [one]})) as service:
        (found,) = connect(service.api).search(
            "contacts", properties=["firstname", "lastname", "amount", "day"]
        )
    assert (found.id, found.name, found.text("firstname")) == ("7", "Ana", "Ana")
    assert (found.text("lastname"), found.when("lastname"), found.number("lastname")) == ("", None, None)
    assert (found.number("amount"), found.number("day"), found.when("amount")) == (12.5, None, None)
    assert found.when("day") == datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-06-01", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026-06-01T10:00:00Z", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("2026-06-01T10:00:00.250Z", datetime(2026, 6, 1, 10, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-06-01T10:00:00-05:00", datetime(2026, 6, 1, 15, tzinfo=UTC)),
        ("1780308000000", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("-86400000", datetime(1969, 12, 31, tzinfo=UTC)),
        ("", None),
    ],
)
def test_a_date_is_read_as_hubspot_writes_it(text: str, moment: datetime | None) -> None:
    assert instant(text) == moment


@pytest.mark.parametrize("text", ["soon", "2026-13-01", "999999999999999", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_date_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        instant(text)


def test_a_search_goes_on_past_the_ten_thousand_that_hubspot_shows(desk: Desk, connect: Connect) -> None:
    groups = [[{"propertyName": "firstname", "operator": "HAS_PROPERTY"}]]
    with desk.served(stand_in({"contacts": some(10_250)})) as service:
        found = ids(connect(service.api).search("contacts", properties=[], groups=groups))
        questions = [asked.json() for asked, _ in service.exchanges]
    assert len(found) == len(set(found)) == 10_250
    beyond = {"propertyName": "hs_object_id", "operator": "GT", "value": "10000"}
    assert [one["after"] for one in questions[-3:]] == ["9800", "0", "200"]
    assert beyond not in questions[-3]["filterGroups"][0]["filters"]
    assert beyond in questions[-2]["filterGroups"][0]["filters"]


def test_the_stand_in_refuses_what_hubspot_refuses_of_a_search(desk: Desk, client: httpx.Client) -> None:
    question = {"filterGroups": [], "sorts": [], "properties": [], "limit": 200}
    with desk.served(stand_in({"contacts": some(3)})) as service:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        for wrong in ({"after": "9900"}, {"after": "0", "limit": 201}):
            said = client.post(f"{service.api}/crm/v3/objects/contacts/search", json=question | wrong)
            assert (said.status_code, said.json()["category"]) == (400, "VALIDATION_ERROR")


def test_conditions_choose_as_hubspots_do(desk: Desk, connect: Connect) -> None:
    records = [
        crm_record(1, {"stage": "lead", "at": "2026-06-01T10:00:00Z", "size": "9"}),
        crm_record(2, {"stage": "Customer", "at": "2026-06-05T10:00:00Z", "size": "10"}),
        crm_record(3, {}),
    ]

    def found(*conditions: dict[str, Any]) -> list[str]:
        return ids(hubspot.search("contacts", properties=[], groups=[[one] for one in conditions]))

    with desk.served(stand_in({"contacts": records})) as service:
        hubspot = connect(service.api)
        assert found({"propertyName": "stage", "operator": "EQ", "value": "customer"}) == ["2"]
        assert found({"propertyName": "stage", "operator": "IN", "values": ["lead", "other"]}) == ["1"]
        assert found({"propertyName": "stage", "operator": "NOT_HAS_PROPERTY"}) == ["3"]
        assert found({"propertyName": "size", "operator": "GT", "value": "9"}) == ["2"]
        between = {"value": "1780308000000", "highValue": "1780308000001"}
        assert found({"propertyName": "at", "operator": "BETWEEN", **between}) == ["1"]
        assert found(
            {"propertyName": "stage", "operator": "EQ", "value": "lead"},
            {"propertyName": "hs_object_id", "operator": "GTE", "value": "3"},
        ) == ["1", "3"]


def test_a_batch_is_read_a_hundred_at_a_time_and_what_is_gone_is_left_out(
    desk: Desk, connect: Connect
) -> None:
    with desk.served(stand_in({"companies": some(250)})) as service:
        wanted = [str(number) for number in range(1, 300)]
        assert ids(connect(service.api).read("companies", wanted, properties=[])) == wanted[:250]
        assert [len(asked.json()["inputs"]) for asked, _ in service.exchanges] == [100, 100, 99]
        assert [said.status for _, said in service.exchanges] == [200, 200, 207]


def test_associations_are_read_in_parts_from_either_end(desk: Desk, connect: Connect) -> None:
    mails = [crm_record(number, {}, contacts=["1", "2"]) for number in range(51, 56)]
    with desk.served(stand_in({"emails": mails, "contacts": some(3)}, page=2)) as service:
        hubspot = connect(service.api)
        parts = list(hubspot.associations("contacts", "emails", ["1", "2", "3"]))
        assert dict(hubspot.associations("emails", "contacts", ["51"])) == {"51": ("1", "2")}
    together: dict[str, list[str]] = {}
    for one, ends in parts:
        together.setdefault(one, []).extend(ends)
    assert together == {one: ["51", "52", "53", "54", "55"] for one in ("1", "2")}


def test_owners_are_read_those_who_left_too(desk: Desk, connect: Connect) -> None:
    dates = {
        "createdAt": "2026-01-05T15:00:00.000Z",
        "updatedAt": "2026-01-05T15:00:00.000Z",
        "type": "PERSON",
    }
    owners = [
        {"id": "1", "firstName": "Dana", "lastName": "Fox", "archived": False} | dates,
        {"id": "2", "firstName": "Mark", "archived": True} | dates,
        {"id": "3", "email": "new@example.org", "archived": False} | dates,
    ]
    with desk.served(stand_in({"owners": owners}, page=1)) as service:
        assert connect(service.api).owners() == {
            "1": Owner("1", "Dana Fox", True),
            "2": Owner("2", "Mark", False),
            "3": Owner("3", "owner 3", True),
        }


def test_links_lead_to_the_records_page_where_the_account_is_known() -> None:
    pages = Pages("41", "https://app-eu1.hubspot.com/")
    assert pages.of("contacts", "7") == "https://app-eu1.hubspot.com/contacts/41/record/0-1/7"
    assert pages.of("deals", "7") == "https://app-eu1.hubspot.com/contacts/41/record/0-3/7"
    assert pages.of("tickets", "7") is None
    assert Pages(None, "https://app.hubspot.com").of("contacts", "7") is None


# ---------------------------------------------------------------- rate limits, failures, refusals


def test_a_429_is_waited_for_as_long_as_it_asks(desk: Desk, connect: Connect) -> None:
    with desk.served(stand_in({"contacts": some(1)}, busy=2, retry_after="0.2")) as service:
        started = time.monotonic()
        assert ids(connect(service.api).search("contacts", properties=[])) == ["1"]
        assert time.monotonic() - started >= 0.4
        assert [said.status for _, said in service.exchanges] == [429, 429, 200]


def test_a_429_that_asks_for_too_long_a_wait_is_left_to_a_later_try(desk: Desk, connect: Connect) -> None:
    with desk.served(stand_in({}, busy=1, retry_after="61")) as service:
        with pytest.raises(TransientError, match=r"rate limit .*secondly limit") as caught:
            ids(connect(service.api).search("contacts", properties=[]))
        assert caught.value.retry_after == timedelta(seconds=61)
        assert len(service.exchanges) == 1


def test_a_service_that_is_busy_for_ever_is_not_asked_for_ever(desk: Desk, connect: Connect) -> None:
    for retry_after in ("0", None, "soon"):
        with desk.served(stand_in({}, busy=1_000, retry_after=retry_after)) as service:
            with pytest.raises(TransientError, match="rate limit"):
                ids(connect(service.api, max_wait_s=0.05).search("contacts", properties=[]))
            assert len(service.exchanges) <= 7


def test_the_daily_limit_is_never_waited_for(desk: Desk, connect: Connect) -> None:
    with desk.served(stand_in({}, busy=1, policy="DAILY", retry_after=None)) as service:
        with pytest.raises(TransientError, match="daily limit") as caught:
            ids(connect(service.api).search("contacts", properties=[]))
        assert caught.value.retry_after is None


def test_a_passing_failure_is_tried_again_and_a_lasting_one_told(desk: Desk, connect: Connect) -> None:
    with desk.served(stand_in({"contacts": some(1)}, broken=2)) as service:
        assert ids(connect(service.api).search("contacts", properties=[])) == ["1"]
    with desk.served(stand_in({}, broken=3)) as service:
        with pytest.raises(TransientError, match="answers 500 to POST /crm/v3/objects/contacts/search"):
            ids(connect(service.api).search("contacts", properties=[]))
        assert len(service.exchanges) == 3


def test_a_refused_token_and_a_missing_scope_say_what_to_do(desk: Desk, connect: Connect) -> None:
    expected: list[tuple[dict[str, Any], str]] = [
        ({"expired": True}, r"HUBSPOT_ACCESS_TOKEN \(401 EXPIRED_AUTHENTICATION.*expired 5 minute"),
        ({"lacks": "crm.objects.deals.read"}, r"lacks crm\.objects\.deals\.read \(403 MISSING_SCOPES at GET"),
    ]
    for options, told in expected:
        with desk.served(stand_in({}, **options)) as service, pytest.raises(PermanentError, match=told):
            ids(connect(service.api).listing("deals", properties=[]))
    with desk.served(stand_in({})) as service:
        hubspot = connect(service.api, token="another")  # noqa: S106
        with pytest.raises(PermanentError, match="401 INVALID_AUTHENTICATION") as caught:
            ids(hubspot.listing("deals", properties=[]))
        assert "another" not in str(caught.value), "a token is never told"


def test_a_stand_in_for_newcomers_takes_any_token_but_wants_one(desk: Desk, connect: Connect) -> None:
    with desk.served(StandInHubSpot({"contacts": some(1)}, token=None)) as service:
        assert ids(connect(service.api, token="anything").search("contacts", properties=[])) == ["1"]  # noqa: S106
        said = httpx.get(f"{service.api}/crm/v3/owners", trust_env=False)
        assert (said.status_code, said.json()["category"]) == (401, "INVALID_AUTHENTICATION")


def test_a_refused_question_is_told_with_hubspots_reference(desk: Desk, connect: Connect) -> None:
    unknown: list[dict[str, Any]] = [{"propertyName": "x", "operator": "CONTAINS_TOKEN", "value": "y"}]
    told = "400 VALIDATION_ERROR: .*CONTAINS_TOKEN.*reference aeb5f871"
    with desk.served(stand_in({"contacts": some(1)})) as service, pytest.raises(PermanentError, match=told):
        ids(connect(service.api).search("contacts", properties=[], groups=[unknown]))


def test_the_budget_of_requests_and_of_time_ends_a_run(desk: Desk, connect: Connect) -> None:
    with desk.served(stand_in({"contacts": some(9)}, page=1)) as service:
        with pytest.raises(PermanentError, match="raise `max_requests`"):
            ids(connect(service.api, max_requests=4).search("contacts", properties=[]))
        assert len(service.exchanges) == 4
        with pytest.raises(TransientError, match="raise `max_seconds`"):
            ids(connect(service.api, max_seconds=0).search("contacts", properties=[]))


# ---------------------------------------------------------------- answers of another shape


def answering(answer: bytes | Any, status: int = 200, headers: Mapping[str, str] | None = None) -> StandIn:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return lambda _: Answered(status, body, {"Content-Type": "application/json", **(headers or {})})


@pytest.fixture
def served_anyhow(desk: Desk) -> Callable[[StandIn], Any]:
    """Serves what HubSpot wouldn't say: held against no file."""
    return desk.served_anyhow


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "is no JSON"),
        (b'{"results": [{"id": "1", "prop', "is no JSON .*begins"),
        (b"<html>Sign in</html>", "is no JSON .*begins '<html>Sign in</html>'"),
        (b"[" * 100_000, "is no JSON"),
        ([], r"search: expected an object, got \[\]"),
        ({}, "results: expected a list, got None"),
        ({"results": {}}, "results: expected a list, got {}"),
        ({"results": [7]}, r"results\[0\]: expected an object, got 7"),
        ({"results": [{"id": "1"}]}, r"results\[0\]\.properties: expected an object"),
        ({"results": [{"properties": {}}]}, r"results\[0\]\.id: expected an id, got None"),
        ({"results": [{"id": True, "properties": {}}]}, r"expected an id, got True"),
        ({"results": [], "paging": {"next": {}}}, r"paging\.next: expected an id"),
        ({"results": [], "paging": 3}, "paging: expected an object, got 3"),
        ({"results": [], "paging": {"next": {"after": "5"}}}, "goes round in circles at '5'"),
        (
            {"results": [], "paging": {"next": {"after": "9900"}}},
            "isn't in order of id: some would be missed",
        ),
        (
            {"results": [{"id": n, "properties": {}} for n in (5, 3)], "paging": {"next": {"after": "9900"}}},
            "isn't in order of id: some would be missed",
        ),
        (
            {"results": [{"id": "1", "properties": {}}], "paging": {"next": {"after": "0"}}},
            "round in circles",
        ),
    ],
)
def test_an_answer_of_another_shape_is_told_by_its_place(
    answer: Any, told: str, served_anyhow: Callable[[StandIn], Any], connect: Connect
) -> None:
    with served_anyhow(answering(answer)) as service, pytest.raises(PermanentError, match=told):
        ids(connect(service.api).search("contacts", properties=[]))


def test_ids_that_come_as_numbers_are_ids_all_the_same(
    served_anyhow: Callable[[StandIn], Any], connect: Connect
) -> None:
    tie = {"from": {"id": "1"}, "to": [{"toObjectId": 9007199254740993, "associationTypes": []}]}
    with served_anyhow(answering({"status": "COMPLETE", "results": [tie]})) as service:
        found = dict(connect(service.api).associations("contacts", "companies", ["1"]))
    assert found == {"1": ("9007199254740993",)}


def test_a_part_of_a_batch_that_failed_is_an_error_and_no_absence(
    served_anyhow: Callable[[StandIn], Any], connect: Connect
) -> None:
    part = {"status": "error", "category": "RATE_LIMITS", "message": "slow down"}
    answer = answering({"status": "COMPLETE", "results": [], "errors": [part]}, 207)
    with served_anyhow(answer) as service, pytest.raises(PermanentError, match="RATE_LIMITS: slow down"):
        ids(connect(service.api).read("contacts", ["1"], properties=[]))


def test_too_large_an_answer_and_a_redirect_are_refused(
    served_anyhow: Callable[[StandIn], Any], connect: Connect
) -> None:
    big = answering({"results": [{"id": "1", "properties": {"a": "x" * 5_000}}]})
    with served_anyhow(big) as service, pytest.raises(PermanentError, match="more than 1,000 bytes"):
        ids(connect(service.api, max_bytes=1_000).search("contacts", properties=[]))
    away = answering({}, 302, {"Location": "http://127.0.0.1:9/elsewhere"})
    with served_anyhow(away) as service, pytest.raises(PermanentError, match=r"redirect .302., which isn't"):
        ids(connect(service.api).search("contacts", properties=[]))


def test_an_error_without_an_envelope_is_told_all_the_same(
    served_anyhow: Callable[[StandIn], Any], connect: Connect
) -> None:
    for body in (b"", b"[]", b"Bad gateway", b'{"errors": "x", "message": null}'):
        with (
            served_anyhow(answering(body, 400)) as service,
            pytest.raises(PermanentError, match="400: it says no"),
        ):
            ids(connect(service.api).search("contacts", properties=[]))


def test_a_service_that_is_not_there_or_no_address_at_all_is_told(connect: Connect) -> None:
    with pytest.raises(TransientError, match="can't be reached"):
        ids(connect("http://127.0.0.1:9").search("contacts", properties=[]))
    with pytest.raises(PermanentError, match="`api` is no address"):
        ids(connect("hubspot").search("contacts", properties=[]))


def test_an_answer_that_takes_too_long_is_given_up(
    served_anyhow: Callable[[StandIn], Any], connect: Connect
) -> None:
    def slow(_: Asked) -> Answered:
        time.sleep(0.5)
        return Answered(200, b"{}")

    with served_anyhow(slow) as service:
        with pytest.raises(TransientError, match=r"didn't answer .* in 0\.1 s"):
            ids(connect(service.api, timeout_s=0.1).search("contacts", properties=[]))
        while not service.exchanges:  # or the late answer would be counted to the next test
            time.sleep(0.02)


# ---------------------------------------------------------------- what holds the exchanges to the files


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "answer", "told"),
    [
        ("POST", "/crm/v3/objects/contacts/serch", {}, {}, {}, "no such path"),
        ("PUT", "/crm/v3/objects/contacts/search", {}, {}, {}, "no such path"),
        (
            "GET",
            "/crm/v3/objects/contacts",
            {"limits": ["5"]},
            None,
            {"results": []},
            "'limits' isn't published",
        ),
        ("GET", "/crm/v3/objects/contacts", {"limit": ["x"]}, None, {"results": []}, "'limit' is no number"),
        ("GET", "/crm/v3/owners", {"archived": ["no"]}, None, {"results": []}, "neither true nor false"),
        (
            "GET",
            "/crm/v3/objects/emails",
            {},
            None,
            {"results": [{"id": 1}]},
            "answer: at .*required property",
        ),
        ("GET", "/crm/v3/objects/emails", {}, None, {"result": []}, "'result' was unexpected"),
        ("POST", "/crm/v3/objects/0-3/search", {}, {"after": 0}, {"total": 0, "results": []}, "request: at "),
    ],
)
def test_an_exchange_that_hubspot_does_not_publish_is_found_out(
    method: str, path: str, query: dict[str, list[str]], body: Any, answer: Any, told: str
) -> None:
    asked = Asked(method, path, query, {}, b"" if body is None else json.dumps(body).encode())
    found = mistakes([(asked, Answered.of_json(200, answer))])
    assert any(re.search(told, one) for one in found), found
