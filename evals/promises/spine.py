"""What the flow promises, measured on synthetic products: sizes, false rejects, overhead, memory.

Everything in it is synthetic and labelled so. The defects' seeds differ from those on which the outline's constants were set.
"""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from seewhy.agent.api.learn import fit
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.photos.layouts import read_layout
from seewhy.evals.metrics import binomial_interval
from seewhy.evals.run import LITE, measuring, resident_mib, timed
from seewhy.evals.synthetic.surfaces import KINDS, Drawn, Kind, defective, good, write_dataset
from seewhy.evals.synthetic.views import as_photo
from seewhy.record import InspectionRecord

PRODUCTS = ("plate", "brick", "cast", "brushed")
FIRST_SEED = 40_000
OWN_WORK = ("decode", "detect")  # everything else is the flow's own


def main(out: Path, good_photos: int = 200, unseen: int = 300, per_kind: int = 20, lot: int = 2000) -> None:
    """Sizes, false rejects, overhead and memory of the whole flow, on synthetic products.

    Args:
        out: where the figures go.
        good_photos: that each product is fitted on.
        unseen: good photos that false rejects are counted on.
        per_kind: defects of each kind and product.
        lot: photos of the lot, one in twenty defective; at least 100.
    """
    facts = {"synthetic": True, "weights": f"{LITE} (PatchCore)", "good_photos": good_photos, "unseen": unseen, "per_kind": per_kind}
    with measuring(out, facts | {"lot": lot}) as table, tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        @cache
        def inspector(product: str) -> Inspector:
            data = write_dataset(folder / product, product, good_train=good_photos, good_test=0, per_kind=0)
            return fit(data, save=folder / "models" / product)

        def product_figures(product: str) -> dict[str, Any]:
            return sizes(inspector(product), product, per_kind) | false_rejects(inspector(product), product, unseen)

        rows = [table.row(("products", product), product_figures, product) for product in PRODUCTS]
        found = sum(r["found"] for r in rows)
        for fact in ("feret", "area"):
            inside = sum(r[f"{fact}_inside"] for r in rows)
            table.figures[f"{fact}_coverage"] = round(inside / found, 4) if found else None
        table.row("batch", lambda: batch(inspector(PRODUCTS[-1]), folder, lot))


def sizes(inspector: Inspector, product: str, per_kind: int) -> dict[str, Any]:
    """How often the stated interval holds the true Feret diameter and area of the finding on the defect."""
    found = feret = area = sharp = 0
    errors = []
    for kind in KINDS:
        for i in range(per_kind):
            drawn = defective(product, kind, FIRST_SEED + i)
            finding = _on_defect(inspector.inspect(as_photo(drawn.pixels, f"{kind}-{i}.png")).record, drawn)
            if finding is None:
                continue
            size = finding.measured.size
            found += 1
            sharp += finding.measured.outline.value == "photo"
            feret += _holds(size.feret, drawn.feret_px)
            area += _holds(size.area, drawn.area_px)
            errors.append(abs((size.feret.value or 0.0) - drawn.feret_px))
    return {
        "defects": per_kind * len(KINDS),
        "found": found,
        "outline_from_photo": sharp,
        "feret_inside": feret,
        "area_inside": area,
        "median_feret_error_px": round(float(np.median(errors)), 2) if errors else None,
    }


def false_rejects(inspector: Inspector, product: str, unseen: int) -> dict[str, Any]:
    """Rejects among unseen good photos at 1 % and 5 %, beside the binomial 95 % interval."""
    scores = [inspector.model.detector.score(good(product, FIRST_SEED + i).pixels).score for i in range(unseen)]
    out = {}
    for alpha in (0.01, 0.05):
        line = inspector.model.calibration.threshold(alpha)
        rejected = 0 if line is None else sum(s > line for s in scores)
        low, high = binomial_interval(unseen, alpha)
        out[f"false_rejects_at_{alpha}"] = {"rejected": rejected, "of": unseen, "usual": [low, high], "inside": low <= rejected <= high}
    return out


def batch(inspector: Inspector, folder: Path, count: int) -> dict[str, Any]:
    """A lot of `count` photos, one in twenty defective: the flow's own share of the time, and memory at 100 photos and at the end."""
    product = inspector.model.product
    lot = folder / "lot"
    lot.mkdir()
    for i in range(count):
        kind: Kind = KINDS[i // 20 % len(KINDS)]
        drawn = defective(product, kind, FIRST_SEED + 500 + i) if i % 20 == 7 else good(product, FIRST_SEED + 500 + i)
        cv2.imwrite(str(lot / f"{i:04}.png"), drawn.pixels[..., ::-1])
    memory: list[float] = []

    def watched(items: Any, _title: str, _total: int | None = None) -> Iterator[Any]:
        for number, item in enumerate(items):
            yield item
            if number in (99, count - 1):
                gc.collect()
                memory.append(resident_mib())

    with Ledger(folder / "lot.sqlite") as ledger:
        run_batch(inspector, read_layout(lot), ledger, lot=str(count), progress=watched)
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
        "rss_mib_after_100": memory[0],
        "rss_mib_at_end": memory[-1],
        "rss_ratio": round(memory[-1] / memory[0], 3),
    }


def _append_ms(folder: Path, records: list[InspectionRecord]) -> float:
    with Ledger(folder / "again.sqlite") as ledger:
        return round(1000 * timed(lambda: [ledger.append(record) for record in records])[1] / len(records), 3)


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
