"""SQLite opens files without an event of Python's: the one a connection writes, and those it attaches."""

import os
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote

_MEMORY = ("", ":memory:")
_UNTOLD = "/a database whose name isn't written out in its ATTACH"


def file_opened(database: Any) -> tuple[str | None, bool]:
    """The path of the file that `database`, as given to `sqlite3.connect` or ATTACH, is in, None if it is in
    memory; and whether it may be written."""
    text = os.fsdecode(database)
    if not text.startswith("file:"):
        return (None, False) if text in _MEMORY else (text, True)
    path, _, query = text.removeprefix("file:").partition("#")[0].partition("?")
    options = parse_qs(query)
    mode = options.get("mode", [""])[-1]
    if mode == "memory":
        return None, False
    if path.startswith("//"):
        path = path[2:].partition("/")[2]
        path = f"/{path}"
    path = unquote(path)
    return (None, False) if path in _MEMORY else (path, mode != "ro")


def watch(connection: Any, admit: Callable[[str, bool], bool]) -> None:
    """Ask `admit` of each file that the connection is about to attach, or to write a copy to, and whether it
    may write there."""
    import sqlite3

    def authorize(action: int, name: str | None, *_rest: str | None) -> int:
        if action != sqlite3.SQLITE_ATTACH:
            return sqlite3.SQLITE_OK
        # A name that is worked out while the statement runs isn't told.
        path, written = (_UNTOLD, True) if name is None else file_opened(name)
        return sqlite3.SQLITE_OK if path is None or admit(path, written) else sqlite3.SQLITE_DENY

    sqlite3.Connection.set_authorizer(connection, authorize)
    # A name such as 'file:x?mode=ro' is that of a plain file, unless the connection takes it for a URI.
    for _, schema, file in sqlite3.Connection.execute(connection, "PRAGMA database_list").fetchall():
        if schema == "main" and os.path.basename(file or "").startswith("file:") and not admit(file, True):  # noqa: PTH119
            sqlite3.Connection.close(connection)
