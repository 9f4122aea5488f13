"""GitHub as far as the workflows need it: a bare repository, and runners that forget everything.

The very steps of a workflow are run under bash as GitHub runs them, each time in a fresh clone. Nothing but
the state branch connects one job with the next. The clock is given: the `loom` these steps find adds ``--at``
to a `loom run`.
"""

import json
import os
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.ground.actions_runner import Reading, read
from tests.ground.command import PROGRAM
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY


@dataclass(frozen=True)
class Job:
    """What one run of the workflow left behind."""

    exit_code: int
    log: str
    summary: str
    outputs: dict[str, str]

    @property
    def reading(self) -> Reading:
        return read(self.log.splitlines())

    @property
    def outcomes(self) -> Any:
        return json.loads(self.outputs["outcomes"])


def job_environment(runner: Path) -> dict[str, str]:
    """What GitHub tells the steps of a job. runner: the folder of one runner, named ``runner-NUMBER``, with
    the checkout in `work`."""
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(runner / "work"),
        "GITHUB_STEP_SUMMARY": str(runner / "summary.md"),
        "GITHUB_OUTPUT": str(runner / "output.txt"),
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "acme/ops",
        "GITHUB_RUN_ID": runner.name.rpartition("-")[2],
        "RUNNER_NAME": runner.name,
    }


@dataclass
class GitHub:
    """A bare repository, and runners that forget everything."""

    folder: Path
    origin: Path
    environ: dict[str, str]
    count: int = field(default=0)

    def tick(self, at: str, **inputs: str) -> Job:
        """Check out, then run the step that runs Loom."""
        job = self.step("loom.yml", "tick", at, **inputs)
        status = git("status", "--porcelain", cwd=self.work)
        assert not [line for line in status.splitlines() if not line.endswith("heard.jsonl")], status
        return job

    @property
    def work(self) -> Path:
        """The checkout of the newest runner."""
        return self.folder / f"runner-{self.count}" / "work"

    def step(self, workflow: str, id_: str, at: str, **inputs: str) -> Job:
        """Check out, then run the step of `workflow` that has this id."""
        self.count += 1
        runner = self.folder / f"runner-{self.count}"
        work = self.work
        git("clone", "--quiet", self.origin, work, cwd=self.folder)
        script = runner / "bin" / "loom"
        script.parent.mkdir()
        at_option = f'[ "$1" = run ] && set -- "$@" --at {at}'
        script.write_text(f'#!/bin/sh\n{at_option}\nexec {shlex.join(PROGRAM)} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
        step = step_of(workflow, id_)
        env = {
            **self.environ,
            **dict.fromkeys(step["env"], ""),
            "LOOM_STATE_BRANCH": step["env"]["LOOM_STATE_BRANCH"],
            **inputs,
            "PATH": f"{script.parent}:{os.environ['PATH']}",
            **job_environment(runner),
        }
        done = subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=work,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return Job(
            done.returncode,
            done.stdout,
            (runner / "summary.md").read_text(encoding="utf-8") if (runner / "summary.md").exists() else "",
            _outputs(runner / "output.txt"),
        )


def step_of(workflow: str, id_: str) -> dict[str, Any]:
    """The step with this id, of whichever job of the repository's own `workflow`."""
    text = (REPOSITORY / ".github" / "workflows" / workflow).read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"].values()
    (step,) = (step for job in jobs for step in job["steps"] if step.get("id") == id_)
    assert isinstance(step, dict)
    return step


def git(*arguments: str | Path, cwd: Path) -> str:
    done = subprocess.run(["git", *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout


def _outputs(file: Path) -> dict[str, str]:
    """``name<<DELIMITER`` blocks, as GitHub reads them."""
    found: dict[str, str] = {}
    lines = iter(file.read_text(encoding="utf-8").splitlines() if file.exists() else [])
    for line in lines:
        name, heredoc, delimiter = line.partition("<<")
        if not heredoc:
            name, _, value_here = line.partition("=")
            found[name] = value_here
            continue
        value: list[str] = []
        for inner in lines:
            if inner == delimiter:
                break
            value.append(inner)
        found[name] = "\n".join(value)
    return found


def github_with(project: Project, folder: Path) -> GitHub:
    """A GitHub below `folder` whose default branch holds `project` as it stands."""
    origin = folder / "origin.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", origin, cwd=folder)
    project.write(".gitignore", ".loom/\n__pycache__/\n")
    git("init", "--quiet", "--initial-branch=main", cwd=project.root)
    git("add", "--all", cwd=project.root)
    git("commit", "--quiet", "--message", "the project", cwd=project.root)
    git("push", "--quiet", origin, "main", cwd=project.root)
    return GitHub(folder, origin, dict(os.environ))
