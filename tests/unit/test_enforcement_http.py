"""Which request is allowed: the decision alone, on what would be sent."""

from pathlib import Path

import httpx
import pytest

from loom.domain.enforcement import Refusal
from loom.domain.rules import HttpAllowance, HttpRule
from loom.enforcement.guarding.client import asked_by
from loom.enforcement.judges.http import Asked, decide_http
from loom.enforcement.reading.loader import load

SHIPPED = load(Path(__file__).parents[2] / "enforcement").of(HttpRule)
EVERYTHING = HttpAllowance(("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"), ("/**",))
READING = HttpAllowance(("GET", "HEAD"), ("/**",))


def rule(*hosts: str, allow: HttpAllowance = READING, id: str = "a-rule", to: str = "*") -> HttpRule:
    return HttpRule(id=id, applies_to=(to,), hosts=hosts, allow=(allow,), why="because")


def ask(
    method: str, url: str, *rules: HttpRule, headers: dict[str, str] | None = None, worker: str = "echo"
) -> Refusal | None:
    asked = asked_by(httpx.Request(method, url, headers=headers))
    return decide_http(rules or SHIPPED, worker, "Echo", asked)


def ask_raw(method: str, target: str, *rules: HttpRule, host: str = "api.hubapi.com") -> Refusal | None:
    asked = Asked(method, "https", host, 443, target, (("Host", host),))
    return decide_http(rules or SHIPPED, "echo", "Echo", asked)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/crm/v3/objects/contacts"),
        ("HEAD", "/crm/v3/objects/contacts/1"),
        ("GET", "/crm/v3/objects/contacts/search/../"),
        ("get", "/crm/v3/objects/0-1?limit=100&after=x%2Fy"),
        ("POST", "/crm/v3/objects/contacts/search"),
        ("POST", "/crm/v3/objects/2-1234/search?archived=false"),
        ("POST", "/crm/v3/objects/companies/batch/read"),
        ("POST", "/crm/v3/associations/Contacts/Companies/batch/read"),
        ("POST", "/crm/v4/associations/contacts/deals/batch/read"),
        ("POST", "/crm/v3/objects/p_caf%C3%A9/search"),
        ("POST", "/crm/v3/objects/km%E2%81%84h%EF%BC%8F%EF%BC%83%E2%80%A6/search"),
        ("POST", "/crm/v3/objects/contacts/search?method=delete&a.method=delete"),
    ],
)
def test_hubspot_may_be_read(method: str, path: str) -> None:
    assert ask(method, f"https://api.hubapi.com{path}") is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/crm/v3/objects/contacts"),
        ("PATCH", "/crm/v3/objects/contacts/1"),
        ("PUT", "/crm/v4/objects/contacts/1/associations/default/companies/2"),
        ("DELETE", "/crm/v3/objects/contacts/1"),
        ("POST", "/crm/v3/objects/contacts/batch/create"),
        ("POST", "/crm/v3/objects/contacts/batch/upsert"),
        ("POST", "/crm/v3/objects/contacts/batch/archive"),
        ("POST", "/crm/v3/objects/contacts/merge"),
        ("POST", "/crm/v4/associations/contacts/deals/batch/create"),
        ("POST", "/contacts/v1/contact"),
        ("DELETE", "/crm/v3/objects/contacts/search"),
        ("PUT", "/crm/v3/objects/contacts/batch/read"),
        ("OPTIONS", "/crm/v3/objects/contacts"),
        ("CONNECT", "/"),
        ("TRACE", "/"),
        ("BREW", "/crm/v3/objects/contacts/search"),
        ("POST /", "/crm/v3/objects/contacts/search"),
    ],
)
def test_hubspot_may_not_be_written(method: str, path: str) -> None:
    refusal = ask_raw(method, path)
    assert refusal is not None
    assert refusal.rule == "hubspot-read-only"
    assert "never change" in refusal.why


