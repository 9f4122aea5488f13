"""Several drivers side by side, each with a stage of its own, playing what they are given."""

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.crash.driving import Driver
from tests.crash.rounds import Figures, Round, Stage
from tests.ground.shut import own_environment


@contextmanager
def ground() -> Iterator[tuple[Path, dict[str, str]]]:
    """A temporary folder and an environment like those that every test gets, for a long mode."""
    with tempfile.TemporaryDirectory(prefix="loom-endurance-") as made:
        home = Path(made) / "home"
        environ = own_environment(os.environ, home=home, report=Path(made) / "report")
        home.mkdir()
        Path(environ["TMPDIR"]).mkdir()
        os.environ.clear()
        os.environ.update(environ)
        yield Path(made), environ


class Company:
    """`players` stages in `folder`."""

    def __init__(self, folder: Path, environ: dict[str, str], players: int) -> None:
        self._players = players
        self._undo = ExitStack()
        self.stages: list[Stage] = []
        for number in range(players):
            driver = self._undo.enter_context(Driver(environ))
            self.stages.append(Stage(folder / f"stage {number}", driver))

    def __enter__(self) -> "Company":
        return self

    def __exit__(self, *error: object) -> None:
        self._undo.close()

    def play(self, rounds: Iterator[Round], seen: Callable[[Round, Figures], None]) -> None:
        """Play all of `rounds`; `seen` hears of each, one at a time."""
        lock = threading.Lock()

        def perform(stage: Stage) -> None:
            while True:
                with lock:
                    round_ = next(rounds, None)
                if round_ is None:
                    return
                figures, _ = stage.play(round_)
                with lock:
                    seen(round_, figures)

        with ThreadPoolExecutor(self._players) as pool:
            for done in [pool.submit(perform, stage) for stage in self.stages]:
                done.result()
