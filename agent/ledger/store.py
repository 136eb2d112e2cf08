"""The ledger: one SQLite file, append-only, each entry chained to the one before by SHA-256 over canonical JSON."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from seewhy.canonical import canonical_json, sha256_bytes
from seewhy.errors import LedgerError
from seewhy.record import Confirmation, Entry, InspectionRecord, Later, LaterWords, RefusedPhoto

APPLICATION_ID = 0x5EE_0001
SCHEMA_VERSION = 1
GENESIS = "0" * 64
KINDS: Mapping[str, type[InspectionRecord | RefusedPhoto | LaterWords | Confirmation]] = {
    "inspection": InspectionRecord,
    "refusal": RefusedPhoto,
    "explanation": LaterWords,
    "confirmation": Confirmation,
}

SCHEMA = """
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


@dataclass(frozen=True, slots=True)
class Row:
    """One entry as it is stored."""

    seq: int
    at: str
    hash: str
    entry: Entry | Later


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found."""

    entries: int  # that were read
    head: str  # hash of the last good entry
    bad_seq: int | None = None  # the first entry that is not as it was written
    problem: str = ""

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.problem


class Ledger:
    """An open ledger.

    Args:
        path: of the SQLite file; made when it isn't there, unless `create` is false.
        create: see above.

    Raises:
        LedgerError: it can't be opened or is another kind of file.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        if not create and not path.is_file():
            raise LedgerError(f"there is no ledger at {path}; `seewhy batch --ledger` makes one")
        self._db = self._guard(lambda: sqlite3.connect(path, isolation_level=None, timeout=30))
        try:
            self._guard(self._open)
        except LedgerError:
            self._db.close()
            raise

    def _open(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("BEGIN IMMEDIATE")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (app,) = self._db.execute("PRAGMA application_id").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables == 0:
            for statement in _statements(SCHEMA):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        elif (app, version) != (APPLICATION_ID, SCHEMA_VERSION):
            self._db.execute("ROLLBACK")
            raise LedgerError(f"{self.path} is not a seewhy ledger of version {SCHEMA_VERSION}; give another file")
        self._db.execute("COMMIT")

    def append(self, entry: Entry | Later, evidence: Mapping[str, tuple[str, bytes]] | None = None) -> str:
        """Write one entry and its pictures in one transaction, on the disk when this returns.

        Args:
            entry: a record, a refusal, or what refers to an earlier record.
            evidence: (media type, bytes) by SHA-256.

        Returns:
            The entry's hash.

        Raises:
            LedgerError: the disk is full or the file can't be written; nothing of the entry is there then.
        """
        made: str = self._guard(lambda: self._append(entry, evidence or {}))
        return made

    def _append(self, entry: Entry | Later, evidence: Mapping[str, tuple[str, bytes]]) -> str:
        photo, digest = (entry.photo.name, entry.photo.sha256) if isinstance(entry, InspectionRecord) else (entry.name, entry.sha256)
        body = canonical_json(entry.model_dump(mode="json")).decode()
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            count, prev = self._db.execute("SELECT entries, hash FROM head").fetchone()
            row = (count + 1, entry.kind, at, entry.lot, photo, digest, body, prev)
            own = _chained(*row)
            self._db.executemany(
                "INSERT OR IGNORE INTO evidence VALUES (?, ?, ?)", [(name, media, data) for name, (media, data) in evidence.items()]
            )
            self._db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, own))
            self._db.execute("UPDATE head SET entries = ?, hash = ?", (count + 1, own))
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return own

    def rows(self, lot: str | None = None, *, kinds: Sequence[str] = tuple(KINDS)) -> Iterator[Row]:
        """The entries in order as they were written, all or one lot's; `seewhy.agent.later.entries` has later words in their place."""
        unwanted = [kind for kind in KINDS if kind not in kinds]
        where = f"kind NOT IN ({', '.join('?' * len(unwanted))})" + ("" if lot is None else " AND lot = ?")
        values = unwanted if lot is None else [*unwanted, lot]
        cursor = self._guard(lambda: self._db.execute(f"SELECT seq, kind, at, body, hash FROM entries WHERE {where} ORDER BY seq", values))
        for seq, kind, at, body, own in cursor:
            try:
                yield Row(seq, at, own, KINDS[kind].model_validate_json(body))
            except KeyError as error:
                raise LedgerError(f"entry {seq} of {self.path} is of an unknown kind {kind!r}; a newer seewhy wrote it") from error
            except ValidationError as error:
                raise LedgerError(f"entry {seq} of {self.path} can't be read: {error.errors()[0]['msg']}; run `seewhy verify`") from error

    def lots(self) -> list[str]:
        """Names of the lots, in the order in which they were begun."""
        return [
            lot for (lot,) in self._guard(lambda: self._db.execute("SELECT lot FROM entries GROUP BY lot ORDER BY min(seq)").fetchall())
        ]

    def done(self, lot: str) -> set[tuple[str, str | None]]:
        """Which photos of a lot have an entry: name and SHA-256 (None: its bytes could not be read)."""
        return set(self._guard(lambda: self._db.execute("SELECT photo, photo_sha256 FROM entries WHERE lot = ?", (lot,)).fetchall()))

    def evidence(self, sha256: str) -> bytes | None:
        """A picture's bytes, or None."""
        row = self._guard(lambda: self._db.execute("SELECT bytes FROM evidence WHERE sha256 = ?", (sha256,)).fetchone())
        return None if row is None else bytes(row[0])

    @property
    def head(self) -> tuple[int, str]:
        """Number of entries and the last one's hash: note it elsewhere, and nobody can shorten the ledger unseen."""
        count, own = self._guard(lambda: self._db.execute("SELECT entries, hash FROM head").fetchone())
        return int(count), str(own)

    def verify(self, expected_head: str | None = None) -> Verification:
        """Read everything and recompute every hash.

        Args:
            expected_head: a head that was noted elsewhere; it must occur in the chain.
        """
        try:
            return self._verify(expected_head)
        except (sqlite3.DatabaseError, UnicodeDecodeError, ValueError, TypeError) as error:
            return Verification(0, GENESIS, None, f"the file is damaged: {error}")

    def _verify(self, expected_head: str | None) -> Verification:
        if _tables(self._db) != _expected_tables():
            return Verification(0, GENESIS, None, "its tables or triggers are not those of a ledger: they were changed")
        prev, seq, seen, hashes = GENESIS, 0, expected_head in (None, GENESIS), set[str]()
        for row in self._db.execute("SELECT seq, kind, at, lot, photo, photo_sha256, body, prev, hash FROM entries ORDER BY seq"):
            problem = _problem(row, seq + 1, prev, hashes)
            if problem:
                return Verification(seq, prev, seq + 1, problem)
            missing = self._missing_evidence(row[6])
            if missing:
                return Verification(seq, prev, seq + 1, missing)
            seq, prev = row[0], row[8]
            hashes.add(prev)
            seen = seen or prev == expected_head
        (last,) = self._db.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'entries'").fetchone()
        heads = self._db.execute("SELECT entries, hash FROM head").fetchall()
        if heads != [(seq, prev)] or last != seq:
            return Verification(
                seq,
                prev,
                seq + 1,
                f"the ledger was cut off or its head changed: {max(last, *(h[0] for h in heads), 0)} entries were written",
            )
        if not seen:
            return Verification(seq, prev, None, f"the noted head {expected_head} is not in the chain")
        (check,) = self._db.execute("PRAGMA integrity_check").fetchone()
        return Verification(seq, prev, None, "" if check == "ok" else f"SQLite finds the file damaged: {check}")

    def _missing_evidence(self, body: str) -> str:
        for item in json.loads(body).get("evidence", ()):
            row = self._db.execute("SELECT media_type, bytes FROM evidence WHERE sha256 = ?", (item["sha256"],)).fetchone()
            if row is None:
                return f"its picture {item['name']!r} is missing"
            if row[0] != item["media_type"] or sha256_bytes(bytes(row[1])) != item["sha256"]:
                return f"its picture {item['name']!r} was changed"
        return ""

    def close(self) -> None:
        """Close the file; what was appended is on the disk already."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _guard(self, action: Any) -> Any:
        """Run a database action; SQLite's errors become ours, with what to do."""
        try:
            return action()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname == "SQLITE_FULL":
                raise LedgerError(
                    f"the disk of {self.path} is full; free space and run the same command again: it goes on where it stopped"
                ) from error
            raise LedgerError(f"{self.path} can't be used ({error}); check the path, its permissions and the disk") from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter: SQLite quotes bytes that are no text
            raise LedgerError(f"{self.path} is damaged or not a ledger ({error}); run `seewhy verify`, restore a copy") from error


