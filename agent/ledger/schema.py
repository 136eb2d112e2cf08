"""The tables of a ledger, word for word, by version; `verify` compares them, so a published text never changes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import cache

APPLICATION_ID = 0x5EE_0001  # says that an SQLite file is ours
GENESIS = "0" * 64  # what the first entry follows

FIRST = """
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    lot TEXT NOT NULL,
    photo TEXT NOT NULL,
    photo_sha256 TEXT,
    body TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE
);
CREATE INDEX entries_by_photo ON entries (lot, photo);
CREATE TABLE evidence (sha256 TEXT PRIMARY KEY, media_type TEXT NOT NULL, bytes BLOB NOT NULL);
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), entries INTEGER NOT NULL, hash TEXT NOT NULL);
INSERT INTO head VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
CREATE TRIGGER entries_keep BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER entries_stay BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER evidence_keep BEFORE UPDATE ON evidence BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER evidence_stay BEFORE DELETE ON evidence BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER head_grows BEFORE UPDATE ON head WHEN NEW.entries <> OLD.entries + 1
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER head_stays BEFORE DELETE ON head BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""

# INSERT OR REPLACE deletes without asking a trigger of DELETE, so an insert itself is held to the next place of the chain.
SECOND = """
CREATE TRIGGER entries_follow BEFORE INSERT ON entries
    WHEN NEW.seq <> (SELECT entries + 1 FROM head) OR NEW.prev <> (SELECT hash FROM head)
        OR EXISTS (SELECT 1 FROM entries WHERE hash = NEW.hash)
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER evidence_once BEFORE INSERT ON evidence WHEN EXISTS (SELECT 1 FROM evidence WHERE sha256 = NEW.sha256)
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER head_once BEFORE INSERT ON head BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TABLE claims (
    lot TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    host TEXT NOT NULL,
    process INTEGER NOT NULL,
    since TEXT NOT NULL,
    seen REAL NOT NULL
);
"""

SERIAL = "CASE WHEN json_valid(body) THEN json_extract(body, '$.part.serial') END"  # asked for word for word, else the index isn't used

# The nodes of the Merkle tree above its leaves (`seewhy.agent.ledger.tree`) and ways to find a part: all of it follows from the entries.
# A picture goes where an entry (an erasure) names it; its hash stays in the record that rested on it.
THIRD = f"""
CREATE TABLE tree (level INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, place)) WITHOUT ROWID;
CREATE INDEX entries_by_serial ON entries ({SERIAL});
CREATE INDEX entries_by_kind ON entries (kind);
CREATE TABLE erased (sha256 TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
DROP TRIGGER evidence_stay;
CREATE TRIGGER evidence_stay BEFORE DELETE ON evidence WHEN NOT EXISTS (SELECT 1 FROM erased WHERE sha256 = OLD.sha256)
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""

ADDED: Mapping[int, str] = {1: FIRST, 2: SECOND, 3: THIRD}  # by the version that added it
VERSION = max(ADDED)
TREE_SINCE = 3
SCHEMAS: Mapping[int, str] = {version: "".join(ADDED[v] for v in range(1, version + 1)) for version in ADDED}


def statements(script: str) -> Iterator[str]:
    """The script's statements; a trigger holds semicolons of its own."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def tables_of(db: sqlite3.Connection) -> set[str]:
    """What makes the tables, indices and triggers of a file, word for word."""
    return {sql for (sql,) in db.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")}


@cache
def expected_tables(version: int) -> set[str]:
    """What they are in a ledger of that version."""
    with closing(sqlite3.connect(":memory:")) as db:
        _make(db, SCHEMAS[version])
        return tables_of(db)


def empty_ledger(version: int = VERSION) -> bytes:
    """The bytes of a ledger without entries."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        _make(db, SCHEMAS[version])
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {version}")
        return db.serialize()


def renew(db: sqlite3.Connection, version: int) -> None:
    """Give a ledger of an earlier version what later ones add, inside the caller's transaction; no entry is touched."""
    for later in range(version + 1, VERSION + 1):
        _make(db, ADDED[later])
    db.execute(f"PRAGMA user_version = {VERSION}")


def _make(db: sqlite3.Connection, script: str) -> None:
    for statement in statements(script):
        db.execute(statement)
