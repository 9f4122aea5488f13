"""A small real project in a folder: a registry, an enforcement context, workers."""

import textwrap
from dataclasses import dataclass
from pathlib import Path

from tests.ground.rules import add_rule, copy_rules

_HEAD = """\
version: 1
timezone: America/Chicago
alerts:
  - {kind: stderr}
"""

_ECHO = """
    from loom.worker import WorkerContext, WorkerOutput
    from pydantic import BaseModel


    class Settings(BaseModel):
        word: str = "hello"


    def run(context: WorkerContext[Settings]) -> WorkerOutput:
        return WorkerOutput(summary=f"{context.settings.word} from {context.worker_id}")
"""

_HOURLY_ECHO = """
    echo:
      agent: Echo
      schedule: "0 * * * *"
      entrypoint: workers.echo:run
"""


@dataclass(frozen=True, slots=True)
class Project:
    """A project's root folder. Texts may be indented as the test that gives them is."""

    root: Path

    def write(self, path: str, text: str) -> Path:
        """Write `text` to `path` below the root, and name the file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return file

    def worker(self, module: str, source: str) -> Path:
        """Write ``workers/<module>.py``; its entrypoint is ``workers.<module>:run``."""
        return self.write(f"workers/{module}.py", source)

    def registry(self, text: str) -> Path:
        """Write the whole registry."""
        return self.write("worker-registry.yaml", text)

    def entries(self, text: str, *, top: str = "") -> Path:
        """Write a registry that holds these workers. `top` adds top-level keys to version, timezone and
        a stderr alert hook."""
        entries = textwrap.indent(textwrap.dedent(text).strip("\n"), "  ")
        return self.registry(f"{_HEAD}{textwrap.dedent(top).lstrip()}\nworkers:\n{entries}\n")

    def rule(self, name: str, text: str) -> Path:
        """Write ``enforcement/rules/<name>.yaml``, name it in the manifest, and seal it."""
        return add_rule(self.root, name, text)

    @property
    def ledger(self) -> Path:
        return self.root / ".loom" / "ledger.db"


def build_project(root: Path) -> Project:
    """A project in `root` that works as it stands: the repository's own enforcement folder, rules that let
    its workers do what shows that they ran, and one worker, `echo`, hourly."""
    root.mkdir(parents=True)
    project = Project(root)
    copy_rules(root)
    project.write("workers/__init__.py", "")
    project.worker("echo", _ECHO)
    project.entries(_HOURLY_ECHO)
    return project
