"""The rules of one tick: understood to decide a slot, or because nobody has understood them lately."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from loom import __version__
from loom.domain.tick import Tick
from loom.errors import EnforcementError

if TYPE_CHECKING:
    from loom.domain.enforcement import EnforcementContext


class RulesInForce:
    """The enforcement context, or what is wrong with it.

    No slot is decided before it was understood in this very tick. A tick that decides none is content with
    less: if an earlier one of the same day (UTC) and the same Loom found these files in order, byte for byte,
    they are. So a mistake in a rule is told by the next tick, and an idle one needn't understand anew what
    nobody changed.
    """

    def __init__(
        self, load: Callable[[], "EnforcementContext"], digest_of_files: Callable[[], str | None]
    ) -> None:
        """load: raises EnforcementError. digest_of_files: None where they can't be in order."""
        self._load = load
        self._digest_of_files = digest_of_files
        self._vouched: str | None = None

    def recall(self, last: Tick | None, now: Tick) -> None:
        """Take the word of the tick before, if it gave any of the files as they are."""
        if last is None or last.rules is None or last.at.date() != now.at.date():
            return
        digest = self._digest_of_files()
        if digest is not None and last.rules == _word(digest):
            self._vouched = last.rules

    @property
    def context(self) -> "EnforcementContext | None":
        return self._understood[0]

    @property
    def error(self) -> EnforcementError | None:
        return None if self._vouched is not None else self._understood[1]

    @property
    def word(self) -> str | None:
        """For the tick's record: which files were found in order, and by which Loom; None if they aren't."""
        if self._vouched is not None:
            return self._vouched
        context = self.context
        return None if context is None else _word(context.digest_of_files)

    @cached_property
    def _understood(self) -> "tuple[EnforcementContext | None, EnforcementError | None]":
        # Whatever was said of the files before, from here on it is what they say now.
        self._vouched = None
        try:
            return self._load(), None
        except EnforcementError as error:
            return None, error


def _word(digest: str) -> str:
    return f"{digest} loom {__version__}"