def _statements(script: str) -> Iterator[str]:
    """The script's statements; a trigger holds semicolons of its own."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _tables(db: sqlite3.Connection) -> set[str]:
    """What makes the tables, indices and triggers, word for word."""
    return {sql for (sql,) in db.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")}


@lru_cache
def _expected_tables() -> set[str]:
    with closing(sqlite3.connect(":memory:")) as db:
        for statement in _statements(SCHEMA):
            db.execute(statement)
        return _tables(db)


def _chained(seq: int, kind: str, at: str, lot: str, photo: str, photo_sha256: str | None, body: str, prev: str) -> str:
    """The hash of an entry: SHA-256 over the canonical JSON of all its columns, the previous hash among them."""
    whole = {"seq": seq, "kind": kind, "at": at, "lot": lot, "photo": photo, "photo_sha256": photo_sha256, "body": body, "prev": prev}
    return sha256_bytes(canonical_json(whole))


def _problem(row: tuple[Any, ...], seq: int, prev: str, earlier: set[str]) -> str:
    *columns, claimed = row
    if columns[0] != seq:
        return f"entry {seq} is missing: the next one is {columns[0]}"
    if columns[7] != prev:
        return "it does not follow the entry before it"
    if _chained(*columns) != claimed:
        return "it was changed after it was written"
    body = json.loads(columns[6])
    named = body["photo"]["name"] if columns[1] == "inspection" else body["name"]
    if "refers_to" in body and body["refers_to"] not in earlier:
        return "it refers to an entry that is not before it"
    return "" if (body["lot"], named) == (columns[3], columns[4]) else "its columns and its body disagree"
