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
    less: if the one before found these files in order, byte for byte, on the same day (UTC) and by the same
    Loom, they are. So a mistake in a rule is told by the next tick, and an idle one needn't understand anew
    what nobody changed. Not for two threads.
    """

    def __init__(
        self, load: Callable[[], "EnforcementContext"], digest_of_rules: Callable[[], str | None]
    ) -> None:
        """load: raises EnforcementError. digest_of_rules: of the files that `load` would read; None where
        they can't be in order."""
        self._load = load
        self._digest_of_rules = digest_of_rules
        self._last_good: str | None = None

    def go_by(self, last: Tick | None, now: Tick) -> None:
        """Be content with what the tick before found, if it found the very files in order that are there now.
        Without effect once they were understood."""
        if last is None or last.rules_in_order is None or last.at.date() != now.at.date():
            return
        if "_understood" in self.__dict__:
            return
        digest = self._digest_of_rules()
        if digest is not None and last.rules_in_order == _named(digest):
            self._last_good = last.rules_in_order

    @property
    def context(self) -> "EnforcementContext | None":
        """None if it is broken. Asking for it has it understood, whatever the tick before found."""
        return self._understood[0]

    @property
    def error(self) -> EnforcementError | None:
        """None while they are taken for in order; what `context` was asked for since may show otherwise."""
        return None if self._last_good is not None else self._understood[1]

    @property
    def in_order(self) -> str | None:
        """For the tick's record: the digest of the files and Loom's version, None if they aren't in order."""
        if self._last_good is not None:
            return self._last_good
        context = self.context
        return None if context is None else _named(context.digest_of_files)

    @cached_property
    def _understood(self) -> "tuple[EnforcementContext | None, EnforcementError | None]":
        self._last_good = None
        try:
            return self._load(), None
        except EnforcementError as error:
            return None, error


def _named(digest: str) -> str:
    return f"{digest} loom {__version__}"
