"""A ledger taken along: export, import, export again says the same; a damaged export is refused, or read as
far as it goes."""

import contextlib
import itertools
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loom.domain.alert import Delivery, Episode
from loom.domain.pause import Pause
from loom.domain.record import Entry, HooksInForce, Renamed, Snapshot
from loom.domain.run import Outcome, Run
from loom.domain.slot import Slot, Ticket, TicketState
from loom.domain.tick import Mark, Tick
from loom.errors import ClaimLost, LedgerError
from loom.ledger.checking import check
from loom.ledger.sqlite import SqliteLedger
from loom.ledger.transfer import Imported, export, export_to, import_into
from tests.contracts.ledger_entries import DAY, SIX, a_run, a_tick, a_ticket
from tests.ground.history import History, in_haste, write
from tests.properties.test_ledger_codec import anything

NOW = SIX + 30 * DAY
ids = st.text("abcdef0123456789-", min_size=1, max_size=8)
workers = st.sampled_from(["echo", "forge", "lookout"])


def a_lawful(kind: type[Entry]) -> st.SearchStrategy[Entry]:
    """Any entry of a kind, with names that SQLite takes and a key that is of its slot."""
    return anything(kind).flatmap(_named)


@st.composite
def _named(draw: st.DrawFn, entry: Entry) -> Entry:
    match entry:
        case Run():
            count = draw(st.integers(1, 99))
            return replace(entry, run_id=draw(ids), worker=draw(workers), tick_id=draw(ids), count=count)
        case Ticket(slot=slot):
            worker, run_id = draw(workers), draw(ids)
            key = f"{worker}#{run_id}" if slot is None else Slot(worker, slot).key
            outcome = Outcome.FAILED if entry.state is TicketState.CLOSED else None
            return replace(entry, worker=worker, key=key, run_id=None, fence=0, outcome=outcome)
        case Tick():
            return replace(entry, id=draw(ids))
        case Delivery():
            return replace(entry, id=draw(ids), alert=replace(entry.alert, run_id=draw(ids)))
        case Episode():
            return replace(entry, id=draw(ids), subject=draw(workers))
        case Mark() | Pause():
            return replace(entry, worker=draw(workers))
        case Renamed():
            return Renamed("echo", "forge")
    return entry


