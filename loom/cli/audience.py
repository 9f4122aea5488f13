"""Who reads what a tick says: a person or a pipeline; or GitHub Actions, which obeys certain lines."""

import io
import os
import sys
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

import click

from loom.cli.streams import OwnStream
from loom.errors import LoomError
from loom.values import replace

if TYPE_CHECKING:
    from loom.domain.registry import Registry
    from loom.domain.tick import TickReport
    from loom.report.tick_lines import Told
    from loom.runner.parts import Parts
    from loom.settings import Settings


class Audience:
    """answer: the stream of the answer. as_json: whether the answer is one JSON object."""

    def __init__(self, answer: IO[str], as_json: bool) -> None:
        self.answer = answer
        self.as_json = as_json

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def prepare(self, parts: "Parts") -> "Parts":
        """`parts` as this audience needs them."""
        return parts

    def tell(self, report: "TickReport") -> None:
        zone = ZoneInfo(report.zone)
        for problem in report.problems:
            click.echo(f"loom: {problem}", err=True)
        if self.as_json:
            self.answer.write(_as_json(report, zone))
        else:
            show(report, zone, self.answer)

    def complain(self, error: LoomError) -> None:
        """Say what `error`, which ends the tick without a report, means to this audience besides its text."""


class ActionsAudience(Audience):
    """The log of a step: a worker's text must not give it orders, and there is a summary to write."""

    def __init__(self, answer: IO[str], as_json: bool, settings: "Settings") -> None:
        from loom.cli.actions import COMMAND_FILES, Hush
        from loom.settings import take_secrets

        super().__init__(answer, as_json)
        self._settings = settings
        take_secrets(os.environ, COMMAND_FILES)
        self._hush = Hush(self._order)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hush.__exit__(kind, error, trace)

    def prepare(self, parts: "Parts") -> "Parts":
        return replace(parts, take_secrets=self._hush.taking(parts.take_secrets))

    def tell(self, report: "TickReport") -> None:
        from loom.cli.actions import tell
        from loom.coming import coming_slots
        from loom.report.harmless import harmless

        self._hush.__exit__(None, None, None)
        zone = ZoneInfo(report.zone)
        for problem in report.problems:
            click.echo(harmless(f"loom: {problem}"), err=True)
        if self.as_json:
            self.answer.write(_as_json(report, zone))
        else:
            drawn = io.StringIO()
            show(report, zone, drawn)
            self.answer.write(harmless(drawn.getvalue()))
        self.answer.flush()
        registry = self._registry()
        tell(
            report,
            registry=registry,
            coming=coming_slots(registry, report.tick.at, report.pauses) if registry else (),
            env=self._settings.env,
            zone=zone,
            write=self._say,
            trigger_lines=report.trigger_lines,
            project=self._settings.project,
        )

    def complain(self, error: LoomError) -> None:
        from loom.report.actions import complaints

        self._hush.__exit__(None, None, None)
        for line in complaints(error):
            self._say(f"{line}\n")

    def _registry(self) -> "Registry | None":
        from loom.errors import RegistryError
        from loom.wiring.parts import read_registry

        try:
            return read_registry(self._settings)
        except RegistryError:
            return None

    def _order(self, text: str) -> None:
        """To the runner alone, which is told the secrets so that it hides them."""
        stream = sys.stderr if self.as_json else sys.stdout
        (stream.write_bare if isinstance(stream, OwnStream) else stream.write)(text)
        stream.flush()

    def _say(self, text: str) -> None:
        # The runner reads stderr too; with --json the answer stands alone on stdout.
        click.echo(text, nl=False, err=self.as_json)


def audience_for(settings: "Settings", answer: IO[str], as_json: bool) -> Audience:
    return ActionsAudience(answer, as_json, settings) if settings.in_actions else Audience(answer, as_json)


def show(report: "TickReport", zone: ZoneInfo, stream: IO[str]) -> None:
    """Draw a tick for a person. An idle one in a log is one line, and costs no drawing."""
    if report.idle and not stream.isatty():
        from loom.report.words import nothing_due

        stream.write(nothing_due(report, zone) + "\n")
        return
    if not stream.isatty() and _ASKED_FOR_COLOUR.isdisjoint(os.environ):
        from loom.report.tick_lines import write_tick

        write_tick(stream, report, zone, lambda told: _draw(told, stream))
        return
    from loom.report.terminal import console_for, show_tick

    show_tick(console_for(stream), report, zone)


# What makes rich take for a terminal what is none.
_ASKED_FOR_COLOUR = frozenset({"FORCE_COLOR", "TTY_COMPATIBLE"})


def _draw(told: "Told", stream: IO[str]) -> None:
    from loom.report.terminal import console_for, drawn

    console_for(stream).print(drawn(told))


def _as_json(report: "TickReport", zone: ZoneInfo) -> str:
    from loom.report import as_json

    return as_json.dump(as_json.tick_report(report, zone))
