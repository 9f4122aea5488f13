"""What the surroundings say: environment variables, the project folder, the kind of terminal.

Read once at start-up; from then on these are values, and the environment isn't asked again.
"""

import os
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from pathlib import Path
from types import MappingProxyType

from loom.domain.registry import StateSettings
from loom.errors import SettingsError
from loom.values import dataclass, field

REGISTRY_NAME = "worker-registry.yaml"
STATE_BRANCH = "LOOM_STATE_BRANCH"
_LEDGER = StateSettings().ledger


class Mask:
    """Takes out of a text every secret that this process knows; there is one for a command, and all that
    leaves goes through it (see `loom.runner.discretion`). It knows none until it learns some, and forgets
    none; nothing of masking is imported before that.
    """

    def __init__(self) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._text: Callable[[str, frozenset[str]], str] | None = None
        self._document: Callable[[str, frozenset[str]], str] | None = None

    def __bool__(self) -> bool:
        """Whether it knows any."""
        return bool(self._secrets)

    def learn(self, values: Iterable[str]) -> None:
        learnt = frozenset(value for value in values if value) - self._secrets
        if learnt:
            from loom.enforcement.masking import mask, mask_json

            self._secrets |= learnt
            self._text, self._document = mask, mask_json

    def __call__(self, text: str) -> str:
        return text if self._text is None else self._text(text, self._secrets)

    def document(self, text: str) -> str:
        """As for any text, but one that is JSON, and stays so."""
        return text if self._document is None else self._document(text, self._secrets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """project: the root folder (it holds `worker-registry.yaml`, or did). env: a copy of the environment.
    trigger: what wakes ticks that nobody asked for by hand, by GitHub's name for the event.
    state_branch: the branch that LOOM_STATE_BRANCH names; it goes before the registry's.
    in_actions: whether this runs under GitHub Actions. run_url: the page of the Actions run, if any.
    host: this machine's name, as claims are signed with it. mask: for all that leaves."""

    project: Path
    env: Mapping[str, str]
    in_actions: bool
    state_branch: str | None
    trigger: str
    run_url: str | None
    host: str
    mask: Mask = field(default_factory=Mask, compare=False)

    @property
    def registry_file(self) -> Path:
        return self.project / REGISTRY_NAME

    @property
    def enforcement_folder(self) -> Path:
        return self.project / "enforcement"


def read_settings(environ: Mapping[str, str], *, cwd: Path, project: Path | None) -> Settings:
    """The settings for a command started in `cwd`; `project` is the folder named by ``--project``.

    Raises SettingsError when neither a registry nor a ledger is in the named folder, or in `cwd` and its
    parents, and for a state branch that no branch can be called.
    """
    env = dict(environ)
    return Settings(
        project=_find_project(cwd, project),
        env=MappingProxyType(env),
        in_actions=env.get("GITHUB_ACTIONS") == "true",
        state_branch=_state_branch(env),
        trigger=env.get("GITHUB_EVENT_NAME") or "schedule",
        run_url=_actions_run_url(env),
        host=os.uname().nodename or "localhost",
    )


def take_secrets(environ: MutableMapping[str, str], names: Iterable[str]) -> Mapping[str, str]:
    """Remove the named variables from `environ` and return those that were set and not empty.

    A worker, or a library it uses, can't read from the environment what is no longer there.
    """
    taken = {name: environ.pop(name, "") for name in sorted(set(names))}
    return MappingProxyType({name: value for name, value in taken.items() if value})


def _find_project(cwd: Path, named: Path | None) -> Path:
    """A ledger tells a project whose registry is gone: the tick must find it to say so."""
    if named is not None:
        try:
            root = (cwd / named).resolve()
            if os.path.islink(root):  # noqa: PTH114  (that one raises where a name is too long)
                raise RuntimeError  # from Python 3.13 on `resolve` leaves a circle as it is
            found = _holds(root, REGISTRY_NAME) or _holds(root, _LEDGER)
        except (OSError, RuntimeError) as error:  # RuntimeError: links that lead in a circle
            why = getattr(error, "strerror", None) or "its links lead in a circle"
            raise SettingsError(f"--project {str(named)[:200]!r} can't be looked into: {why}") from None
        if not found:
            raise SettingsError(
                f"no {REGISTRY_NAME} in {root}: name the folder that holds it, "
                f"or make a starter project with: loom init {named}"
            )
        return root
    for name in (REGISTRY_NAME, _LEDGER):
        for folder in (cwd, *cwd.parents):
            if _holds(folder, name):
                return folder
    raise SettingsError(
        f"no {REGISTRY_NAME} in {cwd} or any folder above it: go to your project, "
        "name it with --project DIR, or make a starter project with: loom init DIR"
    )


def _holds(folder: Path, name: str) -> bool:
    """Whether it is there in any form: what is wrong with it is told by whoever reads it."""
    return os.path.lexists(folder / name)


def _state_branch(env: Mapping[str, str]) -> str | None:
    name = env.get(STATE_BRANCH) or None
    if name is not None and not name.isprintable():
        raise SettingsError(f"{STATE_BRANCH} {name!r} is no name of a branch; write one such as loom-state")
    return name


def repository_is_public(env: Mapping[str, str]) -> bool | None:
    """As GitHub's event says it; None where there is no event to ask, as on a laptop."""
    import json

    try:
        event = json.loads(Path(env["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
        return not event["repository"]["private"]
    except (KeyError, OSError, ValueError, TypeError):
        return None


def _actions_run_url(env: Mapping[str, str]) -> str | None:
    server, repository, run = (
        env.get(name) for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    )
    return f"{server}/{repository}/actions/runs/{run}" if server and repository and run else None
