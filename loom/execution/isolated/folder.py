"""The folder that a run in its own process has for itself, and the environment that it finds there."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

_PASSED_ON = frozenset(
    {"PATH", "TZ", "LANG", "LANGUAGE"}
    # How this Python was told to find its modules and libraries, and where it may leave bytecode.
    | {"PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"}
    | {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}
    # Whom the guarded client trusts.
    | {"SSL_CERT_FILE", "SSL_CERT_DIR"}
)


def make_folder() -> Path:
    """A new folder that only this user may enter. Raises OSError."""
    return Path(tempfile.mkdtemp(prefix="loom-"))


def environment(env: Mapping[str, str], folder: Path, *, memory: int | None) -> dict[str, str]:
    """What a run's process gets of `env`: where programs and modules are, language, zone, and no more.

    HOME is its own folder, so that nothing finds the credentials that lie in a person's home. Whatever else
    a worker needs it names under ``requires.env``, and asks for with `context.secret`.
    """
    passed = {name: value for name, value in env.items() if name in _PASSED_ON or name.startswith("LC_")}
    own = dict.fromkeys(("HOME", "TMPDIR"), str(folder))
    # Every thread would reserve 64 MB of address space, which is what `memory` counts.
    return passed | own | ({"MALLOC_ARENA_MAX": "1"} if memory is not None else {})


def remove_folder(folder: Path) -> bool:
    """Remove it with all it holds, folders too that were made unwritable. False if something is left."""
    try:
        rmtree(folder)
    except OSError:
        _make_writable(folder)
        rmtree(folder, ignore_errors=True)
    return not folder.exists()


def _make_writable(folder: Path) -> None:
    for root, names, _ in os.walk(folder):
        for name in names:
            inner = Path(root, name)
            if not inner.is_symlink():
                with suppress(OSError):  # another user's
                    inner.chmod(0o700)
