"""The one worker module of the project: it does what its worker's mood says, and leaves a trace of it.

The text is written into the project; it isn't imported from here.
"""

TRACE = "trace.txt"
SECONDS = "seconds.txt"
"""A byte for each second that passes on the clock of deadlines."""

SOURCE = """
import time
from datetime import timedelta

from pydantic import BaseModel

from loom.worker import PermanentError, Skip, TransientError, WorkerContext, WorkerOutput


class Settings(BaseModel):
    word: str = "hello"


class Output(WorkerOutput):
    word: str


def run(context: WorkerContext[Settings]) -> Output:
    mood_file = context.project / "moods" / context.worker_id
    mood = mood_file.read_text(encoding="ascii") if mood_file.exists() else "succeeds"
    trace(context, "starts")
    match mood:
        case "fails":
            raise PermanentError("no")
        case "fails for now":
            raise TransientError("not now")
        case "is told to wait":
            raise TransientError("later", retry_after=timedelta(hours=3))
        case "hangs":
            with (context.project / "seconds.txt").open("a") as file:
                file.write("s")
            until = time.monotonic() + 0.3  # for a worker with a long timeout it is slow, no more
            while not context.cancelled and time.monotonic() < until:
                time.sleep(0.002)
        case "skips":
            raise Skip("nothing to do")
        case "does what it may not":
            context.http.post("http://example.invalid/")
        case "returns rubbish":
            return Output.model_construct(summary=7, word=None)
        case "kills its process":
            trace(context, "kills")
    trace(context, "returns")
    return Output(summary="done", word=context.settings.word)


def trace(context: WorkerContext[Settings], what: str) -> None:
    with (context.project / "trace.txt").open("a", encoding="ascii") as file:
        file.write(f"{context.slot_key} {what}\\n")
"""

MOODS = {
    "succeeds": "succeeded",
    "fails": "failed",
    "fails for now": "failed",
    "is told to wait": "failed",
    "hangs": "timed_out",
    "skips": "skipped",
    "does what it may not": "blocked",
    "returns rubbish": "invalid",
    "kills its process": "abandoned",
}
"""And the outcome that a run in that mood has."""
