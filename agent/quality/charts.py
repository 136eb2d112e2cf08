"""Control charts of shares and counts, and the tests for what isn't chance (ISO 7870-2; Nelson, 1984)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite, sqrt
from typing import Literal

import numpy as np
from scipy.special import ndtr

from seewhy.errors import BadData

SIGMAS = 3.0


@dataclass(frozen=True, slots=True)
class Point:
    """One sample on a chart.

    Attributes:
        value: the share, or the count per unit.
        lower, upper: limits of its own sample size.
        sigmas: how many standard deviations above the centre.
        rules: Nelson's tests that it completes, 1 to 8.
    """

    value: float
    lower: float
    upper: float
    sigmas: float
    rules: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """A p- or u-chart."""

    kind: Literal["p", "u"]
    centre: float
    points: tuple[Point, ...]


def p_chart(counts: Sequence[int], sizes: Sequence[int]) -> Chart:
    """Shares of nonconforming parts: centre and limits from these very samples (ISO 7870-2:2013, 7.2).

    Args:
        counts: nonconforming parts in each sample.
        sizes: parts in each.

    Raises:
        BadData: there are none, or a sample is empty or holds more than its size.
    """
    _check(counts, sizes)
    if any(c > n for c, n in zip(counts, sizes, strict=True)):
        raise BadData("a sample can't hold more nonconforming parts than parts")
    centre = sum(counts) / sum(sizes)
    return _chart("p", centre, counts, sizes, lambda n: sqrt(centre * (1 - centre) / n), 1.0)


def u_chart(counts: Sequence[int], sizes: Sequence[float]) -> Chart:
    """Nonconformities per unit, likewise (ISO 7870-2:2013, 7.4); with samples of one unit it is a c-chart."""
    _check(counts, sizes)
    centre = sum(counts) / sum(sizes)
    return _chart("u", centre, counts, sizes, lambda n: sqrt(centre / n), inf)


def _check(counts: Sequence[int], sizes: Sequence[float]) -> None:
    if not counts or len(counts) != len(sizes) or any(n <= 0 for n in sizes) or any(c < 0 for c in counts):
        raise BadData("a control chart needs samples, each with a count and a size above zero")


def _chart(
    kind: Literal["p", "u"], centre: float, counts: Sequence[int], sizes: Sequence[float], spread: Callable[[float], float], most: float
) -> Chart:
    values = [c / n for c, n in zip(counts, sizes, strict=True)]
    spreads = [spread(n) for n in sizes]
    sigmas = [(v - centre) / s if s else 0.0 for v, s in zip(values, spreads, strict=True)]
    rules = nelson(sigmas)
    points = tuple(
        Point(v, max(0.0, centre - SIGMAS * s), min(most, centre + SIGMAS * s), z, r)
        for v, s, z, r in zip(values, spreads, sigmas, rules, strict=True)
    )
    return Chart(kind, centre, points)


def nelson(sigmas: Sequence[float]) -> list[tuple[int, ...]]:
    """Which of Nelson's eight tests each point completes (L. S. Nelson, Journal of Quality Technology 16, 1984, p. 237).

    Args:
        sigmas: the points in standard deviations from the centre.
    """
    return [tuple(rule for rule, test in enumerate(TESTS, 1) if test(list(sigmas[: i + 1]))) for i in range(len(sigmas))]


def _last(z: list[float], count: int, test: Callable[[list[float]], bool]) -> bool:
    return len(z) >= count and test(z[-count:])


def _of(z: list[float], count: int, needed: int, beyond: float) -> bool:
    """Of the last points so many lie beyond on one side, the last among them."""
    return _last(z, count, lambda w: any(side * w[-1] > beyond and sum(side * v > beyond for v in w) >= needed for side in (1, -1)))


TESTS: tuple[Callable[[list[float]], bool], ...] = (
    lambda z: abs(z[-1]) > SIGMAS,
    lambda z: _last(z, 9, lambda w: all(v > 0 for v in w) or all(v < 0 for v in w)),
    lambda z: _last(z, 6, lambda w: all(a < b for a, b in pairwise(w)) or all(a > b for a, b in pairwise(w))),
    lambda z: _last(z, 14, lambda w: all((b - a) * (c - b) < 0 for a, b, c in zip(w, w[1:], w[2:], strict=False))),
    lambda z: _of(z, 3, 2, 2.0),
    lambda z: _of(z, 5, 4, 1.0),
    lambda z: _last(z, 15, lambda w: all(abs(v) < 1 for v in w)),
    lambda z: _last(z, 8, lambda w: all(abs(v) > 1 for v in w) and any(v > 0 for v in w) and any(v < 0 for v in w)),
)


@dataclass(frozen=True, slots=True)
class Drift:
    """Whether good parts still score as those that the threshold was calibrated on.

    Attributes:
        parts: good parts that were compared.
        calibration: good photos of the calibration.
        above: mean share of calibration scores that lie at or above a part's score; 0.5 where nothing has changed.
        p_value: how likely a difference as large is where both are exchangeable (two-sided rank sum).
    """

    parts: int
    calibration: int
    above: float
    p_value: float


def drift(p_values: Sequence[float], calibration: int) -> Drift | None:
    """The rank-sum test of good parts against the calibration, from records' p-values alone; None where either is empty.

    A record's p-value is (1 + #{calibration scores >= s}) / (n + 1), so it tells the rank of its score among them. Parts that passed
    lie below the line; calibration scores above all of them are left out, lest the cut at the line look like a drift (normal
    approximation, Mann & Whitney, 1947).

    Args:
        p_values: of good parts.
        calibration: n, the good photos of their calibration.
    """
    finite = [p for p in p_values if isfinite(p)]
    if not finite or calibration < 1:
        return None
    above = np.round(np.array(finite) * (calibration + 1)) - 1  # (M,) calibration scores at or above each part's
    cut = float(above.min())
    left, parts = calibration - cut, len(finite)
    if left < 1:
        return None
    u = float(np.sum(above - cut))
    middle, spread = parts * left / 2, sqrt(parts * left * (parts + left + 1) / 12)
    z = (abs(u - middle) - 0.5) / spread if abs(u - middle) > 0.5 else 0.0
    return Drift(parts, calibration, u / (parts * left), float(2 * ndtr(-z)))
