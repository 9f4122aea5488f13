"""Identifiers that sort by time: UUID version 7 (RFC 9562, section 5.7)."""

import os
from datetime import datetime


def new_id(at: datetime) -> str:
    """A fresh id made at `at` (aware): 48 bits of milliseconds, then 74 random bits."""
    milliseconds = int(at.timestamp() * 1000) & ((1 << 48) - 1)
    random = int.from_bytes(os.urandom(10), "big")
    number = milliseconds << 80 | 0x7 << 76 | (random >> 62 & 0xFFF) << 64 | 0b10 << 62
    text = f"{number | random & ((1 << 62) - 1):032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
