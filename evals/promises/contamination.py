"""What escapes where some of the "good" photos that a model learned show a defect, beside what escapes where none does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.agent.models.calibration import Calibration
from seewhy.detectors.patchcore import PatchCore
from seewhy.evals.promises.few import PHOTO_PX, SMALL, Remembered, good_and_bad, small_settings
from seewhy.evals.run import LITE, measuring
from seewhy.types import Pixels

SHARES, LEARNED, UNSEEN, DRAWS = (0.0, 0.05, 0.10), 40, 40, 3
ALPHA = 0.05


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
    """Of models that learned a share of defective photos as good: what escapes, and where the hidden ones stand among the oddest."""
    found = dict.fromkeys(("bad", "escaped", "good", "stopped", "hidden", "hidden_among_the_oddest"), 0)
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        good, wrong = rng.permutation(len(known)), rng.permutation(len(bad))
        learned = min(LEARNED, len(known) * 3 // 4)
        many = round(share * learned)
        photos = [known[i] for i in good[: learned - many]] + [bad[i] for i in wrong[:many]]
        detector = PatchCore(small_settings(), described=described)
        detector.fit(photos)
        own = np.array([detector.without(i).score(pixels).score for i, pixels in enumerate(photos)])
        line = Calibration(np.sort(own), np.sort(own), 0.0, 0.0, "left_out").threshold(ALPHA) or 0.0
        asked = np.array([detector.score(bad[i]).score for i in wrong[many : many + UNSEEN]])
        unseen = np.array([detector.score(known[i]).score for i in good[learned:]])
        oddest = set(np.argsort(-own)[:8].tolist())
        found["bad"] += len(asked)
        found["escaped"] += int((asked <= line).sum())
        found["good"] += len(unseen)
        found["stopped"] += int((unseen > line).sum())
        found["hidden"] += many
        found["hidden_among_the_oddest"] += len(oddest & set(range(learned - many, learned)))
    return found | {
        "escapes": round(found["escaped"] / found["bad"], 4),
        "stopped_good": round(found["stopped"] / max(1, found["good"]), 4),
    }
