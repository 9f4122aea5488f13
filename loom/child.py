"""The program that a run in a process of its own is: `loom.execution.isolated` starts it by this file's name.

The supervisor stays as it is here; only the worker's process, its copy, imports what work needs.
"""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loom.execution.isolated.supervisor import Ends

_LOOM = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120  (needs no import)


def main(arguments: list[str]) -> None:
    """arguments: those of `supervisor.Post`, and whom it is for, which shows in `ps`."""
    from loom.execution.isolated.supervisor import Post, supervise

    sys.argv[1:] = []
    supervise(Post(arguments), _work)


def _work(request: bytes, ends: "Ends") -> None:
    from pathlib import Path

    from loom.domain.enforcement import EnforcementContext
    from loom.domain.worker import Worker
    from loom.enforcement.guarding.guard import RunGuard
    from loom.enforcement.judges.places import places_of
    from loom.execution.isolated.child import serve
    from loom.validation import fits

    def guard(context: EnforcementContext, worker: Worker, project: Path) -> RunGuard:
        places = places_of(project, os.environ)
        return RunGuard(context, worker_id=worker.id, agent=worker.agent, places=places, alone=True)

    serve(
        request,
        ends,
        guard=guard,
        fits=fits,
    )


if __name__ == "__main__":
    # The Loom that started this one, wherever it lies and whatever else is called so.
    sys.path.insert(0, _LOOM)
    import loom

    del sys.path[0], loom
    main(sys.argv[1:])
