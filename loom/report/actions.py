"""What a tick says to GitHub Actions: workflow commands for the log, outputs for later steps.

Each function gives text and writes nothing. Commands are lines without their line end, to be printed in the
order given; https://docs.github.com/actions/reference/workflow-commands-for-github-actions has their form,
toolkit/packages/core/src/command.ts their escaping.

What becomes an annotation:

- error: a problem in a file, an alert that wasn't delivered, a run that ended badly (`failed`, `invalid`,
  `timed_out`, `blocked`, `missed`, `abandoned`, will be tried again or not);
- warning: a slot that waits for a requirement, and a critical finding, which is a worker's good work;
- notice: the tick's notes.

It points at the line in the worker's own file where the run went wrong, else at the worker's entry in the
registry; a finding at that entry too.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from loom.domain.alert import DeliveryState
from loom.domain.registry import Registry
from loom.domain.run import Run
from loom.domain.tick import TickReport
from loom.errors import ConfigurationError, LoomError, Problem
from loom.report.fitting import size
from loom.report.gist import findings, gist
from loom.report.harmless import harmless, quoted
from loom.report.words import count, one_line, short_id
from loom.values import dataclass

ANNOTATIONS_SHOWN = 10
"""Of each kind and step; GitHub drops the rest without a word."""

_REGISTRY = "worker-registry.yaml"
_PLACE = re.compile(r"(?!.*\.\.)(?P<file>[^\s:/][^:]*):(?P<line>[1-9][0-9]{0,8})")
_MESSAGE_LIMIT = 2_000  # characters; the runner cuts at 4,096
_OUTCOMES_LIMIT = 400_000  # characters; a job's outputs may have 1 MB, counted in UTF-16
_SHORTEST_LINE = 4  # characters of a secret's line; masking '{' would blank every log


@dataclass(frozen=True, slots=True)
class _Annotation:
    level: Literal["error", "warning", "notice"]
    title: str
    message: str
    file: str | None = None
    line: int | None = None


def annotations(report: TickReport, *, registry: Registry | None, folder: str = "") -> list[str]:
    """At most `ANNOTATIONS_SHOWN` of each kind, worst first; where there are more, the last one says so.

    folder: the project's folder from the repository's root, empty when it is the root.
    """
    lines = {worker.id: worker.line for worker in registry.workers} if registry is not None else {}
    found = [*_broken(report), *_undelivered(report)]
    for run in sorted(report.runs, key=lambda run: not run.final):
        if run.bad:
            found.append(_bad_run(run, lines.get(run.worker)))
    for run in report.runs:
        found += _critical(run, lines.get(run.worker))
    found += [_Annotation("notice", "loom", note) for note in report.notes]
    return _commands(found, folder)


def complaints(error: LoomError, *, folder: str = "") -> list[str]:
    """The annotations of an error that left no report."""
    if isinstance(error, ConfigurationError):
        return _commands([_mistake(each) for each in error.problems], folder)
    return _commands([_Annotation("error", "loom", str(error))], folder)


def groups(report: TickReport, *, token: str, each: int = 64_000, total: int = 1_000_000) -> Iterator[str]:
    """The log of every run that has one, bad runs first, each in a group that can be unfolded.

    Inside a group the runner obeys nothing until it reads `token` (see `stop`), and every line of a worker
    stands behind a bar besides, so that neither a command nor a problem matcher finds its beginning there.
    each, total: bytes of one log, of which the end is kept, and of all together.
    """
    logs = [run for run in sorted(report.runs, key=lambda run: not run.bad) if run.log]
    for done, run in enumerate(logs):
        text = _tail(run, each)
        total -= sum(size(line) + 1 for line in text)
        if total < 0:
            yield f"and {count(len(logs) - done, 'more log')}. See one with: loom show RUN"
            return
        yield _command("group", _plain(f"{run.worker} {run.outcome.value}", 200))
        yield stop(token)
        yield from text
        yield resume(token)
        yield "::endgroup::"


def outputs(report: TickReport, *, delimiter: str) -> str:
    """What to append to the file that GITHUB_OUTPUT names.

    failed: ``true`` unless the exit code is 0. exit_code: a number. outcomes: a JSON object, worker to
    outcome; of several runs of a worker the last bad one counts, else the last one. The workers that did
    badly come first; what GitHub has no room for is left out from the end.
    delimiter: ends a value; a random text, so that no value contains it. Raises ValueError when one does.
    """
    values = {
        "failed": "true" if report.exit_code else "false",
        "exit_code": str(int(report.exit_code)),
        "outcomes": _outcomes(report.runs),
    }
    if any(delimiter in value for value in values.values()):
        raise ValueError("the delimiter stands in a value")
    return "".join(f"{name}<<{delimiter}\n{value}\n{delimiter}\n" for name, value in values.items())


def masks(values: Iterable[str]) -> Iterator[str]:
    """Makes the runner blank these secrets in every later line of the job's log. Print them before anything
    else. Of a value of several lines each line counts, as a log is read by lines; very short ones don't."""
    for value in values:
        parts = [part for part in re.split(r"[\r\n]+", value) if part.strip()]
        for part in dict.fromkeys(parts):
            if len(parts) == 1 or len(part.strip()) >= _SHORTEST_LINE:
                yield _command("add-mask", part)


