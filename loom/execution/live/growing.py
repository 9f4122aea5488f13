"""What may be shown of a text that grows: each time what is new of it, cleaned together with what was before.

A key that is printed line by line, or a secret wrapped over lines, is known as one only once all of it is
there. So the last few thousand characters are cleaned again with what comes; when that changes what was shown
of them, what was shown has to be replaced.
"""

from collections.abc import Callable
from typing import NamedTuple

CONTEXT = 8 * 1024
"""Characters that are cleaned again at least: more than a private key has."""

_CUT = "…\n"


class Shown(NamedTuple):
    """The text goes on with `new`; but first the end of it that reads `instead_of`, if any, is to be taken
    away."""

    instead_of: str
    new: str


class GrowingText:
    """clean: takes out of a text what must not be shown."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        self._clean = clean
        self._context = ""
        self._is_cut = False
        self._shown = ""

    def add(self, lines: str) -> Shown:
        """What is to be shown now that whole `lines` came. Raises whatever cleaning raises."""
        if len(self._context) > 2 * CONTEXT:
            start = self._context.find("\n", len(self._context) - CONTEXT) + 1
            self._context, self._is_cut = self._context[start:], True
            self._shown = self._cleaned(self._context)
        before = self._shown
        self._context += lines
        self._shown = self._cleaned(self._context)
        if self._shown.startswith(before):
            return Shown("", self._shown[len(before) :])
        return Shown(before, self._shown)

    def _cleaned(self, text: str) -> str:
        """It goes on before and after: masking is told of both cuts, and hides half a secret there. Each
        mark has a line of its own, for a rule may go by where a line begins and ends."""
        mark = _CUT if self._is_cut else ""
        return self._clean(f"{mark}{text}{_CUT}").removeprefix(mark).removesuffix(_CUT)
