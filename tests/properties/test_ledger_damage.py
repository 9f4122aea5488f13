"""Whatever happens to the ledger's file: nothing but a clear error, and after a repair no slot that finished
starts again and none is lost in silence."""

import os
import random
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loom.domain.record import RunQuery
from loom.domain.slot import Slot, Ticket, TicketState
from loom.errors import LedgerError
from loom.ledger.checking import check
from loom.ledger.codec import from_json
from loom.ledger.database import open_database
from loom.ledger.repairing import Repaired, repair
from loom.ledger.sqlite import SqliteLedger
from loom.ports import Ledger
from tests.ground.history import STEP, History, in_haste, write

BEGIN = datetime(2026, 11, 20, 6, tzinfo=UTC)
NOW = datetime(2026, 11, 27, tzinfo=UTC)
KEEP = timedelta(days=400)
WORKERS = ("echo", "forge", "lookout")
PAGE = 4096


@dataclass(frozen=True)
class Ground:
    """A ledger's files as they were: closed by all, or with its last commits in the log. finished, open:
    the slots that were closed, and those that weren't."""

    file: bytes
    log: bytes
    finished: frozenset[Slot]
    open: frozenset[Slot]

    def put(self, path: Path, file: bytes, log: bytes = b"") -> None:
        shutil.rmtree(path.parent, ignore_errors=True)
        path.parent.mkdir()
        path.write_bytes(file)
        Path(f"{path}-wal").write_bytes(log)
        if not log:
            Path(f"{path}-wal").unlink()
        for each in path.parent.iterdir():
            os.utime(each, (NOW.timestamp(), NOW.timestamp()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damage")


@pytest.fixture(scope="module")
def ground(folder: Path) -> Ground:
    path = folder / "whole" / "ledger.db"
    history = History(BEGIN, workers=WORKERS, seed=3)
    with closing(in_haste(SqliteLedger(path))) as ledger:
        ledger.record(history.first())
        for _ in range(60):
            write(ledger, history.tick())
    file = path.read_bytes()
    with closing(in_haste(SqliteLedger(path))) as ledger:
        for _ in range(6):
            write(ledger, history.tick())
        write(ledger, history.dying_tick())
        log = Path(f"{path}-wal").read_bytes()
        assert path.read_bytes() == file, "nothing of the log is in the file yet"
    with closing(open_database(path, create=False, busy_timeout=timedelta())) as db:
        tickets = [from_json(Ticket, body) for (body,) in db.execute("SELECT body FROM tickets")]
    closed = TicketState.CLOSED
    return Ground(
        file,
        log,
        finished=frozenset(Slot(t.worker, t.slot) for t in tickets if t.slot and t.state is closed),
        open=frozenset(Slot(t.worker, t.slot) for t in tickets if t.slot and t.state is not closed),
    )


def merged(ground: Ground, folder: Path) -> bytes:
    """The ledger with its log in the file."""
    path = folder / "merged" / "ledger.db"
    ground.put(path, ground.file, ground.log)
    SqliteLedger(path).close()
    return path.read_bytes()


READERS: list[Callable[[Ledger], object]] = [
    lambda ledger: ledger.snapshot(),
    lambda ledger: ledger.runs(RunQuery()),
    lambda ledger: ledger.runs(RunQuery(worker="echo", slot=BEGIN + STEP)),
    lambda ledger: ledger.closed_slots("echo", after=BEGIN),
    lambda ledger: ledger.ticks(since=BEGIN),
    lambda ledger: ledger.tick_times(triggers=("schedule",), since=BEGIN),
    lambda ledger: ledger.promises(since=BEGIN, unheard=("e1",)),
    lambda ledger: ledger.run("01234567"),
    lambda ledger: ledger.deliveries(run_id="01234567"),
    lambda ledger: ledger.prune(before=BEGIN + 3 * STEP),
    lambda ledger: ledger.record([]),
]


def use(path: Path) -> str:
    """Everything a ledger is asked, until it refuses; returns what it says then."""
    try:
        with closing(SqliteLedger(path)) as ledger:
            for reader in READERS:
                reader(ledger)
    except LedgerError as error:
        return str(error)
    return ""


# -- nothing but a clear error ----------------------------------------------------------------------------


def test_cut_off_at_any_byte_it_is_refused_with_a_word_on_repair(ground: Ground, folder: Path) -> None:
    whole = merged(ground, folder)
    path = folder / "cut" / "ledger.db"
    chance = random.Random(7)  # noqa: S311  (the same cuts each time)
    cuts = {0, 1, 99, 100, 101, len(whole) - 1, *range(PAGE, len(whole), 11 * PAGE)}
    cuts |= {chance.randrange(len(whole)) for _ in range(60)}
    for cut in sorted(cuts):
        ground.put(path, whole[:cut])
        assert "`loom ledger repair`" in use(path), cut
        assert check(path, keep=KEEP, now=NOW).faults, cut


# All is drawn before anything is done: what a file's length or SQLite decides must not change what is drawn.
@dataclass(frozen=True)
class Spoil:
    """seed: of the places and bytes. early: among the first pages, which hold the schema and the roots and
    are worth more than their share."""

    seed: int
    early: bool
    kinds: tuple[str, ...]

    def of(self, content: bytes) -> bytes:
        """`content` with some bytes, or whole pages, that say something else."""
        spoiled = bytearray(content)
        chance = random.Random(self.seed)  # noqa: S311  (Hypothesis gives the seed)
        for kind in self.kinds:
            end = min(len(spoiled), 40 * PAGE) if self.early else len(spoiled)
            begin = chance.randrange(end)
            match kind:
                case "byte":
                    spoiled[begin] ^= 1 << chance.randrange(8)
                case "page":
                    begin -= begin % PAGE
                    spoiled[begin : begin + PAGE] = chance.randbytes(PAGE)
                case _:
                    spoiled[begin : begin + 512] = bytes(len(spoiled[begin : begin + 512]))
        return bytes(spoiled)


kinds = st.sampled_from(["byte", "page", "zeros"])
spoils = st.builds(
    Spoil,
    st.integers(0, 2**32),
    st.booleans(),
    st.sampled_from([1, 2, 5, 40]).flatmap(lambda n: st.tuples(*[kinds] * n)),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(spoil=spoils, of_log=st.booleans())
def test_no_damage_is_more_than_a_clear_error(
    ground: Ground, folder: Path, spoil: Spoil, of_log: bool
) -> None:
    path = folder / "spoilt" / "ledger.db"
    file, log = ground.file, ground.log
    if of_log:
        log = spoil.of(log)
    else:
        file = spoil.of(file)
    ground.put(path, file, log)
    use(path)
    ground.put(path, file, log)
    check(path, keep=KEEP, now=NOW)


# -- repaired ---------------------------------------------------------------------------------------------


def repaired(path: Path) -> Repaired | None:
    done = repair(path, workers=WORKERS, keep=KEEP, now=NOW)
    assert check(path, keep=KEEP, now=NOW).faults == ()
    assert repair(path, workers=WORKERS, keep=KEEP, now=NOW) is None, "once is enough"
    return done


def assert_the_promises_hold(ground: Ground, path: Path, done: Repaired | None) -> None:
    with closing(SqliteLedger(path, create=False)) as ledger:
        snapshot = ledger.snapshot()
        assert snapshot.marks.keys() >= set(WORKERS)
        owed = {Slot(t.worker, t.slot) for t in snapshot.tickets.values() if t.slot}
        again = {
            slot
            for slot in ground.finished
            if slot in owed
            or (
                slot.at > snapshot.marks[slot.worker]
                and slot.at not in ledger.closed_slots(slot.worker, after=snapshot.marks[slot.worker])
            )
        }
        assert again == set(), "what finished would start again"
        for slot in ground.open - owed:
            if slot.at > snapshot.marks[slot.worker]:
                continue
            told = any(run.final for run in ledger.runs(RunQuery(worker=slot.worker, slot=slot.at)))
            if not told:
                assert done is not None, f"{slot.key} is gone, and nobody noticed"
                said = " ".join(done.said)
                named = slot.key in said or f"the mark of {slot.worker} " in said
                # That a slot has no record at all is found by its schedule; see `loom.unrecorded`.
                assert named or done.lost.get("tickets") or done.pages.get("tickets"), slot.key


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(
    what=st.sampled_from(["file", "file", "log", "cut", "garbage"]),
    spoil=spoils,
    share=st.floats(0, 1),
    times=st.integers(1, 500),
)
def test_after_any_damage_a_repair_leaves_a_lawful_ledger_that_keeps_the_promises(
    ground: Ground, folder: Path, what: str, spoil: Spoil, share: float, times: int
) -> None:
    path = folder / "repaired" / "ledger.db"
    file, log = ground.file, ground.log
    match what:
        case "file":
            file = spoil.of(file)
        case "log":
            # Its last commit can't be told from one that was never finished.
            end = len(log) - 3 * (PAGE + 24)
            log = spoil.of(log[:end]) + log[end:]
        case "cut":
            file, log = merged(ground, folder), b""
            file = file[: int(share * len(file))]
        case _:
            file, log = b"this is no ledger" * times, b""
    ground.put(path, file, log)
    done = repaired(path)
    assert_the_promises_hold(ground, path, done)
    if done is not None:
        assert done.aside is not None
        assert done.aside.read_bytes() == file, "the damaged file is kept as it was"
