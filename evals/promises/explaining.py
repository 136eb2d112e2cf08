"""What `explain` promises: how long a photo with five regions takes, and that alarms go with their region."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from seewhy.agent.api.explain import explain
from seewhy.agent.inspection.counterfactual import least_score
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import Photo
from seewhy.detectors.patchcore import PatchCore, PatchCoreSettings
from seewhy.evals.run import LITE, measuring
from seewhy.evals.synthetic.surfaces import KINDS, PRODUCTS, Drawn, defective, good
from seewhy.evals.synthetic.views import as_photo
from seewhy.types import Box, Region

REGIONS, ALPHA = 5, 0.05


def main(out: Path, photos: int = 40, per_kind: int = 5, good_photos: int = 24) -> None:
    """What `explain` costs with five regions, and how often an alarm goes with its region, on drawn defects.

    Args:
        out: where the figures go.
        photos: that are explained for the time.
        per_kind: defective photos per product and kind for the counterfactuals.
        good_photos: each product's model is fitted on.
    """
    given = {"weights": LITE, "data": "synthetic", "photos": photos, "per_kind": per_kind, "good_photos": good_photos, "alpha": ALPHA}
    with measuring(out, given) as table:
        table.row("explain_ms", explain_ms, photos)
        for product in PRODUCTS:
            table.row(("counterfactual", product), counterfactual, product, per_kind, good_photos)
        table.row("counterfactual_all", lambda: together(list(table.figures["counterfactual"].values())))


def explain_ms(photos: int) -> dict[str, Any]:
    """Milliseconds of CPU per photo with five regions beside decoding, with and without a reference; the embedded explainer."""
    spent = dict[str, list[float]]()
    for number in range(photos + 1):
        photo = as_photo(defective("plate", KINDS[number % len(KINDS)], number).pixels, f"{number}.png")
        boxes = [(20 + 60 * i, 30 + 40 * i, 70 + 60 * i, 60 + 40 * i) for i in range(REGIONS)]
        for name, reference in (("alone", None), ("beside_a_good_photo", as_photo(good("plate", number).pixels, "good.png"))):
            began = time.process_time()
            explain(photo, boxes, reference=reference)
            spent.setdefault(name, []).append(1000 * (time.process_time() - began))
    return {name: {"median": round(median(ms[1:]), 1), "p95": round(float(np.quantile(ms[1:], 0.95)), 1)} for name, ms in spent.items()}


def counterfactual(product: str, per_kind: int, good_photos: int) -> dict[str, Any]:
    """Of photos with one drawn defect and one region found: how many raise no alarm once it, or an equal patch elsewhere, is painted."""
    model = ProductModel.fit(
        [_photo(good(product, i), f"{i}.png") for i in range(good_photos)], PatchCore(PatchCoreSettings()), alpha=ALPHA
    )
    inspector = Inspector(replace(model, sha256="0" * 64), alpha=ALPHA)
    line, gone, elsewhere, alarms, others = model.calibration.threshold(ALPHA), 0, 0, 0, 0
    for drawn in _defects(product, per_kind):
        found = inspector.inspect(_photo(drawn, "part.png"))
        if len(found.regions) != 1 or found.link is None or line is None:
            others += 1
            continue
        alarms += 1
        region = found.regions[0]
        gone += least_score(found.link, found.pixels, region, found.good) <= line
        moved = elsewhere_than(region, found.pixels.shape[1], found.pixels.shape[0])
        elsewhere += least_score(found.link, found.pixels, moved, found.good) <= line
    return {"alarms": alarms, "gone": gone, "elsewhere": elsewhere, "without_one_region": others}


def together(rows: list[dict[str, int]]) -> dict[str, Any]:
    """Shares over all products."""
    alarms = sum(row["alarms"] for row in rows)
    return {"alarms": alarms} | {name: round(sum(row[name] for row in rows) / alarms, 4) for name in ("gone", "elsewhere")}


def elsewhere_than(region: Region, width: int, height: int) -> Region:
    """The region moved to the farthest place that it fits into."""
    box = region.box
    x = 0 if box.x0 + box.x1 > width else width - box.width
    y = 0 if box.y0 + box.y1 > height else height - box.height
    return replace(region, box=Box(x, y, x + box.width, y + box.height), peak_at=(x, y))


def _defects(product: str, per_kind: int) -> Iterator[Drawn]:
    return (defective(product, kind, 1000 + seed) for kind in KINDS for seed in range(per_kind))


def _photo(drawn: Drawn, name: str) -> Photo:
    return as_photo(drawn.pixels, name)
