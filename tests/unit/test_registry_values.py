"""What a registry in good order says arrives as the domain's values."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from loom.domain.cron import parse_cron
from loom.domain.registry import HookSettings, StateSettings
from loom.domain.schedule import CatchUp, CatchUpPolicy, DstPolicy, Fold, Gap, Schedule
from loom.domain.worker import AlertPolicy, Expect, Isolation, Requires, Retry, Status, Worker
from tests.unit.registry_project import GOOD, HEAD, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_every_key_of_a_worker_arrives(project: Project) -> None:
    registry = project.load_workers(
        "  echo:\n"
        "    agent: Echo\n"
        "    description: Hört zu – überall 🜁.\n"
        "    schedule: '30 14 * * FRI'\n"
        "    timezone: Europe/Berlin\n"
        "    status: paused\n"
        "    entrypoint: workers.folder:go\n"
        "    timeout: 1h30m\n"
        "    retry: {attempts: 5, backoff: 500ms, factor: 1.5, max_backoff: 2m, jitter: 0, later_ticks: 0,\n"
        "            abandoned: false}\n"
        "    catch_up: {policy: all, within: 3d}\n"
        "    dst: {gap: shift, fold: both}\n"
        "    isolation: process\n"
        "    memory: 512MB\n"
        "    requires: {env: [TOKEN], paths: [docs/a]}\n"
        "    settings: {days: 30, deep: {on: [yes, 010, 2026-01-01, 1.5, null, true]}}\n"
        "    expect: {non_empty: [summary], min: {metrics.pages: 1}, max: {seconds: 2.5}}\n"
        "    alert: {after: 3, remind: 12h}\n"
        "    was: old-echo\n"
    )
    assert registry.broken == ()
    assert registry.workers == (
        Worker(
            id="echo",
            agent="Echo",
            description="Hört zu – überall 🜁.",
            schedule=Schedule(
                "30 14 * * FRI",
                parse_cron("30 14 * * FRI"),
                "Europe/Berlin",
                DstPolicy(Gap.SHIFT, Fold.BOTH),
            ),
            status=Status.PAUSED,
            entrypoint="workers.folder:go",
            timeout=timedelta(minutes=90),
            retry=Retry(
                attempts=5,
                backoff=timedelta(milliseconds=500),
                factor=1.5,
                max_backoff=timedelta(minutes=2),
                jitter=0.0,
                later_ticks=0,
                abandoned=False,
            ),
            catch_up=CatchUp(CatchUpPolicy.ALL, timedelta(days=3)),
            requires=Requires(env=("TOKEN",), paths=("docs/a",)),
            settings={"days": 30, "deep": {"on": ["yes", "010", "2026-01-01", 1.5, None, True]}},
            expect=Expect(("summary",), {"metrics.pages": 1.0}, {"seconds": 2.5}),
            alert=AlertPolicy(3, timedelta(hours=12)),
            isolation=Isolation.PROCESS,
            memory=512_000_000,
            was="old-echo",
            line=4,
        ),
    )


def test_every_top_level_key_arrives(project: Project) -> None:
    registry = project.load(
        f"{HEAD}"
        "max_parallel: 16\n"
        "state: {ledger: var/ledger.db, branch: null, outputs: full, keep: 30d}\n"
        "alerts:\n"
        "  - {kind: stderr, events: [worker.down, worker.recovered]}\n"
        "  - {kind: webhook, url_env: HOOK_URL, secret_env: HOOK_KEY, timeout: 1m30s, optional: true}\n"
        "  - {kind: webhook, url: 'https://example.org/hook'}\n"
        "  - {kind: command, command: [notify, --all], timeout: 500ms}\n"
        "  - {kind: file, path: .loom/alerts.jsonl}\n"
        f"workers:\n  echo: {GOOD[:-1]}, requires: {{env: [TOKEN, HOOK_KEY]}}}}\n"
    )
    assert registry.zone == "America/Chicago"
    assert registry.max_parallel == 16
    assert registry.state == StateSettings("var/ledger.db", None, "full", timedelta(days=30))
    assert registry.declared_env == ("HOOK_KEY", "HOOK_URL", "TOKEN")
    assert registry.hooks == (
        HookSettings("stderr", {"events": ["worker.down", "worker.recovered"]}),
        HookSettings(
            "webhook",
            {"url_env": "HOOK_URL", "secret_env": "HOOK_KEY", "timeout": 90.0, "optional": True},
        ),
        HookSettings("webhook", {"url": "https://example.org/hook"}),
        HookSettings("command", {"command": ["notify", "--all"], "timeout": 0.5}),
        HookSettings("file", {"path": ".loom/alerts.jsonl"}),
    )


def test_what_is_not_said_is_what_the_domain_says(project: Project) -> None:
    registry = project.load_workers(f"  echo: {GOOD}\n")
    (worker,) = registry.workers
    schedule = Schedule("0 6 * * *", parse_cron("0 6 * * *"), "America/Chicago")
    assert worker == Worker(id="echo", schedule=schedule, entrypoint="workers.echo:run", line=4)
    assert (registry.state, registry.max_parallel) == (StateSettings(), 4)


def test_a_registry_that_names_no_hook_still_reaches_stderr(project: Project) -> None:
    assert project.load(f"{HEAD}workers: {{}}\n").hooks == (HookSettings("stderr", {}),)


def test_a_registry_without_workers_is_in_order(project: Project) -> None:
    registry = project.load(f"{HEAD}workers: {{}}\n")
    assert (registry.workers, registry.broken) == ((), ())


def test_a_worker_changes_the_defaults_key_by_key(project: Project) -> None:
    registry = project.load(
        f"{HEAD}"
        "defaults:\n"
        "  timeout: 3m\n"
        "  retry: {attempts: 7, backoff: 9s}\n"
        "  catch_up: {policy: all, within: 5h}\n"
        "  dst: {gap: skip, fold: second}\n"
        "  alert: {after: 2, remind: 1h}\n"
        "workers:\n"
        f"  plain: {GOOD}\n"
        f"  own: {GOOD[:-1]}, timeout: 4m, retry: {{attempts: 1}}, catch_up: {{within: null}}, "
        "dst: {fold: first}, alert: {after: 1}}\n"
    )
    plain, own = registry.workers
    assert plain.timeout == timedelta(minutes=3)
    assert plain.retry == Retry(attempts=7, backoff=timedelta(seconds=9))
    assert plain.catch_up == CatchUp(CatchUpPolicy.ALL, timedelta(hours=5))
    assert plain.schedule.dst == DstPolicy(Gap.SKIP, Fold.SECOND)
    assert plain.alert == AlertPolicy(2, timedelta(hours=1))
    assert own.timeout == timedelta(minutes=4)
    assert own.retry == Retry(attempts=1, backoff=timedelta(seconds=9))
    assert own.catch_up == CatchUp(CatchUpPolicy.ALL, None)
    assert own.schedule.dst == DstPolicy(Gap.SKIP, Fold.FIRST)
    assert own.alert == AlertPolicy(1, timedelta(hours=1))


def test_problems_name_the_file_as_the_project_sees_it(project: Project) -> None:
    elsewhere = project.root / "conf"
    elsewhere.mkdir()
    project.file = elsewhere / "worker-registry.yaml"
    (mistake,) = project.whole_file_mistakes("")
    assert mistake.startswith("conf/worker-registry.yaml: ")


def test_reading_a_registry_imports_no_worker_no_pydantic_and_no_client(project: Project) -> None:
    # The workers of this project raise SystemExit when imported.
    project.load_workers(f"  echo: {GOOD}\n  broken: {{}}\n")
    code = (
        "import sys; from pathlib import Path; from loom.registry import load; "
        f"root = Path({str(project.root)!r}); sys.path.insert(0, str(root)); "
        "registry = load(root / 'worker-registry.yaml', project=root); "
        "assert len(registry.workers) == 1; "
        "print([name for name in ('pydantic', 'httpx', 'workers', 'asyncio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
