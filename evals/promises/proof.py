"""What proofs cost in a ledger of 100,000 entries."""

from __future__ import annotations

import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seewhy.agent.ledger.nodes import leaf_of
from seewhy.agent.ledger.store import Ledger, verify
from seewhy.agent.ledger.tree import included, inclusion_path
from seewhy.agent.people import acts
from seewhy.agent.people.parts import find_part
from seewhy.agent.people.roles import Who
from seewhy.evals.promises.ledger import ENTRIES, large
from seewhy.evals.run import measuring, timed
from seewhy.record import RefusedPhoto

ASKED = 200
MEMORY = Path("/dev/shm")  # a file here has no fsync to wait for


def main(out: Path) -> None:
    """What proofs cost in a ledger of 100,000 entries."""
    with measuring(out, {"sqlite": sqlite3.sqlite_version}) as table, tempfile.TemporaryDirectory(dir=out.absolute().parent) as name:
        table.row("large", _large, Path(name) / "large.sqlite")


def _large(path: Path) -> dict[str, Any]:
    """Seconds and milliseconds in a large ledger."""
    large(path)
    chance = random.Random(1)
    with Ledger(path, read_only=True) as book:
        head, subtree, hashes = book.checkpoint, book.subtree, dict(book._db.execute("SELECT seq, hash FROM entries"))

        def proof() -> None:
            index = chance.randrange(ENTRIES)
            path_ = inclusion_path(index, head.size, subtree)
            assert included(leaf_of(hashes[index + 1]), index, head.size, path_, head.root)

        figures = {
            "entries": ENTRIES,
            "mib": path.stat().st_size >> 20,
            "inclusion_proof_ms": _milliseconds(proof),
            "history_by_photo_ms": _milliseconds(lambda: find_part(book, f"{chance.randrange(1, ENTRIES)}.png")),
            "history_by_serial_ms": _milliseconds(lambda: find_part(book, f"S-{chance.randrange(1, ENTRIES // 2)}")),
        }
    return figures | {"append": _appends(path), "verify": _verified(path)}


def _appends(path: Path) -> dict[str, Any]:
    """Milliseconds of an entry in memory, where nothing waits for a disk."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name, Ledger(Path(shutil.copy(path, name))) as book:
        refusals = iter(range(10 * ASKED))

        def machine() -> None:
            book.append(
                RefusedPhoto(
                    lot="M", product="p", name=f"{next(refusals)}.png", sha256=None, code="missing", message="x" * 8000, remedy="",
                    inspected_at="2026-01-01T00:00:00",
                )
            )  # fmt: skip

        people = iter(range(1, 10 * ASKED))
        return {
            "machine_ms": _milliseconds(machine),
            "person_ms": _milliseconds(lambda: acts.comment(book, f"{next(people)}.png", Who("Kim", "looked"), lot="L")),
        }


def _milliseconds(act: Callable[[], object]) -> dict[str, float]:
    """Of the clock, and of the processor alone, which a busy machine doesn't lengthen."""
    spent, worked = list[float](), list[float]()
    for _ in range(ASKED):
        began, at_work = time.perf_counter(), time.process_time()
        act()
        spent.append(1000 * (time.perf_counter() - began))
        worked.append(1000 * (time.process_time() - at_work))
    return {name: round(statistics.median(all_), 2) for name, all_ in (("median", spent), ("median_cpu", worked))} | {
        name: round(sorted(all_)[int(0.95 * ASKED)], 2) for name, all_ in (("p95", spent), ("p95_cpu", worked))
    }


def _verified(path: Path) -> dict[str, Any]:
    at_work = time.process_time()
    found, seconds = timed(verify, path)
    assert found.intact
    return {"entries": found.entries, "seconds": round(seconds, 1), "cpu_seconds": round(time.process_time() - at_work, 1)}
