"""Run one long mode: `python -m tests.endurance NAME [OPTIONS]`; each module of this folder is one.

A mode is a module with `main(argv) -> int`. It prints its progress, ends with a line of figures, and
returns 0 only if every promise held.
"""

import importlib
import sys
from pathlib import Path


def modes() -> list[str]:
    """The names of the long modes, as they are typed."""
    return sorted(
        path.stem.replace("_", "-")
        for path in Path(__file__).parent.glob("*.py")
        if not path.stem.startswith("_") and "\ndef main(" in path.read_text(encoding="utf-8")
    )


def main(argv: list[str]) -> int:
    if not argv or argv[0] not in modes():
        print(f"usage: python -m tests.endurance {{{','.join(modes())}}} [OPTIONS]", file=sys.stderr)
        return 2
    mode = importlib.import_module(f"tests.endurance.{argv[0].replace('-', '_')}")
    return int(mode.main(argv[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
