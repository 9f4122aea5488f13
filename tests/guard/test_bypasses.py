"""Every way round the guard that somebody thought of, played by a real worker against a real tick."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.guard.ground import built
from tests.guard.playing import Played, play
from tests.guard.trick import End, Part, marked_lines, parts
from tests.guard.tricks import TRICKS

PARTS: Sequence[Part] = [part for trick in TRICKS for part in parts(trick)]
APART = [part for part in PARTS if part.apart]
INLINE = [part for part in PARTS if not part.apart]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Played]]:
    """What became of all of them, on two grounds at the same time."""
    folder = tmp_path_factory.mktemp("guard")
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        grounds = [stack.enter_context(built(folder / name)) for name in ("inline", "apart")]
        inline, apart = pool.map(play, grounds, (INLINE, APART))
        yield inline | apart
        assert [trespass for ground in grounds for trespass in ground.trespasses()] == []


def test_the_table_is_wide() -> None:
    families = Counter(trick.family for trick in TRICKS)
    assert len(TRICKS) >= 80
    assert len(families) >= 15
    assert all(count >= 4 for count in families.values())
    assert len({part.name for part in PARTS}) == len(PARTS), "two tricks of one name"
    assert len(APART) >= len(TRICKS) / 5
    assert all(bool(trick.reason) == (trick.end is End.PASSES) for trick in TRICKS)


@pytest.mark.parametrize("name", [part.name for part in PARTS])
def test_it_ends_as_the_table_says(name: str, played: dict[str, Played]) -> None:
    it = played[name]
    if it.part.end is End.PASSES:
        assert it.traces, f"it is said to get through, and didn't: {it}"
        return
    assert not it.traces, str(it)
    if it.part.end is End.REFUSED:
        _is_refused(it)
    elif it.part.end is End.LATE:
        _came_late(it)
    else:
        _ended_otherwise(it)


def test_looking_at_a_worker_is_no_way_round_either(tmp_path: Path) -> None:
    trick = next(each for each in TRICKS if each.name == "while-imported")
    (part, *_) = parts(trick)
    with built(tmp_path / "ground") as ground:
        ground.worker(part.name, part.module, part.source)
        ground.register()
        ground.remember()
        result = ground.run([], "--json", command="check")
        assert ground.evidence().of(part.name) == []
    answers = {each["what"]: each for each in result.json()["answers"]}
    told = answers[f"worker {part.name}"]
    assert told["level"] == "error", told
    assert "refused by guard" in told["detail"], told


def _is_refused(it: Played) -> None:
    run = it.told.run
    assert run is not None, str(it)
    assert run["outcome"] == "blocked", str(it)
    assert run["error"]["kind"] == it.part.trick.rule, str(it)
    assert re.search(f" refused by {it.part.trick.rule}: ", run["error"]["message"]), str(it)
    lines = marked_lines(it.part.source)
    if lines:
        assert run["error"]["where"] in {f"workers/{it.part.module}.py:{line}" for line in lines}, str(it)
        assert run.get("enforcement_refusals", 1) >= 1, str(it)


def _came_late(it: Played) -> None:
    run = it.told.run
    assert run is not None, str(it)
    assert run["outcome"] in ("succeeded", "timed_out"), str(it)
    if not it.part.apart:  # a process has no time after its end
        assert any(note.startswith(f"{it.part.name}: after its end") for note in it.told.notes), str(it)


def _ended_otherwise(it: Played) -> None:
    run = it.told.run
    assert run is not None, str(it)
    error = it.part.trick.error
    assert run["outcome"] in (["failed"] if error else ["succeeded", "skipped"]), str(it)
    assert (run["error"] or {"kind": ""})["kind"] == error, str(it)
