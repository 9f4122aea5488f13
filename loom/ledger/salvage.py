"""What can still be read of a ledger's file, row by row, whatever state it is in.

Each table is a tree of pages. What its root still leads to is trusted; pages that nothing leads to are read
by themselves, and what they hold is told by its shape. SQLite isn't asked: it stops at the first bad page.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from loom.ledger import cells
from loom.ledger.cells import Cell, Damaged, Page, read_page, values
from loom.ledger.codec import UnreadableEntry
from loom.ledger.losses import Losses
from loom.ledger.pages import Pages
from loom.ledger.rows import TABLES, Recorded, Row, read_row

TICKET_STATES = "tickets_by_state"
"""The index that says of every ticket whether it is closed, even where the ticket itself is lost."""

LEDGER, BRANCH, UNPUSHED = "ledger", "branch", "unpushed"
_RAW = frozenset({LEDGER, BRANCH, UNPUSHED, TICKET_STATES})


class Found(NamedTuple):
    """A row of `table`. entry: what it holds; None for rows that are no entry. trusted: whether a root leads
    to it; what isn't may be an older version, which was deleted since."""

    table: str
    row: Row
    entry: Recorded | None
    trusted: bool


class _Tree(NamedTuple):
    root: int
    name: str
    table: str
    is_index: bool
    of_all: bool