@pytest.mark.parametrize(
    "target",
    [
        "/crm/v3/objects/contacts/search/../",
        "/crm/v3/objects/contacts/search/../batch/create",
        "/crm/v3/objects/../objects/contacts/search",
        "/crm/v3/objects/contacts/./search",
        "/crm/v3/objects/%2e%2e/search",
        "/crm/v3/objects/.%2E/search",
        "/crm/v3/objects/%252e%252e/search",
        "/crm/v3/objects//search",
        "//crm/v3/objects/contacts/search",
        "/crm/v3/objects/contacts//search",
        "/crm/v3/objects/contacts/search/",
        "/crm/v3/objects/contacts/search//",
        "/crm/v3/objects/contacts%2Fbatch%2Fcreate/search",
        "/crm/v3/objects/contacts%2fsearch",
        "/crm/v3/objects/contacts%5C..%5Cx/search",
        "/crm/v3/objects/contacts\\..\\x/search",
        "/crm/v3/objects/contacts;a=b/search",
        "/crm/v3/objects/contacts%3Ba/search",
        "/crm/v3/objects/contacts/search;/../../batch/create",
        "/crm/v3/objects/contacts%23/search",
        "/crm/v3/objects/contacts#/search",
        "/crm/v3/objects/contacts%3F/batch/create?/search",
        "/crm/v3/objects/a%00b/search",
        "/crm/v3/objects/a%0d%0ab/search",
        "/crm/v3/objects/a%20b/search",
        "/crm/v3/objects/%/search",
        "/crm/v3/objects/%zz/search",
        "/crm/v3/objects/%c0%ae%c0%ae/search",
        "/CRM/v3/objects/contacts/search",
        "/crm/v3/objects/contacts/SEARCH",
        "/x/crm/v3/objects/contacts/search",
        "/crm/v3/objects/contacts/search/x",
        "crm/v3/objects/contacts/search",
        "https://api.hubapi.com/crm/v3/objects/contacts/search",
        "*",
        "",
        "/crm/v3/objects/contacts/search?_method=DELETE",
        "/crm/v3/objects/contacts/search?a=1;_method=put",
        "/crm/v3/objects/contacts/search?%5Fmethod=PATCH",
        "/crm/v3/objects/contacts/search?.method=PATCH",
        "/crm/v3/objects/contacts/search?+[method=PATCH",
        "/crm/v3/objects/%EF%BC%8E%EF%BC%8E/search",
        "/crm/v3/objects/%E2%80%A5/search",
        "/crm/v3/objects/..%E2%88%95x/search",
    ],
)
def test_no_spelling_of_a_path_makes_a_write_look_like_a_search(target: str) -> None:
    refusal = ask_raw("POST", target)
    assert refusal is not None
    assert refusal.rule == "hubspot-read-only"


def test_a_parameter_for_another_method_means_nothing_in_a_get() -> None:
    assert ask("GET", "https://api.hubapi.com/crm?_method=delete") is None


def test_an_escaped_letter_is_the_letter_itself() -> None:
    assert ask_raw("POST", "/crm/v3/objects/contacts/s%65arch") is None


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "x-http-method", "X-METHOD-OVERRIDE"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_header_that_asks_for_another_method_counts_as_that_method(name: str, method: str) -> None:
    url = "https://api.hubapi.com/crm/v3/objects/contacts/search"
    refusal = ask(method, url, headers={name: " delete "})
    assert refusal is not None
    assert refusal.rule == "hubspot-read-only"
    assert "DELETE" in refusal.why
    assert ask("POST", url, headers={name: "GET"}) is None


@pytest.mark.parametrize("name", ["X-Original-URL", "X-Rewrite-Url"])
def test_a_header_that_asks_for_another_path_is_refused(name: str) -> None:
    refusal = ask("GET", "https://api.hubapi.com/", headers={name: "/crm/v3/objects/contacts/batch/create"})
    assert refusal is not None
    assert name.lower() in refusal.why.lower()


