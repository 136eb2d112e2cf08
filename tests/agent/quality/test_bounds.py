"""Exact limits against published figures and scipy; the bound on escapes by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from seewhy.agent.quality.bounds import Share, escapes_unseen, photos_needed
from seewhy.errors import BadData


def test_nists_example() -> None:
    # NIST/SEMATECH e-Handbook of Statistical Methods, 7.2.4.1: 4 of 20, two-sided 90 %: 0.071354 to 0.401029
    share = Share(4, 20, 0.95)
    assert (share.lower, share.upper) == (pytest.approx(0.071354, abs=1e-6), pytest.approx(0.401029, abs=1e-6))


def test_no_escape_is_never_none() -> None:
    assert Share(0, 300).upper == pytest.approx(1 - 0.05 ** (1 / 300))  # the rule of three, exactly
    assert Share(0, 0).upper == 1.0 and Share(0, 0).lower == 0.0 and Share(0, 0).value is None
    assert Share(7, 7).upper == 1.0 and Share(7, 7).lower == pytest.approx(0.05 ** (1 / 7))


@given(st.integers(0, 400), st.integers(1, 400))
def test_limits_are_scipys(count: int, of: int) -> None:
    count = min(count, of)
    exact = binomtest(count, of).proportion_ci(0.90, "exact")
    share = Share(count, of)
    assert share.lower == pytest.approx(exact.low, abs=1e-9) and share.upper == pytest.approx(exact.high, abs=1e-9)


def test_the_bound_without_looking_holds() -> None:
    """Good parts N(0, 1), defective ones N(3, 1), line at 1.6449: 8.8 % of the defective ones pass."""
    rng = np.random.default_rng(0)
    held, bounds = 0, []
    for _ in range(300):
        clean, bad = rng.normal(size=20_000), rng.random(20_000) < 0.2
        lot = rng.normal(size=20_000) + 3 * bad
        bound = escapes_unseen(Share(int((clean <= 1.6449).sum()), 20_000), Share(int((lot <= 1.6449).sum()), 20_000), 0.22)
        held += bound >= 0.0877
        bounds.append(bound)
    assert held >= 0.95 * 300
    assert max(bounds) < 0.45  # and says something


def test_how_many_photos_the_bound_needs() -> None:
    few, many = photos_needed(0.1, 0.1), photos_needed(0.05, 0.1)
    assert many == pytest.approx(4 * few, rel=1e-3)
    assert escapes_unseen(Share(10, 10), Share(9, 10), 0.1) == 1.0  # too few to say anything


@pytest.mark.parametrize(
    "make",
    [
        lambda: Share(3, 2),
        lambda: Share(0, 2, 1.0),
        lambda: escapes_unseen(Share(1, 2), Share(1, 2), 0.0),
        lambda: escapes_unseen(Share(0, 0), Share(1, 2), 0.1),
    ],
)
def test_what_is_no_share_is_refused(make: object) -> None:
    with pytest.raises(BadData):
        make()  # type: ignore[operator]
