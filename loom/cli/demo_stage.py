"""Where `loom demo` plays: its folder, its services, and the real runner with a clock that is set."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from loom.clock import SetClock
from loom.demo.playing import play
from loom.demo.project import write
from loom.demo.reckoning import reckon
from loom.demo.services import Services
from loom.demo.week import steps
from loom.domain.demo import Reckoning, Scene
from loom.domain.tick import TickReport
from loom.enforcement.reading.sealing import seal
from loom.errors import SettingsError, UsageError
from loom.report.progress import SilentProgress
from loom.runner.request import Stop, TickRequest
from loom.runner.tick import run_tick
from loom.sample.project import SECRETS
from loom.settings import Settings, read_settings
from loom.values import dataclass, replace
from loom.wiring.looking import peek_ledger, publishable
from loom.wiring.parts import parts_for, read_registry

# Its troubles are nobody's, no event of GitHub's wakes it, and its workers get made-up secrets or none.
_NOT_ITS_OWN = ("LOOM_", "GITHUB_", *SECRETS)

_PAGE_DAYS = 28


@dataclass(frozen=True, slots=True)
class Stage:
    """stop: ends the play, and the tick that is under way."""

    settings: Settings
    services: Services
    stop: Stop

    def scenes(self) -> Iterator[Scene]:
        """The week, each step played when it is asked for; it ends early when it is to stop."""
        project = self.settings.project
        played = play(
            steps(),
            folder=project,
            services=self.services,
            tick=self._tick,
            registry=lambda: read_registry(self.settings),
        )
        while not self.stop.asked and (scene := next(played, None)) is not None:
            yield scene

    def reckon(self, scenes: Sequence[Scene]) -> Reckoning:
        """What came of the whole week."""
        registry = read_registry(self.settings)
        ledger = peek_ledger(self.settings, registry)
        try:
            return reckon(registry, ledger, scenes, self.services)
        finally:
            ledger.close()

    def publish_page(self, at: datetime) -> Path:
        """Write the dashboard as of `at`, as `loom dashboard` does, into the project; returns its file."""
        from loom import __version__
        from loom.dashboard.publishing import publish
        from loom.dashboard.reading import read_dashboard
        from loom.report.dashboard.page import render

        project, registry = self.settings.project, read_registry(self.settings)
        ledger = peek_ledger(self.settings, registry)
        try:
            dashboard = read_dashboard(
                registry,
                ledger,
                project="Brightwater Studio",
                now=at,
                days=_PAGE_DAYS,
                clean=publishable(self.settings, registry),
            )
        finally:
            ledger.close()
        file, _ = publish(project / "site", render(dashboard, version=__version__))
        return file

    def _tick(self, at: datetime) -> TickReport:
        parts = replace(
            parts_for(self.settings, SetClock(at), SilentProgress()),
            stop=self.stop,
            take_secrets=lambda names: {name: SECRETS[name] for name in names if name in SECRETS},
        )
        return run_tick(parts, TickRequest())


@contextmanager
def staged(folder: Path, stop: Stop) -> Iterator[Stage]:
    """The project in `folder`, which is empty, and its services for as long as this holds.

    Takes out of this process's environment what could lead to anything of the person's own. Raises
    SettingsError when the folder can't be written to, or nothing may answer on this machine.
    """
    for name in list(os.environ):
        # Its services are on this machine: a proxy couldn't reach them.
        if name.startswith(_NOT_ITS_OWN) or name.lower().endswith("_proxy"):
            del os.environ[name]
    services = Services()
    with _answering(services):
        _write(folder, services.port)
        yield Stage(read_settings(os.environ, cwd=folder, project=folder), services, stop)


def _answering(services: Services) -> ExitStack:
    """What ends them. Raises SettingsError when they can't begin."""
    stack = ExitStack()
    try:
        stack.enter_context(services.answering())
    except OSError as error:
        raise SettingsError(f"nothing can answer on 127.0.0.1 of this machine: {error.strerror}") from None
    return stack


def new_folder(named: Path | None) -> Path:
    """A folder for the project, which is new or empty; a temporary one, if none is named. Raises UsageError
    for one that holds something, SettingsError where none can be made."""
    try:
        if named is None:
            return Path(tempfile.mkdtemp(prefix="loom-demo-")).resolve()
        if named.exists() and any(named.iterdir()):
            raise UsageError(f"{named} isn't empty, and the demo needs a folder of its own: name a new one.")
        named.mkdir(parents=True, exist_ok=True)
        return named.resolve()
    except OSError as error:
        raise SettingsError(_unwritable(named, error)) from None


def _write(folder: Path, port: int) -> None:
    try:
        write(folder, port=port)
    except OSError as error:
        raise SettingsError(_unwritable(folder, error)) from None
    seal(folder / "enforcement")


def _unwritable(folder: Path | None, error: OSError) -> str:
    where = folder or "a temporary folder"
    why = f"can't write the demo's project into {where}: {error.strerror}"
    return f"{why}; name a folder you may write to: --dir DIR"
