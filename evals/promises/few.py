"""The first hour of a product: with 1, 2, 4, … good photos, how many unseen good parts fail, how many are asked about, and what escapes.

Photos are small and so is the encoder's input, so that many models can be fitted; the encoder looks at each photo once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.agent.inspection.verdict import FAR
from seewhy.agent.models.calibration import Calibration, needed
from seewhy.agent.models.product import DEFAULT_REVIEW
from seewhy.agent.photos.images import read_photo
from seewhy.agent.photos.layouts import Sample, surveyed
from seewhy.canonical import sha256_bytes
from seewhy.detectors.parts.patches import Patches
from seewhy.detectors.patchcore import PatchCore, PatchCoreSettings
from seewhy.detectors.weights.store import WeightsFile
from seewhy.evals.metrics import at_most
from seewhy.evals.run import LITE, measuring
from seewhy.evals.synthetic.surfaces import KINDS, defective, good
from seewhy.pictures import smaller
from seewhy.types import Features, Pixels

SMALL = {"input_px": 160, "bank_rows": 1000, "candidate_rows": 8000, "whitened_rows": 300}
PHOTO_PX = 256  # longer side
SHARED = ("cookie", "magnetic_tile", "ball_screw")
SYNTHETIC = ("brushed", "cast", "woven", "plate", "brick")
CONTRAST = 0.5  # of drawn defects
COUNTS, DRAWS, UNSEEN = (1, 2, 4, 8, 16, 32), 6, 20
ALPHA = 0.01


class Remembered:
    """Patches' features of photos that were described before are remembered, as 16-bit numbers."""

    def __init__(self) -> None:
        self._patches: Patches = PatchCore(small_settings())._patches
        self._known = dict[str, list[np.ndarray[Any, Any]]]()

    @property
    def weights(self) -> WeightsFile:
        """The encoder's."""
        return self._patches.weights

    def __call__(self, pixels: Pixels, /) -> list[Features]:
        """See `seewhy.detectors.parts.patches.Patches`."""
        key = sha256_bytes(pixels.tobytes())
        if key not in self._known:
            self._known[key] = [look.astype(np.float16) for look in self._patches(pixels)]
        return [look.astype(np.float32) for look in self._known[key]]

    def files(self) -> dict[str, bytes]:
        """Nothing is kept."""
        return {}

    def learned(self) -> dict[str, Any]:
        """Likewise."""
        return {}


def small_settings() -> PatchCoreSettings:
    """PatchCore's defaults but for the sizes."""
    return PatchCoreSettings(**SMALL)  # type: ignore[arg-type]


def good_and_bad(data: Path, most_good: int, most_bad: int) -> Iterator[tuple[str, tuple[list[Pixels], list[Pixels]]]]:
    """Good and defective photos of each product, real ones first, in an order drawn once; at most so many of each."""
    for name in SHARED:
        samples, rng = surveyed(data / name).samples, np.random.default_rng(0)
        parts = [[s for s in samples if s.good is is_good] for is_good in (True, False)]
        chosen = [[part[i] for i in rng.permutation(len(part))[:most]] for part, most in zip(parts, (most_good, most_bad), strict=True)]
        yield name, ([_read(s) for s in chosen[0]], [_read(s) for s in chosen[1]])
    for name in SYNTHETIC:
        bad = [defective(name, KINDS[i % len(KINDS)], 1000 + i, contrast=CONTRAST).pixels for i in range(most_bad)]
        yield name, ([smaller(good(name, i).pixels, PHOTO_PX) for i in range(most_good)], [smaller(p, PHOTO_PX) for p in bad])


def _read(sample: Sample) -> Pixels:
    return smaller(read_photo(sample.path, name=sample.name, root=sample.root).pixels, PHOTO_PX)


def main(data: Path, out: Path, draws: int = DRAWS) -> None:
    """False fails, parts asked about, and escapes with 1, 2, 4, 8, 16 and 32 good photos, on DATA's products and on synthetic ones.

    Args:
        data: holds a folder for each product.
        out: where the figures go.
        draws: how often a model of each product starts anew with each number of photos.
    """
    facts = {"data": data.name, "weights": LITE, "settings": SMALL, "photo_px": PHOTO_PX, "alpha": ALPHA, "review": DEFAULT_REVIEW}
    with measuring(out, facts | {"draws": draws, "unseen": UNSEEN, "far": FAR, "contrast": CONTRAST}) as table:
        for name, (known, bad) in good_and_bad(data, 80, 60):
            described = Remembered()
            for count in COUNTS:
                table.row(("products", name, str(count)), started, known, bad, described, count, draws)
        rows = table.figures["products"]
        table.figures["all"] = {str(n): summed([row[str(n)] for row in rows.values()]) for n in COUNTS}


def started(known: Sequence[Pixels], bad: Sequence[Pixels], described: Remembered, count: int, draws: int) -> dict[str, int]:
    """Of models that start with `count` good photos: what becomes of unseen parts."""
    found = dict.fromkeys(("good", "good_failed", "good_asked", "bad", "bad_failed", "bad_escaped"), 0)
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        order, detector = rng.permutation(len(known)), PatchCore(small_settings(), described=described)
        learned = [known[i] for i in order[:count]]
        detector.fit(learned)
        own = np.sort([detector.without(i).score(p).score for i, p in enumerate(learned)]) if count > 1 else np.zeros(0)
        lines = Calibration(own, own, 0.0, 0.0, "left_out")
        for which, photos in (
            ("good", [known[i] for i in order[count : count + UNSEEN]]),
            ("bad", [bad[i] for i in rng.permutation(len(bad))[:UNSEEN]]),
        ):
            ways = [way_of(detector.score(pixels).score, lines) for pixels in photos]
            found[which] += len(ways)
            found[f"{which}_failed"] += ways.count("fail")
            found["good_asked" if which == "good" else "bad_escaped"] += ways.count("review" if which == "good" else "pass")
    return found


def way_of(score: float, lines: Calibration) -> str:
    """The verdict that a score leads to, where the policy fails what is found (`seewhy.agent.inspection.verdict`)."""
    threshold, passing = lines.threshold(ALPHA), lines.threshold(ALPHA + DEFAULT_REVIEW)
    far = lines.threshold(ALPHA) if lines.supports(ALPHA) else lines.far(FAR)
    if threshold is not None and far is not None and score > far:
        return "fail"
    enough = len(lines) >= needed(ALPHA + DEFAULT_REVIEW)
    return "pass" if enough and passing is not None and score <= passing else "review"


def summed(rows: Sequence[dict[str, int]]) -> dict[str, Any]:
    """Of all products: counts, rates, and the upper 95 % bound of Clopper and Pearson on the share of good parts that fail."""
    total = {name: sum(row[name] for row in rows) for name in rows[0]}
    rates = {
        "false_fail": total["good_failed"] / total["good"],
        "false_fail_at_most": at_most(total["good_failed"], total["good"]),
        "asked": total["good_asked"] / total["good"],
        "escapes": total["bad_escaped"] / total["bad"],
    }
    return total | {name: round(rate, 4) for name, rate in rates.items()}
