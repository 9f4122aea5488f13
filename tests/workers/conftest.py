"""What the workers' tests share: a worker's context, built in one place, and a real git repository."""

import logging
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from pydantic import BaseModel

from loom.domain.enforcement import EnforcementContext
from loom.worker import PastRun, PermanentError, WorkerContext

if TYPE_CHECKING:
    import httpx

    from tests.workers.hubspot_openapi import Desk

SettingsT = TypeVar("SettingsT", bound=BaseModel)

NOW = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)


class Contexts:
    """Builds the context a worker is given, as Loom does, from what a test cares about."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.said: list[str] = []

    def __call__(
        self,
        settings: SettingsT,
        *,
        project: Path | None = None,
        now: datetime = NOW,
        http: "httpx.Client | None" = None,
        previous: Mapping[str, Any] | None = None,
        history: Sequence[PastRun] = (),
        secrets: Mapping[str, str] | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> WorkerContext[SettingsT]:
        def secret(name: str) -> str:
            if secrets is None or name not in secrets:
                raise PermanentError(f"no secret {name!r} here")
            return secrets[name]

        def client() -> "httpx.Client":
            if http is None:
                raise PermanentError("this worker was given no HTTP client")
            return http

        def no_async() -> "httpx.AsyncClient":
            raise PermanentError("this worker was given no async HTTP client")

        return WorkerContext(
            worker_id="worker-under-test",
            agent=None,
            slot=None,
            slot_key="worker-under-test#by-hand",
            now=now,
            settings=settings,
            enforcement=EnforcementContext(digest="sha256:test"),
            log=logging.getLogger("worker-under-test"),
            previous=previous,
            project=project or self.project,
            history_source=lambda: history,
            secret_source=secret,
            http_source=client,
            http_async_source=no_async,
            progress_sink=self.said.append,
            cancelled_source=cancelled,
        )


@pytest.fixture
def contexts(tmp_path: Path) -> Contexts:
    return Contexts(tmp_path)


@pytest.fixture(scope="module")
def desk() -> "Iterator[Desk]":
    """HubSpot's stand-in, held against what HubSpot publishes of its requests and answers."""
    from tests.workers.hubspot_openapi import Desk

    with Desk().open() as one:
        yield one


@pytest.fixture
def client() -> "Iterator[httpx.Client]":
    """Without the guard, which has tests of its own."""
    import httpx

    with httpx.Client(trust_env=False) as one:
        yield one


class Repository:
    """A real git repository whose commits carry the days a test gives them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, on: str = "2026-06-01") -> str:
        moment = f"{on}T12:00:00+00:00"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "A Writer",
            "GIT_AUTHOR_EMAIL": "writer@example.org",
            "GIT_AUTHOR_DATE": moment,
            "GIT_COMMITTER_NAME": "A Writer",
            "GIT_COMMITTER_EMAIL": "writer@example.org",
            "GIT_COMMITTER_DATE": moment,
        }
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for path, content in files.items():
            place = self.root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: Mapping[str, str | bytes] | None = None, *, on: str = "2026-06-01") -> str:
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a change", on=on)
        return self.git("rev-parse", "HEAD").strip()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "project")
