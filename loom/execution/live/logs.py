"""All live logs of one project: begun, read whole, and removed once their runs are recorded."""

from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from loom.execution.live.pieces import PIECE, file_of, pieces
from loom.execution.live.writing import LiveLog, Pace


class LiveLogs:
    """folder: where they are; made when the first of them is. monotonic: seconds, by which cleaning what runs
    say is held to a tenth of the time; without it, no time passes."""

    def __init__(self, folder: Path, *, monotonic: Callable[[], float] = lambda: 0.0) -> None:
        self._folder = folder
        self._pace = Pace(monotonic)

    def of(self, run_id: str, clean: Callable[[str], str]) -> "LiveLog":
        """What `run_id` is going to say, once it is attached to its log. clean: takes out of a text what must
        not be kept, as it does for the record."""
        return LiveLog(self._folder, run_id, clean, self._pace)

    def runs(self) -> frozenset[str]:
        """The ids of the runs of which there is anything."""
        return frozenset(run_id for run_id, _ in pieces(self._folder))

    def last_words(self, run_id: str) -> str:
        """All that is kept of what `run_id` said."""
        said: list[str] = []
        expected = 0
        for number in sorted(number for id_, number in pieces(self._folder) if id_ == run_id):
            with suppress(OSError):
                text = _read(file_of(self._folder, run_id, number))
                said += ["... more was said in between ...\n"] if number > expected else []
                said.append(text)
            expected = number + 1
        return "".join(said)

    def forget(self, runs: Collection[str]) -> None:
        for run_id, number in pieces(self._folder) if runs else ():
            if run_id in runs:
                with suppress(OSError):
                    file_of(self._folder, run_id, number).unlink()


def _read(file: Path) -> str:
    with file.open("rb") as piece:
        return piece.read(4 * PIECE).decode(errors="replace")
