"""Does the watch over good parts keep its promise, and how soon does it see what changed?

False alarms: streams of exchangeable scores, each beside a calibration of its own, through the code that a ledger's watch runs. Delays:
unseen good photos of each product, the first third as they are, the others darkened, blurred or shifted, in shuffled orders; and all as
they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor, log
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.agent.models.calibration import EPSILON
from seewhy.agent.models.product import DEFAULT_REVIEW
from seewhy.agent.quality.martingale import LEVEL, Jumpers, Key, Passed, Watch
from seewhy.detectors.patchcore import PatchCore
from seewhy.evals.promises.small import SMALL, Remembered, good_and_bad, small_settings
from seewhy.evals.run import LITE, measuring
from seewhy.types import Pixels

STREAMS, LENGTH, CALIBRATION = 1_000, 10_000, 100
RATE = 0.01 + DEFAULT_REVIEW
ORDERS, MOST_FITTED, MOST_ASKED = 20, 50, 100
CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "none": lambda pixels: pixels,
    "5 % darker": lambda pixels: np.rint(pixels * 0.95).astype(np.uint8),
    "blurred by 1 px": lambda pixels: np.asarray(cv2.GaussianBlur(pixels, (0, 0), 1.0), np.uint8),
    "shifted by 3 %": lambda pixels: _shifted(pixels, 0.03),
}


def main(data: Path, out: Path, streams: int = STREAMS, length: int = LENGTH) -> None:
    """False alarms of the watch for a drift, and how soon it sees a change, on DATA's products and on synthetic ones.

    Args:
        data: holds a folder for each product.
        out: where the figures go.
        streams: exchangeable ones.
        length: of each.
    """
    facts = {"data": data.name, "weights": LITE, "settings": SMALL, "level": LEVEL, "rate": RATE, "calibration": CALIBRATION}
    with measuring(out, facts) as table:
        table.row("false_alarms", false_alarms, streams, length)
        for name, (good, _) in good_and_bad(data, MOST_FITTED + MOST_ASKED, 1):
            table.row(("delays", name), delays, good)


def false_alarms(streams: int, length: int) -> dict[str, Any]:
    """Of how many exchangeable streams the capital ever reaches the level."""
    rng = np.random.default_rng(0)
    jumpers, highest = Jumpers(streams), np.zeros(streams)
    p_values = np.array([_uniform(rng, length) for _ in range(streams)])  # (streams, length)
    for at in range(length):
        jumpers.bet(p_values[:, at])
        highest = np.maximum(highest, jumpers.log_capital)
    alarms = int((highest >= log(LEVEL)).sum())
    return {"streams": streams, "length": length, "alarms": alarms, "mean_p": round(float(p_values.mean()), 4)}


def _uniform(rng: np.random.Generator, length: int) -> npt.NDArray[np.float64]:
    """p-values of a stream that is exchangeable with its calibration, by the watch itself, until `length` photos were compared."""
    calibration = np.sort(rng.gamma(9.0, size=CALIBRATION))
    key = _key(len(calibration))
    watch, line, out = Watch(key), calibration[-key.above], list[float]()
    for number, score in enumerate(rng.gamma(9.0, size=2 * length)):
        if score <= line and len(out) < length:
            out.append(watch.p_value(_passed(calibration, key, float(score), str(number))))
    return np.array(out)


def delays(good: Sequence[Pixels]) -> dict[str, Any]:
    """Of one product: alarms and delays, by change."""
    fitted = min(MOST_FITTED, len(good) * 3 // 5)
    detector = PatchCore(small_settings(), described=Remembered())
    detector.fit(good[:fitted])
    own = np.sort([detector.without(i).score(pixels).score for i, pixels in enumerate(good[:fitted])])
    asked = good[fitted : fitted + MOST_ASKED]
    scores = {name: np.array([detector.score(change(pixels)).score for pixels in asked]) for name, change in CHANGES.items()}
    return {"fitted": fitted, "asked": len(asked)} | {name: _alarms(own, scores["none"], after) for name, after in scores.items()}


def _alarms(calibration: npt.NDArray[np.float64], before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Over shuffled orders, the first third before a change: photos (and passes) after it until the alarm."""
    key, count = _key(len(calibration)), len(before)
    line, seen, passes, early = calibration[-key.above], list[int](), list[int](), 0
    for order in range(ORDERS):
        numbers, watch, passed = np.random.default_rng(order).permutation(count), Watch(key), 0
        for at, number in enumerate(numbers):
            changed = at >= count // 3
            score = float((after if changed else before)[number])
            if score > line:
                continue
            alarm = watch.see(_passed(calibration, key, score, str(number)))
            passed += changed
            if alarm is not None:
                early += not changed
                if changed:
                    seen.append(at + 1 - count // 3)
                    passes.append(passed)
                break
    return {
        "orders": ORDERS,
        "alarms": len(seen),
        "alarms_before_the_change": early,
        "photos_until_alarm": float(np.median(seen)) if seen else None,
        "passes_until_alarm": float(np.median(passes)) if passes else None,
        "above_the_line": round(float((after > line).mean()), 3),
        "median_score_ratio": round(float(np.median(after) / np.median(before)), 3),
    }


def _key(photos: int) -> Key:
    return Key("m", "p", photos, max(1, floor(RATE * (photos + 1) + EPSILON)))


def _passed(calibration: npt.NDArray[np.float64], key: Key, score: float, name: str) -> Passed:
    above = len(calibration) - int(np.searchsorted(calibration, score, side="left")) - key.above
    return Passed(score, above, name, name, "")


def _shifted(pixels: Pixels, share: float) -> Pixels:
    """Moved right and down, what comes in mirrored."""
    across, down = (max(1, round(share * side)) for side in (pixels.shape[1], pixels.shape[0]))
    grown = cv2.copyMakeBorder(pixels, down, 0, across, 0, cv2.BORDER_REFLECT_101)
    return np.ascontiguousarray(grown[: pixels.shape[0], : pixels.shape[1]])
