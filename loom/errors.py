"""What can go wrong, and the exit code of each.

Trouble with one slot is a value (see `domain.run`); trouble with the configuration is one of these
exceptions, carrying the address of every mistake found; trouble in Loom's own code is any other
exception, and ends as exit code 70 with a log file.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import ClassVar

from loom.values import dataclass


class ExitCode(IntEnum):
    """The exit codes of every command; where several apply, `worst` picks the first in the design's order."""

    OK = 0
    BAD_RUN = 1
    USAGE = 2
    BROKEN = 3
    UNDELIVERED = 4
    BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143


_PRECEDENCE = (
    ExitCode.BUG,
    ExitCode.INTERRUPTED,
    ExitCode.TERMINATED,
    ExitCode.USAGE,
    ExitCode.BROKEN,
    ExitCode.UNDELIVERED,
    ExitCode.BAD_RUN,
    ExitCode.OK,
)


def worst(codes: Sequence[ExitCode]) -> ExitCode:
    """The one exit code that stands for several, by the order the design fixes. No codes: `OK`."""
    return next((code for code in _PRECEDENCE if code in codes), ExitCode.OK)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file, where a person can find it.

    address: breadcrumbs from the outside in, such as ``("worker 'echo'", "key 'schedule'")``.
    message: what was found, what was expected, and what to do.
    line: 1-based, or None when the mistake has no line (a missing file).
    Of what is longer than anyone reads, the beginning and the end are kept: it goes out in alerts.
    """

    file: str
    line: int | None
    address: tuple[str, ...]
    message: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", _readable(self.message, 1_000))
        object.__setattr__(self, "address", tuple(_readable(part, 100) for part in self.address))

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        crumbs = " > ".join([*(f"at {part}" for part in self.address), self.message])
        return f"{place}: {crumbs}"


def _readable(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most * 3 // 4]} ... {text[-most // 4 :]}"


class LoomError(Exception):
    """A mistake that a person can mend. Its text says where, what, and what to do next.

    kind: one word for what is wrong, by which a program may tell it from others; it never changes.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.BROKEN
    kind: ClassVar[str] = "configuration"


class UsageError(LoomError):
    """The command line asks for something that doesn't make sense."""

    exit_code = ExitCode.USAGE
    kind = "usage"


class ConfigurationError(LoomError):
    """A file that a person wrote has mistakes; all of them are in `problems`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RegistryError(ConfigurationError):
    """`worker-registry.yaml` is broken as a whole: nothing can be scheduled from it."""

    kind = "registry"


class EnforcementError(ConfigurationError):
    """The enforcement context is missing, unreadable or altered: nothing may run."""

    kind = "enforcement"


class SettingsError(LoomError):
    """The environment or the project folder can't be used as it is."""

    kind = "settings"


class LedgerError(LoomError):
    """The ledger can't be read or written, or was written by a newer Loom."""

    kind = "ledger"


class StateUnpushed(LoomError):
    """What this tick recorded is safe on this machine but couldn't be put on the state branch.

    refusal: why not, without a word on what was recorded; for who has recorded nothing."""

    exit_code = ExitCode.UNDELIVERED
    kind = "state"

    def __init__(self, message: str, *, refusal: str = "") -> None:
        super().__init__(message)
        self.refusal = refusal or message


class StaleDecision(Exception):
    """The ledger changed between the snapshot and the claim: read again and decide again."""


class ClaimLost(Exception):
    """Another process took these tickets over; what was to be recorded of them is not ours to record."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        super().__init__(f"claim lost on {', '.join(self.keys)}")


class DeliveryFailed(Exception):
    """An alert hook couldn't deliver; the text says why and what to do."""