@pytest.mark.parametrize(
    "host",
    [
        "API.HubApi.com",
        "api.hubapi.com.",
        "api.hubapi.com:443",
        "user:secret@api.hubapi.com",
        "api。hubapi.com",
    ],
)
def test_every_spelling_of_the_host_is_the_host(host: str) -> None:
    assert ask("GET", f"https://{host}/crm") is None
    refusal = ask("POST", f"https://{host}/crm/v3/objects/contacts")
    assert refusal is not None
    assert refusal.rule == "hubspot-read-only"
    assert "secret" not in str(refusal)


@pytest.mark.parametrize(
    "host",
    [
        "api.hubapi.com.evil.example",
        "api.hubapi.com@evil.example",
        "evilapi.hubapi.com.example",
        "api.hubapi.com\\@evil.example",
        "api.hubapi.com%2eevil.example",
        "xapi-hubapi.com",
        "api.hubapi.com:8443",
        "api.hubapi.com..",
    ],
)
def test_a_host_that_only_looks_like_a_granted_one_is_refused(host: str) -> None:
    refusal = ask("GET", f"https://{host}/crm")
    assert refusal is not None
    assert refusal.rule == "guard"


@pytest.mark.parametrize("host", ["api.hubapi.com", "eu1.hubapi.com", "app.hubspot.com", "api.hsforms.com"])
def test_no_host_of_hubspot_is_opened_by_a_rule_for_everything(host: str) -> None:
    rules = (rule("*", allow=EVERYTHING, id="anything"), *SHIPPED)
    refusal = ask("POST", f"https://{host}/submissions/v3/x", *rules)
    assert refusal is not None
    assert refusal.rule == "hubspot-read-only"
    assert ask("POST", "https://elsewhere.example/x", *rules) is None


def test_what_one_rule_denies_no_other_rule_of_the_same_host_allows() -> None:
    open_rule = rule("api.hubapi.com", allow=EVERYTHING, id="open")
    url = "https://api.hubapi.com/crm/v3/objects/contacts"
    for rules in ((open_rule, *SHIPPED), (*SHIPPED, open_rule)):
        refusal = ask("DELETE", url, *rules)
        assert refusal is not None
        assert refusal.rule == "hubspot-read-only"


def test_a_read_only_rule_for_every_host_does_not_close_a_search_that_another_rule_names() -> None:
    url = "https://api.hubapi.com/crm/v3/objects/contacts/search"
    assert ask("POST", url, worker="media-distribution") is None
    assert ask("GET", "https://example.org/feed", worker="media-distribution") is None


def test_the_hubspot_api_is_asked_by_https_only() -> None:
    assert ask("GET", "http://api.hubapi.com/crm") is not None
    assert ask("GET", "http://www.hubspot.com/") is None


def test_a_host_that_no_rule_names_is_refused_and_the_refusal_says_which_file_to_add() -> None:
    refusal = ask("GET", "https://example.org/page?token=abc")
    assert refusal is not None
    assert refusal.act == "GET https://example.org/page"
    assert "'echo' names example.org" in refusal.why
    assert "enforcement/rules/" in refusal.why
    assert "enforcement/manifest.yaml" in refusal.why


def test_a_rule_is_for_those_it_names_by_id_glob_or_agent_in_any_case() -> None:
    url = "https://example.org/"
    for to in ("echo", "ec*", "Echo", "ECHO"):
        assert ask("GET", url, rule("*", to=to)) is None
    for to in ("echo2", "sentinel", "e", "[!e]*"):
        assert ask("GET", url, rule("*", to=to)) is not None


