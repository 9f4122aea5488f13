"""The other end of the driver's line: orders go out, answers come in."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.crash.mines import Mine
from tests.ground.shut import REPOSITORY, shut

KILLED = -9


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One tick of `project`: `loom` with `arguments`. folder: where its words go, and its git's.
    shift_s: by how many seconds its machine's clock is ahead. sabotage: a bug of `tests.crash.sabotage`.
    shot_after_s: it is killed from outside so many seconds after it began."""

    project: Path
    folder: Path
    arguments: tuple[str, ...]
    mine: Mine | None = None
    shift_s: float = 0
    environ: Mapping[str, str] = field(default_factory=dict)
    sabotage: str | None = None
    shot_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """status: the exit code, negative for a signal, or 'hung'. passed: the places it passed, in order; '!'
    where a mine did its deed."""

    status: int | str
    out: str
    err: str
    passed: tuple[str, ...]

    @property
    def killed(self) -> bool:
        return self.status == KILLED

    @property
    def hit(self) -> bool:
        """Whether a mine did its deed."""
        return "!" in self.passed

    @property
    def report(self) -> Any:
        """What it said that it did, or None for a tick that died, or couldn't go on, before it said that."""
        said = json.loads(self.out) if self.out else {}
        return said if "tick" in said else None


class Driver:
    """A driver's process. environ: all that it and its ticks have. Ends with the `with` that it began."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.driver"],
            cwd=REPOSITORY,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._hear() != "ready":
            raise RuntimeError("the driver didn't start")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def tick(self, order: Order) -> Answer:
        return self.together([order])[0]

    def together(self, orders: Sequence[Order]) -> list[Answer]:
        """All of them at once."""
        assert self._process.stdin is not None
        for order in orders:
            order.folder.mkdir(parents=True, exist_ok=True)
            (order.folder / "passed").unlink(missing_ok=True)
        self._process.stdin.write(json.dumps([asdict(order) for order in orders], default=str) + "\n")
        self._process.stdin.flush()
        return [
            Answer(each["status"], each["out"], each["err"], tuple(each["passed"].split("\n")[:-1]))
            for each in json.loads(self._hear())
        ]

    def _hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def drivers(home: Path, count: int) -> Iterator[list[Driver]]:
    """So many for the tests of a module, within walls of their own: those of a test come up after a module's
    fixtures."""
    with ExitStack() as undo:
        undo.enter_context(shut(home=home, report=home.with_suffix(".report"), own_clock=True))
        yield [undo.enter_context(Driver(dict(os.environ))) for _ in range(count)]
