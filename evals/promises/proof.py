"""What proofs cost in a ledger of 100,000 entries, and whether a byte can be changed unseen in a ledger, a document or a bundle."""

from __future__ import annotations

import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from seewhy.agent.ledger.nodes import leaf_of
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger, verify
from seewhy.agent.ledger.tree import included, inclusion_path
from seewhy.agent.people import acts
from seewhy.agent.people.parts import find_part
from seewhy.agent.people.roles import Who
from seewhy.agent.proof.bundle import bundle
from seewhy.agent.proof.checking import check_bundle
from seewhy.agent.proof.documents import check_document
from seewhy.errors import LedgerError
from seewhy.evals.promises.ledger import ENTRIES, alone, large
from seewhy.evals.run import measuring
from seewhy.record import RefusedPhoto
from seewhy.reports import write_report

ASKED, FLIPS = 200, 1000
MEMORY = Path("/dev/shm")  # a file here has no fsync to wait for


def main(out: Path, ledger: Annotated[Path, typer.Option(help="A ledger with records and pictures, for the flips; it is copied.")]) -> None:
    """What proofs cost in a ledger of 100,000 entries, and whether a byte can be changed unseen."""
    with measuring(out, {"sqlite": sqlite3.sqlite_version}) as table, tempfile.TemporaryDirectory(dir=out.absolute().parent) as name:
        folder = Path(name)
        for what, copied in (("ledger", flipped_ledger), ("document", flipped_document), ("bundle", flipped_bundle)):
            table.row(("flips", what), copied, ledger, folder)
        table.row("large", _large, folder / "large.sqlite")


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
    return figures | {"append": _appends(path), "verify": alone(_verified, path)}


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
    spent = list[float]()
    for _ in range(ASKED):
        began = time.perf_counter()
        act()
        spent.append(1000 * (time.perf_counter() - began))
    return {"median": round(statistics.median(spent), 2), "p95": round(sorted(spent)[int(0.95 * ASKED)], 2)}


def _verified(path: Path) -> int:
    found = verify(path)
    return found.entries if found.intact else -1


def _flips(path: Path, ask: Callable[[], str]) -> dict[str, int]:
    """What became of single bytes changed at random: found, of which with the entry named; harmless; missed."""
    whole, chance, counts = path.read_bytes(), random.Random(5), Counter[str](found=0, entry_named=0, harmless=0, missed=0)
    for _ in range(FLIPS):
        at, data = chance.randrange(len(whole)), bytearray(whole)
        data[at] ^= chance.randrange(1, 256)
        path.write_bytes(data)
        counts.update(ask().split())
    path.write_bytes(whole)
    return {"flips": FLIPS, **counts}


def flipped_ledger(ledger: Path, folder: Path) -> dict[str, int]:
    """In a ledger: harmless is what no reader sees, since every entry and picture reads as it was written."""
    copy = Path(shutil.copy(ledger, folder / "flipped.sqlite"))
    with Ledger(copy) as book:  # made one file of this version first
        assert book.verify().intact
    before = _contents(copy)

    def ask() -> str:
        try:
            found = verify(copy)
        except LedgerError:
            return "found"
        if not found.intact:
            return "found entry_named" if found.bad_seq is not None else "found"
        return "harmless" if _contents(copy) == before else "missed"

    return _flips(copy, ask)


def _contents(path: Path) -> object:
    with closing(sqlite3.connect(path)) as db:
        return [db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in ("entries", "evidence", "head")]


def flipped_document(ledger: Path, folder: Path) -> dict[str, int]:
    """In an HTML report."""
    with Ledger(ledger, read_only=True) as book:
        lot = book.lots()[0]
        path = write_report(list(entries(book, lot)), book.evidence, folder / "report.html", head=book.head[1])
    return _flips(path, lambda: "missed" if check_document(path).intact else "found")


def flipped_bundle(ledger: Path, folder: Path) -> dict[str, int]:
    """In a bundle."""
    path = folder / "bundle.zip"
    with Ledger(ledger, read_only=True) as book:
        bundle(book, path, lot=book.lots()[0])
    return _flips(path, lambda: "missed" if check_bundle(path).intact else "found")
