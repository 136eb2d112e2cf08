"""How exact another precision is: PatchCore fitted, calibrated and tested in each, verdict by verdict, on real photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seewhy.agent.models.distinct import distinct
from seewhy.agent.models.exported import judged
from seewhy.agent.models.precision import agreement
from seewhy.agent.models.product import DEFAULT_REVIEW, ProductModel
from seewhy.agent.photos.images import Photo
from seewhy.agent.photos.layouts import Sample, learned_and_tested, surveyed
from seewhy.agent.photos.lazy import LazyPhotos
from seewhy.detectors.patchcore import PatchCore, PatchCoreSettings
from seewhy.evals.metrics import auroc
from seewhy.evals.promises.findings import evenly
from seewhy.evals.run import LITE, measuring
from seewhy.types import Pixels

ALPHA = 0.05
NEAR_PERCENT = 1.0  # of a line: verdicts of photos that lie nearer may differ
F32 = "f32"
RIVALS: Mapping[str, PatchCoreSettings] = {
    "f32 by torch": PatchCoreSettings(engine="torch"),  # what sums in another order come to
    "f32, other patches": PatchCoreSettings(seed=1),  # what another draw of the good photos' patches comes to
    "bf16": PatchCoreSettings(engine="torch", dtype="bfloat16"),  # which torch has on every processor, slowly
}


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A model and what test photos score with it."""

    model: ProductModel
    scores: npt.NDArray[np.float64]  # (n,)

    @property
    def lines(self) -> dict[str, float | None]:
        """By which a photo is judged, see `seewhy.agent.models.exported.judged`."""
        calibration = self.model.calibration
        return {"passes_up_to": calibration.threshold(ALPHA + DEFAULT_REVIEW), "anomalous_above": calibration.threshold(ALPHA)}


def main(out: Path, data: Path, good_photos: int = 0, per_kind: int = 0, products: str = "") -> None:
    """Verdicts in bfloat16 beside those in float32: PatchCore with its defaults, each precision fitted and calibrated by itself.

    Args:
        out: where the figures go.
        data: a folder of products in a layout that seewhy reads.
        good_photos: that each product is fitted on, evenly from first to last; 0: all.
        per_kind: likewise, test photos of each kind, good ones too; 0: all.
        products: names with commas, to measure only these.
    """
    facts = {"weights": f"{LITE} (PatchCore)", "alpha": ALPHA, "review": DEFAULT_REVIEW, "near_percent": NEAR_PERCENT}
    with measuring(out, facts, "openvino") as table:
        for name in named(data, products):
            product = Product(data / name, good_photos, per_kind)
            table.row(("products", name, F32), product.alone)
            for rival, settings in RIVALS.items():
                table.row(("products", name, rival), product.beside, PatchCore(settings))


def named(data: Path, products: str) -> list[str]:
    """Products of a folder: those named, with commas; all where none is."""
    return [w for w in products.split(",") if w] or sorted(p.name for p in data.iterdir() if p.is_dir())


class Product:
    """One product's photos, and the model that others are compared with.

    Args:
        data: its folder.
        good_photos: see `main`.
        per_kind: likewise.
    """

    def __init__(self, data: Path, good_photos: int, per_kind: int) -> None:
        learned, self._all = learned_and_tested(surveyed(data).samples)
        self._good, self._test = list(evenly(learned, good_photos)), list(evenly(self._all, per_kind))

    @cached_property
    def first(self) -> Scored:
        """In f32 by what runs it here."""
        return tested(PatchCore(), self._good, self._test)

    def good_photo(self) -> Pixels:
        """The first that it is fitted on."""
        photo: Photo = LazyPhotos(self._good)[0]
        return photo.pixels

    def alone(self) -> dict[str, Any]:
        """Of how many photos the figures are, and the first model's."""
        counts = {"fitted_on": self.first.model.good_photos, "tested_on": len(self._test), "test_photos": len(self._all)}
        return counts | figures(self.first, self._test)

    def beside(self, detector: PatchCore) -> dict[str, Any]:
        """A rival's figures, and where it judges otherwise than the first; it is fitted here."""
        rival = tested(detector, self._good, self._test)
        return figures(rival, self._test) | beside(self.first, rival, self._test)


def tested(detector: PatchCore, good: Sequence[Sample], test: Sequence[Sample]) -> Scored:
    """A model fitted on good photos, and what test photos score with it."""
    photos = LazyPhotos(good)
    model = ProductModel.fit(distinct(photos).of(photos), detector, alpha=ALPHA)
    return Scored(model, np.array([model.detector.score(photo.pixels).score for photo in LazyPhotos(test)]))


def figures(one: Scored, test: Sequence[Sample]) -> dict[str, Any]:
    """How well it parts good from defective, and its lines."""
    return {"image_auroc": round(auroc(np.array([not s.good for s in test]), one.scores) or 0.0, 4), "lines": one.lines}


def beside(first: Scored, rival: Scored, test: Sequence[Sample]) -> dict[str, Any]:
    """Where a rival judges otherwise than the first, photo by photo, and how alike the two rank.

    Returns:
        Of the good photos that calibrate `kendall_tau` and `good_verdicts_changed` (see `agreement`); of the test photos how far
        apart scores are, and those whose verdict differs (`changed`).
    """
    good = agreement(first.model, rival.model, (ALPHA, ALPHA + DEFAULT_REVIEW))
    apart = 100 * np.abs(rival.scores / first.scores - 1)
    changed = [
        {"photo": sample.name} | crossing
        for i, sample in enumerate(test)
        if (crossing := crossed(first.lines, float(first.scores[i]), rival.lines, float(rival.scores[i])))
    ]
    return {
        "kendall_tau": good["kendall_tau"],
        "good_verdicts_changed": good["verdicts_changed"],
        "score_difference_percent": {"median": round(float(np.median(apart)), 3), "largest": round(float(apart.max()), 3)},
        "verdicts_changed": len(changed),
        "of_them_not_near_the_line": sum(not one["near"] for one in changed),
        "changed": changed,
    }


def crossed(
    lines: Mapping[str, float | None], score: float, other_lines: Mapping[str, float | None], other_score: float
) -> dict[str, Any] | None:
    """Two verdicts on a photo that differ, and how far its scores are from the line between them; None where they are one.

    Args:
        lines: of the first, see `seewhy.agent.models.exported.judged`.
        score: the photo's, by the first.
        other_lines: of the second.
        other_score: likewise.

    Returns:
        Scores, verdicts, the line that only one of them is above (of two the one that the first is farther from), each score's distance
        from its own line in percent of that line, and whether the first's is `near`.
    """
    verdicts = judged(score, lines), judged(other_score, other_lines)
    if verdicts[0] == verdicts[1]:
        return None
    pairs = {name: (line, other_lines[name]) for name, line in lines.items()}
    far = {
        name: (100 * (score / line - 1), 100 * (other_score / other - 1))
        for name, (line, other) in pairs.items()
        if line is not None and other is not None and (score > line) != (other_score > other)
    }
    name = max(far, key=lambda one: abs(far[one][0]))
    return {
        "verdicts": list(verdicts),
        "scores": [round(score, 5), round(other_score, 5)],
        "line": name,
        "lines": [round(line, 5) for line in pairs[name] if line is not None],
        "percent_above": [round(one, 3) for one in far[name]],
        "near": abs(far[name][0]) <= NEAR_PERCENT,
    }
