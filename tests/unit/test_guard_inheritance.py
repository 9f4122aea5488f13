"""What a worker hands to a thread that isn't its own is still the worker's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from loom.domain.enforcement import EnforcementContext
from loom.enforcement.guarding.guard import RunGuard
from tests.ground.rules import NOWHERE


@pytest.fixture
def guards() -> Iterator[tuple[RunGuard, RunGuard]]:
    context = EnforcementContext(digest="sha256:0", rules=())
    first, second = (RunGuard(context, worker_id=name, agent=None, places=NOWHERE) for name in ("a", "b"))
    yield first, second
    first.close()
    second.close()


def test_what_is_to_be_done_after_a_job_is_its_who_asked_for_it_not_the_threads(
    guards: tuple[RunGuard, RunGuard], tmp_path: Path
) -> None:
    first, second = guards
    with ThreadPoolExecutor(1) as pool:
        with first.inside():
            pool.submit(int).result()
        first.revoke("the run is over")
        asked = Event()
        with second.inside():
            pool.submit(asked.wait).add_done_callback(lambda _: (tmp_path / "x").touch())
        asked.set()
    assert not (tmp_path / "x").exists()
    assert (first.refused, second.refused) == (0, 1)
