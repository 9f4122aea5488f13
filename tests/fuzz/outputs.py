"""What workers return, raise and say: each run gets an outcome, and every record of it can be read."""

import json
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.fuzz.attempts import Wrong
from tests.ground.nursery import TIMED_OUT, Nursery
from tests.ground.project import build_project

WORKERS = 16
_OUTCOMES = {"succeeded", "invalid", "failed", "skipped", "blocked"}
_HEAD = """\
version: 1
timezone: America/Chicago
defaults: {timeout: 60s, retry: {attempts: 1, later_ticks: 0}}
alerts: [{kind: stderr}, {kind: file, path: alerts.jsonl}]
workers:
"""
_ENTRY = """\
  w{number}:
    schedule: "0 * * * *"
    entrypoint: workers.hostile:{function}
    isolation: {isolation}
    settings: {{case: "{case}"}}
    expect: {{min: {{findings: 0, number: -1}}, non_empty: [summary]}}
"""


class Outputs:
    """folder: where a project may be made. One attempt is a tick of `WORKERS` workers, each with a case of
    its own, told as JSON, to a terminal that is none, or to GitHub Actions."""

    def __init__(self, folder: Path, nursery: Nursery) -> None:
        self._nursery = nursery
        self._fresh, self.project = folder / "fresh", folder / "outputs"
        build_project(self._fresh)
        for file in Path(__file__).parent.glob("hostile*.py"):
            shutil.copy(file, self._fresh / "workers")

    def attempt(self, chance: random.Random) -> str:
        telling = chance.choice(["json", "json", "text", "actions"])
        cases = [f"{chance.getrandbits(48):x}" for _ in range(WORKERS)]
        self._write(cases, chance)
        env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(self.project / "summary.md")}
        arguments = ["run", "--at", "2026-06-07T07:31:00Z", *(["--json"] if telling == "json" else [])]
        code, out, err = self._nursery.run(arguments, self.project, env if telling == "actions" else None)
        try:
            self._check(code, out, err, telling == "json")
            self._look_back(chance)
        except Wrong as wrong:
            tail = err[-1_000:].decode("utf-8", "backslashreplace")
            raise Wrong(f"{telling}: {wrong}\ncases {' '.join(cases)}\n{tail}") from None
        return telling

    def _write(self, cases: list[str], chance: random.Random) -> None:
        shutil.rmtree(self.project, ignore_errors=True)
        shutil.copytree(self._fresh, self.project)
        entries = [
            _ENTRY.format(
                number=number,
                case=case,
                function=chance.choice(["run", "run", "run_async"]),
                isolation=chance.choice(["inline"] * 5 + ["process"]),
            )
            for number, case in enumerate(cases)
        ]
        (self.project / "worker-registry.yaml").write_text(_HEAD + "".join(entries), encoding="utf-8")

    def _check(self, code: int, out: bytes, err: bytes, as_json: bool) -> None:
        if code not in (0, 1):
            how = "took too long" if code == TIMED_OUT else f"exit code {code}"
            raise Wrong(f"{how}\n{out[-500:]!r}\n{_bugs(self.project)}")
        runs = self._runs()
        if len(runs) != WORKERS:
            raise Wrong(f"{len(runs)} runs for {WORKERS} workers")
        if as_json:
            said = {run["worker"]: run["outcome"] for run in _parsed(out, "the answer")["runs"]}
            if said != {run["worker"]: run["outcome"] for run in runs}:
                raise Wrong(f"the answer says {said}")
        bad = [run for run in runs if run["outcome"] not in ("succeeded", "skipped")]
        self._check_alerts({run["worker"] for run in bad})
        if (code == 1) != bool(bad):
            raise Wrong(f"exit code {code} for {len(bad)} bad runs")

    def _runs(self) -> list[dict[str, Any]]:
        """As the ledger has them."""
        with closing(sqlite3.connect(self.project / ".loom" / "ledger.db")) as db:
            rows = db.execute("SELECT worker, outcome, body FROM runs").fetchall()
        for worker, outcome, body in rows:
            form = _parsed(body.encode(), f"the record of {worker}")
            error = form.get("error") or {}
            if outcome not in _OUTCOMES:
                raise Wrong(f"{worker} is {outcome}: {error}")
            if error.get("kind") == "LoomBug" or "Loom itself failed" in error.get("message", ""):
                raise Wrong(f"{worker}: Loom blames itself: {error}\n{form.get('log', '')[-2_000:]}")
            if len(body) > 12_000_000:
                raise Wrong(f"the record of {worker} has {len(body)} characters")
        return [{"worker": worker, "outcome": outcome} for worker, outcome, _ in rows]

    def _check_alerts(self, bad: set[str]) -> None:
        file = self.project / "alerts.jsonl"
        lines = file.read_bytes().splitlines() if file.exists() else []
        told = {_parsed(line, "an alert")["worker"] for line in lines}
        if told != bad:
            raise Wrong(f"alerts for {sorted(told)}, bad are {sorted(bad)}")
        longest = max(map(len, lines), default=0)
        if longest > 100_000:
            raise Wrong(f"an alert of {longest} bytes")

    def _look_back(self, chance: random.Random) -> None:
        with closing(sqlite3.connect(self.project / ".loom" / "ledger.db")) as db:
            ids = [run_id for (run_id,) in db.execute("SELECT run_id FROM runs")]
        looks = [["history", "--json"], ["history"], ["status"], ["show", chance.choice(ids)]]
        looks += [["show", chance.choice(ids), "--json"], ["show", chance.choice(ids)], ["status", "--json"]]
        for look in chance.sample(looks, 3):
            code, out, err = self._nursery.run(look, self.project)
            if code != 0:
                raise Wrong(f"loom {' '.join(look)}: exit code {code} {err[-1500:]!r}\n{_bugs(self.project)}")
            if "--json" in look:
                _parsed(out, f"loom {' '.join(look)}")


def _parsed(text: bytes, what: str) -> Any:
    try:
        return json.loads(text.decode(), parse_constant=_no_json)
    except ValueError as error:
        raise Wrong(f"{what} isn't JSON: {error}: {text[:300]!r}") from None


def _no_json(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _bugs(folder: Path) -> str:
    def texts() -> Iterator[str]:
        for log in folder.rglob("loom-bug-*.log"):
            yield log.read_text(encoding="utf-8")[-2_500:]

    return "\n".join(texts())
