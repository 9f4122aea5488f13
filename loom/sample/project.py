"""The sample company's project: the files that `loom init --sample` writes, and what is said of it in it."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from loom.errors import SettingsError
from loom.sample.dates import moved
from loom.values import dataclass

MARKER = "sample.json"
"""The file that makes a project a sample, and says on which port its services answer."""

REGISTRY = "worker-registry.yaml"
RULE = "sample-stand-in"
PORT = 8788

NOW = datetime(2026, 6, 15, 14, 0, tzinfo=UTC)
"""The company's time, Monday 09:00 in Chicago: its dates are fixed, so the day it is looked at is, too."""

SECRETS: Mapping[str, str] = MappingProxyType(
    {"HUBSPOT_ACCESS_TOKEN": "sample-token-of-no-account", "YOUTUBE_API_KEY": "sample-key-of-no-account"}
)
"""What the workers are given for the secrets they require: nobody's."""

MAKE_ONE = "make one with:  loom init --sample demo && cd demo"

_HERE = Path(__file__).parent
_PLACEHOLDERS = (REGISTRY, f"enforcement/rules/{RULE}.yaml")
_MANIFEST = "enforcement/manifest.yaml"


@dataclass(frozen=True, slots=True)
class Sample:
    """port: where on loopback the project's registry and rules expect the stand-ins."""

    port: int


def read(project: Path) -> Sample:
    """What `MARKER` says of the project. Raises SettingsError where there is none that can be used."""
    try:
        said = json.loads((project / MARKER).read_bytes())
    except FileNotFoundError:
        raise SettingsError(
            f"{project} is no sample project (it has no {MARKER}), and only such a one is run with made-up "
            f"secrets at a time of its own; {MAKE_ONE}"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"{project / MARKER} can't be read ({error}); {MAKE_ONE}") from None
    port = said.get("port") if isinstance(said, dict) else None
    if type(port) is not int or not 0 < port < 65536:
        raise SettingsError(f'{project / MARKER} names no port; write {{"port": {PORT}}}, or {MAKE_ONE}')
    return Sample(port)


def files(port: int, *, moved_by: timedelta = timedelta()) -> list[tuple[str, bytes]]:
    """Every file of the project by its name in it, the registry last: it makes it a project.

    port: where the stand-ins are to answer, on loopback. moved_by: how much later the company's days come.
    The manifest isn't sealed yet.
    """
    rules = dict(_below(_HERE.parent / "starter" / "enforcement", "enforcement/"))
    company = {name: moved(content, moved_by) for name, content in _below(_HERE / "company", "")}
    found = {**rules, **dict(_below(_workers(), "workers/")), **company}
    found[".gitignore"] = found.pop("gitignore")
    found[_MANIFEST] = _naming(sorted(company.keys() - rules.keys()), rules[_MANIFEST])
    for name in _PLACEHOLDERS:
        found[name] = _at(port, found[name])
    found[MARKER] = json.dumps({"port": port}).encode() + b"\n"
    return sorted(found.items(), key=lambda each: (each[0] == REGISTRY, each[0]))


def _workers() -> Path:
    """Their code travels in the wheel; in a checkout it is where it is written, beside the package."""
    packed = _HERE / "workers"
    return packed if packed.is_dir() else _HERE.parent.parent / "workers"


def _below(folder: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    # In a checkout the starter's enforcement folder is a link to the project's own; in a wheel it is a copy.
    for root, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            path = Path(root) / name
            yield prefix + path.relative_to(folder).as_posix(), path.read_bytes()


def _naming(names: Iterable[str], manifest: bytes) -> bytes:
    """`manifest` with the company's own rules and guidance among those that must be present."""
    for name in names:
        folder, _, file = name.rpartition("/")
        if folder in ("enforcement/rules", "enforcement/guidance"):
            before, key, after = manifest.partition(f"\n{folder.removeprefix('enforcement/')}:\n".encode())
            manifest = before + key + f"  - id: {file.rpartition('.')[0]}\n".encode() + after
    return manifest


def _at(port: int, text: bytes) -> bytes:
    place = f"127.0.0.1:{port}"
    return text.replace(b"${BASE}", f"http://{place}".encode()).replace(b"${HOST}", place.encode())
