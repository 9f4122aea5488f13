"""Lines of the state branch: what a hand or a bad disk did to some of them costs no other, and nobody more.

The lines are those that real ticks wrote. Damaged ones are taken in as a fetch does it, then folded as
compaction does it, and sometimes a project goes on from there with real commands, or from a real remote.
"""

import json
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from loom.domain.record import Snapshot
from loom.errors import LedgerError
from loom.ledger.following import take_in
from loom.ledger.reads import read_snapshot
from loom.ledger.working_copy import damage
from tests.fuzz.attempts import Wrong
from tests.fuzz.line_damage import spoil
from tests.fuzz.line_laws import Damaged, a_copy, check_folded, check_kept, newer
from tests.ground.branch import STATE, Remote, git
from tests.ground.nursery import TIMED_OUT, Nursery
from tests.ground.project import Project, build_project

_WORKERS = """
    echo: {{agent: Echo, schedule: "0 * * * *", entrypoint: "workers.echo:run"}}
    flaky: {{schedule: "0 * * * *", entrypoint: "workers.flaky:run", retry: {{attempts: 1, later_ticks: 9}}}}
    broken: {{schedule: "*/30 * * * *", entrypoint: "workers.broken:run", alert: {{after: 1}}}}
    needy: {{schedule: "0 * * * *", entrypoint: "workers.echo:run", requires: {{env: [NOT_THERE]}}}}
    {third}: {{schedule: "15 * * * *", entrypoint: "workers.echo:run", catch_up: {{policy: all}}{was}}}
"""
_FLAKY = """
    from loom.worker import TransientError, WorkerContext, WorkerOutput
    def run(context: WorkerContext) -> WorkerOutput:
        raise TransientError("the other side is busy")
"""
_BROKEN = """
    from loom.worker import WorkerContext, WorkerOutput
    def run(context: WorkerContext) -> WorkerOutput:
        raise ValueError("caf\\udce9 is no text")
"""
_HOOKS = "alerts: [{kind: stderr}, {kind: file, path: nowhere.d}]"
_LATER = "2026-06-07T12:31:00Z"
_DAY = "2026/06/2026-06-07.jsonl"
_MONTH = "2026-06.jsonl"
_COMMANDS = (["status"], ["status", "--json"], ["history"], ["history", "--json"], ["next"], ["check"])