KINDS = (Tick, Mark, Ticket, Run, Episode, Delivery, Pause, HooksInForce, Renamed)
entries = st.lists(st.one_of([a_lawful(kind) for kind in KINDS]), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("transfer")


numbers = itertools.count()


def a_place(folder: Path) -> Path:
    return folder / str(next(numbers)) / "ledger.db"


def take_in(path: Path, lines: Sequence[bytes], *, skip: bool = False) -> Imported:
    return import_into(
        path,
        "backup.jsonl",
        lines,
        skip_damaged=skip,
        workers=["echo"],
        written_at=NOW - DAY,
        now=NOW,
    )


def lines_of(path: Path) -> list[bytes]:
    return b"".join(export(path)).splitlines(keepends=True)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(some=entries)
def test_export_import_export_is_the_same(folder: Path, some: list[Entry]) -> None:
    there, back = a_place(folder), a_place(folder)
    with closing(in_haste(SqliteLedger(there))) as ledger:
        for entry in some:
            # One by one: a ticket that a law forbids is refused, and takes nothing else with it.
            with contextlib.suppress(ClaimLost):
                ledger.record([entry])
        before = ledger.snapshot()
    lines = lines_of(there)
    if lines:
        done = take_in(back, lines)
        assert (done.left_out, done.said) == ((), ())
        assert lines_of(back) == lines
        with closing(SqliteLedger(back)) as ledger:
            after = ledger.snapshot()
        assert replace(after, revision=before.revision) == before
    shutil.rmtree(there.parent)


@pytest.fixture(scope="module")
def written(folder: Path) -> Path:
    """What `filled` is a copy of."""
    path = folder / "written" / "ledger.db"
    history = History(SIX, workers=["echo", "forge"], seed=5)
    with closing(in_haste(SqliteLedger(path))) as ledger:
        ledger.record(history.first())
        while history.runs < 1200:
            write(ledger, history.tick())
        write(ledger, history.dying_tick())
    return path


@pytest.fixture
def filled(written: Path, tmp_path: Path) -> Path:
    shutil.copytree(written.parent, tmp_path / "there")
    return tmp_path / "there" / written.name


def test_what_was_imported_is_a_ledger_that_goes_on(filled: Path, tmp_path: Path) -> None:
    path = tmp_path / "back" / "ledger.db"
    done = take_in(path, lines_of(filled))
    assert done.entries > 3000
    assert check(path, keep=timedelta(days=400), now=NOW).faults == ()

    def seen(place: Path) -> Snapshot:
        with closing(SqliteLedger(place)) as ledger:
            return replace(ledger.snapshot(), revision=0)

    assert seen(path) == seen(filled)
    with closing(SqliteLedger(path)) as ledger:
        ledger.claim([a_ticket("new", slot=NOW)], revision=ledger.snapshot().revision)


def test_an_export_is_of_one_moment(filled: Path) -> None:
    lines = export(filled)
    first = next(lines)
    with closing(SqliteLedger(filled)) as ledger:
        ledger.record([a_tick("later", NOW), Mark("echo", NOW), a_run("later")])
    assert b"later" not in first + b"".join(lines)


def test_an_export_file_is_whole_and_its_owners_or_not_there(filled: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup.jsonl"
    size = export_to(filled, file)
    assert (file.stat().st_size, file.stat().st_mode & 0o777) == (size, 0o600)
    with pytest.raises(FileExistsError):
        export_to(filled, file)
    with pytest.raises(LedgerError):
        export_to(tmp_path / "none.db", tmp_path / "other.jsonl")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["backup.jsonl", "there"]


def test_only_an_empty_ledger_takes_an_import(filled: Path, tmp_path: Path) -> None:
    lines = lines_of(filled)
    with pytest.raises(LedgerError, match="holds entries already"):
        take_in(filled, lines)
    assert lines_of(filled) == lines
    empty = tmp_path / "empty" / "ledger.db"
    SqliteLedger(empty).close()
    take_in(empty, lines)
    assert lines_of(empty) == lines


@pytest.mark.parametrize("place", ["first", "middle", "end of a batch", "last", "cut"])
def test_a_damaged_export_is_told_by_file_and_line_and_nothing_is_imported(
    filled: Path, tmp_path: Path, place: str
) -> None:
    lines = lines_of(filled)
    ends = next(number for number, line in enumerate(lines) if b'"part":"500/500"' in line)
    broken = {
        "first": lines[1:],
        "middle": [line for number, line in enumerate(lines) if number != len(lines) // 2],
        "end of a batch": lines[:ends] + lines[ends + 1 :],
        "last": lines[:-1],
        "cut": [*lines[:-1], lines[-1][:30]],
    }[place]
    path = tmp_path / "back" / "ledger.db"
    with pytest.raises(LedgerError, match=r"nothing was imported.*--skip-damaged:\nbackup\.jsonl:\d+: "):
        take_in(path, broken)
    with closing(SqliteLedger(path)) as ledger:
        assert ledger.snapshot().marks == {}
    done = take_in(path, broken, skip=True)
    assert len(done.left_out) == 1
    assert done.entries >= len(lines) - 1
    assert check(path, keep=timedelta(days=400), now=NOW).faults == ()
    with closing(SqliteLedger(path)) as ledger:
        assert ledger.snapshot().marks.keys() == {"echo", "forge"}


def test_a_lost_mark_is_derived_and_said(filled: Path, tmp_path: Path) -> None:
    lines = [line for line in lines_of(filled) if b'"kind":"Marks"' not in line]
    path = tmp_path / "back" / "ledger.db"
    done = take_in(path, lines, skip=True)
    assert any("the mark of echo is set to" in each for each in done.said)


def test_a_value_that_cannot_be_is_told_too(filled: Path, tmp_path: Path) -> None:
    lines = lines_of(filled)
    at = next(number for number, line in enumerate(lines) if b'"kind":"Run"' in line)
    lines[at] = lines[at].replace(b'"worker":"echo"', b'"worker":["echo"]')
    with pytest.raises(
        LedgerError, match=rf"backup\.jsonl:{at + 1}: not a line of an export: .* worker can't be"
    ):
        take_in(tmp_path / "back" / "ledger.db", lines)


def test_what_is_no_export_is_refused(filled: Path, tmp_path: Path) -> None:
    path = tmp_path / "back" / "ledger.db"
    of_a_branch = b'{"v":1,"batch":"0f3a","part":"1/1","kind":"Marks","value":{"at":"x","workers":[]}}\n'
    for lines in ([], [b"\n"], [b"hello\n"], [of_a_branch]):
        with pytest.raises(LedgerError, match="holds no line of a ledger"):
            take_in(path, lines, skip=True)
    newer = lines_of(filled)[0].replace(b'{"v":1', b'{"v":2')
    with pytest.raises(LedgerError, match=r"backup\.jsonl:1: .*upgrade Loom"):
        take_in(path, [newer], skip=True)
