"""What escapes where some of the "good" photos that a model learned show a defect, beside what escapes where none does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from seewhy.agent.models.calibration import Calibration
from seewhy.agent.models.good import MOST_ODD
from seewhy.detectors.patchcore import PatchCore
from seewhy.evals.promises.small import PHOTO_PX, SMALL, Remembered, good_and_bad, small_settings
from seewhy.evals.run import LITE, measuring
from seewhy.types import Pixels

SHARES, LEARNED, UNSEEN, DRAWS = (0.0, 0.05, 0.10), 40, 40, 3
ALPHA = 0.05
Scores: TypeAlias = npt.NDArray[np.float64]  # (n,) one of each photo


def main(data: Path, out: Path, draws: int = DRAWS) -> None:
    """Escapes at 5 % with 5 % and 10 % of defective photos among the good ones, on DATA's products and on synthetic ones.

    Args:
        data: holds a folder for each product.
        out: where the figures go.
        draws: how often good and defective photos are drawn.
    """
    facts = {"data": data.name, "weights": LITE, "settings": SMALL, "photo_px": PHOTO_PX, "alpha": ALPHA, "draws": draws}
    with measuring(out, facts | {"learned": LEARNED}) as table:
        for name, (known, bad) in good_and_bad(data, LEARNED + 20, UNSEEN + 6):
            described = Remembered()
            for share in SHARES:
                table.row(("products", name, str(share)), hidden, known, bad, described, share, draws)


def hidden(known: Sequence[Pixels], bad: Sequence[Pixels], described: Remembered, share: float, draws: int) -> dict[str, Any]:
    """Of models that learned a share of defective photos as good: what escapes and what is stopped.

    As fitted; with the hidden share asked for on top of alpha; and fitted again once a person dropped those among the oddest eight.
    """
    found = dict.fromkeys(("bad", "good", "hidden", "hidden_among_the_oddest"), 0)
    ways = {name: dict.fromkeys(("escaped", "stopped_good"), 0) for name in ("as_fitted", "alpha_and_share", "dropped_by_a_person")}
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        good, wrong = rng.permutation(len(known)), rng.permutation(len(bad))
        learned = min(LEARNED, len(known) * 3 // 4)
        many = round(share * learned)
        photos = [known[i] for i in good[: learned - many]] + [bad[i] for i in wrong[:many]]
        asked, unseen = [bad[i] for i in wrong[many : many + UNSEEN]], [known[i] for i in good[learned:]]
        own, scores = _scores(photos, (asked, unseen), described)
        _count(ways["as_fitted"], own, scores, ALPHA)
        _count(ways["alpha_and_share"], own, scores, ALPHA + share)
        seen = {int(i) for i in np.argsort(-own)[:MOST_ODD] if i >= learned - many}
        left = [pixels for i, pixels in enumerate(photos) if i not in seen]
        own, scores = _scores(left, (asked, unseen), described) if seen else (own, scores)
        _count(ways["dropped_by_a_person"], own, scores, ALPHA)
        for name, count in (("bad", len(asked)), ("good", len(unseen)), ("hidden", many), ("hidden_among_the_oddest", len(seen))):
            found[name] += count
    rates = {
        name: way | {"escapes": round(way["escaped"] / found["bad"], 4), "false_rejects": round(way["stopped_good"] / found["good"], 4)}
        for name, way in ways.items()
    }
    return found | rates


def _scores(photos: Sequence[Pixels], asked: Sequence[Sequence[Pixels]], described: Remembered) -> tuple[Scores, list[Scores]]:
    """Of the photos that are learned, each left out once; and of others."""
    detector = PatchCore(small_settings(), described=described)
    detector.fit(photos)
    own = np.array([detector.without(i).score(pixels).score for i, pixels in enumerate(photos)])
    return own, [np.array([detector.score(pixels).score for pixels in group]) for group in asked]


def _count(way: dict[str, int], own: Scores, scores: Sequence[Scores], rate: float) -> None:
    line = Calibration(np.sort(own), np.sort(own), 0.0, 0.0, "left_out").threshold(rate) or 0.0
    bad, good = scores
    way["escaped"] += int((bad <= line).sum())
    way["stopped_good"] += int((good > line).sum())
