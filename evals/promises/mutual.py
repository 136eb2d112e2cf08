"""Mutual scoring on lots of which a known share is defective, beside PatchCore that was given good photos.

For each product, lots are drawn at random from its test photos so that 5, 15 and 30 % of them are defective; nothing else is given
to the detector. PatchCore is fitted on the product's good training photos and scores the same lots.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.agent.photos.images import read_photo
from seewhy.agent.photos.layouts import Sample, good_photos, read_layout
from seewhy.agent.photos.lazy import LazyPhotos
from seewhy.detectors.mutual import Mutual
from seewhy.detectors.patchcore import PatchCore
from seewhy.evals.metrics import auroc
from seewhy.evals.run import LITE, measuring, timed
from seewhy.types import Pixels

PRODUCTS = ("cookie", "magnetic_tile", "ball_screw")
SHARES = (0.05, 0.15, 0.30)
LOT = 100  # photos, or as many as the product's good test photos allow
DRAWS = 3  # lots for each share
FITTED_ON = 100  # good photos at most


def main(data: Path, out: Path) -> None:
    """Lots of DATA's products that judge themselves, beside PatchCore that was given good photos."""
    with measuring(out, {"data": data.name, "weights": LITE, "lot": LOT, "draws": DRAWS}) as table:
        for product in PRODUCTS:
            table.row(("products", product), product_figures, data / product)


def product_figures(folder: Path) -> dict[str, Any]:
    """Image AUROC of both on the same lots, means over the draws."""
    samples = read_layout(folder)
    test = [s for s in samples if s.split == "test"]
    good, bad = [s for s in test if s.good], [s for s in test if not s.good]
    train = good_photos(samples)[:FITTED_ON]
    patchcore = PatchCore()
    patchcore.fit([p.pixels for p in LazyPhotos(train)])
    kept = dict[Path, float]()

    def by_patchcore(sample: Sample, pixels: Pixels) -> float:
        if sample.path not in kept:
            kept[sample.path] = patchcore.score(pixels).score
        return kept[sample.path]

    rows = {}
    for share in SHARES:
        each = [_one(_drawn(good, bad, share, np.random.default_rng([draw, round(100 * share)])), by_patchcore) for draw in range(DRAWS)]
        rows[f"{share:.0%} defective"] = {key: round(float(np.mean([e[key] for e in each])), 4) for key in each[0]}
    return {"patchcore_fitted_on": len(train), **rows}


def _drawn(good: Sequence[Sample], bad: Sequence[Sample], share: float, rng: np.random.Generator) -> list[Sample]:
    size = min(LOT, round(len(good) / (1 - share)))
    wrong = min(len(bad), max(1, round(share * size)))
    right = min(len(good), size - wrong)
    return [bad[i] for i in rng.choice(len(bad), wrong, replace=False)] + [good[i] for i in rng.choice(len(good), right, replace=False)]


def _one(lot: Sequence[Sample], by_patchcore: Any) -> dict[str, float]:
    photos = [read_photo(s.path).pixels for s in lot]
    labels = np.array([not s.good for s in lot])
    mutual = Mutual()
    _, fit_s = timed(mutual.fit, photos)
    own, score_s = timed(lambda: np.array([mutual.score(p).score for p in photos]))
    other = np.array([by_patchcore(s, p) for s, p in zip(lot, photos, strict=True)])
    return {
        "photos": len(lot),
        "defective": int(labels.sum()),
        "mutual_image_auroc": auroc(labels, own) or 0.0,
        "patchcore_image_auroc": auroc(labels, other) or 0.0,
        "fit_seconds": fit_s,
        "seconds_per_photo": score_s / len(photos),
    }
