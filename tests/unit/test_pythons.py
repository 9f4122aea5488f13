"""Which Pythons are promised is said in pyproject.toml; whatever else names one says the same."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.ground.shut import REPOSITORY

PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
OLDEST = PYPROJECT["project"]["requires-python"].removeprefix(">=")
PROMISED = [
    version
    for classifier in PYPROJECT["project"]["classifiers"]
    for version in re.findall(r"^Programming Language :: Python :: (3\.\d+)$", classifier)
]
WORKFLOWS = REPOSITORY / ".github" / "workflows"
THAT_SET_ONE_UP = [
    *(WORKFLOWS / name for name in ("loom.yml", "pages.yml")),
    *sorted((REPOSITORY / "loom" / "starter").glob("*.yml")),
]


def text(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def run_checks(python: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([REPOSITORY / ".ci" / "run", python], capture_output=True, text=True, check=False)


def test_they_are_every_one_from_the_oldest_that_installs_on() -> None:
    oldest = int(OLDEST.removeprefix("3."))
    assert [f"3.{oldest + place}" for place in range(len(PROMISED))] == PROMISED
    assert len(PROMISED) >= 2


def test_every_change_is_checked_on_each() -> None:
    checks = yaml.safe_load((WORKFLOWS / "ci.yml").read_text(encoding="utf-8"))["jobs"]["checks"]
    assert checks["strategy"]["matrix"]["python"] == PROMISED


@pytest.mark.parametrize("workflow", THAT_SET_ONE_UP, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_workflow_that_runs_loom_asks_for_the_newest(workflow: Path) -> None:
    asked = re.findall(r"python-version: (.*)", workflow.read_text(encoding="utf-8"))
    assert asked == [f'"{PROMISED[-1]}"']


def test_the_readme_names_the_oldest_and_each() -> None:
    *others, newest = PROMISED
    assert re.findall(r"Python (3\.\d+) or newer", text("README.md")) == [OLDEST]
    assert f"Every change is checked on Python {', '.join(others)} and {newest};" in text("README.md")


def test_the_linter_and_the_pinned_versions_are_those_for_the_oldest() -> None:
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{OLDEST.replace('.', '')}"
    assert re.findall(r"--python-version (\S+)", text("constraints.txt")) == [OLDEST]


def test_the_checks_fail_where_there_is_no_python_for_them_and_leave_nothing_behind() -> None:
    done = run_checks("a-python-nobody-has")
    assert done.returncode == 1
    assert f"no Python {OLDEST} or newer by the name of: a-python-nobody-has" in done.stderr
    assert "==> Python: FAILED" in done.stderr
    assert not any(Path(os.environ["TMPDIR"]).iterdir())


def test_the_checks_turn_away_a_python_that_is_too_old(tmp_path: Path) -> None:
    old = tmp_path / "old-python"
    old.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        f"sys.version_info = (3, {int(OLDEST.removeprefix('3.')) - 1}, 9)\n"
        "_, _, code, *rest = sys.argv\n"
        "sys.argv = ['-c', *rest]\n"
        "exec(code)\n",
        encoding="utf-8",
    )
    old.chmod(0o755)
    done = run_checks(old)
    assert done.returncode == 1
    assert f"no Python {OLDEST} or newer by the name of: {old}" in done.stderr
