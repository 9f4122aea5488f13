"""How a command ends that has no answer: a text on stderr, and with ``--json`` one object on stdout."""

from collections.abc import Sequence
from typing import Any

from loom.cli.streams import OwnStream
from loom.errors import ConfigurationError, ExitCode, LoomError, Problem
from loom.values import dataclass


@dataclass(frozen=True, slots=True)
class Complaint:
    """kind: one stable word. message: without the name of the program before it."""

    kind: str
    message: str
    exit_code: ExitCode
    problems: Sequence[Problem] = ()


def complaint_of(error: LoomError) -> Complaint:
    problems = error.problems if isinstance(error, ConfigurationError) else ()
    return Complaint(error.kind, str(error), error.exit_code, problems)


def as_json(complaint: Complaint) -> str:
    # By itself: where something is badly wrong, no room can be counted on, the report's neither.
    import json

    error = {"kind": complaint.kind, "message": complaint.message, "problems": told(complaint.problems)}
    text = json.dumps({"error": error, "exit_code": int(complaint.exit_code)}, indent=2)
    # As in loom.report.as_json: the runner of GitHub Actions obeys this anywhere in a line.
    return text.replace("##[", "\\u0023#[") + "\n"


def told(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """The JSON form of mistakes."""
    return [
        {"file": each.file, "line": each.line, "address": list(each.address), "message": each.message}
        for each in problems
    ]


def answer_with(complaint: Complaint, arguments: Sequence[str], answer: OwnStream) -> None:
    """Put it on stdout, if JSON was asked for and nothing stands there yet."""
    if "--json" in arguments and not answer.begun:
        answer.write(as_json(complaint))
