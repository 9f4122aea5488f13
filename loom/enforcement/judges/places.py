"""Places: what a worker's surroundings are to the guard, taken down once, before any worker runs."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from loom.values import dataclass, field

LOADERS = ("LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "BASH_ENV")
"""What makes a program run something else as well."""

DECISIVE = ("PATH", *LOADERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """project, tmp, home: real paths of the project's folder, of temporary files and of the user's home.
    env: of the environment as it was, what decides which program is run by a name (`DECISIVE`)."""

    project: str
    tmp: str
    home: str
    env: Mapping[str, str] = field(hash=False)


def places_of(project: Path, env: Mapping[str, str]) -> Places:
    """The places of this process, for workers of the project in `project`."""
    real = os.path.realpath
    return Places(
        project=real(project),
        tmp=real(tempfile.gettempdir()),
        home=real(env.get("HOME") or os.path.expanduser("~")),  # noqa: PTH111  (as the shell has it)
        env=MappingProxyType({name: env[name] for name in DECISIVE if name in env}),
    )
