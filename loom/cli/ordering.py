"""What the commands share by which a person gives a worker orders: who it is, when, and which worker."""

import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loom.errors import UsageError

if TYPE_CHECKING:
    from loom.domain.registry import Registry
    from loom.domain.slot import Ticket
    from loom.domain.worker import Worker
    from loom.settings import Settings

Command = Callable[..., Any]

_GIT_PATIENCE_S = 10.0
_LONGEST_NAME = 80


def by_option(command: Command) -> Command:
    return click.option(
        "--by",
        metavar="NAME",
        help="Who gives the order. Default: GITHUB_ACTOR, else git's user.name, else the login name.",
    )(command)


def at_option(command: Command) -> Command:
    return click.option("--at", metavar="ISO8601", help="Set the command's clock, as for loom run.")(command)


def who(settings: "Settings", named: str | None) -> str:
    """Who gives the order, as the ledger is to say. Raises UsageError for a name without anything in it."""
    if named is not None:
        name = _clean(named)
        if not name:
            raise UsageError("--by names nobody: write a name, or leave the option out.")
        return name
    env = settings.env
    found = (env.get("GITHUB_ACTOR"), _in_git(settings.project, env), env.get("LOGNAME"), env.get("USER"))
    return next((name for name in map(_clean, found) if name), "") or _login() or "somebody"


def _clean(name: str | None) -> str:
    from loom.cutting import cut
    from loom.report.words import flat

    return cut(flat(name or ""), _LONGEST_NAME)


def _in_git(project: Path, env: Mapping[str, str]) -> str:
    from loom.git_objects import environment

    try:
        done = subprocess.run(
            ["git", "config", "--get", "user.name"],  # noqa: S607
            cwd=project,
            env=environment(env),
            capture_output=True,
            text=True,
            timeout=_GIT_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _login() -> str:
    import os
    import pwd

    try:
        return _clean(pwd.getpwuid(os.getuid()).pw_name)
    except KeyError:
        return ""


def given_at(at: str | None) -> datetime:
    """The time of the order, UTC. Raises UsageError for one that hasn't come."""
    from loom.clock import SystemClock
    from loom.wiring.parts import clock_for

    now = clock_for(at).now()
    if at is not None and now > SystemClock().now():
        raise UsageError(f"--at {at} is in the future: an order holds from the moment it is given.")
    return now


def chosen(registry: "Registry", name: str) -> "Worker":
    """The one worker meant by `name`. Raises UsageError, and RegistryError for a broken entry."""
    from loom.runner.naming import find_workers

    (worker,) = find_workers(registry, [name], option="")
    return worker


def alive(settings: "Settings", registry: "Registry") -> "Callable[[Ticket], bool]":
    """Whether the process that claimed a ticket is at work, as far as this machine can tell."""
    from loom.clock import SystemClock
    from loom.wiring.parts import liveness

    seen, real_now = liveness(settings, registry), SystemClock().real()
    return lambda ticket: seen.alive(ticket, real_now=real_now)


def kept(settings: "Settings", registry: "Registry") -> str:
    """Where the order is kept, and for whom it holds."""
    from loom.wiring.parts import state_branch

    branch = state_branch(settings, registry)
    if branch is not None:
        return f"pushed to the branch {branch}: it holds wherever Loom runs with it"
    where = f"in {registry.state.ledger}: it holds for this machine's ticks"
    return where + (", and is gone with this runner" if settings.in_actions else "")


def standing_order(settings: "Settings", worker: "Worker") -> str:
    """Where worker-registry.yaml itself says that the worker isn't to run; empty when it doesn't."""
    from loom.domain.worker import Status
    from loom.registry.places import line_of_key

    if worker.status is Status.ACTIVE:
        return ""
    line = line_of_key(settings.registry_file, worker.id, "status") or worker.line
    return f"{settings.registry_file.name}:{line} says `status: {worker.status.value}`"
