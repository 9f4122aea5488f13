"""Rules of kind limits: how much one run may do."""

import re
from typing import Any

from loom.domain.rules import LimitsRule
from loom.enforcement.reading.document import Document, shown
from loom.enforcement.reading.kinds.common import Schema, head_of, keys_of, rule_schema, something, whole

_COUNTS = {
    "requests": "asked by the guarded HTTP client, redirects counted",
    "findings": "in the output",
}
_SIZES = {
    "bytes_out": "sent by the guarded HTTP client",
    "bytes_in": "received by the guarded HTTP client",
    "output_bytes": "of the output's JSON form",
}
_UNITS = {
    "": 1,
    "B": 1,
    "kB": 10**3,
    "KiB": 1 << 10,
    "MB": 10**6,
    "MiB": 1 << 20,
    "GB": 10**9,
    "GiB": 1 << 30,
}
_SIZE = "[0-9]{1,12}(B|kB|KiB|MB|MiB|GB|GiB)"
_MOST = 10**15


def read(document: Document) -> LimitsRule:
    keys = keys_of(document, (), (*_COUNTS, *_SIZES))
    something(document, keys, (*_COUNTS, *_SIZES))
    head = head_of(document, keys)
    numbers = {key: _count(document, key, keys[key]) for key in _COUNTS if key in keys}
    numbers |= {key: _size(document, key, keys[key]) for key in _SIZES if key in keys}
    return LimitsRule(id=head.id, applies_to=head.applies_to, why=head.why, **numbers)


def schema() -> Schema:
    count = {"type": "integer", "minimum": 0, "maximum": _MOST}
    size = {"oneOf": [count, {"type": "string", "pattern": whole(_SIZE)}]}
    limits = {key: {**count, "description": f"the most {key} {what}"} for key, what in _COUNTS.items()}
    limits |= {
        key: {**size, "description": f"the most bytes {what}: 1MB, 512KiB"} for key, what in _SIZES.items()
    }
    return rule_schema("limits", "How much one run may do; of several limits the smallest holds.", limits) | {
        "anyOf": [{"required": [key]} for key in limits]
    }


def _count(document: Document, key: str, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST:
        return value
    document.say((key,), f"expected a whole number from 0 to {_MOST}, got {shown(value)}")
    return 0


def _size(document: Document, key: str, value: Any) -> int:
    if isinstance(value, int):
        return _count(document, key, value)
    found = re.fullmatch(_SIZE, value) if isinstance(value, str) else None
    if found is None:
        units = ", ".join(unit for unit in _UNITS if unit)
        message = f"expected a size such as 512KiB, 1MB or 1000000, got {shown(value)}; the units are {units}"
        document.say((key,), message)
        return 0
    return int(found[0].removesuffix(found[1])) * _UNITS[found[1]]
