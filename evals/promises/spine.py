"""What the flow promises, measured on synthetic products: sizes, false rejects, overhead, memory.

`python -m seewhy.evals.promises.spine OUT.json` writes the figures; everything in them is synthetic and labelled so. The defects'
seeds differ from those on which the outline's constants were set.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from seewhy.agent.api.learn import fit
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.photos.images import Photo
from seewhy.agent.photos.layouts import read_layout
from seewhy.canonical import sha256_bytes
from seewhy.evals.detect import hardware
from seewhy.evals.metrics import binomial_interval
from seewhy.evals.synthetic.surfaces import KINDS, Drawn, Kind, defective, good
from seewhy.record import InspectionRecord

PRODUCTS = ("plate", "brick", "cast", "brushed")
GOOD, UNSEEN, PER_KIND, LOT = 200, 300, 20, 2000
FIRST_SEED = 40_000
OWN_WORK = ("decode", "detect")  # everything else is the flow's own


def main(out: Path) -> None:
    """Measure and write."""
    results: dict[str, Any] = {
        "synthetic": True,
        "weights": "efficientnet-lite0 57934424 (PatchCore)",
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": hardware(),
        "products": {},
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for product in PRODUCTS:
            inspector = fit(_written(folder / product, product, GOOD), save=folder / "models" / product)
            results["products"][product] = sizes(inspector, product) | false_rejects(inspector, product)
            out.write_text(json.dumps(results, indent=1), encoding="utf-8")
        rows = results["products"].values()
        for fact in ("feret", "area"):
            inside, of = sum(r[f"{fact}_inside"] for r in rows), sum(r["found"] for r in rows)
            results[f"{fact}_coverage"] = round(inside / of, 4)
        results["batch"] = batch(inspector, folder)
    out.write_text(json.dumps(results, indent=1), encoding="utf-8")


def sizes(inspector: Inspector, product: str) -> dict[str, Any]:
    """How often the stated interval holds the true Feret diameter and area of the finding on the defect."""
    found = feret = area = sharp = 0
    errors = []
    for kind in KINDS:
        for i in range(PER_KIND):
            drawn = defective(product, kind, FIRST_SEED + i)
            finding = _on_defect(inspector.inspect(_photo(drawn, f"{kind}-{i}")).record, drawn)
            if finding is None:
                continue
            size = finding.measured.size
            found += 1
            sharp += finding.measured.outline.value == "photo"
            feret += _holds(size.feret, drawn.feret_px)
            area += _holds(size.area, drawn.area_px)
            errors.append(abs((size.feret.value or 0.0) - drawn.feret_px))
    return {
        "defects": PER_KIND * len(KINDS),
        "found": found,
        "outline_from_photo": sharp,
        "feret_inside": feret,
        "area_inside": area,
        "median_feret_error_px": round(float(np.median(errors)), 2) if errors else None,
    }


def false_rejects(inspector: Inspector, product: str) -> dict[str, Any]:
    """Rejects among unseen good photos at 1 % and 5 %, beside the binomial 95 % interval."""
    scores = [inspector.model.detector.score(good(product, FIRST_SEED + i).pixels).score for i in range(UNSEEN)]
    out = {}
    for alpha in (0.01, 0.05):
        line = inspector.model.calibration.threshold(alpha) or 0.0
        rejected, (low, high) = sum(s > line for s in scores), binomial_interval(UNSEEN, alpha)
        out[f"false_rejects_at_{alpha}"] = {"rejected": rejected, "of": UNSEEN, "usual": [low, high], "inside": low <= rejected <= high}
    return out


def batch(inspector: Inspector, folder: Path) -> dict[str, Any]:
    """A lot of 2,000 photos, one in twenty defective: the flow's own share of the time, and memory at 100 photos and at the end."""
    product = inspector.model.product
    lot = folder / "lot"
    _written(lot, product, 1)
    for i in range(LOT):
        kind: Kind = KINDS[i // 20 % len(KINDS)]
        drawn = defective(product, kind, FIRST_SEED + 500 + i) if i % 20 == 7 else good(product, FIRST_SEED + 500 + i)
        cv2.imwrite(str(lot / f"{i:04}.png"), drawn.pixels[..., ::-1])
    memory: list[int] = []

    def watched(items: Any, _title: str, _total: int | None = None) -> Iterator[Any]:
        for number, item in enumerate(items):
            yield item
            if number in (100, LOT):
                gc.collect()
                memory.append(_resident_kib())

    with Ledger(folder / "lot.sqlite") as ledger:
        run_batch(inspector, read_layout(lot), ledger, lot="2000", progress=watched)
        records = [r.entry for r in ledger.rows() if isinstance(r.entry, InspectionRecord)]
    spent: dict[str, float] = {}
    for record in records:
        for step, ms in record.timings_ms.items():
            spent[step] = spent.get(step, 0.0) + ms / len(records)
    own = sum(ms for step, ms in spent.items() if step not in OWN_WORK)
    append = _append_ms(folder, records[:200])
    return {
        "photos": len(records),
        "mean_ms": {step: round(ms, 3) for step, ms in spent.items()} | {"ledger": append},
        "own_share_of_detection_and_own": round((own + append) / (own + append + spent["detect"]), 4),
        "rss_mib_after_100": round(memory[0] / 1024, 1),
        "rss_mib_at_end": round(memory[-1] / 1024, 1),
        "rss_ratio": round(memory[-1] / memory[0], 3),
    }


def _append_ms(folder: Path, records: list[InspectionRecord]) -> float:
    import time

    with Ledger(folder / "again.sqlite") as ledger:
        began = time.perf_counter()
        for record in records:
            ledger.append(record)
        return round(1000 * (time.perf_counter() - began) / len(records), 3)


def _resident_kib() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def _written(folder: Path, product: str, count: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        cv2.imwrite(str(folder / f"good-{i:04}.png"), good(product, i).pixels[..., ::-1])
    return folder


def _photo(drawn: Drawn, name: str) -> Photo:
    return Photo(name, sha256_bytes(drawn.pixels.tobytes()), drawn.pixels.nbytes, drawn.pixels, "drawn", "RGB", 1, ())


def _on_defect(record: InspectionRecord, drawn: Drawn) -> Any:
    """The finding whose box holds the defect's middle, strongest first."""
    ys, xs = np.nonzero(drawn.mask)
    x, y = float(xs.mean()), float(ys.mean())
    for finding in record.findings:
        x0, y0, x1, y1 = finding.measured.location.box_px.value or (0, 0, 0, 0)
        if x0 - 2 <= x <= x1 + 2 and y0 - 2 <= y <= y1 + 2:
            return finding
    return None


def _holds(quantity: Any, truth: float) -> bool:
    return bool(abs(quantity.value - truth) <= quantity.uncertainty)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
