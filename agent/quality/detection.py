"""Probability of detection by size: hit or miss (MIL-HDBK-1823A, ASTM E2862), and by signal (ASTM E3023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit, ndtr, ndtri

from seewhy.agent.quality.bounds import Share
from seewhy.errors import BadData

LIKELIHOOD_95 = 2.705543454095404  # of chi-squared with one degree: a one-sided confidence of 95 %
STEPS = 60
FARTHEST = 1e3  # times the largest size: a limit beyond it is none

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Detection:
    """What share of defects of a size is found.

    Attributes:
        sizes: of the defects.
        found: of each.
        way: "fitted", or why no curve could be: "all_found", "none_found", "separated" (a size parts the found from the missed),
            "not_rising" (larger defects aren't found more often).
        intercept, slope: of the log-odds over the natural logarithm of size; 0 where no curve was fitted.
        a50, a90: sizes that are found in half and in 90 % of cases; None where there is no curve.
        a90_95: the size that is found in 90 % of cases with a confidence of 95 % (likelihood ratio); None where the data don't reach it.
    """

    sizes: tuple[float, ...]
    found: tuple[bool, ...]
    way: Literal["fitted", "all_found", "none_found", "separated", "not_rising"]
    intercept: float = 0.0
    slope: float = 0.0
    a50: float | None = None
    a90: float | None = None
    a90_95: float | None = None

    def probability(self, size: float) -> float | None:
        """That a defect of this size is found; None where there is no curve."""
        return None if self.way != "fitted" else float(expit(self.intercept + self.slope * log(size)))

    def at_least(self, size: float) -> Share:
        """The defects of this size or larger: how many were found. It needs no curve."""
        large = [hit for s, hit in zip(self.sizes, self.found, strict=True) if s >= size]
        return Share(sum(large), len(large))

    @property
    def from_counts(self) -> float | None:
        """The least size from which on at least 90 % are found with a confidence of 95 %, by counting alone (29 of 29).

        It tells of the defects that were tried from there on, not of that size; None where there are too few.
        """
        return next((size for size in sorted(set(self.sizes)) if self.at_least(size).lower >= 0.9), None)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        names = ("way", "intercept", "slope", "a50", "a90", "a90_95", "from_counts")
        return {name: getattr(self, name) for name in names} | {"sizes": list(self.sizes), "found": list(self.found)}


def hit_miss(sizes: Sequence[float], found: Sequence[bool]) -> Detection:
    """Fit the logit curve of hits over log size by maximum likelihood (MIL-HDBK-1823A, app. G; ASTM E2862).

    Raises:
        BadData: a size isn't above zero, there are none, or the two lists differ in length.
    """
    if len(sizes) != len(found) or not sizes:
        raise BadData("probability of detection needs defects, each with its size and whether it was found")
    wrong = [size for size in sizes if not 0 < size < inf]
    if wrong:
        raise BadData(f"a defect's size is above zero, not {wrong[0]:g}")
    data, hit = tuple(map(float, sizes)), tuple(map(bool, found))
    x, y = np.log(np.array(data)), np.array(hit, float)
    way = _way(x, y)
    if way != "fitted":
        return Detection(data, hit, way)
    intercept, slope = _fit(x, y)
    if slope <= 0:
        return Detection(data, hit, "not_rising")
    a50, a90 = exp(-intercept / slope), exp((log(9) - intercept) / slope)
    return Detection(data, hit, "fitted", intercept, slope, a50, a90, _a90_95(x, y, log(a90)))


def _way(x: Vector, y: Vector) -> Literal["fitted", "all_found", "none_found", "separated"]:
    if y.all():
        return "all_found"
    if not y.any():
        return "none_found"
    hits, misses = x[y == 1], x[y == 0]
    apart = misses.max() <= hits.min() or hits.max() <= misses.min()  # then no maximum exists (Albert & Anderson, 1984)
    return "separated" if apart else "fitted"


def _fit(x: Vector, y: Vector) -> tuple[float, float]:
    """Intercept and slope by Newton's method on the log-likelihood."""
    middle = x.mean()
    design = np.stack([np.ones_like(x), x - middle], 1)  # (N, 2)
    beta = np.zeros(2)
    for _ in range(STEPS):
        p = expit(design @ beta)
        weights = p * (1 - p)
        step = np.linalg.solve(design.T @ (design * weights[:, None]), design.T @ (y - p))
        size = 1.0
        while _likelihood(design @ (beta + size * step), y) < _likelihood(design @ beta, y) and size > 1e-6:
            size /= 2
        beta = beta + size * step
        if float(np.abs(step).max()) < 1e-12:
            break
    return float(beta[0] - beta[1] * middle), float(beta[1])


def _likelihood(eta: Vector, y: Vector) -> float:
    """Of hits and misses, as a logarithm, by their log-odds."""
    return float(np.sum(y * eta - np.logaddexp(0, eta)))


def _a90_95(x: Vector, y: Vector, a90: float) -> float | None:
    """The largest size at which a chance of 90 % is not refuted: the likelihood's loss there is that of a one-sided 95 % limit."""
    intercept, slope = _fit(x, y)
    best = _likelihood(intercept + slope * x, y)

    def loss(at: float) -> float:
        worst = minimize_scalar(lambda s: -_likelihood(log(9) + s * (x - at), y), bounds=(0, 1e4 / max(np.ptp(x), 1e-9)), method="bounded")
        worst_at_zero = -_likelihood(np.full_like(x, log(9)), y)
        return 2 * (best + min(float(worst.fun), worst_at_zero)) - LIKELIHOOD_95

    far = float(x.max()) + log(FARTHEST)
    if far <= a90 or loss(far) <= 0:
        return None
    return exp(brentq(loss, a90, far, xtol=1e-9))


@dataclass(frozen=True, slots=True)
class Signal:
    """What share of defects of a size gives a signal above the line: log signal = intercept + slope * log size + noise.

    Attributes:
        intercept, slope, noise: of the line, natural logarithms; noise is the standard deviation.
        a50, a90, a90_95: as in `Detection`; a90_95 by the delta method (MIL-HDBK-1823A, app. G).
    """

    intercept: float
    slope: float
    noise: float
    a50: float
    a90: float
    a90_95: float
    count: int

    def probability(self, size: float, threshold: float) -> float:
        """That a defect of this size gives a signal above the threshold."""
        return float(ndtr((self.intercept + self.slope * log(size) - log(threshold)) / self.noise))


def signal(sizes: Sequence[float], signals: Sequence[float], threshold: float) -> Signal:
    """Signal over size, both logarithms, by least squares; every defect gave a signal (ASTM E3023, without censored values).

    Raises:
        BadData: less than three defects, a number that isn't above zero, or a signal that doesn't rise with size.
    """
    if len(sizes) != len(signals) or len(sizes) < 3:
        raise BadData("a signal over size needs three defects or more, each with its size and its signal")
    if any(not 0 < v < inf for v in (*sizes, *signals, threshold)):
        raise BadData("sizes, signals and the threshold are above zero")
    x, y = np.log(np.array(sizes, float)), np.log(np.array(signals, float))
    n, middle = len(x), float(x.mean())
    spread = float(np.sum((x - middle) ** 2))
    slope = float(np.sum((x - middle) * y)) / spread if spread else 0.0
    if slope <= 0:
        raise BadData("the signal doesn't rise with the defects' size; there is no size from which on they are found")
    intercept = float(y.mean()) - slope * middle
    noise = float(np.sqrt(np.sum((y - intercept - slope * x) ** 2) / (n - 2)))
    mu, sigma = (log(threshold) - intercept) / slope, noise / slope
    z = float(ndtri(0.9))
    at = mu + z * sigma
    # of log a90, by the delta method from those of the line and of the noise (n - 2 degrees of freedom)
    variance = sigma**2 * (1 / n + (at - middle) ** 2 / spread + z**2 / (2 * (n - 2)))
    return Signal(intercept, slope, noise, exp(mu), exp(at), exp(at + float(ndtri(0.95)) * float(np.sqrt(variance))), n)
