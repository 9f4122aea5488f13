"""Masking: a run's own secrets never leave in a log, an error or an output. Pure."""

import base64
import html
import json
import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4
"""Characters. A shorter value isn't masked: it would blank ordinary words and hide nothing."""

_SHORTEST_PART = 8  # of a line of a longer secret, and of its base64 inside other base64
_LOWER_HEX = re.compile("%[0-9A-F]{2}")


def mask(text: str, secrets: Collection[str]) -> str:
    """`text` with every secret value replaced by ``***``.

    Found as they are, and as they look in a URL, in base64 (also inside a longer one, as in a Basic
    authorization header), in hexadecimal, in JSON, in HTML and in Python's `repr`. Of a value of several
    lines, each line of 8 characters or more counts too.
    """
    find = _pattern(frozenset(secrets))
    return text if find is None else find.sub(MASK, text)


@lru_cache(maxsize=32)
def _pattern(secrets: frozenset[str]) -> re.Pattern[str] | None:
    forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST}
    if not forms:
        return None
    return re.compile(
        "|".join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form)))
    )


def _forms(secret: str) -> Iterator[str]:
    plain = [secret, secret.strip()]
    plain += [line.strip() for line in secret.splitlines() if len(line.strip()) >= _SHORTEST_PART]
    for value in dict.fromkeys(plain):
        if len(value) < SHORTEST:
            continue
        raw = value.encode("utf-8", "surrogatepass")
        yield value
        for encoded in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
            yield encoded
            yield _LOWER_HEX.sub(lambda found: found[0].lower(), encoded)
        yield json.dumps(value)[1:-1]
        yield json.dumps(value, ensure_ascii=False)[1:-1]
        yield repr(value)[1:-1]
        yield html.escape(value)
        yield raw.hex()
        yield raw.hex().upper()
        yield from _base64_forms(raw)


def _base64_forms(raw: bytes) -> Iterator[str]:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(raw).decode()
        yield whole
        yield whole.rstrip("=")
        # Inside a longer text it begins at one of three places in a group of three bytes; only the
        # characters that depend on nothing beside it can be looked for.
        for before in range(3):
            first = -(-before * 8 // 6)
            last = (before + len(raw)) * 8 // 6
            part = encode(b"\0" * before + raw).decode()[first:last]
            if len(part) >= _SHORTEST_PART:
                yield part
