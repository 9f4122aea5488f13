"""Masking secrets in whatever form they turn up."""

import base64
import html
import json
import re
import textwrap
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from pydantic import BaseModel, ValidationError

from loom.enforcement.masking import MASK, mask, mask_json

SECRET = "pa\"t/na1 & Jü+<ge'heim>\\=?"  # noqa: S105  (nobody's)
PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n"

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in a path": quote,
    "percent-encoded": lambda secret: quote(secret, safe=""),
    "percent-encoded in lower case": lambda secret: lower_hex(quote(secret, safe="")),
    "in a form": quote_plus,
    "percent-encoded twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "in JSON": lambda secret: json.dumps(secret)[1:-1],
    "in JSON of all letters": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "in JSON with slashes escaped": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "in JSON inside JSON": lambda secret: json.dumps(json.dumps({"key": secret})),
    "in JSON inside a form": lambda secret: urlencode({"filter": json.dumps({"key": secret})}),
    "in repr": repr,
    "in repr beside both quotation marks": lambda secret: repr({"key": f'{secret} it\'s "quoted"'}),
    "in repr of JSON": lambda secret: repr(json.dumps({"key": secret})),
    "in repr of repr of JSON inside JSON": lambda secret: repr(
        [str({"key": json.dumps(json.dumps({"key": secret}))})]
    ),
    "in repr of bytes": lambda secret: repr(secret.encode()),
    "in HTML": html.escape,
    "in HTML, quotation marks as they are": lambda secret: html.escape(secret, quote=False),
    "in HTML as templates write it": lambda secret: (
        html.escape(secret, quote=False).replace('"', "&#34;").replace("'", "&#39;")
    ),
    "in hexadecimal": lambda secret: secret.encode().hex(),
    "in upper-case hexadecimal": lambda secret: secret.encode().hex().upper(),
    "in base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "in base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "in base64 without padding": lambda secret: base64.b64encode(secret.encode()).decode().rstrip("="),
    "in base64 in a form": lambda secret: quote_plus(base64.b64encode(secret.encode())),
    "in base64 as mails have it": lambda secret: base64.encodebytes(b"x" * 50 + secret.encode()).decode(),
    "in repr of base64 as mails have it": lambda secret: repr(
        base64.encodebytes(b"xx" * 25 + secret.encode())
    ),
}


def lower_hex(quoted: str) -> str:
    return re.sub("%..", lambda found: found[0].lower(), quoted)


def undone(text: str) -> list[str]:
    """Every text that somebody who has `text` would try."""
    joined = re.sub(r"[\r\n]|\\+[rn]", "", text)
    tried = [text, joined]
    for part in re.findall(r"[A-Za-z0-9+/_-]{8,}", joined):
        part = part.replace("-", "+").replace("_", "/")
        for start in range(4):
            whole = part[start:][: len(part[start:]) // 4 * 4]
            tried.append(base64.b64decode(whole).decode("latin-1"))
    return tried


@pytest.mark.parametrize(
    "secret", [SECRET, "sk-live-0123456789abcdef", PEM.strip()], ids=["odd", "plain", "pem"]
)
@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_masked_in_every_form_it_travels_in(form: str, secret: str) -> None:
    masked = mask(f"a {FORMS[form](secret)} z", [secret])
    assert MASK in masked
    assert masked.startswith("a ")
    assert masked.endswith(" z")
    for text in undone(masked):
        assert not any(secret[at : at + 8] in text for at in range(len(secret) - 7)), text


@pytest.mark.parametrize("form", [form for form in FORMS if not re.search("JSON inside|repr|mails", form)])
def test_nothing_but_the_secret_is_masked(form: str) -> None:
    assert mask(f"a {FORMS[form](SECRET)} z", [SECRET]) == f"a {MASK} z"


@pytest.mark.parametrize("user", ["", "u", "us", "use", "user"])
def test_a_secret_is_masked_inside_a_basic_authorization_header(user: str) -> None:
    whole = base64.b64encode(f"{user}:hunter2-hunter2:tail".encode()).decode()
    masked = mask(f"Basic {whole}", ["hunter2-hunter2"]).removeprefix("Basic ")
    # In the place of the mask as many characters as it hides, so that the rest decodes as it did.
    rest = base64.b64decode(masked.replace(MASK, "A" * (len(whole) - len(masked) + len(MASK))))
    assert rest.startswith(f"{user}:".encode())
    assert b"unter" not in rest


def test_a_secret_is_masked_in_a_query() -> None:
    assert SECRET not in mask("https://x.example/?" + urlencode({"key": SECRET}), [SECRET])
    assert mask("https://x.example/?" + urlencode({"key": SECRET}), [SECRET]) == "https://x.example/?key=***"


def test_of_two_secrets_the_longer_one_is_masked_whole() -> None:
    assert mask("abcd abcdefgh", ["abcd", "abcdefgh"]) == "*** ***"


def test_of_two_secrets_that_overlap_neither_is_left_in_part() -> None:
    assert mask("<open-sesame-street>", ["open-sesame", "sesame-street"]) == "<***>"


def test_every_line_of_a_key_of_several_lines_is_masked() -> None:
    masked = mask("line: hkiG9w0BAQEFAASC and " + PEM, [PEM])
    assert "hkiG" not in masked
    assert "MIIE" not in masked


@pytest.mark.parametrize("width", [8, 13, 20, 40])
def test_a_secret_that_was_wrapped_over_lines_is_masked(width: int) -> None:
    secret = "sk-live-0123456789abcdefghijklmnopqrstuvwxyz"  # noqa: S105  (nobody's)
    wrapped = textwrap.fill(f"key: {secret}!", width, subsequent_indent="    ", break_on_hyphens=False)
    assert mask(wrapped, [secret]).replace("\n", " ") in (
        f"key: {MASK}!",
        f"key:     {MASK}!",
        f"key: {MASK}     !",
    )


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("token=sk-live-0123…", "token=***…"),
        ("token='sk-live-01234567'...", "token='***'..."),
        ("token='sk-live-0123...9abcdef'", "token='***...***'"),
        (
            "sk-live-0123\n... 17 bytes left out ...\n9abcdef and on",
            "***\n... 17 bytes left out ...\n*** and on",
        ),
        ("sk-live-0123456789abcdef…", "***…"),
        # So little of it is no secret, and ordinary words must stay.
        ("sk-…", "sk-…"),
        ("waiting...", "waiting..."),
        ("the sk-live-0123 that nobody cut", "the sk-live-0123 that nobody cut"),
        # Cut in JSON, in a URL and in base64.
        ('{"key": "sk-live-0123\\u2026"}', '{"key": "***\\u2026"}'),
        ('{"key": "Basic c2stbGl2ZS0wMTIz…', '{"key": "Basic ***…'),
    ],
)
def test_where_a_text_was_cut_half_a_secret_is_masked_too(text: str, masked: str) -> None:
    assert mask(text, ["sk-live-0123456789abcdef"]) == masked


