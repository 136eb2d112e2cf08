"""Damaged photos among whole ones, and damaged ledgers: see `promises.fuzz`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger, verify
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.photos.layouts import surveyed
from seewhy.evals.promises.trials import Trials
from seewhy.evals.synthetic.damage import damage_ledger, damaged, pictures
from seewhy.record import InspectionRecord

PHOTOS, LEDGERS = 1, 2  # what accidents are drawn from, beside their number
LOT = 100  # photos


def photos(folder: Path, inspector: Inspector, count: int) -> dict[str, Any]:
    """Lots of damaged photos of many kinds, each with a whole one at its end that must be judged as it was before."""
    whole = _picture(folder.parent / "lot" / "good-0.png")
    before, kinds, trials = inspector.inspect(folder.parent / "lot" / "good-0.png").record, list(pictures(whole).items()), Trials()
    for first in range(0, count, LOT):
        lot = folder / f"{first}"
        lot.mkdir(parents=True)
        numbers = range(first, min(first + LOT, count))
        for number in numbers:
            name, data = kinds[number % len(kinds)]
            (lot / f"{number:05}-{name}").write_bytes(damaged(data, np.random.default_rng((PHOTOS, number))))
        shutil.copy(folder.parent / "lot" / "good-0.png", lot / "whole.png")
        with Ledger(lot / "book.sqlite") as ledger:
            run_batch(inspector, surveyed(lot).samples, ledger, lot="A", progress=trials.paced)
            found = {e.photo.name if isinstance(e, InspectionRecord) else e.name: e for e in entries(ledger)}
        last = found.pop("whole.png")
        if not isinstance(last, InspectionRecord) or last.decision != before.decision:
            trials.wrong(first, "photos", "the whole photo of the lot was judged otherwise")
        if len(found) != len(numbers):
            trials.wrong(first, "photos", f"{len(found)} entries of {len(numbers)} photos")
        for name, entry in found.items():
            word = (entry.verdict.value or "") if isinstance(entry, InspectionRecord) else entry.code
            trials.became[word] += 1
            if not isinstance(entry, InspectionRecord) and (word == "failed" or "Traceback" in entry.message):
                trials.wrong(int(name[:5]), "photos", entry.message)
        shutil.rmtree(lot)
    return trials.figures(count)


def ledgers(folder: Path, inspector: Inspector, lot: Path, count: int) -> dict[str, Any]:
    """A ledger that is damaged, then verified, read and gone on with."""
    folder.mkdir()
    samples, trials, whole = surveyed(lot).samples, Trials(), folder / "whole.sqlite"
    (lot / "empty.png").touch()
    with Ledger(whole) as ledger:
        run_batch(inspector, surveyed(lot).samples, ledger, lot="A")
    (lot / "empty.png").unlink()
    written = _written(whole)

    def verified(path: Path) -> str:
        if not verify(path).intact:
            return "not intact"
        if _written(path) != written:
            raise AssertionError("intact, with other entries than were written")
        return "intact"

    def read(path: Path) -> str:
        with Ledger(path, read_only=True) as ledger:
            return "read" if len(list(entries(ledger))) == len(written) else "read in part"

    def gone_on(path: Path) -> str:
        with Ledger(path) as ledger:
            run_batch(inspector, samples, ledger, lot="A")
        return "gone on with"

    for number in range(count):
        book = folder / f"{number}" / "book.sqlite"
        book.parent.mkdir()
        shutil.copy(whole, book)
        damage_ledger(book, np.random.default_rng((LEDGERS, number)))
        trials.try_(number, "verify", lambda path=book: verified(path))  # type: ignore[misc]
        trials.try_(number, "report", lambda path=book: read(path))  # type: ignore[misc]
        trials.try_(number, "batch", lambda path=book: gone_on(path))  # type: ignore[misc]
        shutil.rmtree(book.parent)
    return trials.figures(count)


def _written(path: Path) -> list[str]:
    with Ledger(path, read_only=True) as ledger:
        return [row.hash for row in ledger.rows()]


def _picture(path: Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
