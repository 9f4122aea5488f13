"""SQLite opens files without an event of Python's: the one a connection writes, and those it attaches."""

import os
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote

_MEMORY = ("", ":memory:")
_UNTOLD = "/a database whose name isn't written out in its ATTACH"


def file_written(database: Any) -> str | None:
    """The path of the file that `database`, as given to `sqlite3.connect` or ATTACH, may be written to in;
    None for a database in memory or one that is only read."""
    text = os.fsdecode(database)
    if not text.startswith("file:"):
        return None if text in _MEMORY else text
    path, _, query = text.removeprefix("file:").partition("#")[0].partition("?")
    options = parse_qs(query)
    if options.get("mode", [""])[-1] in ("ro", "memory"):
        return None
    if path.startswith("//"):
        path = path[2:].partition("/")[2]
        path = f"/{path}"
    path = unquote(path)
    return None if path in _MEMORY else path


def watch(connection: Any, admit: Callable[[str], bool]) -> None:
    """Ask `admit` of each file that the connection is about to attach, or to write a copy to."""
    import sqlite3

    def authorize(action: int, name: str | None, *_rest: str | None) -> int:
        if action != sqlite3.SQLITE_ATTACH:
            return sqlite3.SQLITE_OK
        # A name that is worked out while the statement runs isn't told.
        path = _UNTOLD if name is None else file_written(name)
        return sqlite3.SQLITE_OK if path is None or admit(path) else sqlite3.SQLITE_DENY

    sqlite3.Connection.set_authorizer(connection, authorize)
    # A name such as 'file:x?mode=ro' is that of a plain file, unless the connection takes it for a URI.
    for _, schema, file in sqlite3.Connection.execute(connection, "PRAGMA database_list").fetchall():
        if schema == "main" and os.path.basename(file or "").startswith("file:") and not admit(file):  # noqa: PTH119
            sqlite3.Connection.close(connection)
