"""The tree's nodes in a ledger's file: kept as entries are written, so that a proof reads a few rows and not the whole ledger.

They prove nothing by themselves: `verify` makes them again from the entries.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from seewhy.agent.ledger.tree import Subtree, grown, leaf_hash, node_hash, root
from seewhy.errors import LedgerDamaged


def leaf_of(entry_hash: str) -> bytes:
    """The leaf of an entry: its chain hash.

    Raises:
        LedgerDamaged: it is none.
    """
    try:
        return leaf_hash(bytes.fromhex(entry_hash))
    except (TypeError, ValueError) as error:
        raise LedgerDamaged(f"an entry's hash is {str(entry_hash)[:12]!r}…, which is none; run `seewhy verify`, restore a copy") from error


def add_leaf(db: sqlite3.Connection, seq: int, entry_hash: str) -> None:
    """Write what entry number `seq` adds to the tree, inside the caller's transaction."""
    nodes = grown(seq - 1, leaf_of(entry_hash), subtrees(db))
    db.executemany("INSERT INTO tree VALUES (?, ?, ?)", list(nodes))


def plant(db: sqlite3.Connection) -> None:
    """Write the whole tree of a ledger that had none, inside the caller's transaction."""
    grower = Grower()
    for (entry_hash,) in db.execute("SELECT hash FROM entries ORDER BY seq").fetchall():
        db.executemany("INSERT INTO tree VALUES (?, ?, ?)", grower.add(entry_hash))


class Grower:
    """The tree made again, entry by entry, from their hashes alone; remembers no more than the tree's right edge."""

    def __init__(self) -> None:
        self.size = 0
        self._edge = dict[tuple[int, int], bytes]()

    def add(self, entry_hash: str) -> list[tuple[int, int, bytes]]:
        """The nodes that an entry completes."""
        leaf = leaf_of(entry_hash)
        nodes = list(grown(self.size, leaf, lambda level, place: self._edge[level, place]))
        for level, place, _ in nodes:
            self._edge.pop((level - 1, 2 * place), None)
        top = nodes[-1] if nodes else (0, self.size, leaf)
        self._edge[top[:2]] = top[2]
        self.size += 1
        return nodes

    @property
    def root(self) -> bytes:
        """Of the entries so far."""
        return root(self.size, lambda level, place: self._edge[level, place])


def subtrees(db: sqlite3.Connection) -> Subtree:
    """The complete subtrees of a ledger, read as they are asked for.

    Raises:
        LedgerDamaged: the file lacks one.
    """

    def of(level: int, place: int) -> bytes:
        asked = "SELECT hash FROM tree WHERE level = ? AND place = ?" if level else "SELECT hash FROM entries WHERE ? = 0 AND seq = ? + 1"
        row = db.execute(asked, (level, place)).fetchone()
        if row is None:
            raise LedgerDamaged(f"the tree over the entries lacks the node {place} of level {level}; run `seewhy verify`, restore a copy")
        return bytes(row[0]) if level else leaf_of(row[0])

    return of


def subtrees_of(hashes: Mapping[int, str]) -> Subtree:
    """Those over entries' hashes by number, made from them alone: of a ledger that keeps no tree, or of one that isn't believed."""
    known = dict[tuple[int, int], bytes]()

    def of(level: int, place: int) -> bytes:
        if (level, place) not in known:
            known[level, place] = (
                leaf_of(hashes[place + 1]) if level == 0 else node_hash(of(level - 1, 2 * place), of(level - 1, 2 * place + 1))
            )
        return known[level, place]

    return of
