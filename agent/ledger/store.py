"""The ledger: one SQLite file, append-only, each entry chained to the one before by SHA-256 over canonical JSON."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

from pydantic import ValidationError

from seewhy.agent.ledger.chain import Broken, Stored, checked, hash_of, linked
from seewhy.agent.ledger.checkpoint import Checkpoint
from seewhy.agent.ledger.files import begin, beside, guarded, open_to_read, open_to_write
from seewhy.agent.ledger.nodes import add_leaf, subtrees, subtrees_of
from seewhy.agent.ledger.schema import GENESIS, TREE_SINCE
from seewhy.agent.ledger.tree import Subtree, root
from seewhy.agent.ledger.verification import Verification, verified
from seewhy.canonical import canonical_json, sha256_bytes
from seewhy.errors import LedgerDamaged, LedgerError
from seewhy.people import PERSONS, Erasure, Person, PersonsEntry
from seewhy.record import Confirmation, Entry, InspectionRecord, Later, LaterWords, RefusedPhoto
from seewhy.studies import QUALITY, QualityEntry

AnyEntry: TypeAlias = Entry | Later | Person | QualityEntry
Pictured: TypeAlias = Mapping[str, tuple[str, bytes]]  # (media type, bytes) by SHA-256
KINDS: Mapping[str, type[Any]] = {
    "inspection": InspectionRecord,
    "refusal": RefusedPhoto,
    "explanation": LaterWords,
    "confirmation": Confirmation,
    **{kind.model_fields["kind"].default: kind for kind in (*PERSONS, *QUALITY)},
}


@dataclass(frozen=True, slots=True)
class Row:
    """One entry as it is stored."""

    seq: int
    at: str
    hash: str
    entry: AnyEntry


class Ledger:
    """An open ledger.

    Args:
        path: of the SQLite file; made when it isn't there, unless `create` is false.
        create: see above.
        read_only: open what is there so that nothing can be written; a place where nobody may write will do.

    Raises:
        LedgerError: it can't be opened or is another kind of file, which is left as it is.
    """

    def __init__(self, path: Path, *, create: bool = True, read_only: bool = False) -> None:
        self.path = path
        with guarded(path, "read"):
            there = path.exists()
        if not there and (read_only or not create):
            raise LedgerError(f"there is no ledger at {path}; `seewhy batch --ledger` makes one")
        if not there:
            begin(path)
        self._db, self._version = open_to_read(path) if read_only else open_to_write(path)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: on the disk when this ends without an error, else none of it is there.

        Raises:
            LedgerError: the disk is full or the file can't be written.
        """
        with guarded(self.path, "written"):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def append(
        self,
        entry: AnyEntry,
        evidence: Pictured | None = None,
        *,
        claim: str | None = None,
        final: Callable[[], AnyEntry] | None = None,
    ) -> str:
        """Write one entry and its pictures in one transaction, on the disk when this returns.

        Args:
            entry: a record, a refusal, or what refers to an earlier record.
            evidence: (media type, bytes) by SHA-256.
            claim: a claim's token (see `seewhy.agent.ledger.claims`): write only while it holds.
            final: gives what is written in the entry's place, by a last look at the ledger; nobody writes in between.

        Returns:
            The entry's hash.

        Raises:
            LedgerError: the disk is full, the file can't be written or the claim is another run's; nothing of the entry is there then.
        """
        with self.writing() as db:
            if claim is not None and db.execute("SELECT token FROM claims WHERE lot = ?", (entry.lot,)).fetchone() != (claim,):
                raise LedgerError(f"another run has taken over the lot {entry.lot!r} of {self.path}; this one stops and repeats nothing")
            return self._insert(db, entry if final is None else final(), evidence or {}).hash

    def append_after(self, look: Callable[[], tuple[AnyEntry, Pictured]]) -> Row:
        """Write what `look` makes of the ledger as it is; nobody writes in between.

        Args:
            look: reads the ledger and gives an entry and its pictures, or raises why there is none to write.

        Raises:
            LedgerError: as for `append`.
        """
        with self.writing() as db:
            entry, evidence = look()
            row = self._insert(db, entry, evidence)
            if isinstance(entry, Erasure):
                db.execute("PRAGMA secure_delete = ON")  # no bytes of them stay in free pages
                db.executemany("INSERT OR REPLACE INTO erased VALUES (?, ?)", [(digest, row.seq) for digest in entry.erased])
                db.executemany("DELETE FROM evidence WHERE sha256 = ?", [(digest,) for digest in entry.erased])
        return Row(row.seq, row.at, row.hash, entry)

    def _insert(self, db: sqlite3.Connection, entry: AnyEntry, evidence: Pictured) -> Stored:
        photo, digest = (entry.photo.name, entry.photo.sha256) if isinstance(entry, InspectionRecord) else (entry.name, entry.sha256)
        body = canonical_json(entry.model_dump(mode="json")).decode()
        at = entry.entered_at if isinstance(entry, PersonsEntry) else datetime.now(UTC).isoformat(timespec="milliseconds")
        count, prev = self.head
        row = Stored(count + 1, entry.kind, at, entry.lot, photo, digest, body, prev, "")
        row = row._replace(hash=hash_of(row))
        for name, (media, data) in evidence.items():
            known = db.execute("SELECT 1 FROM evidence WHERE sha256 = ?", (name,)).fetchone()
            if known is None:
                db.execute("INSERT INTO evidence VALUES (?, ?, ?)", (name, media, data))
        db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        db.execute("UPDATE head SET entries = ?, hash = ?", (row.seq, row.hash))
        add_leaf(db, row.seq, row.hash)
        return row

    def rows(self, lot: str | None = None, *, kinds: Sequence[str] = tuple(KINDS)) -> Iterator[Row]:
        """The entries in order as they were written, all or one lot's; `seewhy.agent.ledger.reading` has later words in their place.

        The whole chain is checked on the way, other lots' entries too: what is handed on is what stands under the head.

        Raises:
            LedgerDamaged: names the first entry that is not as it was written.
        """
        unwanted = set(KINDS) - set(kinds)
        return (self.parsed(stored) for stored in self.stored(lot) if stored.kind not in unwanted)

    def parsed(self, stored: Stored) -> Row:
        """An entry's columns as what they say.

        Raises:
            LedgerError: a newer seewhy wrote it.
        """
        try:
            return Row(stored.seq, stored.at, stored.hash, KINDS[stored.kind].model_validate_json(stored.body))
        except KeyError as error:
            raise LedgerError(
                f"entry {stored.seq} of {self.path} is of an unknown kind {stored.kind!r}; a newer seewhy wrote it"
            ) from error
        except ValidationError as error:
            raise LedgerError(
                f"entry {stored.seq} of {self.path} can't be read: {error.errors()[0]['msg']}; run `seewhy verify`"
            ) from error

    def stored(self, lot: str | None = None) -> Iterator[Stored]:
        """The entries' columns, checked as for `rows`."""
        try:
            with guarded(self.path, "read"):
                yield from (stored for stored in checked(self._db) if lot in (None, stored.lot))
        except Broken as error:
            raise LedgerDamaged(f"entry {error.seq} of {self.path}: {error.problem}; run `seewhy verify`, restore a copy") from error

    def found(self, where: str, values: Sequence[object] = ()) -> list[Row]:
        """Entries that an index of the file leads to, in order: each checked by its own hash and its links to its two neighbours.

        Args:
            where: an SQL condition on the columns of `entries`, of this program's own making.
            values: for its question marks.

        Raises:
            LedgerDamaged: one of them is not as it was written.
        """
        return [self.parsed(row) for row in self.found_stored(where, values)]

    def found_stored(self, where: str, values: Sequence[object] = ()) -> list[Stored]:
        """The columns of the entries that `found` gives."""
        with guarded(self.path, "read"):
            columns = ", ".join(Stored._fields)
            rows = [Stored(*row) for row in self._db.execute(f"SELECT {columns} FROM entries WHERE {where} ORDER BY seq", values)]
            wrong = next((row.seq for row in rows if not linked(self._db, row)), None)
        if wrong is not None:
            raise LedgerDamaged(f"entry {wrong} of {self.path}: it was changed after it was written; run `seewhy verify`, restore a copy")
        return rows

    def lots(self) -> list[str]:
        """Names of the lots, in the order in which they were begun."""
        with guarded(self.path, "read"):
            return [lot for (lot,) in self._db.execute("SELECT lot FROM entries WHERE lot <> '' GROUP BY lot ORDER BY min(seq)").fetchall()]

    def evidence(self, sha256: str) -> bytes | None:
        """A picture's bytes, or None.

        Raises:
            LedgerDamaged: they are not those that were written.
        """
        found = self.media(sha256)
        return None if found is None else found[1]

    def media(self, sha256: str) -> tuple[str, bytes] | None:
        """Media type and bytes, likewise."""
        with guarded(self.path, "read"):
            row = self._db.execute("SELECT media_type, bytes FROM evidence WHERE sha256 = ?", (sha256,)).fetchone()
            if row is None:
                return None
            if isinstance(row[1], bytes) and sha256_bytes(row[1]) == sha256:
                return str(row[0]), row[1]
            (seq,) = self._db.execute("SELECT min(seq) FROM entries WHERE instr(body, ?)", (sha256,)).fetchone()
        raise LedgerDamaged(f"entry {seq} of {self.path}: its picture {sha256[:12]}… was changed; run `seewhy verify`, restore a copy")

    def erased(self, sha256: str) -> bool:
        """Whether a picture was erased by an entry that says so (`seewhy.agent.people.retention`)."""
        with guarded(self.path, "read"):
            return (
                self._version >= TREE_SINCE and self._db.execute("SELECT 1 FROM erased WHERE sha256 = ?", (sha256,)).fetchone() is not None
            )

    @property
    def head(self) -> tuple[int, str]:
        """Number of entries and the last one's hash: note it elsewhere, and nobody can shorten the ledger unseen."""
        with guarded(self.path, "read"):
            row = self._db.execute("SELECT entries, hash FROM head").fetchone()
        if row is None:
            raise LedgerDamaged(f"the head of {self.path} is gone; run `seewhy verify`, restore a copy")
        return int(row[0]), str(row[1])

    @property
    def subtree(self) -> Subtree:
        """The hashes of the tree over the entries (`seewhy.agent.ledger.tree`), as they are asked for."""
        if self._version >= TREE_SINCE:
            return subtrees(self._db)
        with guarded(self.path, "read"):
            return subtrees_of(dict(self._db.execute("SELECT seq, hash FROM entries")))

    @property
    def checkpoint(self) -> Checkpoint:
        """The head with the root of the tree over the entries, to be signed."""
        with guarded(self.path, "read"):
            entries, head = self.head
            return Checkpoint(entries, root(entries, self.subtree), head)

    def verify(self, expected_head: str | None = None, checkpoint: Checkpoint | None = None) -> Verification:
        """Read everything and recompute every hash.

        Args:
            expected_head: a head that was noted elsewhere; it must occur in the chain.
            checkpoint: a head that was signed; the ledger must begin with what it was signed over.

        Raises:
            LedgerError: it could not be read to its end; that says nothing about what it holds.
        """
        notes = tuple(
            f"{self.path.name}{ending} ({size:,} bytes) lies beside the file: a program is writing, or was cut off; copy and move the two "
            "together, or use `seewhy backup`"
            for ending in ("-wal", "-journal")
            if (size := beside(self.path, ending))
        )
        try:
            with guarded(self.path, "read"):
                found = verified(self._db, self._version, expected_head, checkpoint)
                return replace(found, notes=notes + found.notes)
        except LedgerDamaged as error:
            return Verification(0, GENESIS, None, str(error), notes)

    def wait_for_others(self, seconds: float) -> None:
        """How long to wait for a program that holds the file, before giving up."""
        self._db.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")

    def backup(self, to: sqlite3.Connection) -> None:
        """Copy everything, entry by entry whole, into an empty database."""
        with guarded(self.path, "read"):
            self._db.backup(to)

    def close(self) -> None:
        """Close the file; what was appended is on the disk already."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def verify(path: Path, expected_head: str | None = None, checkpoint: Checkpoint | None = None) -> Verification:
    """Check a ledger without writing a byte of it.

    Args:
        path: the file.
        expected_head: as for `Ledger.verify`.
        checkpoint: likewise.

    Raises:
        LedgerError: there is none, or it could not be read.
    """
    try:
        with Ledger(path, read_only=True) as ledger:
            return ledger.verify(expected_head, checkpoint)
    except LedgerDamaged as error:
        return Verification(0, GENESIS, None, str(error))
