"""How wide a size's interval must be: what `seewhy.agent.inspection.locating.doubt` is calibrated by, and how it holds on real defects."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.agent.photos.layouts import learned_and_tested, surveyed
from seewhy.agent.photos.lazy import LazyPhotos
from seewhy.evals.detect import known_mask
from seewhy.evals.metrics import share
from seewhy.evals.overlap import median
from seewhy.evals.promises.findings import ALPHA, CONTRASTS, FIRST_SEED, SYNTHETIC, drawn_set, evenly, fitted
from seewhy.evals.promises.lengths import LEVELS, Length, lengths_beside
from seewhy.evals.run import LITE, measuring
from seewhy.evals.synthetic.on_photos import defect_on
from seewhy.evals.synthetic.surfaces import KINDS, defective
from seewhy.types import Mask, Pixels

HELD = 0.95  # of drawn defects' true lengths
GOOD_PHOTOS = 40


def main(out: Path, data: Path | None = None, work: Path | None = None, drawn: int = 3, products: str = "") -> None:
    """The factor that makes a size's interval hold 95 % of drawn defects, for each pair of levels, and what it holds of real defects.

    Args:
        out: where the figures go.
        data: a folder of real products; defects are drawn on their good photos, and their real ones are held against the factor.
        work: folder in which fitted models are kept, such as the one of `findings`.
        drawn: defects of each kind, product and contrast; ten times as many on the good photos of each real product.
        products: names with commas, to take only these of the folder.
    """
    with measuring(out, {"weights": f"{LITE} (PatchCore)", "drawn": drawn}, "openvino") as table, tempfile.TemporaryDirectory() as name:
        models, lengths_of = Path(work or name), dict[str, list[Length]](drawn=[], real=[])
        for product in SYNTHETIC:
            inspector = fitted(models / f"{product}-{GOOD_PHOTOS}", partial(drawn_set, Path(name), product, GOOD_PHOTOS))
            lengths_of["drawn"] += lengths_beside(inspector, _drawn(product, drawn))
        wanted = [w for w in products.split(",") if w]
        for product in sorted(p.name for p in data.iterdir() if p.is_dir() and (not wanted or p.name in wanted)) if data else ():
            layout = surveyed((data or Path()) / product)
            learned, test = learned_and_tested(layout.samples)
            inspector = fitted(models / f"{product}-0", partial(replace, layout, samples=tuple(learned)), ALPHA)
            good = [s for s in test if s.good][: 10 * drawn]
            marked = (defect_on(photo.pixels, 2 * i, pattern=False) for i, photo in enumerate(LazyPhotos(good)))
            lengths_of["drawn"] += lengths_beside(inspector, ((one.pixels, one.mask) for one in marked))
            bad = [s for s in evenly(test, 0) if not s.good]
            known = ((photo.pixels, known_mask(s, photo)) for s, photo in zip(bad, LazyPhotos(bad), strict=True))
            lengths_of["real"] += lengths_beside(inspector, ((pixels, mask) for pixels, mask in known if mask is not None))
        for at, levels in enumerate(LEVELS):
            table.row((f"{levels[0]:g} and {levels[1]:g}",), _figures, lengths_of, at)


def _figures(lengths_of: dict[str, list[Length]], at: int) -> dict[str, Any]:
    """Of a pair of levels."""
    factor = float(np.quantile([one.factor(at) for one in lengths_of["drawn"]], HELD))
    figures: dict[str, Any] = {"factor": round(factor, 2)}
    for name, those in lengths_of.items():
        inside = share(one.factor(at) <= factor for one in those)
        figures[name] = {"findings": len(those), "inside": inside, "half_width": median(factor * one.width(at) / one.cut for one in those)}
    return figures


def _drawn(product: str, count: int) -> Iterator[tuple[Pixels, Mask]]:
    for contrast in CONTRASTS:
        for kind in KINDS:
            for i in range(count):
                one = defective(product, kind, FIRST_SEED + 500 + i, contrast=contrast)
                yield one.pixels, one.mask
