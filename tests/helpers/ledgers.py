"""Entries that need no inspection, and a ledger as the first version wrote it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seewhy.agent.ledger.chain import Stored, hash_of
from seewhy.agent.ledger.schema import GENESIS, empty_ledger
from seewhy.canonical import canonical_json
from seewhy.record import RefusedPhoto

NOBODY = 65534


def refusal(name: str, lot: str = "L", sha256: str | None = None) -> RefusedPhoto:
    return RefusedPhoto(
        lot=lot, product="p", name=name, sha256=sha256, code="folder", message="m", remedy="r", inspected_at="2026-01-01T00:00:00"
    )


def old_ledger(path: Path, entries: int) -> sqlite3.Connection:
    """A ledger of version 1 with a write-ahead log, as a program that is still at work has it."""
    path.write_bytes(empty_ledger(version=1))
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    prev = GENESIS
    for seq in range(1, entries + 1):
        entry = refusal(f"{seq}.png")
        body = canonical_json(entry.model_dump(mode="json")).decode()
        row = Stored(seq, entry.kind, "2026-01-01", entry.lot, entry.name, None, body, prev, "")
        prev = hash_of(row)
        db.execute("BEGIN")
        db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row._replace(hash=prev))
        db.execute("UPDATE head SET entries = ?, hash = ?", (seq, prev))
        db.execute("COMMIT")
    return db


@contextmanager
def write_protected(path: Path, mode: int = 0o444) -> Iterator[Path]:
    """A copy of a file, with these rights, in a folder where nobody may write; a root has no more rights than others in the block."""
    with tempfile.TemporaryDirectory() as name:
        folder, root = Path(name), os.geteuid() == 0
        copy = Path(shutil.copy(path, folder))
        copy.chmod(mode)
        folder.chmod(0o555)
        if root:
            os.seteuid(NOBODY)
        try:
            yield copy
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)
