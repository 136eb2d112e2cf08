"""Drift that is proved: a bet against "good parts still score as the calibration's did" that wins too much only where that is false.

A conformal test martingale (Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World, 2005, ch. 7; betting by the simple jumper of
Vovk et al., Retrain or not retrain, 2021, alg. 1, averaged over several rates of jumping). Its capital starts at 1 and, as long as good
parts are exchangeable with the calibration's good photos, grows to `LEVEL` or more at any time at all with a probability of at most
1 / `LEVEL` (Ville, 1939). Everything rests on what records say, so that the same ledger always tells the same.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from math import exp, floor, log

import numpy as np
import numpy.typing as npt

from seewhy.agent.models.calibration import EPSILON, LOT, needed
from seewhy.canonical import sha256_bytes
from seewhy.record import Decision, Drift

LEVEL = 100.0  # of the capital: then the promise is no longer known to hold
BETS = np.array([-1.9, -1.0, 0.0, 1.0, 1.9])  # a bet e pays 1 + e (p - 1/2): those below 0 win where scores are high
JUMPS = np.array([1e-5, 1e-4, 1e-3, 1e-2, 1e-1])  # of each jumper's capital, the share that is bet anew
FEWEST = 8  # calibration scores below the line from which there is something to compare with


class Jumpers:
    """The capital of several streams at once, each bet on by all jumpers.

    Args:
        streams: how many.

    Attributes:
        log_capital: (streams,) natural logarithm of each capital.
    """

    def __init__(self, streams: int = 1) -> None:
        self._shares = np.full((len(JUMPS), len(BETS), streams), 1 / len(BETS))  # of a jumper's capital, by bet
        self._logs = np.full((len(JUMPS), streams), -log(len(JUMPS)))
        self.log_capital: npt.NDArray[np.float64] = np.zeros(streams)

    def bet(self, p: npt.NDArray[np.float64]) -> None:
        """Take the next p-value of each stream, (streams,), from 0 to 1."""
        jump = JUMPS[:, None, None]
        self._shares = ((1 - jump) * self._shares + jump / len(BETS)) * (1 + BETS[:, None] * (p - 0.5))
        won = self._shares.sum(1)  # (jumpers, streams)
        self._shares /= won[:, None]
        self._logs += np.log(won)
        self.log_capital = np.logaddexp.reduce(self._logs, axis=0)


@dataclass(frozen=True, slots=True)
class Key:
    """What one watch is about: the model, the product, and the line up to which its parts pass."""

    model: str
    product: str
    photos: int  # n good photos of the calibration
    above: int  # k of them lie at the line or above


@dataclass(frozen=True, slots=True)
class Passed:
    """A photo whose score is not above the line.

    Attributes:
        score: as recorded.
        above: good photos of the calibration below the line that score as high or higher.
        sha256: of the photo.
        name: of the photo.
        lot: that it belongs to.
    """

    score: float
    above: int
    sha256: str
    name: str
    lot: str


@dataclass(slots=True)
class _Run:
    """Since when one and the same bet has been winning: a cumulative sum that starts anew at zero (Page, 1954)."""

    bet: float
    won: float = 0.0  # logarithm
    since: str = ""

    def take(self, p: float, name: str) -> None:
        self.since = self.since or name
        self.won += log(1 + self.bet * (p - 0.5))
        if self.won <= 0:
            self.won, self.since = 0.0, ""


class Watch:
    """Good parts as they come, beside the calibration.

    Photos above the line are left out on both sides: defective parts lie there, and what lies below a line that is an order statistic
    of exchangeable scores is exchangeable too. A photo's p-value is its smoothed rank among the calibration's scores below the line and
    all photos before it, so that one after the other they are independent and uniform; ties are broken by a number from the hashes of
    model and photo. A photo counts once.

    Args:
        key: see there.
    """

    def __init__(self, key: Key) -> None:
        self._key, self._size = key, key.photos - key.above
        self._scores, self._seen = list[float](), set[str]()
        self._jumpers = Jumpers()
        self._runs = {way: _Run(bet) for way, bet in (("higher", -1.0), ("lower", 1.0))}
        self.drift: Drift | None = None

    def see(self, photo: Passed) -> Drift | None:
        """Take the next photo; the alarm, once it was raised."""
        if photo.sha256 in self._seen or self._size < FEWEST:
            return self.drift
        self._seen.add(photo.sha256)
        p = self.p_value(photo)
        self._jumpers.bet(np.array([p]))
        for run in self._runs.values():
            run.take(p, photo.name)
        if self.drift is None and float(self._jumpers.log_capital[0]) >= log(LEVEL):
            way = max(self._runs, key=lambda name: self._runs[name].won)
            self.drift = Drift(
                since=self._runs[way].since or photo.name,
                alarm=photo.name,
                alarm_lot=photo.lot,
                way="higher" if way == "higher" else "lower",
                photos=len(self._scores),
                bound=1 / LEVEL,
            )
        return self.drift

    def p_value(self, photo: Passed) -> float:
        """The smoothed rank of a photo's score from above, and the score from now on among those that others are held against."""
        left, right = bisect_left(self._scores, photo.score), bisect_right(self._scores, photo.score)
        higher, equal = photo.above + len(self._scores) - right, right - left + 1
        smooth = int(sha256_bytes(f"{self._key.model}:{photo.sha256}".encode())[:13], 16) / 16**13
        insort(self._scores, photo.score)
        return (higher + smooth * equal) / (self._size + len(self._scores))

    @property
    def capital(self) -> float:
        """As it stands."""
        return exp(min(700.0, float(self._jumpers.log_capital[0])))


def watched(decision: Decision) -> tuple[int, int, int] | None:
    """Of a photo that isn't above the line up to which parts pass: n, k and how many calibration scores between it and the line; else None.

    Nothing is watched where nothing could pass: of a lot, or with too few good photos.
    """
    line = decision.threshold if decision.review_threshold is None else decision.review_threshold
    rate = (decision.alpha or 0.0) + (decision.review_rate or 0.0)
    score, p, photos = decision.score.value, decision.p_value.value, decision.calibration_photos
    if decision.calibration_method == LOT or not rate or line.value is None or score is None or p is None or photos < needed(rate):
        return None
    if line.status != "supported" or score > line.value:
        return None
    above = max(1, floor(rate * (photos + 1) + EPSILON))
    return photos, above, min(photos - above, max(0, round(p * (photos + 1)) - 1 - above))
