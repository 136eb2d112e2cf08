"""How sure a share is that was counted: exact limits for a sample, and a bound on escapes where nobody looked at what passed."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt
from typing import Any

from scipy.special import betaincinv

from seewhy.errors import BadData

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """A share that was counted, with its exact one-sided limits.

    Attributes:
        count: how many were.
        of: of how many.
        level: confidence of each of the two limits by itself.
    """

    count: int
    of: int
    level: float = LEVEL

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.of:
            raise BadData(f"{self.count} of {self.of} is no share")
        if not 0 < self.level < 1:
            raise BadData(f"a confidence level lies between 0 and 1, not at {self.level}")

    @property
    def value(self) -> float | None:
        """The share; None where nothing was counted."""
        return self.count / self.of if self.of else None

    @property
    def upper(self) -> float:
        """At most this, with the level's confidence (Clopper & Pearson, Biometrika 26, 1934, p. 404); 1 where nothing was counted.

        >>> round(Share(0, 29).upper, 4)  # 29 of 29 found: at most 10 % are missed, the rule of MIL-HDBK-1823A
        0.0981
        """
        return 1.0 if self.count == self.of else float(betaincinv(self.count + 1, self.of - self.count, self.level))

    @property
    def lower(self) -> float:
        """At least this, likewise; 0 where nothing was counted."""
        return 0.0 if self.count == 0 else float(betaincinv(self.count, self.of - self.count + 1, 1 - self.level))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"count": self.count, "of": self.of, "level": self.level, "value": self.value, "lower": self.lower, "upper": self.upper}


def escapes_unseen(clean_passed: Share, lot_passed: Share, defect_share: float, delta: float = 1 - LEVEL) -> float:
    """Of the defective parts of a lot, at most this share passed, with probability 1 - delta; nobody looked at what passed.

    The lot is a mixture of good and defective parts: F_lot = (1 - a) F_good + a F_bad. Both known distributions are estimated within
    the band of Dvoretzky, Kiefer, Wolfowitz and Massart, so the bound holds at any threshold, be it chosen on these very scores.
    S. Liu, R. Garrepalli, T. Dietterich, A. Fern, D. Hendrycks: Open Category Detection with PAC Guarantees, ICML 2018, theorem 1
    (there with one size for both samples). It rests on two assumptions: at most `defect_share` of the lot is defective, and a
    defective part doesn't pass more easily than a good one.

    Args:
        clean_passed: of parts known to be good that nothing was learned from, how many lie at or below the threshold.
        lot_passed: of the lot's parts, how many.
        defect_share: upper bound on the lot's share of defective parts.
        delta: probability that the bound doesn't hold.

    Raises:
        BadData: the share or delta is none, or a sample is empty.
    """
    if not 0 < defect_share <= 1 or not 0 < delta < 1:
        raise BadData(f"a bound on the defective share lies above 0 and at most at 1, not at {defect_share}; delta between 0 and 1")
    if not clean_passed.of or not lot_passed.of:
        raise BadData("the bound needs parts known to be good and parts of the lot")
    good, lot = clean_passed.count / clean_passed.of, lot_passed.count / lot_passed.of
    off_good, off_lot = band(clean_passed.of, delta), band(lot_passed.of, delta)
    bound = (lot + off_lot - (1 - defect_share) * (good - off_good)) / defect_share
    return min(1.0, max(0.0, bound))


def band(count: int, delta: float) -> float:
    """How far each of two empirical distributions may be off, so that both hold with probability 1 - delta (Massart, 1990)."""
    return sqrt(log(2 / (1 - sqrt(1 - delta))) / (2 * count))


def photos_needed(error: float, defect_share: float, delta: float = 1 - LEVEL) -> int:
    """How many parts each of the two samples needs for a bound that is at most `error` above the estimate (Liu et al. 2018, theorem 1).

    >>> photos_needed(0.1, 0.1), photos_needed(0.1, 0.5)
    (78866, 1967)
    """
    return int(log(2 / (1 - sqrt(1 - delta))) / 2 / error**2 * ((2 - defect_share) / defect_share) ** 2) + 1
