"""The least that claiming and finishing durably costs: one SQLite commit for each, and nothing else.

Given a file and a number of slots, prints the seconds that the loop took.
"""

import sqlite3
import sys
import time

_CLAIM = "INSERT INTO slots (key, state, body) VALUES (?, 'claimed', ?)"
_FINISH = "UPDATE slots SET state = 'succeeded', body = ? WHERE key = ?"
_BODY = '{"summary": "nothing", "findings": [], "metrics": {}}'


def main(file: str, slots: int) -> float:
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE slots (key TEXT PRIMARY KEY, state TEXT NOT NULL, body TEXT NOT NULL)")
    began = time.perf_counter()
    for number in range(slots):
        key = f"worker-{number:05}@2026-03-03T18:00:00Z"
        db.execute(_CLAIM, (key, _BODY))
        db.execute(_FINISH, (_BODY, key))
    took = time.perf_counter() - began
    db.close()
    return took


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2])))
