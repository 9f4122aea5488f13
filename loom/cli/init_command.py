"""`loom init`: a starter project."""

import os
from pathlib import Path

import click

from loom.errors import ExitCode, SettingsError, UsageError

_RENAMED = {"gitignore": ".gitignore", "workflow.yml": ".github/workflows/loom.yml"}


@click.command(name="init")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def command(directory: Path) -> int:
    """Write a starter project into DIR: registry, enforcement rules, a worker that works, an hourly workflow.

    Files that are there already are kept as they are.

    \b
    loom init my-project
    cd my-project && loom run --worker scout
    """
    registry = directory / "worker-registry.yaml"
    starter = Path(__file__).parent.parent / "starter"
    written: list[str] = []
    kept: list[str] = []
    try:
        if registry.exists():
            message = f"{registry} is there already: this is a Loom project. Look at it with: loom check"
            raise UsageError(message)
        for source, name in _files(starter):
            target = directory / name
            if target.exists():
                kept.append(name)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            written.append(name)
    except (OSError, RecursionError) as error:  # RecursionError: a thousand folders within each other
        why = f"{error.strerror} ({error.filename})" if isinstance(error, OSError) else "it lies too deep"
        raise SettingsError(
            f"can't write the starter project into {directory}: {why}; name a folder you may write to"
        ) from None
    for name in written:
        click.echo(f"wrote {directory / name}")
    for name in kept:
        click.echo(f"kept  {directory / name}")
    click.echo(f"\nNow:  cd {directory} && loom run --worker scout")
    return ExitCode.OK


def _files(folder: Path) -> list[tuple[Path, str]]:
    """Every file of the starter with its name in the project, the registry last: it makes it a project."""
    found: list[tuple[Path, str]] = []
    # In a checkout the starter's enforcement folder is a link to the project's own; in a wheel it is a copy.
    for root, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            path = Path(root) / name
            target = path.relative_to(folder).as_posix()
            if target != "__init__.py":
                found.append((path, _RENAMED.get(target, target)))
    return sorted(found, key=lambda each: (each[1] == "worker-registry.yaml", each[1]))
