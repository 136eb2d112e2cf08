"""Split-conformal thresholds: an asked false-reject rate on good parts, not a guessed score."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, pi, sqrt, tan
from typing import Any

import numpy as np
import numpy.typing as npt

from seewhy.errors import BadData

LOT = "lot"
SPREADS = 3.5  # robust standard deviations above the median (Iglewicz & Hoaglin, 1993)
FEWEST = 4  # good photos from which scores say how far another good one may lie
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
        return rarity(score, self.scores)

    def peak_p_value(self, peak: float) -> float:
        """Likewise for the largest value of a map.

        As each good photo gives its largest value over all places, it holds however many places of a photo are looked at (single-step
        maxT; Westfall & Young, Resampling-Based Multiple Testing, 1993, sec. 2.5).
        """
        return rarity(peak, self.peaks)

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

    def far(self, alpha: float) -> float | None:
        """A score that one more good part exceeds with probability alpha, as far as the few that are known tell; None where too few.

        The upper limit of a prediction interval on the logarithms of the scores (Hahn & Meeker, Statistical Intervals, 1991, sec. 4.8),
        and no less than the largest good score: above it a photo is odd even if the calibration doesn't support alpha.
        """
        check_alpha(alpha)
        count = len(self.scores)
        if self.method == LOT or count < FEWEST or self.scores[0] <= 0:
            return None
        logs = np.log(self.scores)
        reach = student_quantile(1 - alpha, count - 1) * float(logs.std(ddof=1)) * sqrt(1 + 1 / count)
        return max(float(np.exp(logs.mean() + reach)), float(self.scores[-1]))

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


def rarity(value: float, ordered: npt.NDArray[np.float64]) -> float:
    """The conformal p-value of a value beside those of good photos, sorted.

    >>> rarity(2.0, np.array([1.0, 2.0, 3.0])), rarity(4.0, np.array([1.0, 2.0, 3.0]))
    (0.75, 0.25)
    """
    at_least = len(ordered) - int(np.searchsorted(ordered, value, side="left"))
    return (1 + at_least) / (len(ordered) + 1)


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


@lru_cache(maxsize=64)  # asked for with each photo
def student_quantile(p: float, degrees: int) -> float:
    """Student's t that is not exceeded with probability p: t = sqrt(degrees) tan(a), where a has a density like cos(a)^(degrees - 1).

    >>> round(student_quantile(0.95, 3), 2), round(student_quantile(0.99, 30), 2)
    (2.35, 2.46)
    """
    edges = np.linspace(-pi / 2, pi / 2, 20_001)
    mass = np.concatenate([[0.0], np.cumsum(np.cos((edges[1:] + edges[:-1]) / 2) ** (degrees - 1))])
    return sqrt(degrees) * tan(float(np.interp(p, mass / mass[-1], edges)))


def check_review(alpha: float, review: float) -> None:
    """Refuse what is no further share of good parts."""
    check_alpha(alpha)
    if not 0 <= review < 1 - alpha:
        raise BadData(f"review is the further share of good parts that a person is asked about, from 0 to 1 - alpha, not {review}")


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
