"""Options that several commands share, and the settings they lead to."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loom.cli.streams import mask_streams

if TYPE_CHECKING:
    from loom.settings import Settings

Command = Callable[..., Any]


def project_option(command: Command) -> Command:
    return click.option(
        "--project",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="The project's folder. Default: the nearest one upwards with a worker-registry.yaml.",
    )(command)


def json_option(command: Command) -> Command:
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else."
    )(command)


def offline_option(command: Command) -> Command:
    return click.option(
        "--offline", is_flag=True, help="With a state branch: read the copy that is here, fetch nothing."
    )(command)


def settings_for(project: Path | None, *, commands_runner: bool = False) -> "Settings":
    """commands_runner: whether what is printed may be meant for GitHub's runner, as a tick's annotations are.

    Raises SettingsError when there is no project."""
    from loom.errors import SettingsError
    from loom.settings import read_settings

    try:
        cwd = Path.cwd()
    except FileNotFoundError:
        raise SettingsError("the folder you are in has been deleted: go to your project") from None
    settings = read_settings(os.environ, cwd=cwd, project=project)
    mask_streams(settings.mask, obeyed=settings.in_actions and not commands_runner)
    return settings
