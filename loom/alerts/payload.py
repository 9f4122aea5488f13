"""The bytes that go out: the alert's JSON form as one line of UTF-8, of bounded size."""

import json
from typing import Any

from loom.domain.alert import Alert

LARGEST = 64 * 1024

# JSON leaves these as they are, but some readers of JSON lines end a line at them.
_SEPARATORS = ("\x85", "\u2028", "\u2029")


def encode(alert: Alert) -> bytes:
    """At most 64 KiB; longer texts are cut, and say by how much. No line end inside or after it."""
    payload = alert.payload()
    body = _bytes(payload)
    longest = LARGEST
    while len(body) > LARGEST:
        longest //= 2
        body = _bytes(_cut(payload, longest))
    return body


def _bytes(payload: Any) -> bytes:
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    for separator in _SEPARATORS:
        text = text.replace(separator, f"\\u{ord(separator):04x}")
    # A lone surrogate (a file name in an unknown encoding) isn't valid JSON to most receivers.
    return text.encode("utf-8", errors="replace")


def _cut(value: Any, longest: int) -> Any:
    if isinstance(value, dict):
        return {key: _cut(each, longest) for key, each in value.items()}
    if isinstance(value, str) and len(value) > longest:
        return f"{value[:longest]}… ({len(value) - longest:,} characters more)"
    return value