class Salvage:
    """losses: known once `rows` has ended and `settle` was called. orphans_are_sound: whether pages that
    nothing leads to can't be older versions: the list of free pages is whole, and they aren't on it."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self.losses = Losses(commits=pages.log.lost)
        self._free, self.orphans_are_sound = pages.free()
        self._seen: set[int] = set()
        self._indexed: Counter[str] = Counter()
        self._torn: set[str] = set()
        self._trees = self._schema()

    def rows(self) -> Iterator[Found]:
        """Every row that can be read, those that nothing leads to first."""
        for tree in self._trees:
            entries = self._survey(tree)
            if tree.is_index and tree.of_all:
                self._indexed[tree.table] = max(self._indexed[tree.table], entries)
        yield from self._orphans()
        self._seen.clear()
        for tree in self._trees:
            if not tree.is_index:
                yield from self._of_tree(tree)

    def states(self) -> Iterator[tuple[str, bool]]:
        """Of every ticket that the index of their states still lists, its key and whether it is closed."""
        self._seen.clear()
        for tree in self._trees:
            if tree.is_index and tree.name == TICKET_STATES:
                for found in self._of_tree(tree):
                    closed, *_, key = found.row
                    if isinstance(key, str):
                        yield key, closed == 1

    def settle(self, saved: Mapping[str, int]) -> None:
        """Hold what was `saved`, by table, against what the indexes list."""
        for table, number in saved.items():
            listed = self._indexed[table]
            if listed and table not in self._torn and number >= listed and self.orphans_are_sound:
                self.losses.pages[table] = self.losses.rows[table] = 0
            else:
                self.losses.rows[table] = max(self.losses.rows[table] if not listed else 0, listed - number)

    def _schema(self) -> list[_Tree]:
        """The trees that the first page names, and those that are missing among them as losses."""
        found: list[_Tree] = []
        for page in self._walk(_Tree(1, "sqlite_master", "sqlite_master", is_index=False, of_all=False)):
            for cell in page.cells:
                try:
                    kind, name, table, root, sql = self._row(page, cell)
                    part = re.search(r"\bWHERE\b", str(sql or ""), re.IGNORECASE)
                    found.append(_Tree(int(root), name, table, kind == "index", part is None))
                except (Damaged, ValueError, TypeError):
                    self.losses.rows["sqlite_master"] += 1
        # An index is told from a table by its root too: a damaged name must not make one the other.
        found = [tree for tree in found if tree.root > 1 and isinstance(tree.table, str)]
        for table in (*TABLES, LEDGER):
            if not any(tree.name == table for tree in found):
                self.losses.pages[table] += 1
        return found

    def _survey(self, tree: _Tree) -> int:
        """Note the pages of a tree; returns how many entries an index has."""
        entries = 0
        for page in self._walk(tree):
            entries += len(page.cells) if tree.is_index else 0
        return entries

    def _walk(self, tree: _Tree) -> Iterator[Page]:
        """The pages of a tree, from left to right; those that can't be read are noted as losses."""
        right = (cells.INDEX_INSIDE, cells.INDEX_LEAF), (cells.TABLE_INSIDE, cells.TABLE_LEAF)
        waiting = [tree.root]
        kinds: tuple[int, ...] | None = None
        while waiting:
            number = waiting.pop()
            try:
                if number in self._seen:
                    raise Damaged(f"page {number} stands in two places")
                page = read_page(self._pages, number)
                kinds = kinds or next(pair for pair in right if page.kind in pair)
                if page.kind not in kinds:
                    raise Damaged(f"page {number} is of another kind than its tree")
            except Damaged:
                self._lose_page(tree)
                continue
            self._seen.add(number)
            waiting += reversed(list(page.below))
            yield page

    def _lose_page(self, tree: _Tree) -> None:
        if tree.is_index:
            self._torn.add(tree.table)
        else:
            self.losses.pages[tree.table] += 1

    def _of_tree(self, tree: _Tree) -> Iterator[Found]:
        damaged = self.losses.pages[tree.table]
        for page in self._walk(tree):
            for cell in page.cells:
                if page.kind == cells.TABLE_INSIDE:
                    continue
                try:
                    row = self._row(page, cell)
                    table = tree.name if tree.is_index else tree.table
                    entry = read_row(table, row) if table in TABLES else None
                except (Damaged, UnreadableEntry):
                    self.losses.rows[tree.table] += not tree.is_index
                    continue
                if entry is not None or table in _RAW:
                    yield Found(table, row, entry, trusted=True)
        # The survey has counted them already.
        self.losses.pages[tree.table] = damaged

    def _orphans(self) -> Iterator[Found]:
        for number in range(1, self._pages.count + 1):
            if number in self._seen or number in self._free:
                continue
            try:
                page = read_page(self._pages, number)
            except Damaged:
                continue
            for cell in page.cells:
                if page.kind == cells.TABLE_INSIDE:
                    continue
                try:
                    row = self._row(page, cell)
                    table = _shape(row)
                    entry = read_row(table, row) if table in TABLES else None
                except (Damaged, UnreadableEntry):
                    continue
                if entry is not None or table in _RAW:
                    yield Found(table, row, entry, trusted=False)

    def _row(self, page: Page, cell: Cell | Damaged) -> Row:
        if isinstance(cell, Damaged):
            raise cell
        return values(self._pages, page, cell)


def _shape(row: Row) -> str:
    """The table that a row can be of, by its columns; an empty text for none."""
    first, last = row[0] if row else None, row[-1] if row else None
    has_body = isinstance(last, str) and last.startswith("{")
    match len(row), has_body:
        case 2, False if isinstance(last, str) and not _is_stamp(first) and _is_stamp(last):
            return "marks"
        case 3 | 4, _ if first is None and isinstance(row[1], int) and (last is None or has_body):
            return LEDGER
        case 3, _ if first is None and isinstance(row[1], str) and isinstance(last, str):
            return UNPUSHED
        case 3, True:
            return "pauses"
        case 4, True:
            return "ticks"
        case 5, True:
            return "episodes"
        case 6, True:
            return "deliveries"
        case 7, True:
            return "tickets"
        case 7, False if first is None:
            return BRANCH
        case 8, False:
            return "standings"
        case 16, True:
            return "runs"
    return ""


def _is_stamp(value: Any) -> bool:
    return (
        isinstance(value, str)
        and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", value) is not None
    )
