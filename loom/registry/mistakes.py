"""A mistake on its way from where it was found to where its address is known."""

from collections.abc import Iterable

from loom.errors import Problem
from loom.values import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """path: breadcrumbs from the outside in, as far as known. line: of the innermost thing `path` names."""

    message: str
    path: tuple[str, ...] = ()
    line: int | None = None

    def under(self, crumb: str, line: int) -> "Fault":
        """The same mistake seen from one level further out; `crumb` stands on `line`."""
        return Fault(self.message, (crumb, *self.path), self.line or line)

    def at(self, file: str) -> Problem:
        return Problem(file, self.line, self.path, self.message)


class Mistakes(Exception):
    """A part of the file can't be used; `faults` are all that is wrong with it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(fault.message for fault in self.faults))


def mistake(message: str) -> Mistakes:
    return Mistakes([Fault(message)])


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """``did you mean 'x'?``, or else the choices; empty when there are none."""
    import difflib  # only a mistake needs it

    by_lower = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{by_lower[close[0]]}'?"
    return f"expected one of {', '.join(by_lower.values())}" if by_lower else ""
