"""Cutting: a text that is too long says where it ends before its end. Masking goes by that."""


def cut(text: str, longest: int) -> str:
    """`text`, or as much of it as fits into `longest` characters with ``…`` after it.

    Whatever may hold a secret is cut in this way and no other: half a secret is known by the mark beside it
    (see `loom.enforcement.masking`).
    """
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
