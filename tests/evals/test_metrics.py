from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from seewhy.evals.metrics import aupro, auroc, average_precision, binomial_interval, f1_max

labelled = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=60)


@given(labelled)
def test_against_scikit_learn(pairs: list[tuple[bool, int]]) -> None:
    labels, scores = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs], float)
    if labels.all() or not labels.any():
        assert auroc(labels, scores) is None
        return
    assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))
    assert average_precision(labels, scores) == pytest.approx(average_precision_score(labels, scores))
    precision, recall, _ = precision_recall_curve(labels, scores)
    with np.errstate(invalid="ignore"):
        best = np.nanmax(2 * precision * recall / (precision + recall))
    assert f1_max(labels, scores) == pytest.approx(best)


def brute_aupro(maps: list[np.ndarray], masks: list[np.ndarray], limit: float) -> float:  # type: ignore[type-arg]
    """Every distinct score a threshold, every region counted, written out."""
    points = [(0.0, 0.0)]
    for level in sorted({float(v) for m in maps for v in m.ravel()}, reverse=True):
        false = sum(int(((m >= level) & ~t).sum()) for m, t in zip(maps, masks, strict=True))
        good = sum(int((~t).sum()) for t in masks)
        overlaps = []
        for m, t in zip(maps, masks, strict=True):
            count, labels = cv2.connectedComponents(t.astype(np.uint8), connectivity=8)
            overlaps += [float((m >= level)[labels == k].mean()) for k in range(1, count)]
        points.append((false / good, float(np.mean(overlaps))))
    x, y = np.array(points).T
    xs = np.append(x[x < limit], limit)
    ys = np.append(y[x < limit], np.interp(limit, x, y))
    return float(np.sum(np.diff(xs) * (ys[1:] + ys[:-1]) / 2)) / limit


@pytest.mark.parametrize("seed", range(4))
def test_aupro_against_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    masks = [np.zeros((24, 30), bool) for _ in range(4)]
    masks[0][2:6, 3:9] = masks[0][15:22, 20:28] = masks[2][10:12, 10:25] = True
    maps = [(rng.integers(0, 60, t.shape) + 25 * t).astype(np.float32) for t in masks]
    assert aupro(maps, masks) == pytest.approx(brute_aupro(maps, masks, 0.3), abs=2e-3)


def test_aupro_of_a_perfect_map_is_one_and_without_defects_none() -> None:
    mask = np.zeros((20, 20), bool)
    mask[5:9, 5:9] = True
    assert aupro([mask.astype(np.float32)], [mask]) == pytest.approx(1.0)
    assert aupro([mask.astype(np.float32)], [np.zeros_like(mask)]) is None


@given(st.integers(1, 1000), st.floats(0.001, 0.5))
def test_the_binomial_interval_is_scipys(count: int, rate: float) -> None:
    assert binomial_interval(count, rate) == tuple(binom.ppf((0.025, 0.975), count, rate))
