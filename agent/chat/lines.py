"""The lines of a product in counts: how many of a hundred good parts are stopped or asked about, wherever a line is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma
from typing import Any

import numpy as np

from seewhy.agent.inspection.verdict import standing_lines
from seewhy.agent.models.calibration import Calibration, needed

OF = 100  # good parts that are spoken of
SURE = 0.9  # share of the cases that an interval covers
MOST_STEPS = 400  # places of the line that are told


def expected(rank: int, photos: int, of: int = OF) -> tuple[float, int, int]:
    """How many of `of` further good parts lie above the `rank`-th largest of `photos` good scores: mean, and the bounds of `SURE` of cases.

    Good scores that are exchangeable with the known ones exceed it beta-binomially, with rank and photos + 1 - rank (Vovk 2012, sec. 2;
    Angelopoulos & Bates 2023, sec. 3.2).

    >>> expected(1, 99)
    (1.0, 0, 4)
    >>> expected(1, 4)
    (20.0, 1, 54)
    """
    a, b = rank, photos + 1 - rank
    weights = np.array([exp(_log_choose(of, k) + _log_beta(k + a, of - k + b) - _log_beta(a, b)) for k in range(of + 1)])
    reached = np.cumsum(weights / weights.sum())
    low, high = (int(np.searchsorted(reached, share)) for share in ((1 - SURE) / 2, 1 - (1 - SURE) / 2))
    return round(of * rank / (photos + 1), 2), low, high


def steps(calibration: Calibration) -> list[dict[str, Any]]:
    """The places where a line can be drawn, strictest last: at the good scores themselves, from the largest down to their middle.

    Each with its score, the rate that it stands for and how many of a hundred good parts lie above it.
    """
    count = len(calibration)
    if not count:
        return []
    ranks = range(1, min(max(1, count // 2), MOST_STEPS) + 1)
    return [_step(calibration, rank, count) for rank in ranks]


def _step(calibration: Calibration, rank: int, count: int) -> dict[str, Any]:
    mean, low, high = expected(rank, count)
    return {
        "rank": rank,
        "score": float(calibration.scores[-rank]),
        "rate": -(-1_000_000 * rank // (count + 1)) / 1_000_000,  # rounded up: a smaller rate would ask for one more photo
        "mean": mean,
        "low": low,
        "high": high,
    }


def standing(calibration: Calibration, alpha: float, review: float) -> dict[str, float | None]:
    """Where the lines lie now: above `fail` a part can fail, up to `ask` it passes; None where the good photos are too few for that."""
    fail, ask = standing_lines(calibration, alpha, review)
    return {"fail": fail, "ask": ask}


def drawn_at(calibration: Calibration, rate: float) -> int:
    """The rank at which a rate draws its line.

    >>> import numpy as np
    >>> drawn_at(Calibration(np.arange(99.0), np.arange(99.0), 0, 0, "left_out"), 0.05)
    5
    """
    return max(1, int(rate * (len(calibration) + 1) + 1e-9))


def enough_for(count: int, rates: Sequence[float]) -> list[dict[str, Any]]:
    """What more good photos would buy: for each rate, how many are needed and how many are missing."""
    return [{"rate": rate, "needed": needed(rate), "missing": max(0, needed(rate) - count)} for rate in rates]


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