def test_what_pydantic_shows_of_a_long_secret_is_masked() -> None:
    class Settings(BaseModel):
        days: int

    secret = "sk-live-" + "0123456789" * 8
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"days": secret})
    assert "sk-live" in str(caught.value)
    masked = mask(str(caught.value), [secret])
    assert "sk-live" not in masked
    assert "6789" not in masked


def test_a_masked_json_text_is_still_json() -> None:
    text = json.dumps({"a": f"x{SECRET}y", "n": 1})
    assert json.loads(mask(text, [SECRET])) == {"a": "x***y", "n": 1}


@pytest.mark.parametrize(
    "secret", ["true", "null", "1234", '"id"', '": "', "u00e9", "texts", "##[group]", SECRET]
)
def test_whatever_a_secret_is_a_masked_document_says_the_same_but_for_its_texts(secret: str) -> None:
    value = {
        "id": 1234,
        "texts": [f"so {secret} is", True, None, "é ##[x]"],
        "true": "null",
        "a": {"b": -1.5e10},
    }
    document = json.dumps(value, indent=2).replace("##[", "\\u0023#[")
    masked = mask_json(document, [secret])
    expected = json.loads(document)
    expected["texts"][0] = f"so {MASK} is"
    expected["true"] = mask("null", [secret])
    assert json.loads(masked) == expected
    assert "##[" not in masked


def test_a_document_without_a_secret_stays_as_it_is_to_the_letter() -> None:
    document = '{"a":   "\\u0062\\/", "b" : [1.0]}\n'
    assert mask_json(document, [SECRET]) == document


@pytest.mark.parametrize("secrets", [[], [""], ["abc"], ["   "], ["     "], [" ab \n"]])
def test_what_is_too_short_to_be_a_secret_blanks_nothing(secrets: list[str]) -> None:
    assert mask("abc   def      ab \n", secrets) == "abc   def      ab \n"


def test_a_secret_of_broken_text_is_no_trouble() -> None:
    assert mask("a \udcffsecret z", ["\udcffsecret"]) == "a *** z"


@pytest.mark.parametrize(
    "text",
    ["\\" * 1_000_000 + "u2026", "\\\n" * 300_000, "0" * 1_000_000, "0\\" * 500_000, "." * 1_000_000],
    ids=["backslashes", "line ends", "zeros", "broken zeros", "dots"],
)
def test_a_text_made_to_be_hard_is_masked_in_one_go(text: str) -> None:
    masked = mask(f"{text}{SECRET}", ["00000000", SECRET])
    assert masked.endswith(MASK)
    assert "0000" not in masked
