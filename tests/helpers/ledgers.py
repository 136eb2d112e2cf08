"""Entries that need no inspection, and a ledger as the first version wrote it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seewhy.agent.ledger.chain import Stored, hash_of
from seewhy.agent.ledger.schema import GENESIS, empty_ledger
from seewhy.canonical import canonical_json, sha256_bytes
from seewhy.record import InspectionRecord, PartIdentity, RefusedPhoto
from tests.helpers import TESTS

NOBODY = 65534
GOLDEN: dict[str, list[Any]] = json.loads((TESTS / "golden" / "schema1" / "records.json").read_text(encoding="utf-8"))


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


def golden_record(name: str = "stain.png", lot: str = "L", serial: str = "", verdict: str = "") -> InspectionRecord:
    """A record of the golden ones under another name, without pictures: as quick to have as a refusal.

    Args:
        name: of the photo; one that begins with "good" is of a part that passed, another has a finding and failed.
        lot: its lot.
        serial: the part's.
        verdict: another one than the record's own.
    """
    golden = next(r for r in GOLDEN["patchcore"] if (r["record"]["verdict"]["value"] == "pass") == name.startswith("good"))
    record = InspectionRecord.model_validate(golden["record"])
    photo = record.photo.model_copy(update={"name": name, "sha256": sha256_bytes(name.encode())})
    changed: dict[str, Any] = {"lot": lot, "photo": photo, "evidence": (), "part": PartIdentity(serial=serial) if serial else None}
    if verdict:
        changed["verdict"] = record.verdict.model_copy(update={"value": verdict})
    return record.model_copy(update=changed)
