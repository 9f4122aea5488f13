"""What honest workers do, by real workers and real ticks: the guard is in nobody's way."""

from collections.abc import Iterator, Sequence

import pytest

from tests.guard.acts import ACTS
from tests.guard.ground import built
from tests.guard.playing import Played, play
from tests.guard.trick import Part, parts

PARTS: Sequence[Part] = [part for act in ACTS for part in parts(act)]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Played]]:
    with built(tmp_path_factory.mktemp("acts") / "ground") as ground:
        yield play(ground, PARTS)
        assert ground.trespasses() == []


def test_there_are_many() -> None:
    assert len(ACTS) >= 40
    assert len({part.name for part in PARTS}) == len(PARTS)


@pytest.mark.parametrize("name", [part.name for part in PARTS])
def test_nothing_of_it_is_refused(name: str, played: dict[str, Played]) -> None:
    it = played[name]
    run = it.told.run
    assert run is not None, str(it)
    assert run["outcome"] in ("succeeded", "skipped"), str(it)
    assert run.get("enforcement_refusals", 0) == 0, str(it)
    assert not it.traces, str(it)
