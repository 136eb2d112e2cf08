"""Agreement of appraisers with one another and with the truth: attribute studies as AIAG's MSA manual describes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from seewhy.agent.quality.bounds import Share
from seewhy.errors import BadData

Ratings: TypeAlias = Mapping[tuple[str, str], Sequence[str]]  # (appraiser, part) -> "pass" or "fail" of each trial
NORMAL_95 = 1.959963984540054  # two-sided


@dataclass(frozen=True, slots=True)
class Kappa:
    """Agreement beyond chance: 1 perfect, 0 as by chance; None where all said the same, and chance can't be told from agreement."""

    value: float | None
    error: float | None  # standard error

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of 95 %, normal approximation, cut at 1."""
        if self.value is None or self.error is None:
            return None
        return self.value - NORMAL_95 * self.error, min(1.0, self.value + NORMAL_95 * self.error)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"value": self.value, "error": self.error, "interval": self.interval}


def cohen(table: npt.ArrayLike) -> Kappa:
    """Cohen's kappa of two appraisers (Cohen, 1960), its standard error by Fleiss, Cohen & Everitt (1969), eq. 13.

    Args:
        table: (C, C) counts, rows the first appraiser's categories, columns the second's.
    """
    counts = np.asarray(table, float)  # (C, C)
    total = counts.sum()
    if not total:
        raise BadData("there is nothing to compare: the two have no part in common")
    p = counts / total
    rows, columns = p.sum(1), p.sum(0)
    agreed, chance = float(np.trace(p)), float(rows @ columns)
    if chance >= 1:
        return Kappa(None, None)
    kappa = (agreed - chance) / (1 - chance)
    spread = rows[None, :] + columns[:, None]  # [i, j] = p.i + pj. , (C, C)
    diagonal = float(np.sum(np.diag(p) * (1 - (rows + columns) * (1 - kappa)) ** 2))
    apart = float((1 - kappa) ** 2 * (np.sum(p * spread**2) - np.sum(np.diag(p) * np.diag(spread) ** 2)))
    variance = (diagonal + apart - (kappa - chance * (1 - kappa)) ** 2) / (total * (1 - chance) ** 2)
    return Kappa(kappa, sqrt(max(variance, 0.0)))


def fleiss(counts: npt.ArrayLike) -> Kappa:
    """Fleiss' kappa of many ratings of each part (Fleiss, 1971), its standard error by the jackknife over parts.

    Args:
        counts: (N, C) ratings of each part in each category; each part has the same number of them, two or more.

    Raises:
        BadData: the parts have different numbers of ratings, or less than two.
    """
    table = np.asarray(counts, float)  # (N, C)
    each = table.sum(1)
    if not len(table) or each.min() != each.max() or each[0] < 2:
        raise BadData("Fleiss' kappa needs two or more ratings of each part, and the same number of each")
    value = _fleiss(table)
    if value is None or len(table) < 3:
        return Kappa(value, None)
    without = [_fleiss(np.delete(table, i, 0)) for i in range(len(table))]
    if any(one is None for one in without):
        return Kappa(value, None)
    spread = np.array(without, float)
    return Kappa(value, float(sqrt((len(table) - 1) / len(table) * np.sum((spread - spread.mean()) ** 2))))


def _fleiss(table: npt.NDArray[np.float64]) -> float | None:
    each = table[0].sum()
    agreed = float(np.mean((np.sum(table**2, 1) - each) / (each * (each - 1))))
    shares = table.sum(0) / table.sum()
    chance = float(shares @ shares)
    return None if chance >= 1 else (agreed - chance) / (1 - chance)


@dataclass(frozen=True, slots=True)
class Appraiser:
    """One appraiser against the truth.

    Attributes:
        effective: of the parts, those that were called right in every trial (AIAG MSA, 4th ed., ch. III C).
        missed: of the trials of defective parts, those called good.
        alarmed: of the trials of good parts, those called defective.
        repeated: of the parts, those that were called the same in every trial.
        kappa: Cohen's, against the truth, over all trials.
    """

    name: str
    effective: Share
    missed: Share
    alarmed: Share
    repeated: Share
    kappa: Kappa

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        shares = {name: getattr(self, name).to_json() for name in ("effective", "missed", "alarmed", "repeated")}
        return {"name": self.name, **shares, "kappa": self.kappa.to_json()}


@dataclass(frozen=True, slots=True)
class Agreement:
    """An attribute agreement study."""

    parts: int
    trials: int
    appraisers: tuple[Appraiser, ...]
    between: tuple[tuple[str, str, Kappa], ...]  # each two appraisers
    all: Kappa | None  # Fleiss' over every rating; None where the parts were not rated equally often

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "parts": self.parts,
            "trials": self.trials,
            "appraisers": [one.to_json() for one in self.appraisers],
            "between": [{"first": a, "second": b, **kappa.to_json()} for a, b, kappa in self.between],
            "all": None if self.all is None else self.all.to_json(),
        }


def agreement(ratings: Ratings, truth: Mapping[str, str]) -> Agreement:
    """An attribute agreement study.

    Args:
        ratings: see `Ratings`.
        truth: "pass" or "fail" of each part.

    Raises:
        BadData: less than two appraisers, or less than two trials of each; a part has no truth, or an appraiser left one out.
    """
    names, parts = list(dict.fromkeys(a for a, _ in ratings)), list(dict.fromkeys(p for _, p in ratings))
    if len(names) < 2:
        raise BadData(f"an agreement study needs two appraisers or more, the machine among them; here {len(names)} rated the parts")
    if lost := [p for p in parts if truth.get(p) not in ("pass", "fail")]:
        raise BadData(f"the truth of {len(lost)} parts is not known, {lost[0]!r} first; it is pass or fail")
    if left := [(a, p) for a in names for p in parts if not ratings.get((a, p))]:
        raise BadData(f"{left[0][0]} has not rated {left[0][1]!r} and {len(left) - 1} others; each appraiser rates each part")
    trials = min(len(verdicts) for verdicts in ratings.values())
    if trials < 2:
        raise BadData("an agreement study needs two trials or more of each part by each appraiser: one trial says nothing of repetition")
    same = {key: tuple(verdicts[:trials]) for key, verdicts in ratings.items()}
    ordered = tuple(_appraiser(name, {p: same[name, p] for p in parts}, truth) for name in names)
    between = tuple((a, b, _between(same, parts, a, b)) for a, b in combinations(names, 2))
    counts = [[sum(same[a, p].count(v) for a in names) for v in ("pass", "fail")] for p in parts]
    return Agreement(len(parts), trials, ordered, between, fleiss(counts))


def _appraiser(name: str, rated: Mapping[str, tuple[str, ...]], truth: Mapping[str, str]) -> Appraiser:
    calls = [(truth[p], v) for p, verdicts in rated.items() for v in verdicts]
    tally, told = Counter(calls), Counter(t for t, _ in calls)
    right = sum(set(verdicts) == {truth[p]} for p, verdicts in rated.items())
    same = sum(len(set(verdicts)) == 1 for verdicts in rated.values())
    table = [[tally[t, v] for v in ("pass", "fail")] for t in ("pass", "fail")]
    return Appraiser(
        name,
        Share(right, len(rated)),
        Share(tally["fail", "pass"], told["fail"]),
        Share(tally["pass", "fail"], told["pass"]),
        Share(same, len(rated)),
        cohen(table),
    )


def _between(rated: Ratings, parts: Sequence[str], first: str, second: str) -> Kappa:
    tally = Counter(pair for p in parts for pair in zip(rated[first, p], rated[second, p], strict=True))
    return cohen([[tally[a, b] for b in ("pass", "fail")] for a in ("pass", "fail")])
