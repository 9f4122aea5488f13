"""What a tick leaves behind in GitHub Actions besides its answer: summary, outputs, groups, annotations."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from loom.domain.board import Coming
from loom.domain.registry import Registry
from loom.domain.tick import TickReport
from loom.report.actions import annotations, groups, masks, outputs, resume, stop
from loom.report.markdown import SMALLEST, summary

COMMAND_FILES = ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
"""The variables that name files of commands: whoever can write there speaks for the job. No worker needs
them; like secrets, they leave the environment before a worker runs."""

_SUMMARY_LIMIT = 1_000_000


class Hush:
    """From the moment the secrets are known until its end, the runner obeys nothing that workers, or programs
    they start, print past their own logs. The secrets are masked first.

    write: prints on the stream that the answer doesn't go to, or on stdout, and flushes.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._token: str | None = None

    def taking(self, take: Callable[[Sequence[str]], Mapping[str, str]]) -> Callable[..., Mapping[str, str]]:
        """`take`, which gives the values of named secrets, and makes the runner mask them."""

        def take_and_mask(names: Sequence[str]) -> Mapping[str, str]:
            values = take(names)
            self._end()
            self._token = unguessable()
            for line in (*masks(values.values()), stop(self._token)):
                self._write(f"{line}\n")
            return values

        return take_and_mask

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self._token is not None:
            # On a line of its own, whatever was printed last.
            self._write(f"\n{resume(self._token)}\n")
            self._token = None


def tell(
    report: TickReport,
    *,
    registry: Registry | None,
    coming: Sequence[Coming],
    env: Mapping[str, str],
    zone: ZoneInfo,
    write: Callable[[str], None],
    trigger_lines: Sequence[str] = (),
    project: Path | None = None,
) -> None:
    """Print the groups and annotations of a tick with `write`, and append to the summary and the outputs.

    env: the environment as it was at the start, with the `COMMAND_FILES`. project: its folder, to find
    annotated files from the repository's root. A file that can't be written is a note on stderr; the exit
    code says what became of the tick, not of its telling.
    """
    for line in groups(report, token=unguessable()):
        write(f"{line}\n")
    for line in annotations(report, registry=registry, folder=_folder(env, project)):
        write(f"{line}\n")
    _append(env, "GITHUB_OUTPUT", lambda _: outputs(report, delimiter=unguessable()))
    _append(
        env,
        "GITHUB_STEP_SUMMARY",
        lambda taken: _summary(report, zone, coming, trigger_lines, _SUMMARY_LIMIT - taken - 1),
    )


def unguessable() -> str:
    """A token for `loom.report.actions.stop`, or a delimiter."""
    return os.urandom(16).hex()


def _summary(
    report: TickReport, zone: ZoneInfo, coming: Sequence[Coming], trigger_lines: Sequence[str], room: int
) -> str:
    if room < SMALLEST:
        raise OSError("what this step wrote there before leaves no room")
    return summary(report, zone=zone, coming=coming, trigger_lines=trigger_lines, limit=room)


def _append(env: Mapping[str, str], variable: str, text: Callable[[int], str]) -> None:
    """text: given the bytes that are there already."""
    name = env.get(variable)
    if not name:
        return
    path = Path(name)
    try:
        taken = path.stat().st_size if path.exists() else 0
        with path.open("a", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(("\n" if taken else "") + text(taken))
    except OSError as error:
        print(f"loom: {variable} ({name}) could not be written: {error}", file=sys.stderr)


def _folder(env: Mapping[str, str], project: Path | None) -> str:
    workspace = env.get("GITHUB_WORKSPACE")
    if project is None or not workspace:
        return ""
    root, inside = Path(workspace).resolve(), project.resolve()
    return "/".join(inside.relative_to(root).parts) if inside.is_relative_to(root) else ""
