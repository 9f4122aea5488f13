"""Registry and enforcement files: whatever stands in them is read, or told as problems with an address."""

import hashlib
import random
import shutil
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loom.domain.registry import Registry
from loom.enforcement.reading.loader import load as load_enforcement
from loom.errors import ConfigurationError, EnforcementError, Problem, RegistryError
from loom.registry import load as load_registry
from loom.registry.json_schema import schema
from tests.fuzz.attempts import Wrong
from tests.fuzz.yaml_text import damaged, spoil_bytes
from tests.ground.shut import REPOSITORY

PATIENCE_S = 4.0
"""Of processor time for one file; the worst is a megabyte."""

REGISTRY = """\
version: 1
timezone: America/Chicago
defaults:
  timeout: 10m
  retry: {attempts: 3, backoff: 2s, factor: 2, max_backoff: 1m, jitter: 0.2, later_ticks: 2, abandoned: true}
  catch_up: {policy: latest, within: 24h}
  isolation: inline
  overlap: skip
  dst: {gap: transition, fold: first}
  alert: {after: 2, remind: 12h}
max_parallel: 4
state: {ledger: .loom/ledger.db, branch: null, outputs: redacted, keep: 400d}
tick: {cron: "17 * * * *", timezone: UTC, budget: 20m}
heartbeat: {url_env: LOOM_HEARTBEAT_URL}
alerts:
  - {kind: stderr, events: [worker.down, slot.missed]}
  - {kind: webhook, url_env: LOOM_ALERT_WEBHOOK_URL, secret_env: SIGNING_KEY, timeout: 10s, optional: true}
  - {kind: command, command: [notify-send, Loom], timeout: 30s}
  - {kind: file, path: .loom/alerts.jsonl}
  - {kind: github-issue, repository: acme/robots, token_env: GITHUB_TOKEN, labels: [ops], optional: true}
  - {kind: apprise, url_env: APPRISE_URL, optional: true}
workers:
  echo:
    agent: Echo
    description: "Says what it hears."
    schedule: "0 6 * * *"
    timezone: Australia/Lord_Howe
    dst: {gap: shift, fold: both}
    status: active
    entrypoint: workers.echo:run
    timeout: 5m
    isolation: process
    memory: 300MB
    overlap: allow
    retry: {attempts: 1}
    catch_up: {policy: all, within: 2d}
    requires: {env: [HUBSPOT_ACCESS_TOKEN], paths: [docs/a]}
    settings: {quiet_after_days: 30, hosts: [a, b], deep: {er: {est: null}}}
    expect: {non_empty: [summary], min: {findings: 0, metrics.pages: 1.5}, max: {findings: 100}}
    alert: {after: 3, remind: 1h}
    was: old-echo
  forge: {schedule: "@daily", entrypoint: "workers.forge:run", agent: null, status: paused}
  audit: {schedule: "*/15 8-17 1-7,15 jan-jun mon-fri", entrypoint: "workers.folder:run", status: disabled}
"""


@contextmanager
def _in_time(what: str) -> Iterator[None]:
    began = time.process_time()
    try:
        yield
    finally:
        took = time.process_time() - began
        if took > PATIENCE_S:
            raise Wrong(f"{what} took {took:.1f} s of processor time")


