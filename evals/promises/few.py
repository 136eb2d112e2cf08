"""The first hour of a product: with 1, 2, 4, … good photos, how many unseen good parts fail, how many are asked about, and what escapes.

Photos are small and so is the encoder's input, so that many models can be fitted; the encoder looks at each photo once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.agent.inspection.verdict import FAR
from seewhy.agent.models.calibration import Calibration, needed
from seewhy.agent.models.product import DEFAULT_REVIEW
from seewhy.detectors.patchcore import PatchCore
from seewhy.evals.metrics import at_most
from seewhy.evals.promises.small import CONTRAST, PHOTO_PX, SMALL, Remembered, good_and_bad, small_settings
from seewhy.evals.run import LITE, measuring
from seewhy.types import Pixels

COUNTS, DRAWS, UNSEEN = (1, 2, 4, 8, 16, 32), 6, 20
ALPHA = 0.01


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
