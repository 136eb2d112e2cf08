"""Probability of detection against a published fit, scikit-learn, and by simulation."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from seewhy.agent.quality.detection import hit_miss, signal
from seewhy.errors import BadData

# O-rings: Dalal, Fowlkes & Hoadley, J. American Statistical Association 84 (1989), p. 945: launches by temperature (F), distress
TEMPERATURES = (66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78, 67, 53, 67, 75, 70, 81, 76, 79, 75, 76, 58)
DISTRESS = (0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1)


def test_a_published_fit() -> None:
    # They fit log-odds of distress = 15.043 - 0.2322 t. Sizes enter by their logarithm, and no distress is the hit that rises with t.
    found = hit_miss([exp(t / 10) for t in TEMPERATURES], [not d for d in DISTRESS])
    assert (found.intercept, found.slope / 10) == (pytest.approx(-15.043, abs=0.001), pytest.approx(0.2322, abs=0.0001))
    assert found.a50 is not None and 10 * log(found.a50) == pytest.approx(15.043 / 0.2322, abs=0.02)


def drawn(seed: int, count: int = 80) -> tuple[list[float], list[bool]]:
    """Defects of 0.1 to 2 mm whose log-odds are 3 + 4 log size: a50 = 0.472, a90 = 0.818 mm."""
    rng = np.random.default_rng(seed)
    sizes = np.exp(rng.uniform(log(0.1), log(2), count))
    return sizes.tolist(), (rng.random(count) < expit(3 + 4 * np.log(sizes))).tolist()


def test_the_fit_is_scikit_learns() -> None:
    sizes, found = drawn(0)
    fit = hit_miss(sizes, found)
    other = LogisticRegression(C=1e12, tol=1e-12, max_iter=10_000).fit(np.log(np.array(sizes))[:, None], found)
    assert (fit.intercept, fit.slope) == (pytest.approx(other.intercept_[0], rel=1e-4), pytest.approx(other.coef_[0, 0], rel=1e-4))
    assert fit.probability(fit.a90 or 0.0) == pytest.approx(0.9)


@pytest.mark.slow
def test_a90_95_is_above_the_true_a90_in_95_of_100_studies() -> None:
    true = exp((log(9) - 3) / 4)
    limits = [hit_miss(*drawn(seed)).a90_95 for seed in range(200)]
    held = sum(limit is None or limit >= true for limit in limits)
    assert held >= 182  # of 200; the 0.1 % quantile of 95 % is 180
    assert sum(limit is not None and limit < 2 for limit in limits) >= 180  # and it says something


@pytest.mark.parametrize(
    ("sizes", "found", "way"),
    [
        ([1, 2, 3], [True, True, True], "all_found"),
        ([1, 2, 3], [False, False, False], "none_found"),
        ([1, 2, 3, 4], [False, False, True, True], "separated"),
        ([1, 2, 3, 4, 5, 6], [True, True, False, True, False, False], "not_rising"),
    ],
)
def test_where_no_curve_can_be_fitted_it_is_told(sizes: list[float], found: list[bool], way: str) -> None:
    study = hit_miss(sizes, found)
    assert (study.way, study.a90, study.a90_95, study.probability(2.0)) == (way, None, None, None)


def test_29_of_29_is_enough_without_a_curve() -> None:
    assert hit_miss([0.5] * 29, [True] * 29).from_counts == 0.5
    assert hit_miss([0.5] * 28, [True] * 28).from_counts is None


@pytest.mark.parametrize(("sizes", "found"), [([0.0, 1.0], [True, False]), ([], []), ([1.0], [True, False]), ([-1.0], [True])])
def test_what_has_no_size_is_refused(sizes: list[float], found: list[bool]) -> None:
    with pytest.raises(BadData):
        hit_miss(sizes, found)


def test_signal_over_size_holds_its_limit() -> None:
    """log signal = 1 + 1.2 log size + N(0, 0.3), line at 2: the true a90 is known."""
    true, held = exp((log(2) - 1 + 1.2815515655 * 0.3) / 1.2), 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        sizes = np.exp(rng.uniform(log(0.1), log(2), 40))
        found = signal(sizes.tolist(), np.exp(1 + 1.2 * np.log(sizes) + 0.3 * rng.normal(size=40)).tolist(), 2.0)
        held += found.a90_95 >= true
        assert found.probability(found.a90, 2.0) == pytest.approx(0.9)
    assert held >= 271  # of 300; the delta method is close, not exact


@pytest.mark.parametrize(("sizes", "signals"), [([1, 2], [1, 2]), ([1, 2, 3], [3, 2, 1]), ([1, 2, 0], [1, 2, 3]), ([1, 1, 1], [1, 2, 3])])
def test_what_is_no_signal_over_size_is_refused(sizes: list[float], signals: list[float]) -> None:
    with pytest.raises(BadData):
        signal(sizes, signals, 1.0)
