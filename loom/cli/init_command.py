"""`loom init`: a starter project, or the sample company's."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from loom.errors import ExitCode, SettingsError, UsageError

_REGISTRY = "worker-registry.yaml"
_RENAMED = {
    "gitignore": ".gitignore",
    "workflow.yml": ".github/workflows/loom.yml",
    "pages.yml": ".github/workflows/pages.yml",
}


@click.command(name="init")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--sample",
    is_flag=True,
    help="Write the sample company's project instead: twelve workers, and faults for them to find.",
)
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(1, 65535),
    help="With --sample: where on this machine its services will answer. Default: 8788.",
)
def command(directory: Path, sample: bool, port: int | None) -> int:
    """Write a starter project into DIR: registry, enforcement rules, a worker that works, an hourly workflow,
    and one that publishes the dashboard once you say so.

    Files that are there already are kept as they are.

    With --sample it is the project of a company that doesn't exist, to look at Loom with: documents, a
    content queue, episodes and data, and twelve workers that find what is wrong with them, and with the
    company's HubSpot, YouTube and website, for which Loom has stand-ins. No account is needed. DIR is new.

    \b
    loom init my-project
    cd my-project && loom run --worker scout
    \b
    loom init --sample demo
    cd demo && loom sample run
    """
    if not sample and port is not None:
        raise UsageError("--port is where the sample company's services answer: it goes with --sample.")
    with _told(directory):
        if (directory / _REGISTRY).exists():
            what = f"{directory / _REGISTRY} is there already: this is a Loom project."
            raise UsageError(f"{what} Look at it with: loom check")
        return _sample(directory, port) if sample else _starter(directory)


def _starter(directory: Path) -> int:
    files = [(name, path.read_bytes()) for path, name in _files(Path(__file__).parent.parent / "starter")]
    kept = [name for name, _ in files if (directory / name).exists()]
    written = [each for each in files if each[0] not in kept]
    _write(directory, written)
    for name, _ in written:
        click.echo(f"wrote {directory / name}")
    for name in kept:
        click.echo(f"kept  {directory / name}")
    click.echo(f"\nNow:  cd {directory} && loom run --worker scout")
    return ExitCode.OK


def _sample(directory: Path, port: int | None) -> int:
    from loom.enforcement.reading.sealing import seal
    from loom.sample.project import PORT, files

    if directory.exists() and any(directory.iterdir()):
        raise UsageError(
            f"{directory} isn't empty, and the sample company needs a folder of its own: name a new one."
        )
    written = files(port or PORT)
    _write(directory, written)
    seal(directory / "enforcement")
    click.echo(f"Wrote the sample company's project into {directory}, {len(written)} files:\n")
    for name, what in _told_of(written):
        click.echo(f"  {name:<22} {what}")
    click.echo(f"\nNow:  cd {directory} && loom sample run")
    return ExitCode.OK


_WHAT = {
    _REGISTRY: "the twelve workers: what runs, when, with which settings",
    "enforcement/": "what they may do; whatever no rule allows is refused",
    "workers/": "their code",
}


def _told_of(files: Sequence[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
    """What a person should know of the files, by the files and folders at the top."""
    tops = sorted({head + slash for head, slash, _ in (name.partition("/") for name, _ in files)})
    yield from _WHAT.items()
    for top in tops:
        if top.endswith("/") and top not in _WHAT:
            number = sum(name.startswith(top) for name, _ in files)
            yield top, f"the company's: {number} {'file' if number == 1 else 'files'}"


def _write(directory: Path, files: Sequence[tuple[str, bytes]]) -> None:
    for name, content in files:
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


@contextmanager
def _told(directory: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RecursionError) as error:  # RecursionError: a thousand folders within each other
        why = f"{error.strerror} ({error.filename})" if isinstance(error, OSError) else "it lies too deep"
        raise SettingsError(
            f"can't write the project into {directory}: {why}; name a folder you may write to"
        ) from None


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
    return sorted(found, key=lambda each: (each[1] == _REGISTRY, each[1]))
