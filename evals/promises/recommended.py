"""Does `seewhy recommend` pick what real defects would have picked?

For every product: what it recommends from good training photos and drawn defects alone, beside each candidate's image AUROC on the
product's real test photos, of which the recommendation saw none. Golden photos, one for each place, are told by `GOLDEN`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seewhy.agent.models.candidates import unfitted
from seewhy.agent.photos.images import read_photo
from seewhy.agent.photos.layouts import good_photos, read_layout
from seewhy.agent.photos.lazy import LazyPhotos
from seewhy.errors import SeewhyError
from seewhy.evals.metrics import auroc
from seewhy.evals.recommend import MOST_LEARNED, chosen_from, recommend
from seewhy.evals.run import LITE, measuring

GOLDEN = ("pcb_trace",)
NEAR = 0.02  # of the best real image AUROC


def main(data: Path, out: Path) -> None:
    """What `seewhy recommend` picks for each product under DATA, beside what real defects pick."""
    with measuring(out, {"data": data.name, "weights": f"{LITE} (patchcore, dinomaly), none (template)", "near": NEAR}) as table:
        for folder in sorted(p for p in data.iterdir() if p.is_dir()):
            table.row(("products", folder.name), _product, folder)


def _product(folder: Path) -> dict[str, Any]:
    made = recommend(folder, golden=folder.name in GOLDEN)
    real = {name: _real(folder, name) for name in chosen_from(None)}
    able = {name: value for name, value in real.items() if value is not None}
    best = max(able, key=lambda name: able[name])
    return {
        "recommended": made.best,
        "because": made.because,
        "drawn": {c.detector: c.image_auroc for c in made.candidates},
        "real": real,
        "best_by_real_defects": best,
        "near_enough": able.get(made.best, 0.0) >= able[best] - NEAR,
    }


def _real(folder: Path, name: str) -> float | None:
    """Image AUROC on the product's real test photos; a photo that the detector refuses to judge counts as the strangest."""
    samples = read_layout(folder)
    good, test = good_photos(samples), [s for s in samples if s.split == "test"]
    learned = good if folder.name in GOLDEN else [good[int(i)] for i in np.unique(np.linspace(0, len(good) - 1, MOST_LEARNED).round())]
    detector = unfitted(name, settings=chosen_from([name])[name])
    try:
        detector.fit([p.pixels for p in LazyPhotos(learned)], lambda items, *_: items)
    except SeewhyError:
        return None
    scores = list[float]()
    for sample in test:
        try:
            scores.append(detector.score(read_photo(sample.path).pixels).score)
        except SeewhyError:
            scores.append(np.inf)
    return round(auroc(np.array([not s.good for s in test]), np.array(scores)) or 0.0, 4)
