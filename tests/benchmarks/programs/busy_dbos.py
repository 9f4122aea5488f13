"""busy_dbos.py FOLDER SIZES [URL]: so many no-op workflows, one after another, for each size; on SQLite in
FOLDER, or on the PostgreSQL at URL.

Counted: from the call of the first workflow to the return of the last; DBOS records start and result of each.
"""

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any


def _newer_sqlite() -> None:
    """DBOS asks SQLite for what came with 3.42; where Python's own is older, that of pysqlite3 stands in."""
    import pysqlite3
    import pysqlite3.dbapi2

    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2


ON_SQLITE = len(sys.argv) < 4
if ON_SQLITE:
    _newer_sqlite()

from dbos import DBOS
from sqlalchemy import text

MODES = ("OFF", "NORMAL", "FULL", "EXTRA")


@DBOS.workflow()
def nothing() -> dict[str, str]:
    return {"summary": "nothing"}


def main(folder: str, sizes: str, url: str = "") -> None:
    logging.disable(logging.CRITICAL)
    file = Path(folder, "dbos.sqlite")
    config = {
        "name": "busy",
        "system_database_url": url or f"sqlite:///{file}",
        "run_admin_server": False,
        "enable_otlp": False,
        "log_level": "CRITICAL",
    }
    DBOS(config=config)
    DBOS.launch()
    ready = time.monotonic()
    told: dict[int, dict[str, Any]] = {}
    for size in map(int, sizes.split(",")):
        earlier = sum(run["recorded"] for run in told.values())
        began = time.perf_counter()
        for _ in range(size):
            nothing()
        took = time.perf_counter() - began
        kept = DBOS.list_workflows(status="SUCCESS", load_output=True)
        recorded = sum(run.output == {"summary": "nothing"} for run in kept) - earlier
        told[size] = {"seconds": took, "recorded": recorded}
    print(json.dumps({"ready_at_s": ready, "runs": told, "durability": _durability()}), flush=True)
    DBOS.destroy()


def _durability() -> str:
    from dbos._dbos import _get_dbos_instance

    with _get_dbos_instance()._sys_db.engine.connect() as connection:
        if ON_SQLITE:
            version = connection.execute(text("select sqlite_version()")).scalar()
            journal = connection.execute(text("pragma journal_mode")).scalar()
            synchronous = connection.execute(text("pragma synchronous")).scalar()
            return f"SQLite {version}, {journal.upper()}, synchronous {MODES[synchronous]}"
        version = connection.execute(text("show server_version")).scalar().split()[0]
        fsync = connection.execute(text("show fsync")).scalar()
        commit = connection.execute(text("show synchronous_commit")).scalar()
        return f"PostgreSQL {version}, fsync {fsync}, synchronous_commit {commit}"


main(*sys.argv[1:])
