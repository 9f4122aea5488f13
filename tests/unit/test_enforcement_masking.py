"""Masking secrets in whatever form they turn up."""

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus, urlencode

import pytest

from loom.enforcement.masking import MASK, mask

SECRET = 'pa"t/na1 & Jü+<geheim>\\=?'  # noqa: S105  (nobody's)


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        re.sub("%..", lambda found: found[0].lower(), quote(SECRET, safe="")),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        repr(SECRET)[1:-1],
        html.escape(SECRET),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
def test_a_secret_is_masked_in_every_form_it_travels_in(form: str) -> None:
    assert mask(f"a {form} z", [SECRET]) == f"a {MASK} z"


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


def test_every_line_of_a_key_of_several_lines_is_masked() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n"
    masked = mask("line: hkiG9w0BAQEFAASC and " + key, [key])
    assert "hkiG" not in masked
    assert "MIIE" not in masked


def test_a_masked_json_text_is_still_json() -> None:
    text = json.dumps({"a": f"x{SECRET}y", "n": 1})
    assert json.loads(mask(text, [SECRET])) == {"a": "x***y", "n": 1}


@pytest.mark.parametrize("secrets", [[], [""], ["abc"], ["   "]])
def test_what_is_too_short_to_be_a_secret_blanks_nothing(secrets: list[str]) -> None:
    assert mask("abc   def", secrets) == "abc   def"


def test_a_secret_of_broken_text_is_no_trouble() -> None:
    assert mask("a \udcffsecret z", ["\udcffsecret"]) == "a *** z"
