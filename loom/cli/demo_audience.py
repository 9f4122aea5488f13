"""Who looks on while `loom demo` plays: a person at a terminal, who needs time to read, a log, a picture."""

import io
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

from rich.console import Console, RenderableType

from loom.demo.week import PICTURED, ZONE
from loom.domain.demo import Reckoning, Scene
from loom.report.demo.picture import as_picture
from loom.report.demo.summary import summary
from loom.report.demo.terminal import Telling, introduction, seconds_to_read
from loom.report.terminal import console_for
from loom.runner.request import Stop

_PICTURE_COLUMNS = 100
_INTRODUCTION_S = 3.0


class Audience:
    """stream: where the play is shown, if anywhere. speed: how many times faster than it is read with ease;
    None for no pauses. stop: ends a pause."""

    def __init__(self, stream: IO[str] | None, *, speed: float | None, stop: Stop) -> None:
        zone = ZoneInfo(ZONE)
        self._zone = zone
        self._console = None if stream is None else console_for(stream)
        self._telling = Telling(zone)
        self._speed, self._stop = speed, stop
        self._read_by = time.monotonic()
        self._picture = Console(
            record=True, file=io.StringIO(), width=_PICTURE_COLUMNS, force_terminal=True,
            color_system="truecolor", highlight=False, legacy_windows=False,
        )  # fmt: skip
        self._picture.print("$ loom demo", style="bold")
        self._picture.print()
        self._pictured = Telling(zone, brief=True)

    def begin(self, folder: Path) -> None:
        """Say what is to be seen."""
        self._print(introduction(str(folder)), _INTRODUCTION_S)

    def see(self, scene: Scene) -> None:
        """Show it once what stands there was read."""
        self._print(self._telling.lines(scene), seconds_to_read(scene))
        if scene.step.at.astimezone(self._zone).day in PICTURED:
            for line in self._pictured.lines(scene):
                self._picture.print(line)

    def end(self, reckoned: Reckoning) -> None:
        """Show what came of it."""
        self._print([*self._telling.rest(), "", summary(reckoned)], 0)
        for line in [*self._pictured.rest(), "", summary(reckoned)]:
            self._picture.print(line)

    def say(self, text: str) -> None:
        if self._console is not None:
            self._console.print(text, markup=False, soft_wrap=True)

    def picture(self) -> str:
        """The days of it that tell most, and what came of it, as SVG."""
        return as_picture(self._picture, title="loom demo: four days of its week")

    def _print(self, lines: Iterable[RenderableType], seconds: float) -> None:
        shown = list(lines)
        if self._console is None or not shown:
            return
        self._wait()
        for line in shown:
            self._console.print(line)
        self._console.file.flush()
        if self._speed is not None:
            self._read_by = time.monotonic() + seconds / self._speed

    def _wait(self) -> None:
        while (left := self._read_by - time.monotonic()) > 0 and not self._stop.asked:
            time.sleep(min(left, 0.05))
