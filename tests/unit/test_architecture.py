import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.ground.command import Command, Result
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY

SOURCES = tuple(
    path for folder in ("loom", "workers") for path in sorted((REPOSITORY / folder).rglob("*.py"))
)

# Where each third-party package may enter Loom.
DOORS = {
    "click": ("loom.cli",),
    "rich": ("loom.cli", "loom.report"),
    "croniter": ("loom.domain.cron",),
    "yaml": ("loom.registry", "loom.enforcement", "loom.workflows"),
    "httpx": (
        "loom.ports",
        "loom.worker",
        "loom.enforcement",
        "loom.execution",
        "loom.alerts",
        "loom.heartbeat",
        "loom.simulation",
    ),
    "apprise": ("loom.alerts.apprise_hook",),
    "httpcore": ("loom.enforcement",),
    "anyio": ("loom.enforcement",),
    "pydantic": (
        "loom.worker",
        "loom.execution",
        "loom.validation",
        "loom.expectation",
        "loom.starter",
        "loom.demo.newcomer",
    ),
    "pydantic_core": ("loom.execution", "loom.validation"),
}
# Who may ask the process for its environment or folders; everybody else is given them. The guarded client
# honours SSL_CERT_FILE and SSL_CERT_DIR as every HTTP client does, and the guard judges an act by what the
# process has at that moment.
ENVIRONMENT_DOORS = (
    "loom.cli",
    "loom.wiring",
    "loom.child",
    *(f"loom.enforcement.guarding.{name}" for name in ("client", "arguments", "paths")),
    "loom.enforcement.judges.programs",
)


