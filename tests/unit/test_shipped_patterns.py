"""The patterns that ship with Loom find what they are for, wherever and however it is written."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loom.domain.enforcement import OutputRuling, of_files
from loom.domain.rules import OutputPattern, OutputRule
from loom.enforcement.folder import digest_of
from loom.enforcement.judges.checks import iban
from loom.enforcement.judges.output import rule_on
from loom.enforcement.reading.kinds.output import schema
from loom.enforcement.reading.loader import load
from loom.enforcement.reading.patterns.catalogue import NAMES, SHIPPED, shipped, text_digest
from loom.enforcement.reading.sealing import seal
from loom.errors import EnforcementError
from tests.ground.secrets import CREDENTIALS, TOKENS

ROOT = Path(__file__).parents[2]
RULES = load(ROOT / "enforcement").of(OutputRule)


def asking(*names: str, action: str = "redact") -> OutputRule:
    patterns = tuple(pattern for name in names for pattern in shipped(name))
    return OutputRule(id="a-rule", action=action, patterns=patterns, why="because")


def ruling(output: Any) -> OutputRuling:
    return rule_on(RULES, output)


FRAMES = {
    "alone": "{}",
    "prose": "The token is {}, which nobody may see.",
    "the end of a sentence": "Found {}.",
    "JSON": '{{"token": "{}", "n": 1}}',
    "JSON in JSON": '{{\\"token\\":\\"{}\\"}}',
    "an address": "https://example.org/x?page=2&k={}&a=1",
    "an encoded address": "https://example.org/login?next=%2Fx%3Fk%3D{}%26a%3D1",
    "code": "token = '{}'  # mine",
    "a shell": 'curl -H "X-Api-Key: {}" https://example.org',
    "a log": "2026-11-21T06:00:00Z ERROR auth failed token={} status=401",
    "escaped lines": "line one\\n{}\\nline three",
    "lines": "one\n{}\nthree",
    "the beginning": "{} is the one",
    "markdown": "`{}`",
    "brackets": "<{}> (of) [three]",
    "a list": "a,{},b",
}


SECRETS = TOKENS + CREDENTIALS
NUMBERED = [f"{use}-{n}" for n, (use, _, _) in enumerate(SECRETS)]  # a token isn't a test's name


@pytest.mark.parametrize(("use", "before", "secret"), SECRETS, ids=NUMBERED)
def test_a_token_is_found_wherever_it_stands_and_blanked_whole(use: str, before: str, secret: str) -> None:
    after = "@db.example/x" if use == "password-in-address" else ""
    for place, frame in FRAMES.items():
        found = rule_on([asking(use)], frame.format(before + secret + after))
        (name,) = {
            each.name for each in shipped(use) if f"{each.name} (1 in the output)" in found.redacted
        } or {f"nothing found in {place}"}
        assert found.value == frame.format(f"{before}[{name} redacted]{after}"), place


@pytest.mark.parametrize(("use", "before", "secret"), SECRETS, ids=NUMBERED)
def test_a_run_whose_output_holds_a_token_is_refused_and_nothing_of_it_is_shown(
    use: str, before: str, secret: str
) -> None:
    after = "@db.example/x" if use == "password-in-address" else ""
    for output in ({"findings": [{"detail": before + secret + after}]}, {before + secret + after: 1}):
        found = ruling(output)
        assert found.refusal is not None
        assert found.refusal.rule == "no-secrets-in-outputs"
        parts = [part for part in secret.replace("\\n", "\n").split("\n") if "PRIVATE" not in part]
        shown = json.dumps(found.value) + str(found.refusal)
        assert not [part for part in parts if part and part in shown]


def test_the_name_tokens_stands_for_the_tokens_of_every_provider() -> None:
    assert {use for use, _, _ in TOKENS} == {pattern.use for pattern in shipped("tokens")}
    assert "private-key" not in {pattern.use for pattern in shipped("tokens")}
    assert "mail-address" not in {pattern.use for pattern in shipped("tokens")}


def test_every_shipped_pattern_says_where_its_form_is_from() -> None:
    for each in SHIPPED:
        assert each.source, each.id
        assert all(word == word.lower() for word in each.near), each.id
    assert len(NAMES) == len(set(NAMES))


def test_a_key_that_was_cut_off_is_blanked_as_far_as_it_goes() -> None:
    key = next(secret for use, _, secret in CREDENTIALS if use == "private-key")
    cut = key[: key.index("-----END")].rstrip()
    assert (
        rule_on([asking("private-key")], f"a {cut}\nand more").value == "a [private key redacted]\nand more"
    )
    header = key.splitlines()[0]
    assert rule_on([asking("private-key")], f"{header} is how it begins").value == (
        "[private key redacted] is how it begins"
    )


IBANS = [
    "DE89370400440532013000",
    "DE89 3704 0044 0532 0130 00",
    "GB29 NWBK 6016 1331 9268 19",
    "FR14 2004 1010 0505 0001 3M02 606",
    "NL91ABNA0417164300",
    "NO93 8601 1117 947",
    "CH93 0076 2011 6238 5295 7",
    "MT84MALT011000012345MTLCAST001S",
]


@pytest.mark.parametrize("text", IBANS)
@pytest.mark.parametrize("frame", ["{}", "to {} now", "IBAN: {}.", "({})", '"{}",', "IBAN {} AND MORE"])
def test_an_iban_is_blanked_whole(text: str, frame: str) -> None:
    assert ruling(frame.format(text)).value == frame.format("[IBAN redacted]")


@pytest.mark.parametrize(
    "text", ["DE89370400440532013001", "XX89370400440532013000", "DE8937040044053201300", "DE89", ""]
)
def test_an_iban_has_the_length_of_its_country_and_the_right_check_digits(text: str) -> None:
    assert iban(text) is False
    assert ruling(text).value == text


@pytest.mark.parametrize(
    "text",
    ["SSN 219-09-9998", "ssn: 219-09-9998", "Social Security Number is 219-09-9998", "SSN#219-09-9998"],
)
def test_a_social_security_number_is_blanked_behind_its_name(text: str) -> None:
    assert ruling(text).value == text.replace("219-09-9998", "[social security number redacted]")
    assert ruling("219-09-9998").value == "219-09-9998"


HIDDEN = [
    ("jane\u200b.doe@exa\u00admple.org", "[mail address redacted]"),
    ("jane\uff20example.org", "[mail address redacted]"),
    ("\uff14\uff11\uff11\uff11 1111 1111 1111", "[card number redacted]"),
    ("4111\u200b1111\u200b1111\u200b1111", "[card number redacted]"),
    ("+1\u00a0312\u00a0555\u00a00142", "[phone number redacted]"),
    ("+1\u202f312\u2011555\u20110142", "[phone number redacted]"),
    ("312\u2013555\u20130142", "[phone number redacted]"),
    ("\U0001d5c3ane@example.org", "[mail address redacted]"),
]


@pytest.mark.parametrize(("text", "shown"), HIDDEN)
@pytest.mark.parametrize("frame", ["{}", "Caf\u00e9: {} \u2026", "\u201c{}\u201d"])
def test_what_a_person_would_read_is_found_however_it_is_encoded(text: str, shown: str, frame: str) -> None:
    found = ruling({"detail": frame.format(text)})
    assert shown in found.value["detail"]
    assert not any(part in found.value["detail"] for part in ("example", "4111", "555", "\uff14"))


@pytest.mark.parametrize("place", [3, 12, 25])
def test_a_token_with_a_character_nobody_sees_in_it_is_refused(place: int) -> None:
    token = next(secret for use, before, secret in TOKENS if use == "github-token" and not before)
    assert ruling(f"{token[:place]}\u200b{token[place:]}").refusal is not None


@pytest.mark.parametrize(
    "text",
    [
        "caf\u00e9 \u2014 \u201cquotes\u201d \u2026 \u00bd \u2122 \u2460",
        "\U0001f469\u200d\U0001f4bb shipped v1.2.3 \u2013 see \uff08docs\uff09",
        "\u65e5\u672c\u8a9e\uff1a\uff12\uff10\uff12\uff16\u5e74",
        "e\u0301t\u00e9 2019\u20132021",
    ],
)
def test_a_text_in_which_nothing_is_found_stays_as_it_was_written(text: str) -> None:
    assert ruling({"a": text, text: "b"}) == OutputRuling({"a": text, text: "b"})


def test_what_is_redacted_is_counted_and_placed_and_a_key_that_is_a_secret_is_not_told() -> None:
    output = {
        "findings": [{"detail": "a@example.org b@example.org"}, {"detail": "c@example.org"}],
        "summary": "d@example.org",
        "by": {"e@example.org": {"1234": "f@example.org"}},
        "more": {str(n): {"x": "g@example.org"} for n in range(3)},
    }
    assert ruling(output).redacted == (
        "mail address (3 in findings.*.detail, 1 in summary, 1 in a key of by, 4 elsewhere)",
    )


def test_the_digest_tells_which_patterns_a_name_stood_for(tmp_path: Path) -> None:
    folder = tmp_path / "enforcement"
    own = "patterns: [{name: codename, pattern: 'Project [A-Z]+'}]"
    plain = sealed(folder, own)
    assert plain == of_files(plain) == digest_of(files(folder))

    asks = sealed(folder, "patterns: [{use: card-number}]")
    assert of_files(asks) == digest_of(files(folder))
    assert asks == f"{of_files(asks)}+patterns:{text_digest([asking('card-number')])}"

    other = OutputPattern(name="card number", pattern="another", use="card-number")
    rule = OutputRule(id="a-rule", action="redact", patterns=(other,), why="because")
    assert text_digest([rule]) != text_digest([asking("card-number")])


def sealed(folder: Path, patterns: str) -> str:
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "guidance").mkdir(exist_ok=True)
    (folder / "guidance" / "tone.md").write_text("Be plain.\n")
    (folder / "rules" / "a-rule.yaml").write_text(
        f"id: a-rule\nkind: output\nwhy: because\naction: redact\n{patterns}\n"
    )
    (folder / "manifest.yaml").write_text("version: 1\nrules: [{id: a-rule}]\nguidance: [{id: tone}]\n")
    seal(folder)
    return load(folder).digest


def files(folder: Path) -> dict[str, bytes]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


SLOWEST = """
import sys
from time import process_time
from loom.enforcement.judges.output import rule_on
from loom.domain.rules import OutputRule
from loom.enforcement.reading.patterns.catalogue import SHIPPED, shipped
from tests.ground.secrets import CREDENTIALS, TOKENS

