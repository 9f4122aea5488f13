"""The folder that ships: what is in force, and that findings stay useful under it."""

from pathlib import Path
from typing import Any

import pytest

from loom.domain.enforcement import OutputRuling
from loom.domain.rules import HttpRule, OutputRule
from loom.enforcement.guarding.guard import RunGuard
from loom.enforcement.reading.loader import load
from tests.ground.rules import NOWHERE

CONTEXT = load(Path(__file__).parents[2] / "enforcement")


def ruling(output: Any) -> OutputRuling:
    return RunGuard(CONTEXT, worker_id="sentinel", agent=None, places=NOWHERE).rule_on(output)


def test_hubspot_is_read_only_for_every_worker() -> None:
    (rule,) = [rule for rule in CONTEXT.of(HttpRule) if rule.id == "hubspot-read-only"]
    assert rule.applies_to == ("*",)
    assert {"api.hubapi.com", "*.hubapi.com", "*.hubspot.com"} <= set(rule.hosts)
    assert {method for allowance in rule.allow for method in allowance.methods} == {"GET", "HEAD", "POST"}


def test_the_manifest_holds_every_rule_and_guidance_to_its_bytes() -> None:
    manifest = (Path(__file__).parents[2] / "enforcement" / "manifest.yaml").read_text()
    held = {file: f"sha256: {sha256}" in manifest for file, sha256 in CONTEXT.sha256.items()}
    assert held.pop("manifest.yaml") is False
    assert set(held.values()) == {True}
    assert "rules/hubspot-read-only.yaml" in held


def test_the_shipped_rules_are_those_the_design_asks_for() -> None:
    assert {
        "hubspot-read-only",
        "web-read-only",
        "no-secrets-in-outputs",
        "no-personal-data-in-outputs",
        "honesty",
    } <= set(CONTEXT.rule_ids)
    assert [rule.action for rule in CONTEXT.of(OutputRule) if rule.id == "no-secrets-in-outputs"] == [
        "reject"
    ]
    assert [rule.action for rule in CONTEXT.of(OutputRule) if rule.id == "no-personal-data-in-outputs"] == [
        "redact"
    ]


def test_no_shipped_rule_grants_more_than_reading() -> None:
    for rule in CONTEXT.of(HttpRule):
        for allowance in rule.allow:
            for path in allowance.paths:
                writes = set(allowance.methods) - {"GET", "HEAD"}
                assert not writes or path.endswith(("/search", "/batch/read")), rule.id


def test_the_honesty_guidance_is_handed_over_whole() -> None:
    (honesty,) = CONTEXT.guidance
    assert honesty.text == (Path(__file__).parents[2] / "enforcement/guidance/honesty.md").read_text()
    for promise in ("Never make anything up", "what you didn't check", "evidence"):
        assert promise in honesty.text


# Put together from parts, so that nobody's scanner takes this file for a leak.
HEX = "0123456789abcdef"
SECRETS = {
    "HubSpot token": "-".join(["pat", "na1", "550e8400", "e29b", "41d4", "a716", "446655440000"]),
    "GitHub token": "ghp" + "_" + (HEX * 3)[:36],
    "Anthropic key": "sk" + "-ant-" + "api03-" + HEX * 2,
    "AWS access key": "AKIA" + "IOSFODNN7" + "EXAMPLE",
    "Google key": "AIza" + ("SyA-_" + HEX * 3)[:35],
    "Slack token": "xoxb" + "-1234567890-" + HEX,
    "Stripe key": "sk" + "_live_" + HEX,
    "private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "signed token (JWT)": ".".join(
        ["eyJ" + "hbGciOiJIUzI1NiJ9", "eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0", HEX * 2]
    ),
    "password in an address": "postgres://loom:" + "hunter2-hunter2" + "@db.example/x",
}


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    "frame", ["{}", "token={}", "Bearer {}.", '"{}"', "see ({}), please", "https://x/?k={}&a=1"]
)
def test_an_output_with_a_secret_is_refused(name: str, frame: str) -> None:
    found = ruling({"summary": "1 checked", "findings": [{"detail": frame.format(SECRETS[name])}]})
    assert found.refusal is not None
    assert found.refusal.rule == "no-secrets-in-outputs"
    assert found.refusal.act == f"an output with a {name} in findings.0.detail"
    assert SECRETS[name] not in repr(found)


@pytest.mark.parametrize("token", ["gho", "ghu", "ghs", "ghr"])
def test_every_family_of_github_tokens_is_known(token: str) -> None:
    assert ruling(f"{token}_{(HEX * 3)[:36]}").refusal is not None
    assert ruling("github" + "_pat_" + HEX * 4).refusal is not None