@pytest.mark.parametrize(
    ("pattern", "url", "allowed"),
    [
        ("example.org", "http://example.org/", True),
        ("example.org", "https://example.org/", True),
        ("example.org", "https://example.org:8443/", False),
        ("example.org", "https://www.example.org/", False),
        ("example.org:8443", "https://example.org:8443/", True),
        ("example.org:8443", "https://example.org/", False),
        ("*.example.org", "https://a.b.example.org/", True),
        ("*.example.org", "https://example.org/", False),
        ("*.example.org", "https://badexample.org/", False),
        ("*", "https://example.org:8443/", False),
        ("*:8443", "https://example.org:8443/", True),
        ("127.0.0.1:8000", "http://127.0.0.1:8000/", True),
        ("127.0.0.1:8000", "http://2130706433:8000/", True),
        ("[::1]:8000", "http://[::1]:8000/", True),
        ("[::1]:8000", "http://[0:0::1]:8000/", True),
        ("[::1]", "http://[::1]/", True),
    ],
)
def test_a_host_pattern_means_what_the_docstring_says(pattern: str, url: str, allowed: bool) -> None:
    assert (ask("GET", url, rule(pattern)) is None) is allowed


@pytest.mark.parametrize(
    ("pattern", "target", "allowed"),
    [
        ("/**", "/", True),
        ("/**", "/a/../b//c;d?e", True),
        ("/a/**", "/a/b", True),
        ("/a/**", "/a/b/c/", True),
        ("/a/**", "/a/", True),
        ("/a/**", "/a", False),
        ("/a/**", "/ab/c", False),
        ("/a/**", "/a/../b", False),
        ("/a/**", "/a/%2e%2e/b", False),
        ("/a/*", "/a/b", True),
        ("/a/*", "/a/", False),
        ("/a/*", "/a/b/c", False),
        ("/a/", "/a/", True),
        ("/a/", "/a", False),
        ("/", "/", True),
        ("/", "/a", False),
    ],
)
def test_a_path_pattern_means_what_the_docstring_says(pattern: str, target: str, allowed: bool) -> None:
    only = rule("api.hubapi.com", allow=HttpAllowance(("POST",), (pattern,)))
    assert (ask_raw("POST", target, only) is None) is allowed


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "0.0.0.0",  # noqa: S104  (asked, not bound)
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[ff02::1]",
    ],
)
def test_a_wildcard_never_reaches_an_address_that_is_not_public(host: str) -> None:
    asked = Asked("GET", "http", host, 80, "/", (("Host", host),))
    refusal = decide_http((rule("*"),), "echo", None, asked)
    assert refusal is not None
    assert refusal.rule == "guard"
    assert "names" in refusal.why


@pytest.mark.parametrize(
    "host", ["93.184.215.14", "[2606:2800:21f:cb07:6820:80da:af6b:8b2c]", "[64:ff9b::808:808]"]
)
def test_a_wildcard_reaches_public_addresses(host: str) -> None:
    assert ask("GET", f"http://{host}/", rule("*")) is None


def test_a_request_that_names_another_host_in_its_header_is_refused() -> None:
    url = "https://example.org/"
    refusal = ask("GET", url, rule("*"), headers={"Host": "api.hubapi.com"})
    assert refusal is not None
    assert "Host header" in refusal.why
    for same in ("example.org", "EXAMPLE.org.", "example.org:443"):
        assert ask("GET", url, rule("*"), headers={"Host": same}) is None
    for other in ("example.org:80", "example.org:443:443", "", "example.org:²"):
        headers = (("Host", other),)
        assert decide_http(
            (rule("*"),), "echo", None, Asked("GET", "https", "example.org", 443, "/", headers)
        )
    two = (("Host", "example.org"), ("host", "example.org"))
    assert decide_http((rule("*"),), "echo", None, Asked("GET", "https", "example.org", 443, "/", two))


@pytest.mark.parametrize("scheme", ["ws", "wss", "ftp", ""])
def test_only_http_and_https_are_spoken(scheme: str) -> None:
    refusal = decide_http((rule("*"),), "echo", None, Asked("GET", scheme, "example.org", 443, "/"))
    assert refusal is not None
    assert "expected http or https" in refusal.why
