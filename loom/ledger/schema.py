"""The tables of the SQLite ledger, as the steps that lead from an empty file to today's.

A step is never edited once released: a change is a new step at the end. Instants are RFC 3339 texts of
fixed width in UTC, so they sort as time does and can be read with the `sqlite3` shell.
"""

# "Loom": tells `file` and us that an SQLite database is a ledger.
APPLICATION_ID = 0x4C6F6F6D

_FIRST = """
CREATE TABLE ledger (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    revision INTEGER NOT NULL,
    hooks TEXT
);
INSERT INTO ledger (only, revision) VALUES (1, 0);

CREATE TABLE ticks (
    id TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    finished_at TEXT,
    body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX ticks_by_time ON ticks (at, id);

CREATE TABLE marks (
    worker TEXT PRIMARY KEY,
    at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE pauses (
    worker TEXT PRIMARY KEY,
    lifted INTEGER NOT NULL,
    body TEXT NOT NULL
) WITHOUT ROWID;

-- at: the slot, else when the work began; null for a manual request that never started.
CREATE TABLE tickets (
    key TEXT PRIMARY KEY,
    worker TEXT NOT NULL,
    fence INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    at TEXT,
    run_id TEXT,
    body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX tickets_by_state ON tickets (closed, at);

CREATE TABLE standings (
    worker TEXT PRIMARY KEY,
    last_run_id TEXT,
    last_outcome TEXT,
    last_final INTEGER NOT NULL,
    last_at TEXT,
    last_success_at TEXT,
    previous_run_id TEXT,
    consecutive_failures INTEGER NOT NULL
) WITHOUT ROWID;

-- worker: what holds, should a rename have left another one in the body. slot_last: only for a range.
-- tail: the last twelve characters of run_id, backwards, so that an index finds an id by its end.
-- slots: how many scheduled slots it stands for; 0 when it was run by hand. governed: it has a digest.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    tail TEXT NOT NULL,
    worker TEXT NOT NULL,
    outcome TEXT NOT NULL,
    final INTEGER NOT NULL,
    on_time INTEGER NOT NULL,
    slots INTEGER NOT NULL,
    started INTEGER NOT NULL,
    governed INTEGER NOT NULL,
    bad INTEGER NOT NULL,
    slot TEXT,
    slot_last TEXT,
    tick_id TEXT NOT NULL,
    tick_at TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX runs_by_tail ON runs (tail);
CREATE INDEX runs_by_outcome
    ON runs (outcome, tick_at, run_id, final, on_time, slots, started, governed, bad);
CREATE INDEX runs_by_worker ON runs (worker, outcome, tick_at, run_id);
CREATE INDEX runs_by_tick ON runs (tick_id);
CREATE INDEX runs_by_slot ON runs (slot) WHERE slot IS NOT NULL;
CREATE INDEX runs_by_range ON runs (slot_last) WHERE slot_last IS NOT NULL;

CREATE TABLE episodes (
    id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    closed_at TEXT,
    body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX episodes_closed ON episodes (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX episodes_open ON episodes (subject) WHERE closed_at IS NULL;

-- number: the order in which they were first written, which is the order to send them in.
CREATE TABLE deliveries (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    run_id TEXT,
    sent INTEGER NOT NULL,
    changed_at TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX deliveries_unsent ON deliveries (number) WHERE sent = 0;
CREATE INDEX deliveries_sent ON deliveries (changed_at) WHERE sent = 1;
CREATE INDEX deliveries_by_run ON deliveries (run_id) WHERE run_id IS NOT NULL;
"""

# renamed: a JSON object of the ids that workers had before, each with the one its worker has now.
_FORMER_IDS = "ALTER TABLE ledger ADD COLUMN renamed TEXT;"

MIGRATIONS: tuple[str, ...] = (_FIRST, _FORMER_IDS)
"""Step n (from 1) takes a ledger of schema n - 1 to schema n."""
