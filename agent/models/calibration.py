"""Split-conformal thresholds: an asked false-reject rate on good parts, not a guessed score."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import numpy as np
import numpy.typing as npt

from seewhy.errors import BadData

LOT = "lot"
SPREADS = 3.5  # robust standard deviations above the median (Iglewicz & Hoaglin, 1993)
EPSILON = 1e-9  # against 0.01 * 100 = 1.0000000000000002


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What good photos score that the detector had not learned from.

    With `held_out`, the photos were set aside: the false-reject rate on exchangeable good parts is at most alpha (Vovk,
    Gammerman & Shafer 2005; Angelopoulos & Bates 2023, sec. 1). With `left_out`, each photo was scored by the final detector
    without what that photo taught it (jackknife): no photo is spent, the rate is close to alpha where one photo more or less
    changes little, and nothing is proven (Barber et al. 2021, sec. 1; evals/results has the rates that were measured). With
    `disturbed_copies`, no place has a second good photo: copies of each, moved, relit, blurred and with noise, stand for it; the
    rate on real good parts is as near to alpha as they differ no more than that. With `lot`, nobody knows which of the photos are
    good: no rate can be promised, and the line lies where a robust spread above the lot's middle ends.
    """

    scores: npt.NDArray[np.float64]  # (n,) sorted, one per held-out good photo
    peaks: npt.NDArray[np.float64]  # (n,) sorted, the largest value of each of their maps
    median: float  # of their maps' values
    noise: float  # the 99th percentile of their maps' values
    method: str  # "held_out", "left_out", "disturbed_copies" or "lot"

    def __len__(self) -> int:
        return len(self.scores)

    def p_value(self, score: float) -> float:
        """How rare a score this large is among good parts: p = (1 + #{calibration scores >= s}) / (n + 1)."""
        at_least = len(self.scores) - int(np.searchsorted(self.scores, score, side="left"))
        return (1 + at_least) / (len(self.scores) + 1)

    def supports(self, alpha: float) -> bool:
        """Whether there are photos enough for a false-reject rate of alpha."""
        return self.method != LOT and len(self.scores) >= needed(alpha)

    def threshold(self, alpha: float) -> float | None:
        """A photo is anomalous when its score is larger than this; None without any calibration photo.

        Where the photos don't support alpha it is the largest good score, a provisional line that no pass may rest on.
        """
        return _robust_line(self.scores) if self.method == LOT else _line(self.scores, alpha)

    def peak_threshold(self, alpha: float) -> float | None:
        """The same line for the largest value of a map: a region must reach it somewhere."""
        return _robust_line(self.peaks) if self.method == LOT else _line(self.peaks, alpha)

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model's manifest."""
        return {
            "scores": self.scores.tolist(),
            "peaks": self.peaks.tolist(),
            "median": self.median,
            "noise": self.noise,
            "method": self.method,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Calibration:
        """What `to_json` wrote.

        Raises:
            ValueError: it isn't that.
        """
        scores, peaks = np.array(data["scores"], np.float64), np.array(data["peaks"], np.float64)
        if any(found.ndim != 1 or not (np.diff(found) >= 0).all() for found in (scores, peaks)):
            raise ValueError("calibration scores are sorted numbers")
        return cls(scores, peaks, float(data["median"]), float(data["noise"]), str(data["method"]))


def needed(alpha: float) -> int:
    """How many held-out good photos a false-reject rate of alpha needs at least.

    >>> needed(0.01), needed(0.05)
    (99, 19)
    """
    check_alpha(alpha)
    return ceil(1 / alpha - 1 - EPSILON)


def check_alpha(alpha: float) -> None:
    """Refuse what is not a rate."""
    if not 0 < alpha < 1:
        raise BadData(f"alpha is the share of good parts that may be rejected, between 0 and 1, not {alpha}; 0.01 is usual")


def _line(ordered: npt.NDArray[np.float64], alpha: float) -> float | None:
    """p(s) <= alpha exactly when s is larger than the k-th largest value, k = floor(alpha (n + 1))."""
    check_alpha(alpha)
    if not len(ordered):
        return None
    k = max(1, floor(alpha * (len(ordered) + 1) + EPSILON))
    return float(ordered[-k])


def _robust_line(scores: npt.NDArray[np.float64]) -> float | None:
    if not len(scores):
        return None
    middle = float(np.median(scores))
    return middle + SPREADS * 1.4826 * float(np.median(np.abs(scores - middle)))