def stop(token: str) -> str:
    """From this line on the runner obeys no command, until it reads the line `resume` gives.

    token: random, and unknown to whoever writes in between; at least 16 letters and digits. The runner
    takes a new one each time or the same one again.
    """
    if not re.fullmatch(r"[A-Za-z0-9]{16,}", token):
        raise ValueError("a token has at least 16 letters and digits, and nothing else")
    return f"::stop-commands::{token}"


def resume(token: str) -> str:
    """Ends what `stop` began."""
    return f"::{token}::"


def _broken(report: TickReport) -> Iterator[_Annotation]:
    with_a_place = {str(each) for each in report.mistakes}
    yield from (_mistake(each) for each in report.mistakes)
    for problem in report.problems:
        if problem not in with_a_place:
            yield _Annotation("error", "loom", problem)


def _mistake(problem: Problem) -> _Annotation:
    title = " > ".join(problem.address) or "loom"
    return _Annotation("error", title, str(problem), problem.file, problem.line)


def _undelivered(report: TickReport) -> Iterator[_Annotation]:
    for each in report.deliveries:
        if each.state is not DeliveryState.SENT:
            why = each.error or "unknown"
            text = f"{each.alert.event.value} not delivered by {each.hook} ({why}): {each.alert.summary}"
            yield _Annotation("error", "alert not delivered", text, _REGISTRY)


def _bad_run(run: Run, line: int | None) -> _Annotation:
    named = f"{run.worker} ({run.agent})" if run.agent else run.worker
    waits = "" if run.final else ", will be tried again"
    place = _PLACE.fullmatch(run.error.where) if run.error is not None and run.error.where else None
    return _Annotation(
        "error" if run.outcome.bad else "warning",
        f"{run.worker} {run.outcome.value}{waits}",
        f"{named}: {gist(run) or run.outcome.value}",
        place["file"] if place else _REGISTRY,
        int(place["line"]) if place else line,
    )


def _critical(run: Run, line: int | None) -> Iterator[_Annotation]:
    for each in findings(run):
        if each.severity == "critical":
            parts = (each.subject, each.title, each.detail, each.action, each.url)
            text = ": ".join(part for part in parts if part)
            yield _Annotation("warning", f"{run.worker} found", text, _REGISTRY, line)


def _commands(found: Sequence[_Annotation], folder: str) -> list[str]:
    lines: list[str] = []
    for level in ("error", "warning", "notice"):
        same = [each for each in found if each.level == level]
        shown = same if len(same) <= ANNOTATIONS_SHOWN else same[: ANNOTATIONS_SHOWN - 1]
        lines += [_annotation(each, folder) for each in shown]
        if len(shown) < len(same):
            rest = f"and {count(len(same) - len(shown), f'more {level}')}: see the summary of this job"
            lines.append(_command(level, rest, {"title": "loom"}))
    return lines


def _annotation(each: _Annotation, folder: str) -> str:
    properties: dict[str, str] = {}
    if each.file and not each.file.startswith("/") and ".." not in each.file.split("/"):
        properties["file"] = f"{folder}/{each.file}" if folder else each.file
        if each.line is not None:
            properties["line"] = str(each.line)
    properties["title"] = _plain(each.title, 200)
    return _command(each.level, _plain(each.message, _MESSAGE_LIMIT), properties)


def _command(name: str, data: str, properties: Mapping[str, str] | None = None) -> str:
    listed = ",".join(f"{key}={_property(value)}" for key, value in (properties or {}).items())
    return f"::{name}{' ' if listed else ''}{listed}::{_data(data)}"


def _plain(text: str, limit: int) -> str:
    return harmless(one_line(text[: 8 * limit], limit))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _tail(run: Run, limit: int) -> list[str]:
    lines = list(quoted(run.log))
    left, first = limit, len(lines)
    while first and (left := left - size(lines[first - 1]) - 1) >= 0:
        first -= 1
    if not first:
        return lines
    return [
        f"({count(first, 'line')} before this left out. See all with: loom show {short_id(run.run_id)})",
        *lines[first:],
    ]


def _outcomes(runs: Sequence[Run]) -> str:
    telling: dict[str, Run] = {}
    for run in runs:
        if run.bad or run.worker not in telling or not telling[run.worker].bad:
            telling[run.worker] = run
    ordered = sorted(telling.values(), key=lambda run: not run.bad)
    pairs = [f"{json.dumps(run.worker)}: {json.dumps(run.outcome.value)}" for run in ordered]
    room = _OUTCOMES_LIMIT
    kept = [pair for pair in pairs if (room := room - len(pair) - 2) >= 0]
    return "{" + ", ".join(kept) + "}"
