"""What is wrong with data files: unreadable, flawed, against their schemas, naming what isn't there."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workers.sources.findings import Note, listing, note, plain
from workers.sources.folder import Folder, Unreadable, matches
from workers.sources.schemas import Schema, Unusable
from workers.sources.tables import Table, read_table, values_at

_MOST_OF_ONE = 25


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a file: 'data/clients.csv:id'. path: the file. name: the field, see `values_at`."""

    path: str
    name: str

    @classmethod
    def of(cls, text: str) -> "Field":
        """Raises ValueError for what names no file and field."""
        path, colon, name = text.rpartition(":")
        if not (colon and path and name):
            raise ValueError(f"{text!r}: expected a file and a field such as 'data/clients.csv:id'")
        return cls(path, name)


@dataclass(frozen=True, slots=True)
class Files:
    """tables: the data files that could be read, by path. unreadable: why those couldn't that couldn't.
    left: those beyond the limits."""

    tables: Mapping[str, Table]
    unreadable: Mapping[str, str]
    left: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """How much may be read: files, bytes of one, bytes of all (they are held in memory together)."""

    max_files: int
    max_bytes: int
    max_total: int


def read_files(folder: Folder, paths: Sequence[str], reach: Reach) -> Files:
    tables: dict[str, Table] = {}
    unreadable: dict[str, str] = {}
    left: list[str] = []
    total = 0
    for number, path in enumerate(paths):
        size = (folder.root / path).stat().st_size
        total += size if size <= reach.max_bytes else 0
        if number >= reach.max_files or total > reach.max_total:
            left.append(path)
            continue
        try:
            tables[path] = read_table(folder, path, max_bytes=reach.max_bytes)
        except Unreadable as error:
            unreadable[path] = str(error)
    return Files(tables, unreadable, left)


def check_readable(files: Files) -> Iterator[Note]:
    for path, why in files.unreadable.items():
        action = "Correct the file; nothing in it was checked."
        yield _note("unreadable", "Data file that can't be read", path, f"It {why}.", action)


def check_flaws(table: Table) -> Iterator[Note]:
    """Doubled keys and headings, rows of another length."""
    for flaw in table.flaws[:_MOST_OF_ONE]:
        subject = table.path if flaw.line is None else f"{table.path}:{flaw.line}"
        yield _note("schema", "Data file with a flaw", subject, f"{flaw.text}.", "Correct it in the file.")
    yield from _rest(len(table.flaws), table.path, "schema")


def check_schemas(files: Files, schemas: Mapping[str, str], folder: Folder, max_bytes: int) -> Iterator[Note]:
    """schemas: by pattern of files, the path of the schema they are held against."""
    documents: dict[str, Any] = {}
    for path in sorted(set(schemas.values())):
        try:
            documents[path] = read_table(folder, path, max_bytes=max_bytes).document
        except Unreadable as error:
            yield _of_schema(path, f"It {error}.")
    for pattern, path in schemas.items():
        held = [table for table in files.tables.values() if matches(table.path, [pattern])]
        if not held and not any(matches(one, [pattern]) for one in (*files.unreadable, *files.left)):
            detail = f"No data file fits {pattern!r}, so nothing is held against it."
            yield _of_schema(path, detail)
        elif path in documents:
            try:
                schema = Schema(documents[path], documents)
                for table in held:
                    yield from _violations(table, schema, path)
            except Unusable as error:
                yield _of_schema(path, f"It {error}.")


def _violations(table: Table, schema: Schema, path: str) -> Iterator[Note]:
    found = list(schema.violations(table))
    for one in found[:_MOST_OF_ONE]:
        # The file's own value may be anybody's; a title names the place alone.
        where = _place(table, one.place)
        yield _note(
            "schema", f"Against its schema at {where}", _subject(table, one.place),
            f"{plain(one.text, limit=300)} ({path}).", "Correct the value, or the schema if it is right.",
        )  # fmt: skip
    yield from _rest(len(found), table.path, "schema")


def check_references(files: Files, references: Mapping[str, str]) -> Iterator[Note]:
    """references: 'file:field' -> the 'file:field' that must hold each of its values, once."""
    for start, end in references.items():
        missing = [why for one in (start, end) if (why := _unusable(Field.of(one), files))]
        if missing:
            yield _note(
                "reference", "Reference that can't be followed", start, f"{listing(missing)}.",
                f"Put right what `{start}: {end}` in `references` names, or let `data` find it.",
            )  # fmt: skip
        else:
            yield from _broken(Field.of(start), Field.of(end), files.tables)
    for end in dict.fromkeys(references.values()):
        target = Field.of(end)
        if target.path in files.tables:
            yield from _doubled(files.tables[target.path], target)


def _unusable(field: Field, files: Files) -> str:
    """What keeps a reference's end from being looked at; empty for nothing."""
    if field.path in files.unreadable:
        return f"{field.path} can't be read"
    if field.path in files.left:
        return f"{field.path} lies beyond the limits"
    if field.path not in files.tables:
        return f"{field.path} isn't there"
    table = files.tables[field.path]
    if table.document and not any(values_at(table.document, field.name)):
        return f"nothing in {field.path} has {field.name}"
    return ""


def _broken(field: Field, key: Field, tables: Mapping[str, Table]) -> Iterator[Note]:
    source = tables[field.path]
    known = {str(value) for _, value in values_at(tables[key.path].document, key.name)}
    broken: dict[str, tuple[Hashable, ...]] = {}
    for place, value in values_at(source.document, field.name):
        if str(value) not in known:
            broken.setdefault(str(value), place)
    for value, place in list(broken.items())[:_MOST_OF_ONE]:
        yield _note(
            "reference", f"{field.name} {plain(value, limit=80)!r} isn't in {key.path}",
            _subject(source, place), f"No {key.name} in {key.path} has this value.",
            f"Correct {field.name}, or add the entry to {key.path}.",
        )  # fmt: skip
    yield from _rest(len(broken), field.path, "reference")


def _doubled(table: Table, field: Field) -> Iterator[Note]:
    seen: dict[str, tuple[Hashable, ...]] = {}
    for place, value in values_at(table.document, field.name):
        first = seen.setdefault(str(value), place)
        if first is not place:
            yield _note(
                "duplicate_key", f"{field.name} {plain(str(value), limit=80)!r} comes more than once",
                _subject(table, place), f"First at {_place(table, first)}; others refer to it by this.",
                f"Give each entry a {field.name} of its own.",
            )  # fmt: skip


def _place(table: Table, place: Sequence[Hashable]) -> str:
    line = table.line_of(place)
    names = place if line is None else place[1:]
    shown = ".".join(str(one) for one in names)
    return shown or "the top" if line is None else f"line {line}{', ' + shown if shown else ''}"


def _subject(table: Table, place: Sequence[Hashable]) -> str:
    line = table.line_of(place)
    return table.path if line is None else f"{table.path}:{line}"


def _rest(count: int, path: str, kind: str) -> Iterator[Note]:
    if count > _MOST_OF_ONE:
        detail = f"{count - _MOST_OF_ONE} more of the {count} in this file."
        yield _note(kind, "More flaws than shown", path, detail, "Correct those that are shown first.")


def _of_schema(path: str, detail: str) -> Note:
    return _note("schema", "Schema that can't be used", path, detail, "Correct the schema, or `schemas`.")


def _note(kind: str, title: str, subject: str, detail: str, action: str) -> Note:
    return note(kind, "warning", title, subject=subject, detail=detail, action=action)
