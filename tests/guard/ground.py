"""The ground of the tricks: a real project under rules, what lies round it, and what a trick left behind."""

import json
import os
import shutil
import sqlite3
import stat
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.ground.branch import git
from tests.ground.command import Command, Result
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY, own_environment
from tests.guard.rules import RULES
from tests.guard.servers import Reached, listening
from tests.guard.trick import bears, lines_added

SECRETS = {
    "SECRET": "s3cr3t of the ground & nobody else's",
    "DENIED_SECRET": "d3nied-to-everybody-here",
    "FOREIGN_SECRET": "f0reign-to-all-but-one",
}

_HEAD = """\
version: 1
timezone: America/Chicago
max_parallel: <at once>
defaults:
  timeout: 60s
  retry: {attempts: 1, later_ticks: 0}
alerts:
  - {kind: stderr}
workers:
"""
_PACKAGE = REPOSITORY / "loom"


@dataclass(frozen=True, slots=True)
class Evidence:
    """reached: what came to the servers, and no rule allows. changes: of files, in words and by their paths.
    kept: every text in the ledger, and all that was said."""

    reached: Sequence[str]
    changes: Sequence[tuple[str, str]]
    kept: Sequence[str]

    def of(self, name: str, *also: str) -> list[str]:
        """What there is to see of a trick that got through, wherever it went. also: other words of it."""
        found = [f"reached: {text}" for text in self.reached if bears(name, text)]
        found += [f"changed: {path}" for text, path in self.changes if bears(name, text)]
        words = (f"got {name} ", *filter(None, also))
        kept = [text for text in self.kept if any(word in text for word in words) and bears(name, text)]
        return found + [f"kept: {text[:300]}" for text in kept]


