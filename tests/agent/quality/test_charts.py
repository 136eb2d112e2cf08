"""Control charts against textbook examples; Nelson's tests one by one; drift against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from seewhy.agent.quality.charts import drift, nelson, p_chart, u_chart
from seewhy.errors import BadData

# D. Montgomery, Introduction to Statistical Quality Control, example 6.1 (7.1 in later editions): juice cans, 30 samples of 50
CANS = (12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6)
# NIST/SEMATECH e-Handbook, 6.3.3.1: defects of 25 wafers
WAFERS = (16, 14, 28, 16, 12, 20, 10, 12, 10, 17, 19, 17, 14, 16, 15, 13, 14, 16, 11, 20, 11, 19, 16, 31, 13)


def test_montgomerys_p_chart() -> None:
    chart = p_chart(CANS, [50] * 30)
    assert chart.centre == pytest.approx(0.2313, abs=5e-5)
    assert (chart.points[0].lower, chart.points[0].upper) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.4102, abs=5e-5))
    assert [i for i, point in enumerate(chart.points, 1) if 1 in point.rules] == [15, 23]


def test_nists_chart_of_counts() -> None:
    chart = u_chart(WAFERS, [1] * 25)
    assert (chart.centre, chart.points[0].lower, chart.points[0].upper) == (16, 4, 28)
    assert [i for i, point in enumerate(chart.points, 1) if 1 in point.rules] == [24]


def test_limits_follow_the_size_of_a_sample() -> None:
    small, large = p_chart([2, 20], [20, 200]).points
    assert small.upper > large.upper and small.lower == 0.0
    assert p_chart([0, 0], [10, 10]).points[0].rules == ()


@pytest.mark.parametrize(
    ("rule", "points"),
    [
        (1, [0.0, 3.1]),
        (2, [0.3] * 9),
        (3, [-1.5, -1.0, 0.2, 0.3, 0.4, 0.5]),
        (4, [0.5, -0.5] * 7),
        (5, [2.1, 0.0, 2.2]),
        (6, [1.1, 1.2, 0.0, 1.3, 1.4]),
        (7, [0.5, -0.4, 0.3] * 5),
        (8, [1.1, -1.2, 1.3, 1.4, -1.1, 1.2, -1.3, 1.2]),
    ],
)
def test_nelsons_tests(rule: int, points: list[float]) -> None:
    assert rule in nelson(points)[-1]
    assert not any(rule in rules for rules in nelson(points[1:] if rule != 1 else points[:1]))


@pytest.mark.parametrize(("counts", "sizes"), [([], []), ([1], [0]), ([3], [2]), ([1, 2], [3])])
def test_what_is_no_chart_is_refused(counts: list[int], sizes: list[int]) -> None:
    with pytest.raises(BadData):
        p_chart(counts, sizes)


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_drift_is_the_rank_sum_test(shift: float) -> None:
    rng = np.random.default_rng(2)
    calibration, parts = rng.normal(size=200), rng.normal(size=60) + shift
    p_values = [(1 + int((calibration >= s).sum())) / 201 for s in parts]
    found = drift(p_values, 200)
    assert found is not None
    cut = round(min(p_values) * 201) - 1
    kept = np.sort(calibration)[: 200 - cut]
    assert found.p_value == pytest.approx(mannwhitneyu(kept, parts, method="asymptotic").pvalue, rel=0.02)
    assert (found.p_value < 0.001) == bool(shift)


def test_without_parts_there_is_no_drift_to_speak_of() -> None:
    assert drift([], 100) is None and drift([0.5], 0) is None
