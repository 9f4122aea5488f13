"""The lines of the state branch -> the local ledger: what was appended since, or everything."""

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from loom.domain.slot import Ticket
from loom.domain.tick import Mark
from loom.errors import LedgerError, Problem
from loom.ledger.codec import UnreadableEntry
from loom.ledger.git import RemoteBranch, Stored
from loom.ledger.layout import DAMAGED, in_order, is_month, latest_mark
from loom.ledger.lines import Line, Written, read_line
from loom.ledger.working_copy import note_damage
from loom.ledger.writes import replay, replay_folded

# What values of a wrong kind end in: comparing, stamping, or handing them to SQLite.
_UNFIT = (
    *(ValueError, TypeError, AttributeError, KeyError, OverflowError),
    *(sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.IntegrityError),
)
_OURS_TOO = frozenset({DAMAGED, "README.md"})


class Row(NamedTuple):
    """An entry, the number of the line that says it, and its JSON as it stands there, where known."""

    number: int
    entry: Written
    body: str | None


@dataclass(slots=True)
class Page:
    """What was read of one file, and what is wrong where."""

    rows: list[Row] = field(default_factory=list)
    batches: set[str] = field(default_factory=set)
    damage: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Followed:
    """files: what the branch holds now. batches: the ids of those that were replayed."""

    files: Mapping[str, Stored]
    batches: frozenset[str]


def follow(
    db: sqlite3.Connection, branch: RemoteBranch, tip: str, known: Mapping[str, Stored]
) -> Followed | None:
    """Replay what the commit `tip` holds beyond `known` into the ledger, and note damaged lines.

    None, and nothing done, when it isn't `known` with lines appended: somebody compacted or edited it.
    Raises LedgerError for a branch that isn't Loom's, or that a newer Loom wrote; GitFailed.
    """
    everything = branch.files(tip)
    paths = in_order(everything)
    files = {path: everything[path] for path in paths}
    if not paths and everything.keys() - _OURS_TOO:
        raise LedgerError(
            f"the branch {branch.branch!r} holds files that aren't Loom's, such as {min(everything)!r}: "
            "name a branch of its own under `state: {branch: ...}`; it is made when it isn't there"
        )
    changed = [path for path in paths if files[path] != known.get(path)]
    if known and (known.keys() - files.keys() or not _at_the_end(paths, changed, known)):
        return None
    texts = dict(zip(changed, branch.contents([files[path].blob for path in changed]), strict=True))
    if known and any(is_month(path) or not _goes_on(texts[path], known.get(path)) for path in changed):
        return None
    batches: set[str] = set()
    for path, text in texts.items():
        batches |= take_in(db, path, text, known[path].size if path in known else 0)
    return Followed(files, frozenset(batches))


def take_in(db: sqlite3.Connection, path: str, text: bytes, begin: int = 0) -> set[str]:
    """Replay the lines of the file `path` from byte `begin` on, and note those that have to be left out.

    Returns the ids of the batches. Raises LedgerError for a line of a newer Loom.
    """
    page = read(path, text, begin)
    note_damage(db, [*page.damage, *replay_rows(db, path, page.rows, folded=is_month(path))])
    return page.batches


def read(path: str, text: bytes, begin: int = 0) -> Page:
    """The lines of the file `path` from byte `begin` on, which must be the beginning of a line.

    Raises LedgerError for a line of a newer Loom.
    """
    page, latest = Page(), latest_mark(path)
    first = text.count(b"\n", 0, begin) + 1
    last: Line | None = None
    last_number, whole = 0, True
    for number, row in enumerate(text[begin:].split(b"\n"), first):
        if not row or row.isspace():
            continue
        try:
            line = read_line(row)
        except UnreadableEntry as error:
            page.damage.append(
                Problem(path, number, (), f"not a line of Loom's, so it was left out: {error}")
            )
            whole = False
            continue
        except LedgerError as error:
            raise LedgerError(f"{path}:{number} on the state branch: {error}") from None
        if last is not None and line.batch != last.batch:
            _miss(page, path, last_number, last, whole)
            whole = True
        elif line.part != (last.part + 1 if last is not None else 1):
            whole = _say_gap(page, path, number, line, whole)
        if any(isinstance(entry, Mark) and entry.at > latest for entry in line.entries):
            message = "its marks lie after the time the file is of, so they were left out"
            page.damage.append(Problem(path, number, (), message))
        else:
            page.rows += [Row(number, entry, line.body) for entry in line.entries]
        page.batches.add(line.batch)
        last, last_number = line, number
    if last is not None:
        _miss(page, path, last_number, last, whole)
    return page


def blob_id(content: bytes, like: str) -> str:
    """Git's name for `content`, by the hash that the name `like` is of."""
    algorithm = hashlib.sha256 if len(like) == 64 else hashlib.sha1
    return algorithm(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _at_the_end(paths: Sequence[str], changed: Sequence[str], known: Mapping[str, Stored]) -> bool:
    """Whether what changed is to be read after all that is known."""
    settled = paths[: paths.index(in_order(known)[-1])]
    return not set(settled) & set(changed)


def _goes_on(text: bytes, before: Stored | None) -> bool:
    """Whether `text` is what was there `before`, whole lines all of it, with more after it."""
    if before is None:
        return True
    begin = text[: before.size]
    return begin.endswith(b"\n") and blob_id(begin, before.blob) == before.blob


def replay_rows(db: sqlite3.Connection, path: str, rows: Sequence[Row], *, folded: bool) -> list[Problem]:
    """Replay rows of the file `path`; those that can't be are what is returned. folded: whether the file
    holds one version of each value, and says every standing itself."""
    entries = [row.entry for row in rows]
    try:
        with _savepoint(db):
            if folded:
                refused = frozenset(replay_folded(db, entries, [row.body for row in rows]))
            else:
                refused = frozenset(replay(db, entries))
    except _UNFIT as error:
        if len(rows) == 1:
            return [
                Problem(path, rows[0].number, (), f"its value is impossible, so it was left out: {error}")
            ]
        # Found one by one, so that a line with a value of a wrong kind costs no other.
        return [problem for row in rows for problem in replay_rows(db, path, [row], folded=folded)]
    lines = {row.entry.key: row.number for row in rows if isinstance(row.entry, Ticket)}
    return [
        Problem(path, lines[key], (), f"{key} was closed, or in other hands, before this: it was left out")
        for key in sorted(refused)
    ]


@contextlib.contextmanager
def _savepoint(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("SAVEPOINT page")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK TO page")
        raise
    finally:
        db.execute("RELEASE page")


def _miss(page: Page, path: str, number: int, last: Line, whole: bool) -> None:
    if whole and last.part != last.of:
        message = f"the batch {last.batch} ends with line {last.part} of {last.of}: the rest is gone"
        page.damage.append(Problem(path, number, (), message))


def _say_gap(page: Page, path: str, number: int, line: Line, whole: bool) -> bool:
    if whole:
        message = f"line {line.part} of {line.of} of the batch {line.batch} doesn't follow the one before it"
        page.damage.append(Problem(path, number, (), message))
    return False
