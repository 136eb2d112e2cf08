"""What keeping the ledger one file costs, and how it reads when it is large.

Milliseconds of an append under SQLite's journals, how many entries a copy of the file alone holds, and seconds and memory for verifying
and reading 100,000 entries.
"""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from seewhy.agent.ledger.chain import Stored, hash_of
from seewhy.agent.ledger.nodes import plant
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.schema import GENESIS, SCHEMAS, empty_ledger, statements
from seewhy.agent.ledger.store import Ledger, verify
from seewhy.canonical import sha256_bytes
from seewhy.evals.run import alone, measuring, timed
from seewhy.record import PartIdentity, RefusedPhoto

APPENDS, ROUNDS, ENTRIES = 100, 3, 100_000
BODY_BYTES, PICTURE_BYTES = 8_000, (60_000, 25_000, 9_000, 9_000, 9_000)  # of a record with two findings
JOURNALS = (
    ("WAL", "FULL", ""),
    ("WAL", "FULL", "checkpoint after each entry"),
    ("DELETE", "FULL", ""),
    ("DELETE", "EXTRA", ""),
    ("TRUNCATE", "FULL", ""),
    ("PERSIST", "FULL", ""),
)


def main(out: Path) -> None:
    """What keeping the ledger one file costs, and how a ledger of 100,000 entries reads."""
    with measuring(out, {"sqlite": sqlite3.sqlite_version}) as table, tempfile.TemporaryDirectory(dir=out.absolute().parent) as name:
        table.row("journals", journals, Path(name))
        table.row("large", _large_figures, Path(name) / "large.sqlite")


def journals(folder: Path) -> list[dict[str, Any]]:
    """Milliseconds of an append under each journal, and how many entries a copy of the file alone holds."""
    rounds = [[append(folder, *journal) for journal in JOURNALS] for _ in range(ROUNDS)]  # in turn, so that a busy minute meets all
    return [
        {
            "journal": journal,
            "synchronous": synchronous,
            "then": then,
            "median_ms": round(statistics.median(t for one in rounds for t in one[i][0]), 2),
            "p95_ms": round(sorted(t for one in rounds for t in one[i][0])[int(0.95 * APPENDS * ROUNDS)], 2),
            "in_a_copy_alone": f"{min(one[i][1] for one in rounds)} of {APPENDS}",
        }
        for i, (journal, synchronous, then) in enumerate(JOURNALS)
    ]


def _large_figures(path: Path) -> dict[str, Any]:
    large(path)
    return {
        "entries": ENTRIES,
        "mib": path.stat().st_size >> 20,
        "verify": alone(_measured, _verified, path),
        "read": alone(_measured, _read, path),
    }


def append(folder: Path, journal: str, synchronous: str, then: str) -> tuple[list[float], int]:
    """Milliseconds of each append, and how many entries are in a copy of the file alone while it is open."""
    path, copy = folder / "append.sqlite", folder / "copy.sqlite"
    spent = []
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"PRAGMA journal_mode = {journal}")
        db.execute(f"PRAGMA synchronous = {synchronous}")
        for statement in statements(SCHEMAS[1]):
            db.execute(statement)
        for seq in range(1, APPENDS + 1):
            pictures = [(os.urandom(16).hex(), "image/jpeg", os.urandom(size)) for size in PICTURE_BYTES]
            row = (seq, "inspection", "", "L", f"{seq}.png", "", os.urandom(BODY_BYTES // 2).hex(), "", os.urandom(16).hex())
            began = time.perf_counter()
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO evidence VALUES (?, ?, ?)", pictures)
            db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            db.execute("UPDATE head SET entries = ?, hash = ?", (seq, row[-1]))
            db.execute("COMMIT")
            if then:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            spent.append(1000 * (time.perf_counter() - began))
        shutil.copy(path, copy)
    with closing(sqlite3.connect(copy)) as db:
        (held,) = db.execute("SELECT count(*) FROM entries").fetchone()
    for file in folder.iterdir():
        file.unlink()
    return spent, int(held)


def large(path: Path) -> Path:
    """A ledger of many entries, each with a picture of its own, written in one transaction."""
    path.write_bytes(empty_ledger())
    prev = GENESIS
    with Ledger(path) as ledger, ledger.writing() as db:
        for seq in range(1, ENTRIES + 1):
            refusal = RefusedPhoto(
                lot="L",
                product="p",
                name=f"{seq}.png",
                sha256=None,
                code="missing",
                message="x" * BODY_BYTES,
                remedy="",
                inspected_at="2026-01-01T00:00:00",
                part=PartIdentity(serial=f"S-{seq // 2}"),  # two photos of each part
            )
            row = Stored(seq, "refusal", "2026-01-01", "L", refusal.name, None, refusal.model_dump_json(), prev, "")
            prev = hash_of(row)
            picture = seq.to_bytes(8, "big") * 128
            db.execute("INSERT INTO evidence VALUES (?, 'image/png', ?)", (sha256_bytes(picture), picture))
            db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row._replace(hash=prev))
            db.execute("UPDATE head SET entries = ?, hash = ?", (seq, prev))
        plant(db)
    return path


def _measured(what: Callable[[Path], int], path: Path) -> dict[str, Any]:
    before = _peak_mib()
    done, seconds = timed(what, path)
    return {"entries": done, "seconds": round(seconds, 1), "more_memory_mib": _peak_mib() - before}


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def _verified(path: Path) -> int:
    found = verify(path)
    return found.entries if found.intact else -1


def _read(path: Path) -> int:
    with Ledger(path, read_only=True) as ledger:
        return sum(1 for _ in entries(ledger))
