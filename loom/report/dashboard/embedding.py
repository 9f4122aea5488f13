"""JSON in HTML: whatever a worker wrote, it neither ends the element it stands in nor begins another."""

import json
import re
from typing import Any

_DANGEROUS = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


def embed(value: Any) -> str:
    """`value` as compact JSON that may stand in a script element; half of a surrogate pair becomes an escape,
    so that it can be written as UTF-8. Raises ValueError for a number that JSON hasn't."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _DANGEROUS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def size(value: Any) -> int:
    """Bytes of UTF-8 that `embed(value)` takes."""
    return len(embed(value).encode("utf-8"))