@pytest.mark.parametrize("kind", ["proj-", "svcacct-", ""])
def test_every_family_of_model_keys_is_known(kind: str) -> None:
    assert ruling("sk-" + kind + (HEX * 3)[:40]).refusal is not None


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn-is-a-library-with-quite-a-long-name-indeed",
        "https://example.org/sk-bratislava-old-town-hall-and-museum-visit",
        "task-550e8400e29b41d4a716446655440000",
        "commit 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
        "pattern-memory-analyzer",
        "pat-na1 is how HubSpot tokens begin",
        "-----BEGIN CERTIFICATE-----",
        "https://example.org:8443/a@b",
        "eyJ is how a JWT begins",
        "AKIA",
    ],
)
def test_what_only_resembles_a_secret_passes(text: str) -> None:
    assert ruling({"detail": text}).refusal is None


PERSONAL = [
    "a@b.org",
    "jane.doe+tag@sub.example.co.uk",
    "user%40example.com",
    "x_y@example.com",
    "müller@bücher.de",
    "o'neil@example.ie",
    "user@163.com",
    "+1 312 555 0142",
    "+13125550142",
    "+1 (312) 555-0142",
    "+1.312.555.0142",
    "+49 30 901820",
    "+49 (0)30 901820",
    "+44 20 7946 0958",
    "+33 1 23 45 67 89",
    "+47 21 09 00 00",
    "+55 (11) 91234-5678",
    "(312) 555-0142",
    "312-555-0142",
    "312.555.0142",
    "1-312-555-0142",
    "4111 1111 1111 1111",
    "4111111111111111",
    "378282246310005",
    "5555-5555-5555-4444",
    "6011111111111117",
    "30569309025904",
]
LABELLED = [
    "phone: 312 555 0142",
    "Phone number is 020 7946 0958",
    "tel:+13125550142",
    "mobile 0151/12345678",
    "fax (020) 7946 0958",
]


@pytest.mark.parametrize("text", [*PERSONAL, *LABELLED])
@pytest.mark.parametrize("frame", ["{}", "see {} now", "{}.", "({})", '"{}",', "<{}>", "a\n{}\nb", "[{}]"])
def test_personal_data_is_blanked_whole(text: str, frame: str) -> None:
    found = ruling({"detail": frame.format(text)})
    assert found.refusal is None
    assert len(found.redacted) == 1
    blanked = found.value["detail"]
    assert "redacted]" in blanked
    assert not any(character.isdigit() or character == "@" for character in blanked), blanked


USEFUL = [
    "2026-11-21",
    "11-21-2026",
    "21.11.2026",
    "1/2/2026",
    "2026-11-21T08:00:00+00:00",
    "2026-11-21T08:00:00-06:00",
    "12:30:45",
    "00:00:00.123456",
    "UTC-06:00",
    "+00:00",
    "1763712345",
    "1763712345678",
    "v1.2.3",
    "phone 7.1.2",
    "10.0.19045.3803",
    "192.168.100.200",
    "2001:db8::8a2e:370:7334",
    "1,234,567",
    "1.234.567,89",
    "12345678901",
    "#1234567",
    "7123456789012345678",
    "4111111111111112",
    "550e8400-e29b-41d4-a716-446655440000",
    "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
    "sha256:0123456789012345678901234567890123456789012345678901234567890123",
    "worker/2026-11-21T06:00:00-06:00",
    "/var/log/app-2026-11-21.log",
    "workers/sources/hubspot.py:312",
    "docs/312-555-0142.md",
    "https://example.org/p/2026/11/21/post-312-555-0142",
    "https://example.org/4111111111111111/photo",
    "https://example.org/a?id=3125550142&page=12",
    "https://www.youtube.com/@channel/videos",
    "https://medium.com/@user/post-1234567890",
    "https://unpkg.com/react@18.2.0/umd/react.production.min.js",
    "https://app.hubspot.com/contacts/12345678/record/0-1/12345678901",
    "git@github.com:org/repo.git",
    "icon@2x.png",
    "bootstrap@5.3.0-beta.min.css",
    "actions/checkout@v4.1.0",
    "@scope/pkg@1.2.3",
    "@handle",
    "a@b",
    "urn:li:share:7123456789012345678",
    "10.1000/182.555.0142",
    "978-3-16-148410-0",
    "312-555-01423",
    "404-555",
    "200 301 404 500",
    "5 of 11",
    "100-200 pages",
    "2025-2026",
    "3.14159265358979",
    "99.999 %",
    "+15%",
    "+1234 -567 lines",
    "+1234567.891 ms",
    "+20261121",
    "lat +41.8781140, lon -87.629798",
    "C++20",
    "cell 3 of 7",
    "phone numbers found: 12",
    "tel 2026-11-21",
    "at least 3125550142 rows",
]


@pytest.mark.parametrize("text", USEFUL)
def test_what_a_finding_needs_is_not_taken_for_personal_data(text: str) -> None:
    output = {"a": text, "b": f"Found {text} here", "c": f"({text})", "d": f"{text}, {text}.", text: "e"}
    assert ruling(output) == OutputRuling(output)
