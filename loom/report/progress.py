"""Who watches a tick while it works: a person at a terminal, or nobody."""

from typing import TYPE_CHECKING

from loom.domain.run import Run
from loom.domain.slot import Ticket

if TYPE_CHECKING:
    from rich.console import Console


class SilentProgress:
    """Nobody watches. began: the workers of the runs that have started, whatever became of them."""

    def __init__(self) -> None:
        self.began: list[str] = []

    def started(self, ticket: Ticket, agent: str | None) -> None:  # noqa: ARG002  (the port's signature)
        self.began.append(ticket.worker)

    def said(self, ticket: Ticket, text: str) -> None: ...

    def finished(self, run: Run) -> None: ...

    def close(self) -> None: ...


class LiveProgress(SilentProgress):
    """One line for each running worker with its time and its last word; gone when it has finished."""

    def __init__(self, console: "Console") -> None:
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        super().__init__()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[word]}", markup=False, style="dim"),
            console=console,
            transient=True,
            # What workers print belongs to their logs; rich must not take it over.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._tasks: dict[str, int] = {}
        self._live = False

    def started(self, ticket: Ticket, agent: str | None) -> None:
        super().started(ticket, agent)
        if not self._live:
            self._progress.start()
            self._live = True
        name = f"{ticket.worker} ({agent})" if agent else ticket.worker
        self._tasks[ticket.run_id or ticket.key] = self._progress.add_task(name, total=None, word="")

    def said(self, ticket: Ticket, text: str) -> None:
        from loom.report.words import one_line

        task = self._tasks.get(ticket.run_id or ticket.key)
        if task is not None:
            self._progress.update(_task(task), word=one_line(text, 100))

    def finished(self, run: Run) -> None:
        task = self._tasks.pop(run.run_id, None)
        if task is not None:
            self._progress.remove_task(_task(task))
        if not self._tasks:
            # What is said after the work, alerts above all, stands on lines of its own.
            self.close()

    def close(self) -> None:
        if self._live:
            self._progress.stop()
            self._live = False


def _task(number: int) -> "TaskID":
    from rich.progress import TaskID

    return TaskID(number)


if TYPE_CHECKING:
    from rich.progress import TaskID
