"""Lines of the state branch: what is written reads back, and nothing that a hand does to them is fatal."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loom.domain.pause import Pause
from loom.domain.record import HooksInForce, Renamed
from loom.domain.run import Outcome, RunError
from loom.domain.standing import Standing
from loom.domain.tick import Mark
from loom.errors import LedgerError
from loom.ledger.database import open_database
from loom.ledger.following import read, take_in
from loom.ledger.lines import Form, Written, forms, latest, to_text
from loom.ledger.reads import read_snapshot
from loom.ledger.working_copy import damage, prepare
from tests.contracts.ledger_entries import HOUR, SIX, a_delivery, a_run, a_tick, a_ticket, an_episode

ENTRIES: list[Written] = [
    a_tick("t1", finished_at=SIX, exit_code=0),
    Mark("echo", SIX),
    Mark("other", SIX),
    Mark("late", SIX + HOUR),
    a_ticket(detail="Zürich \udcff"),
    a_run("run-0001", output={"a": [1, None, {"b": "c"}]}, errors=(RunError("k", "m"),)),
    an_episode("e1"),
    a_delivery("d1", "run-0001"),
    Pause(worker="idle", by="ann", at=SIX),
    HooksInForce(()),
    Renamed("idle", "idler"),
    Standing(worker="gone", last_outcome=Outcome.FAILED, last_at=SIX),
]
PATHS = ("2026/03/2026-03-03.jsonl", "2026-03.jsonl")

ledgers = st.sampled_from(PATHS)
batches = st.lists(st.lists(st.sampled_from(ENTRIES), min_size=1, max_size=6), min_size=1, max_size=4)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@contextmanager
def a_copy(folder: Path) -> Iterator[sqlite3.Connection]:
    """A working copy that is as it was when this ends."""
    db = open_database(folder / "ledger.db", create=True, busy_timeout=timedelta())
    with closing(db):
        db.execute("BEGIN")
        prepare(db, "loom-state", "origin")
        yield db
        db.rollback()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("copy")


def text_of(given: list[list[Written]]) -> bytes:
    return b"".join(to_text(f"b{number}", forms(entries)) for number, entries in enumerate(given))


@given(batches)
def test_what_is_written_reads_back_in_its_order(given: list[list[Written]]) -> None:
    page = read(PATHS[0], text_of(given))
    assert [row.entry for row in page.rows] == [entry for entries in given for entry in entries]
    assert (page.damage, page.batches) == ([], {f"b{number}" for number in range(len(given))})


@given(batches, st.data())
def test_reading_on_is_reading_it_all(given: list[list[Written]], data: st.DataObject) -> None:
    pages = [text_of(given[:cut]) for cut in range(len(given) + 1)]
    begin = len(data.draw(st.sampled_from(pages)))
    whole = read(PATHS[0], pages[-1])
    rest = read(PATHS[0], pages[-1], begin)
    assert rest.rows == whole.rows[len(whole.rows) - len(rest.rows) :]
    assert rest.damage == []


@given(text=batches.map(text_of), path=ledgers, data=st.data())
def test_no_cut_and_no_splinter_is_fatal(folder: Path, text: bytes, path: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, len(text)))
    text = text[:begin] + data.draw(st.binary(max_size=8)) + text[end:]
    if b'"v":2' in text:
        return
    with a_copy(folder) as db:
        take_in(db, path, text)
        read_snapshot(db)
        rows = text.split(b"\n")
        assert all(each.line is not None and 1 <= each.line <= len(rows) for each in damage(db))


@given(entry=st.sampled_from(ENTRIES), path=ledgers, data=st.data())
def test_no_value_of_a_wrong_kind_is_fatal_to_the_rest(
    folder: Path, entry: Written, path: str, data: st.DataObject
) -> None:
    row = json.loads(to_text("b0", forms([entry])))
    place: dict[str, Any] = data.draw(st.sampled_from([row, row["value"]]))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(json_values)
    good = to_text("b1", forms([a_run("run-good", "good")]))
    with a_copy(folder) as db:
        newer = isinstance(row["v"], int) and row["v"] > 1
        with pytest.raises(LedgerError, match="upgrade Loom") if newer else nullcontext():
            take_in(db, path, json.dumps(row).encode() + b"\n" + good)
        if not newer:
            read_snapshot(db)
            assert db.execute("SELECT count(*) FROM runs WHERE run_id = 'run-good'").fetchone() == (1,)


@pytest.mark.parametrize(
    ("path", "last"),
    [
        ("2026/03/2026-03-03.jsonl", "2026-03-05T00:00:00+00:00"),
        ("2026-03.jsonl", "2026-04-02T00:00:00+00:00"),
        ("2026-12.jsonl", "2027-01-02T00:00:00+00:00"),
    ],
)
def test_a_mark_from_the_future_is_left_out_for_it_would_stop_its_worker_in_silence(
    folder: Path, path: str, last: str
) -> None:
    latest = datetime.fromisoformat(last)
    text = to_text("b0", forms([Mark("echo", latest), Mark("other", latest + timedelta(seconds=1))]))
    with a_copy(folder) as db:
        take_in(db, path, text)
        assert read_snapshot(db).marks == {"echo": latest}
        (problem,) = damage(db)
        assert (problem.file, problem.line) == (path, 2)
        assert "its marks lie after the time the file is of" in problem.message


def test_half_a_character_in_a_line_is_told_like_any_damage(folder: Path) -> None:
    text = to_text("b0", forms([a_run("run-1")])).replace(b'"b0"', b'"\\ud800"').replace(b"1/1", b"2/3")
    with a_copy(folder) as db:
        take_in(db, PATHS[0], text)
        assert [problem.line for problem in damage(db)] == [1]
        assert all("\\ud800" in problem.message for problem in damage(db))


@given(st.lists(st.sampled_from(["a", "b"]), max_size=8))
def test_of_several_versions_at_once_only_the_last_is_pushed(keys: list[str]) -> None:
    said: list[Form] = [("Tick", {"id": key, "number": number}) for number, key in enumerate(keys)]
    left = latest(said)
    assert [value["id"] for _, value in left] == sorted(
        set(keys), key=lambda key: len(keys) - keys[::-1].index(key)
    )
    assert all(form == [each for each in said if each[1]["id"] == form[1]["id"]][-1] for form in left)
    with_rename: list[Form] = [*said, ("Renamed", {"old": "a", "new": "b"})]
    assert latest(with_rename) == with_rename
