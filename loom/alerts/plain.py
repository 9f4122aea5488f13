"""Foreign text made safe for a terminal and a log line."""

import unicodedata

# Control characters (C: ANSI escapes, bidirectional overrides, lone surrogates) and line separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def plain(text: str, longest: int) -> str:
    """One line of at most `longest` characters: line ends become spaces, what a terminal or a log reader
    would act on is shown as an escape such as ``\\x1b``."""
    shown = "".join(_shown(character) for character in " ".join(text[: 4 * longest].split()))
    # GitHub's log reader takes '##[command]' for an instruction anywhere in a line.
    shown = shown.replace("##[", "## [")
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE:
        return character
    return character.encode("unicode_escape").decode("ascii")