class Registries:
    """folder: where a project may be made."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "registries"
        (self.project / "workers" / "folder").mkdir(parents=True)
        for name in ("echo.py", "forge.py", "folder/__init__.py"):
            (self.project / "workers" / name).write_text("raise SystemExit('reading imports nothing')\n")
        self.file = self.project / "worker-registry.yaml"
        self._texts = [REGISTRY, (REPOSITORY / "worker-registry.yaml").read_text(encoding="utf-8")]
        self._keys = keys_of_registries()

    def case(self, chance: random.Random) -> bytes:
        return damaged(chance.choices(self._texts, [4, 1])[0], chance, self._keys)

    def attempt(self, chance: random.Random) -> str:
        content = self.case(chance)
        self.file.write_bytes(content)
        try:
            with _in_time("reading it"):
                registry = load_registry(self.file, project=self.project)
        except RegistryError as error:
            _check(error, content, self.file.name)
            return "refused"
        except Wrong as wrong:
            raise Wrong(f"{wrong}:\n{_shown(content)}") from None
        except BaseException as error:
            raise Wrong(f"{_shown(content)}\n{_last_lines(error)}") from error
        self._check_registry(registry, content)
        return "one entry broken" if registry.broken else "read"

    def _check_registry(self, registry: Registry, content: bytes) -> None:
        ids = [worker.id for worker in registry.workers]
        broken = [entry.id for entry in registry.broken]
        if len({*ids, *broken}) != len(ids) + len(broken):
            raise Wrong(f"an id twice among {ids} and {broken}:\n{_shown(content)}")
        for entry in registry.broken:
            _check_problems(entry.problems, content, self.file.name)


# fmt: off
KEYS_OF_RULES = (
    "id", "kind", "why", "hosts", "allow", "methods", "paths", "applies_to", "https_only", "action",
    "patterns", "name", "pattern", "check", "version", "rules", "guidance", "sha256", "http", "output",
)
# fmt: on


class Rules:
    """folder: where an enforcement folder may be made. One of its files is damaged at a time; often the
    manifest holds it to its new bytes, so that the damage itself is what is found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "enforcement"
        self._shipped = REPOSITORY / "enforcement"
        self._names = sorted(
            path.relative_to(self._shipped).as_posix()
            for path in self._shipped.rglob("*.*")
            if path.is_file()
        )
        self._keys = KEYS_OF_RULES

    def attempt(self, chance: random.Random) -> str:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self._shipped, self.folder)
        name = chance.choice(self._names)
        content = self._damaged(name, chance)
        (self.folder / name).write_bytes(content)
        if name != "manifest.yaml" and chance.random() < 0.8:
            self._hold_to(name, content)
        try:
            with _in_time("reading it"):
                load_enforcement(self.folder)
        except EnforcementError as error:
            _check(error, content, f"enforcement/{name}", elsewhere="enforcement/")
            return "refused"
        except Wrong as wrong:
            raise Wrong(f"{name}: {wrong}:\n{_shown(content)}") from None
        except BaseException as error:
            raise Wrong(f"{name}:\n{_shown(content)}\n{_last_lines(error)}") from error
        return "read"

    def _damaged(self, name: str, chance: random.Random) -> bytes:
        content = (self._shipped / name).read_bytes()
        if name.endswith(".md"):
            return spoil_bytes(content, chance)
        return damaged(content.decode(), chance, self._keys)

    def _hold_to(self, name: str, content: bytes) -> None:
        before = hashlib.sha256((self._shipped / name).read_bytes()).hexdigest()
        manifest = self.folder / "manifest.yaml"
        text = manifest.read_text(encoding="utf-8")
        manifest.write_text(text.replace(before, hashlib.sha256(content).hexdigest()), encoding="utf-8")


def _check(error: ConfigurationError, content: bytes, file: str, elsewhere: str = "") -> None:
    if not error.problems:
        raise Wrong(f"refused without a problem:\n{_shown(content)}")
    _check_problems(error.problems, content, file, elsewhere)


def _check_problems(problems: Sequence[Problem], content: bytes, file: str, elsewhere: str = "") -> None:
    lines = max(content.count(b"\n") + 1, len(content.decode("utf-8", "replace").splitlines()), 1)
    for problem in problems:
        here = problem.file == file
        if not here and not (elsewhere and problem.file.startswith(elsewhere)):
            raise Wrong(f"a problem of the file {problem.file!r}:\n{_shown(content)}")
        if here and problem.line is not None and not 1 <= problem.line <= lines:
            raise Wrong(f"line {problem.line} of {lines}: {problem}\n{_shown(content)}")
        if not problem.message.strip() or not all(part.strip() for part in problem.address):
            raise Wrong(f"an empty word in {problem!r}:\n{_shown(content)}")
        if len(str(problem)) > 5_000:
            raise Wrong(f"{len(str(problem))} characters for one problem: {str(problem)[:300]}")
        str(problem).encode()


def keys_of_registries() -> list[str]:
    """Words that are a key somewhere in a registry, or an id in `REGISTRY`."""
    return sorted({*_keys_of(schema()), "echo", "forge", "old-echo", "workers"})


def _keys_of(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from node.get("properties", {})
        for each in node.values():
            yield from _keys_of(each)
    if isinstance(node, list):
        for each in node:
            yield from _keys_of(each)


def _shown(content: bytes) -> str:
    return f"{content[:3000]!r}{f' ... {len(content)} bytes' if len(content) > 3000 else ''}"


def _last_lines(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)[-6:])
