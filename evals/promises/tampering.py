"""Whether a byte can be changed unseen in a ledger, a document or a bundle."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger, verify
from seewhy.agent.proof.bundle import bundle
from seewhy.agent.proof.checking import check_bundle
from seewhy.agent.proof.documents import check_document
from seewhy.errors import LedgerError
from seewhy.evals.run import measuring
from seewhy.reports import write_report

FLIPS = 1000


def main(out: Path, ledger: Annotated[Path, typer.Option(help="A ledger with records and pictures; it is copied.")]) -> None:
    """Whether a byte can be changed unseen in a ledger, a document or a bundle."""
    with measuring(out, {"sqlite": sqlite3.sqlite_version}) as table, tempfile.TemporaryDirectory(dir=out.absolute().parent) as name:
        for what, flipped in (("ledger", flipped_ledger), ("document", flipped_document), ("bundle", flipped_bundle)):
            table.row(what, flipped, ledger, Path(name))


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
    """In an HTML report, without its ledger: `place_named` tells the photo or the section, `entry_named` the photo, one entry's."""
    with Ledger(ledger, read_only=True) as book:
        lot = book.lots()[0]
        path = write_report(list(entries(book, lot)), book.evidence, folder / "report.html", head=book.head[1])

    def ask() -> str:
        found = check_document(path)
        named = " place_named" * bool(found.place) + " entry_named" * found.place.startswith("photo ")
        return "missed" if found.intact else f"found{named}"

    return _flips(path, ask)


def flipped_bundle(ledger: Path, folder: Path) -> dict[str, int]:
    """In a bundle of a lot: `place_named` tells the file in it."""
    path = folder / "bundle.zip"
    with Ledger(ledger, read_only=True) as book:
        bundle(book, path, lot=book.lots()[0])

    def ask() -> str:
        found = check_bundle(path)
        named = " place_named" * bool(found.file) + " entry_named" * (found.bad_seq is not None)
        return "missed" if found.intact else f"found{named}"

    return _flips(path, ask)