@dataclass
class Ground:
    """folder: holds the project, `outside` of it, `home`, `tmp` and `bin`. Free to be written by the rules
    are the project's `drafts` and `tmp`."""

    folder: Path
    reached: Reached
    ports: Mapping[str, int]
    entries: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.project = Project(self.folder / "project")
        shutil.copytree(REPOSITORY / "enforcement", self.project.root / "enforcement")
        self.project.write("workers/__init__.py", "")
        self.project.write("workers/echo.py", "")
        self.outside = self.folder / "outside"
        self.report = self.folder / "home.report"
        for name in ("outside", "home", "home.tmp", "bin", "marks", "project/drafts/kept", "project/private"):
            (self.folder / name).mkdir(parents=True)
        program = self.folder / "bin" / "program"
        program.write_text(f'#!/bin/sh\ntouch "{self.folder}/marks/$1"\n', encoding="utf-8")
        program.chmod(0o755)
        (self.project.root / "drafts" / "way-out").symlink_to(self.outside)
        for name, text in RULES.items():
            for key, value in self.places().items():
                text = text.replace(f"<{key}>", value)
            self.project.rule(name, text)
        lines = [f"{key.upper()} = {value!r}" for key, value in self.constants().items()]
        self.project.write("place.py", "\n".join(["from pathlib import Path", *lines, _MORE]))
        git(self.folder, "init", "--quiet", self.project.root)
        git(self.project.root, "add", "place.py")
        git(self.project.root, "commit", "--quiet", "-m", "the first")
        self._before: dict[Path, tuple[int, str]] = {}
        self._said: list[str] = []

    def places(self) -> dict[str, str]:
        return {name: str(port) for name, port in self.ports.items()}

    def constants(self) -> dict[str, Any]:
        at = "http://127.0.0.1:{}".format
        places: dict[str, Any] = {"site": at(self.ports["site"]), "elsewhere": at(self.ports["elsewhere"])}
        places |= {f"{name}_port": port for name, port in self.ports.items()}
        places |= {name: ("127.0.0.1", self.ports[name]) for name in ("tcp", "udp", "database")}
        places |= {"unix": str(self.folder / "s"), "program": str(self.folder / "bin" / "program")}
        places |= {"outside_": str(self.outside), "project_": str(self.project.root)}
        return places

    def worker(self, name: str, module: str, text: str, *, apart: bool = False, keys: str = "") -> None:
        """Add a worker with all that tricks are played on: its own victim, and its own private file."""
        self.project.worker(module, text)
        self.outside.joinpath(f"{name}.folder").mkdir()
        self.outside.joinpath(f"{name}.txt").write_text(f"the text of {name}\n", encoding="utf-8")
        self.project.write(f"private/{name}.txt", f"got {name} from a private file\n")
        where = "process" if apart else "inline"
        entry = f"  {name}:\n    schedule: '0 6 * * *'\n    entrypoint: workers.{module}:run\n"
        entry += f"    isolation: {where}\n"
        self.entries[name] = entry + "".join(f"    {line}\n" for line in keys.strip().splitlines())

    def register(self, names: Iterable[str] | None = None, *, max_parallel: int = 4) -> None:
        """Write the registry, with these of the workers that were added, or all of them."""
        entries = [self.entries[name] for name in (self.entries if names is None else names)]
        self.project.registry(_HEAD.replace("<at once>", str(max_parallel)) + "".join(entries))
        self._before[self.project.root / "worker-registry.yaml"] = _look(
            self.project.root / "worker-registry.yaml"
        )

    def remember(self) -> None:
        """From now on, what is another than now is a trace."""
        self._before = self._files()

    def run(self, names: Iterable[str], *more: str, command: str = "run", **keys: Any) -> Result:
        named = [word for name in names for word in ("--worker", name)]
        environ = own_environment(os.environ, home=self.folder / "home", report=self.report)
        environ |= SECRETS
        result = Command(self.project.root, environ, afresh=True)(command, *named, *more, **keys)
        self._said += [*result.stderr.splitlines(), *_runs(result.stdout)]
        return result

    def evidence(self) -> "Evidence":
        """All that there is to see of what was done since `remember`."""
        changes = [(f"{path}\n{text}", path) for path, text in self._changes()]
        return Evidence(self.reached.forbidden, changes, [*self._kept(), *self._said])

    def trespasses(self) -> list[str]:
        return self.report.read_text(encoding="utf-8").splitlines() if self.report.exists() else []

    def _changes(self) -> Iterator[tuple[str, str]]:
        """Paths that have come, gone or changed, each with the lines that are new in it."""
        after = self._files()
        for path in sorted({*self._before, *after}):
            (mode, text), (now, then) = self._before.get(path, (0, "")), after.get(path, (0, ""))
            if (mode, text) != (now, then):
                shown = path.relative_to(self.folder) if path.is_relative_to(self.folder) else path
                yield str(shown), "\n".join([*lines_added(text, then), *lines_added(then, text)])

    def _files(self) -> dict[Path, tuple[int, str]]:
        return {path: _look(path) for top in (self.folder, _PACKAGE) for path in self._below(top)}

    def _below(self, top: Path) -> Iterator[Path]:
        free = {self.project.root / "drafts", self.folder / "home.tmp"}
        for root, folders, files in os.walk(top):
            here = Path(root)
            if here == self.project.root / ".loom":
                yield from (here / name for name in files if not name.startswith("ledger"))
                continue
            if here in free:
                folders[:] = [name for name in folders if name == "kept"]
                continue
            folders[:] = [name for name in folders if name != "__pycache__" or top != _PACKAGE]
            yield from (here / name for name in (*folders, *files) if not self._bytecode(here, name))

    def _bytecode(self, folder: Path, name: str) -> bool:
        """Python's own, of a module that is there. What else lies in such a folder has been put there."""
        if name == "__pycache__":
            return True
        stem = name.partition(".")[0]
        return folder.name == "__pycache__" and folder.parent.joinpath(f"{stem}.py").exists()

    def _kept(self) -> Iterator[str]:
        """Every text in the ledger."""
        with closing(sqlite3.connect(self.project.ledger)) as ledger:
            tables = [
                name for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            for table in tables:
                yield f"a table {table}"
                for row in ledger.execute(f'SELECT * FROM "{table}"'):  # noqa: S608  (names of the ledger)
                    yield from (_text(value) for value in row if isinstance(value, str | bytes))


_MORE = """
OUTSIDE, PROJECT = Path(OUTSIDE_), Path(PROJECT_)
TRIED = set()
"""


def _runs(told: str) -> Iterator[str]:
    """What the command told, run by run, or answer by answer."""
    document = json.loads(told) if told.startswith("{") else {"answers": [told]}
    return map(str, document.get("runs") or document.get("answers", ()))


def _text(value: str | bytes) -> str:
    if isinstance(value, str):
        return value
    try:
        return zlib.decompress(value).decode(errors="replace")
    except zlib.error:
        return value.decode(errors="replace")


def _look(path: Path) -> tuple[int, str]:
    """Its kind, mode and times as one number, and what is in it."""
    try:
        status = path.lstat()
    except OSError:
        return 0, ""
    if stat.S_ISLNK(status.st_mode):
        return status.st_mode, str(path.readlink())
    if stat.S_ISREG(status.st_mode):
        marks = "".join(f"{name}\n" for name in os.listxattr(path))
        times = f"{status.st_mtime_ns}\n{status.st_uid}\n"
        return status.st_mode, times + marks + path.read_bytes().decode("latin-1")
    return status.st_mode, ""


@contextmanager
def built(folder: Path) -> Iterator[Ground]:
    folder.mkdir(exist_ok=True)
    with listening(folder) as (reached, ports):
        yield Ground(folder, reached, ports)