LONG = 30_000
COMMON = "a @ 1 +1 a@ a. a@a. %40 a%40 - 312- 1. 4- ( +1( :// ://a: é AB12 _ = / \\n eyJaaaaaaaaaa.".split()
COMMON += ["phone 1", "AB12 ", "4 ", "+1 ", "-----BEGIN A ", "-----BEGIN PRIVATE KEY-----a-"]
PERSONAL = ["jane@example.org", "4111 1111 1111 1111", "DE89 3704 0044 0532", "+1 (312) 555-0142", "SSN 219-"]

def cpu(work):
    took = []
    for _ in range(2):
        began = process_time()
        work()
        took.append(process_time() - began)
    return min(took)

def judge(rule, text):
    return cpu(lambda: rule_on([rule], text))

def parts(text):
    cuts = sorted({*range(1, min(len(text), 12)), len(text) // 2, len(text) - 1})
    return [text[:cut] for cut in cuts] + [text[cut:] for cut in cuts]

samples = {}
for use, before, secret in TOKENS + CREDENTIALS:
    samples.setdefault(use, []).append(before + secret[:120])
# What it costs to look at each character once, by a pattern that can't be slow and finds nothing.
plain = cpu(lambda: __import__("re").compile(r"(?<![\\w.-])[A-Z]\\d{6}x").search("ab 1 " * (LONG // 5)))
worst = (0.0, "", "")
for use in dict.fromkeys(each.id for each in SHIPPED):
    for pattern in shipped(use):
        rule = OutputRule(id="a-rule", action="redact", patterns=(pattern,), why="because")
        own = samples.get(use, PERSONAL)
        mine = [part for text in own[:3] for part in parts(text)]
        for seed in dict.fromkeys([*COMMON, *mine, *("-" + part for part in mine)]):
            text = f"{' '.join(pattern.near)} " + seed * (LONG // len(seed))
            worst = max(worst, (judge(rule, text) / plain, use, seed))
print(worst)
"""


def test_no_shipped_pattern_takes_more_than_a_few_looks_at_each_character() -> None:
    # One that went over a text again and again would need a thousand times as long for these, or hours: a
    # child process can be stopped. Processor time, compared with that of the plainest search on the same
    # machine at the same moment: what else runs there doesn't count.
    done = subprocess.run(
        [sys.executable, "-c", SLOWEST], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    times, use, seed = ast.literal_eval(done.stdout)
    assert times < 150, f"{use} takes {times:.0f} times the plainest search on {seed!r} repeated"


LABELLED = [
    *(
        (before, secret)
        for use, before, secret in TOKENS
        if before.endswith(("Key=", "_KEY=", "N=", "y=", ": ", '": "', " = "))
    ),
    ("Authorization: ", "Bearer 8f14e45fceea467"),
    ("phone: ", "020 7946 0958"),
    ("SSN: ", "219-09-9998"),
]


@pytest.mark.parametrize(("before", "secret"), LABELLED, ids=[before for before, _ in LABELLED])
def test_a_value_under_a_key_is_one_beside_its_name(before: str, secret: str) -> None:
    key = before.rpartition(";")[2].rpartition("&")[2].strip(' =:"')
    found = ruling({"headers": {key: secret}})
    assert "redacted]" in found.value["headers"][key]
    assert secret[-12:] not in json.dumps(found.value)
    assert list(found.value["headers"]) == [key]


@pytest.mark.parametrize("key", ["phone", "authorization", "twilio", "hapikey", "tel", "ssn", "secret_key"])
def test_a_key_that_names_a_secret_hides_no_other_value(key: str) -> None:
    output = {"n": {key: "missing in 12 of 340 contacts, see v1.2.3"}, "list": [{key: 12345678901}]}
    assert ruling(output) == OutputRuling(output)


def test_a_rule_that_asks_for_an_unknown_pattern_is_told_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(EnforcementError) as caught:
        sealed(
            tmp_path / "enforcement", "patterns: [{use: tokns}, {use: tokens, check: luhn}, {use: [iban]}]"
        )
    told = [str(problem) for problem in caught.value.problems]
    assert (
        "at key 'patterns' > at item 1 > at key 'use' > expected one of 'tokens', 'hubspot-token'" in told[0]
    )
    assert "item 2 > at key 'check' > unknown key; expected 'use'" in told[1]
    assert "item 3 > at key 'use' > expected one of 'tokens'" in told[2]


@pytest.mark.parametrize(
    ("patterns", "fits"),
    [
        ([{"use": "iban"}, {"name": "codename", "pattern": "Project [A-Z]+", "check": "iban"}], True),
        ([{"use": name} for name in NAMES], True),
        ([{"use": "tokns"}], False),
        ([{"use": "tokens", "check": "luhn"}], False),
    ],
)
def test_the_schema_of_a_rule_knows_the_names(
    patterns: list[dict[str, str]], fits: bool, tmp_path: Path
) -> None:
    rule = {"id": "a-rule", "kind": "output", "why": "because", "action": "redact", "patterns": patterns}
    (tmp_path / "schema.json").write_text(json.dumps(schema()))
    (tmp_path / "a-rule.yaml").write_text(json.dumps(rule))
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", "schema.json", "a-rule.yaml"]
    assert (subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0) is fits