class Lines:
    """folder: where projects and remotes may be made."""

    def __init__(self, folder: Path, nursery: Nursery) -> None:
        self._nursery = nursery
        self._folder = folder / "lines"
        self._folder.mkdir()
        self._remote = Remote(self._folder)
        self._clone = self._remote.clone("here")
        self._project = self._made(self._clone)
        self._texts = self._written()

    def attempt(self, chance: random.Random) -> str:
        road = chance.random()
        case = self.case(chance)
        try:
            if road < 0.72:
                return self._take_in(case)
            return self._go_on(case, chance) if road < 0.9 else self._follow(case, chance)
        except Wrong as wrong:
            changed = b"\n".join(
                b"%d: %s" % (number, case.rows[number - 1][:600]) for number in sorted(case.touched)[:6]
            )
            raise Wrong(
                f"{wrong}\n{case.path}, touched {sorted(case.touched)[:12]}\n{changed!r}"
            ) from wrong.__cause__

    # -- the lines that are damaged ----------------------------------------------------------------------

    def _made(self, clone: Path) -> Project:
        build_project(self._folder / "model")
        shutil.copytree(self._folder / "model", clone, dirs_exist_ok=True)
        project = Project(clone)
        project.worker("flaky", _FLAKY)
        project.worker("broken", _BROKEN)
        (clone / "nowhere.d").mkdir()
        return project

    def _written(self) -> dict[str, bytes]:
        """The text of a day's file after some ticks, and that of the month once it is compacted."""
        for hour, (third, was) in enumerate(
            [("old", ""), ("old", ""), ("new", ", was: old"), ("new", ", was: old")], 7
        ):
            entries = _WORKERS.format(third=third, was=was)
            self._project.registry(f"version: 1\ntimezone: America/Chicago\n{_HOOKS}\nworkers:\n{entries}")
            self._tick("run", "--at", f"2026-06-07T{hour:02}:31:00Z")
        self._tick("run", "--worker", "echo", "--at", "2026-06-07T11:01:00Z")
        day = self._remote.files()
        self._before = self._folder / "before.git"
        shutil.copytree(self._remote.bare, self._before)
        self._tick("state", "compact", "--days", "0")
        month = self._remote.files()
        texts = {_DAY: day[_DAY].encode() + b"\n", _MONTH: month[_MONTH].encode() + b"\n"}
        kinds = {json.loads(row)["kind"] for text in texts.values() for row in text.splitlines()}
        assert kinds > {"Run", "Tick", "Ticket", "Marks", "Episode", "Delivery", "HooksInForce", "Renamed"}, (
            kinds
        )
        return texts

    def _tick(self, *arguments: str) -> None:
        code, out, err = self._nursery.run(arguments, self._clone, {"LOOM_STATE_BRANCH": STATE})
        assert code in (0, 1, 4), (code, out, err)

    def case(self, chance: random.Random) -> Damaged:
        path = chance.choice([_DAY, _DAY, _MONTH])
        marked = [(row, False) for row in self._texts[path].splitlines()]
        for _ in range(chance.choice([1, 1, 1, 2, 4, 12])):
            spoil(marked, chance)
        end = chance.choice([b"\n", b"\n", b"\n", b"", b"\r\n", b"\n\n  \n"])
        text = b"\n".join(row for row, _ in marked) + end
        if chance.random() < 0.05:
            text, marked = text.replace(b"\n", b"\r\n"), [(row + b"\r", touched) for row, touched in marked]
        touched = frozenset(number for number, (_, touched) in enumerate(marked, 1) if touched)
        return Damaged(path, text, [row for row, _ in marked], touched)

    # -- what is tried -----------------------------------------------------------------------------------

    def _take_in(self, case: Damaged) -> str:
        with a_copy(self._folder / "taken.db") as db:
            try:
                before = _taken_in(db, case)
            except LedgerError as error:
                if "upgrade Loom" not in str(error) or not newer(case.rows):
                    raise Wrong(f"refused: {error}") from error
                return "newer"
            told = damage(db)
            for problem in told:
                right = problem.file == case.path and problem.message.strip()
                if not right or problem.line is None or not 1 <= problem.line <= case.text.count(b"\n") + 1:
                    raise Wrong(f"a problem without its place: {problem!r}")
            check_kept(db, before, case)
            check_folded(db, before, self._folder)
        return "damage told" if told else "nothing to tell"

    def _go_on(self, case: Damaged, chance: random.Random) -> str:
        """A project whose ledger is what was taken in: all commands work, and the next tick goes on."""
        home = self._folder / "home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self._clone, home, ignore=shutil.ignore_patterns(".git", ".loom"))
        (home / ".loom").mkdir()
        if chance.random() < 0.15:
            (home / "worker-registry.yaml").write_text("version: 2\n", encoding="utf-8")
        with a_copy(home / ".loom" / "ledger.db") as db:
            try:
                before = _taken_in(db, case)
            except LedgerError:
                return "newer"
            runs = [run_id for (run_id,) in db.execute("SELECT run_id FROM runs ORDER BY run_id")]
        commands = [chance.choice(_COMMANDS), *([["show", chance.choice(runs)]] if runs else [])]
        for command in (commands[0], ["run", "--at", _LATER, *chance.choice([[], ["--json"]])], *commands):
            self._command(command, home, {})
        self._check_after(home / ".loom" / "ledger.db", before)
        return "gone on"

    def _follow(self, case: Damaged, chance: random.Random) -> str:
        """The same from a remote on which somebody edited the branch, through a fetch, a claim and a push."""
        site = self._folder / "site"
        shutil.rmtree(site, ignore_errors=True)
        site.mkdir()
        shutil.copytree(self._before, site / "remote.git")
        home = site / "home"
        git(site, "clone", "--quiet", (site / "remote.git").as_uri(), home)
        shutil.copytree(self._clone, home, ignore=shutil.ignore_patterns(".git", ".loom"), dirs_exist_ok=True)
        env = {"LOOM_STATE_BRANCH": STATE}
        if chance.random() < 0.5:
            self._command(["status"], home, env)
        _edit(site / "remote.git", case)
        for command in (
            ["state", "show"],
            ["run", "--at", _LATER],
            ["status", "--json"],
            ["state", "compact"],
        ):
            self._command(command, home, env)
        return "followed"

    def _command(self, command: list[str], home: Path, env: dict[str, str]) -> None:
        code, out, err = self._nursery.run(command, home, env)
        if code not in (0, 1, 3, 4) or b"Traceback (most" in err or b"loom: a bug in Loom" in err:
            how = "took too long" if code == TIMED_OUT else f"exit code {code}"
            bugs = [log.read_text(encoding="utf-8")[-2_500:] for log in home.rglob("loom-bug-*.log")]
            raise Wrong(f"loom {' '.join(command)}: {how}\n{err[-800:]!r}\n{''.join(bugs)}")
        if "--json" in command and code in (0, 1):
            json.loads(out)

    def _check_after(self, ledger: Path, before: Snapshot) -> None:
        with closing(sqlite3.connect(ledger)) as db:
            after = read_snapshot(db)
        for worker, mark in before.marks.items():
            if after.marks.get(worker, mark) < mark:
                raise Wrong(f"the mark of {worker} went back: {mark} to {after.marks[worker]}")


def _taken_in(db: sqlite3.Connection, case: Damaged) -> Snapshot:
    try:
        take_in(db, case.path, case.text)
        return read_snapshot(db)
    except LedgerError:
        raise
    except Exception as error:
        raise Wrong(f"taking it in: {type(error).__name__}: {error}"[:1_000]) from error


def _edit(bare: Path, case: Damaged) -> None:
    """Put the file on the branch as its only one, with plain git."""
    index = {"GIT_INDEX_FILE": str(bare / "hand-index")}
    file = bare / "hand"
    file.write_bytes(case.text)
    blob = git(bare, "hash-object", "-w", file)
    listed = f"100644 blob {blob}\t{case.path.rpartition('/')[2]}"
    tree = _tree(bare, listed)
    for folder in reversed(case.path.split("/")[:-1]):
        tree = _tree(bare, f"040000 tree {tree}\t{folder}")
    commit = git(bare, "commit-tree", tree, "-m", "by hand")
    git(bare, "update-ref", f"refs/heads/{STATE}", commit)
    assert index


def _tree(bare: Path, listed: str) -> str:
    import subprocess

    made = subprocess.run(
        ["git", "mktree"], cwd=bare, input=listed + "\n", capture_output=True, text=True, check=True
    )
    return made.stdout.strip()