def module_name(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that `tree` names in an import, at whatever depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


def third_party(path: Path) -> set[str]:
    tops = {name.split(".")[0] for name in imported(ast.parse(path.read_text(encoding="utf-8")))}
    # _sha2 is in the standard library from Python 3.12 on.
    return tops - sys.stdlib_module_names - {"loom", "workers", "__future__", "_sha256", "_sha2"}


def is_within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def attributes(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every ``name.attribute`` in `tree`, dotted, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}", node.lineno


def lint_imports(root: Path) -> Result:
    program = str(Path(sys.executable).with_name("lint-imports"))
    done = subprocess.run(
        [program, "--no-cache", "--no-logo"], cwd=root, capture_output=True, text=True, check=False
    )
    return Result(("lint-imports",), done.returncode, done.stdout, done.stderr, done.stdout)


def test_the_import_graph_is_a_ladder_without_a_cycle() -> None:
    result = lint_imports(REPOSITORY)
    assert result.exit_code == 0, str(result)
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(
    ("module", "statement", "broken"),
    [
        ("loom/domain/slot.py", "from loom.ports import Ledger", "Each floor"),
        ("loom/slots/__init__.py", "import loom.alerts", "Each floor"),
        ("loom/runner/__init__.py", "def later():\n    import loom.wiring", "Each floor"),
        ("loom/stray.py", "", "Each floor"),
        (
            "loom/domain/run.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from loom.domain.alert import Alert",
            "No cycle",
        ),
        ("loom/runner/__init__.py", "import rich.table", "click and rich"),
        ("loom/status.py", "def later():\n    import click", "click and rich"),
        ("loom/slots/__init__.py", "from croniter import croniter", "croniter enters"),
        ("workers/staleness_detector.py", "from loom.domain.run import Run", "Of Loom, a worker"),
        ("workers/another.py", "import workers.staleness_detector", "Workers share"),
        ("workers/sources/__init__.py", "import workers.staleness_detector", "Workers share"),
        ("loom/runner/__init__.py", "import workers.staleness_detector", "Loom knows no worker"),
    ],
)
def test_a_contract_breaks_when_its_rule_is_broken(
    tmp_path: Path, module: str, statement: str, broken: str
) -> None:
    for folder in ("loom", "workers"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    planted = tmp_path / module
    before = planted.read_text(encoding="utf-8") if planted.exists() else ""
    planted.write_text(f"{before}\n{statement}\n", encoding="utf-8")
    result = lint_imports(tmp_path)
    assert result.exit_code == 1, str(result)
    if not module.endswith("stray.py"):
        assert re.search(rf"{re.escape(broken)}.* BROKEN", result.stdout), str(result)


def test_third_party_packages_enter_through_their_named_doors() -> None:
    uninvited = [
        f"{module_name(path)} imports {package}"
        for path in SOURCES
        if is_within(module_name(path), ("loom",))
        for package in sorted(third_party(path))
        if not is_within(module_name(path), DOORS.get(package, ()))
    ]
    assert uninvited == []


def test_every_package_that_is_imported_is_declared_and_every_declared_one_is_imported() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {normal(re.split(r"[^A-Za-z0-9._-]", text)[0]) for text in project["dependencies"]}
    distributions = packages_distributions()
    used = {normal(distributions[package][0]) for path in SOURCES for package in third_party(path)}
    # pydantic pins the one pydantic-core it works with. tzdata is data: zoneinfo reads it where a machine has
    # no zones of its own.
    extra = {
        normal(re.split(r"[^A-Za-z0-9._-]", text)[0]) for text in project["optional-dependencies"]["apprise"]
    }
    assert used - {"pydantic-core"} == (declared | extra) - {"tzdata"}


def normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_only_the_clock_asks_what_time_it_is() -> None:
    asks = {
        *(f"{kind}.{verb}" for kind in ("datetime", "date") for verb in ("now", "utcnow", "today")),
        *(f"time.{verb}" for verb in ("time", "time_ns", "localtime", "gmtime", "ctime")),
    }
    found = {
        module_name(path)
        for path in SOURCES
        for name, _ in attributes(ast.parse(path.read_text(encoding="utf-8")))
        if name in asks
    }
    assert found == {"loom.clock"}


def test_the_environment_and_the_folders_come_in_as_arguments() -> None:
    asks = {"os.environ", "os.getenv", "os.getcwd", "Path.cwd", "Path.home"}
    uninvited = [
        f"{module_name(path)}:{line} asks for {name}"
        for path in SOURCES
        if is_within(module_name(path), ("loom",))
        for name, line in attributes(ast.parse(path.read_text(encoding="utf-8")))
        if name in asks and not is_within(module_name(path), ENVIRONMENT_DOORS)
    ]
    assert uninvited == []


def imports_of(result: Result) -> set[str]:
    """The modules that a command imported, read from what PYTHONPROFILEIMPORTTIME makes Python write."""
    lines = re.findall(r"^import time:[^|]*\|[^|]*\|\s*(\S+)$", result.stderr, re.MULTILINE)
    return set(lines)


def tops(modules: set[str]) -> set[str]:
    return {module.split(".")[0] for module in modules}


TRACED = {"PYTHONPROFILEIMPORTTIME": "1"}


def test_help_imports_click_and_nothing_heavier(loom: Command) -> None:
    result = loom("--help", env=TRACED)
    assert result.exit_code == 0, str(result)
    seen = tops(imports_of(result))
    assert "click" in seen
    assert seen & {"pydantic", "pydantic_core", "yaml", "rich", "httpx", "sqlite3", "asyncio"} == set()


@pytest.fixture
def daily(project: Project, loom: Command) -> Project:
    """A project whose one worker runs at 03:00 in Chicago, after a first tick at 12:20."""
    project.entries("""
        echo:
          schedule: "0 3 * * *"
          entrypoint: workers.echo:run
    """)
    first = loom("run", "--at", "2026-03-03T18:20:00Z", cwd=project.root)
    assert first.exit_code == 0, str(first)
    return project


def imported_workers(project: Project) -> set[str]:
    """The workers that were ever imported: Python keeps the bytecode of what it imports. (What it writes of
    imports can't tell, because a worker's output is captured.)"""
    return {file.name.split(".")[0] for file in (project.root / "workers").rglob("*.pyc")} - {"__init__"}


def test_an_idle_tick_imports_no_worker_and_nothing_that_only_work_needs(
    loom: Command, daily: Project
) -> None:
    idle = loom("run", "--at", "2026-03-03T19:20:00Z", cwd=daily.root, env=TRACED)
    assert idle.exit_code == 0, idle.stderr[-400:]
    seen = imports_of(idle)
    assert {"loom.runner.tick", "sqlite3", "yaml"} <= seen
    assert tops(seen) & {"workers", "httpx", "httpcore", "anyio", "rich", "asyncio", "ssl", "email"} == set()
    assert imported_workers(daily) == set()


def test_a_dry_run_of_an_idle_tick_imports_no_worker_and_nothing_that_only_work_needs(
    loom: Command, daily: Project
) -> None:
    idle = loom("run", "--dry-run", "--at", "2026-03-03T19:20:00Z", cwd=daily.root, env=TRACED)
    assert idle.exit_code == 0, idle.stderr[-400:]
    seen = imports_of(idle)
    assert {"loom.runner.tick", "sqlite3", "yaml"} <= seen
    assert tops(seen) & {"workers", "pydantic", "httpx", "httpcore", "rich", "asyncio"} == set()
    assert imported_workers(daily) == set()


def test_a_worker_is_imported_when_it_is_due(loom: Command, daily: Project) -> None:
    due = loom("run", "--at", "2026-03-04T09:20:00Z", cwd=daily.root)
    assert due.exit_code == 0, str(due)
    assert imported_workers(daily) == {"echo"}
