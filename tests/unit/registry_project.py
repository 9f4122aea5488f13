"""A project folder on disk with a registry in it, for the tests of the registry."""

from pathlib import Path

import pytest

from loom.domain.registry import BrokenEntry, Registry
from loom.errors import RegistryError
from loom.registry import load

HEAD = "version: 1\ntimezone: America/Chicago\n"
GOOD = "{schedule: '0 6 * * *', entrypoint: 'workers.echo:run'}"


class Project:
    """Writes `worker-registry.yaml` and reads it with the real loader."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "worker-registry.yaml"
        (root / "workers" / "folder").mkdir(parents=True)
        for name in ("echo.py", "forge.py", "folder/__init__.py"):
            # A module that can't be imported: whoever tries has broken a promise.
            (root / "workers" / name).write_text("raise SystemExit('the registry must import nothing')\n")

    def load(self, text: str | bytes) -> Registry:
        self.file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(self.file, project=self.root)

    def load_workers(self, text: str) -> Registry:
        return self.load(f"{HEAD}workers:\n{text}")

    def whole_file_mistakes(self, text: str | bytes) -> list[str]:
        """What RegistryError says, a line per mistake."""
        with pytest.raises(RegistryError) as caught:
            self.load(text)
        return [str(problem) for problem in caught.value.problems]

    def one_broken(self, text: str) -> BrokenEntry:
        """The one broken entry of a file whose first worker, on line 4, is in good order."""
        registry = self.load_workers(f"  good: {GOOD}\n{text}")
        assert [worker.id for worker in registry.workers] == ["good"]
        (broken,) = registry.broken
        return broken

    def entry_mistakes(self, text: str) -> list[str]:
        return [str(problem) for problem in self.one_broken(text).problems]
