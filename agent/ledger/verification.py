"""Reading a whole ledger and recomputing every hash."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from seewhy.agent.ledger.chain import Broken, Stored, checked
from seewhy.agent.ledger.checkpoint import Checkpoint
from seewhy.agent.ledger.nodes import Grower
from seewhy.agent.ledger.schema import GENESIS, TREE_SINCE, expected_tables, tables_of
from seewhy.canonical import sha256_bytes


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found."""

    entries: int  # that were read
    head: str  # hash of the last good entry
    bad_seq: int | None = None  # the first entry that is not as it was written
    problem: str = ""
    notes: tuple[str, ...] = ()  # what lies beside the file
    file: str = ""  # of a bundle: the first in it that is not as it was written

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.problem


def verified(db: sqlite3.Connection, version: int, expected_head: str | None = None, checkpoint: Checkpoint | None = None) -> Verification:
    """Check tables, chain, pictures and head.

    Args:
        db: open to read.
        version: of its tables.
        expected_head: a head that was noted elsewhere; it must occur in the chain.
        checkpoint: what was signed; the tree over as many entries must have its root.

    Raises:
        sqlite3.Error: the file can't be read.
    """
    if tables_of(db) != expected_tables(version):
        return Verification(0, GENESIS, None, "its tables or triggers are not those of a ledger: they were changed")
    seq, head, seen, tree, clock = 0, GENESIS, expected_head in (None, GENESIS), Grower(), Clock()
    signed_root = tree.root  # as these entries have it
    try:
        for row in checked(db):
            problem = _problem(db, row, version) or _tree_problem(db, tree.add(row.hash), version)
            if problem:
                return Verification(seq, head, row.seq, problem)
            seq, head = row.seq, row.hash
            seen = seen or head == expected_head
            clock.tick(row)
            if checkpoint is not None and checkpoint.size == seq:
                signed_root = tree.root
    except Broken as error:
        return Verification(seq, head, error.seq, error.problem)
    if not seen:
        return Verification(seq, head, None, f"the noted head {expected_head} is not in the chain")
    if checkpoint is not None and (seq < checkpoint.size or signed_root != checkpoint.root):
        return Verification(seq, head, None, _against(checkpoint, seq))
    if version >= TREE_SINCE and db.execute("SELECT count(*) FROM tree").fetchone() != (seq - seq.bit_count(),):
        return Verification(seq, head, None, "the tree over the entries holds nodes that belong to none")
    (check,) = db.execute("PRAGMA integrity_check").fetchone()
    return Verification(seq, head, None, "" if check == "ok" else f"SQLite finds the file damaged: {check}", clock.notes)


def _against(checkpoint: Checkpoint, entries: int) -> str:
    """What is wrong with a ledger that isn't the one of a checkpoint."""
    if entries < checkpoint.size:
        return f"the checkpoint was signed over {checkpoint.size} entries and the ledger holds {entries}: its end was cut off"
    return f"the first {checkpoint.size} entries are not those that the checkpoint was signed over: the ledger was written anew"


class Clock:
    """Whether the entries' times run on."""

    def __init__(self) -> None:
        self._last, self._back = "", list[int]()

    def tick(self, row: Stored) -> None:
        """Take note of an entry's time."""
        if row.at < self._last:
            self._back.append(row.seq)
        self._last = max(self._last, row.at)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to tell of it."""
        if not self._back:
            return ()
        return (
            f"{len(self._back)} entries are dated before one that precedes them, the first is entry {self._back[0]}: a clock ran backwards",
        )


def _tree_problem(db: sqlite3.Connection, nodes: list[tuple[int, int, bytes]], version: int) -> str:
    if version < TREE_SINCE:
        return ""
    for level, place, node in nodes:
        kept = db.execute("SELECT hash FROM tree WHERE level = ? AND place = ?", (level, place)).fetchone()
        if kept is None or kept[0] != node:
            return "the tree over the entries up to it was changed"
    return ""


def _problem(db: sqlite3.Connection, row: Stored, version: int) -> str:
    """What is wrong with an entry whose hash is right."""
    try:
        return _disagreement(db, row, version)
    except (KeyError, TypeError, ValueError):
        return "its body is not that of an entry"


def _erased(db: sqlite3.Connection, digest: str) -> bool:
    """Whether an entry of the chain says that a picture was erased."""
    found = db.execute("SELECT kind, body FROM entries WHERE seq = (SELECT seq FROM erased WHERE sha256 = ?)", (digest,)).fetchone()
    return found is not None and found[0] == "erasure" and digest in json.loads(found[1])["erased"]


def _disagreement(db: sqlite3.Connection, row: Stored, version: int) -> str:
    body = json.loads(row.body)
    name = body["photo"]["name"] if row.kind == "inspection" else body["name"]
    if (body["lot"], name) != (row.lot, row.photo):
        return "its columns and its body disagree"
    for other in (*filter(None, [body.get("refers_to")]), *body.get("points_to", ())):
        earlier = db.execute("SELECT seq FROM entries WHERE hash = ?", (other,)).fetchone()
        if earlier is None or earlier[0] >= row.seq:
            return "it refers to an entry that is not before it"
    for item in body.get("evidence", ()):
        picture = db.execute("SELECT media_type, bytes FROM evidence WHERE sha256 = ?", (item["sha256"],)).fetchone()
        if picture is None:
            if version >= TREE_SINCE and _erased(db, item["sha256"]):
                continue
            return f"its picture {item['name']!r} is missing"
        if picture[0] != item["media_type"] or sha256_bytes(bytes(picture[1])) != item["sha256"]:
            return f"its picture {item['name']!r} was changed"
    for what in ("card", "policy"):  # kept where the ledger is new enough
        digest = body.get("provenance", {}).get(f"{what}_sha256")
        kept = None if digest is None else db.execute("SELECT bytes FROM evidence WHERE sha256 = ?", (digest,)).fetchone()
        if kept is not None and sha256_bytes(bytes(kept[0])) != digest:
            return f"its {what} was changed"
    return ""
