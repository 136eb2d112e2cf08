"""Detection metrics, tested against scikit-learn and brute force."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import comb
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.agent.quality.bounds import Share
from seewhy.types import Map, Mask

Scores = npt.NDArray[np.floating]
Labels = npt.NDArray[np.bool_]

FPR_LIMIT = 0.3  # of AUPRO (Bergmann et al., IJCV 2021, sec. 5.2)
BINS = 4096  # score levels of the AUPRO curve


def auroc(labels: Labels, scores: Scores) -> float | None:
    """Area under the ROC curve, ties counted half (Mann-Whitney U); None where a class is empty.

    >>> auroc(np.array([False, True, True]), np.array([0.1, 0.1, 0.9]))
    0.75
    """
    labels = np.asarray(labels, bool).ravel()
    positives, negatives = int(labels.sum()), int((~labels).sum())
    if not positives or not negatives:
        return None
    _, inverse, counts = np.unique(np.asarray(scores).ravel(), return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # mean rank of each value, from 1
    total = float(ranks[inverse[labels]].sum())
    return (total - positives * (positives + 1) / 2) / (positives * negatives)


def average_precision(labels: Labels, scores: Scores) -> float | None:
    """Sum over thresholds of recall's step times precision; None without positives."""
    tp, fp = _counts(labels, scores)
    if not len(tp) or tp[-1] == 0:
        return None
    precision, recall = tp / (tp + fp), tp / tp[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def f1(kind: str, truth: Sequence[str], said: Sequence[str | None]) -> float:
    """Of one kind among several: twice what is right over what is so and what was called so.

    >>> f1("pit", ["pit", "pit", "crack"], ["pit", None, "pit"])
    0.5
    """
    right = sum(a == b == kind for a, b in zip(truth, said, strict=True))
    total = sum(a == kind for a in truth) + sum(b == kind for b in said)
    return 2 * right / total if total else 0.0


def f1_max(labels: Labels, scores: Scores) -> float | None:
    """The largest F1 over all thresholds; None without positives."""
    tp, fp = _counts(labels, scores)
    if not len(tp) or tp[-1] == 0:
        return None
    return float((2 * tp / (tp + fp + tp[-1])).max())


def aupro(maps: Sequence[Map], masks: Sequence[Mask], limit: float = FPR_LIMIT) -> float | None:
    """Area under the per-region-overlap curve up to a false-positive rate, divided by it.

    Every 8-connected region of ground truth counts the same, large or small. The curve has `BINS` score levels.

    Args:
        maps: (H, W) each.
        masks: (H, W) each, True where defective; all False for good photos.
        limit: false-positive rate at which to stop.

    Returns:
        None where no mask has a defect.
    """
    low, high = min(float(m.min()) for m in maps), max(float(m.max()) for m in maps)
    scale = BINS / max(high - low, 1e-12)
    false = np.zeros(BINS, np.int64)
    overlap, regions = np.zeros(BINS), 0
    for values, mask in zip(maps, masks, strict=True):
        level = np.minimum(((values - low) * scale).astype(np.int64), BINS - 1)
        false += np.bincount(level[~mask], minlength=BINS)
        count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
        for label in range(1, count):
            inside = np.bincount(level[labels == label], minlength=BINS)
            overlap += inside / inside.sum()
            regions += 1
    if not regions or not false.sum():
        return None
    fpr = np.concatenate([[0.0], np.cumsum(false[::-1]) / false.sum()])
    pro = np.concatenate([[0.0], np.cumsum(overlap[::-1]) / regions])
    return _area(fpr, pro, limit) / limit


def binomial_interval(count: int, rate: float, level: float = 0.95) -> tuple[int, int]:
    """The central interval of a binomial: how many of `count` are usual when each has probability `rate`.

    >>> binomial_interval(100, 0.05)
    (1, 10)
    """
    tail, below = (1 - level) / 2, 0.0
    low: int | None = None
    for k in range(count + 1):
        below += comb(count, k) * rate**k * (1 - rate) ** (count - k)
        if low is None and below > tail:
            low = k
        if below >= 1 - tail:
            return low or 0, k
    return low or 0, count


def at_most(count: int, of: int) -> float:
    """The upper 95 % bound of a share that was counted; see `Share.upper`.

    >>> round(at_most(0, 59), 3), at_most(3, 3)
    (0.05, 1.0)
    """
    return Share(count, of).upper


def share(these: Iterable[Any]) -> float | None:
    """How many of them hold, to four places; None where there are none.

    >>> share([True, False, False])
    0.3333
    """
    found = [bool(t) for t in these]
    return round(sum(found) / len(found), 4) if found else None


def _counts(labels: Labels, scores: Scores) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """True and false positives at every distinct score, from the largest down."""
    labels, scores = np.asarray(labels, bool).ravel(), np.asarray(scores).ravel()
    order = np.argsort(-scores, kind="stable")
    ordered = labels[order]
    last = np.append(np.diff(scores[order]) != 0, True)
    return np.cumsum(ordered)[last].astype(np.float64), np.cumsum(~ordered)[last].astype(np.float64)


def _area(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], limit: float) -> float:
    """Trapezoids under (x, y) from 0 to limit, the last one cut off."""
    at = float(np.interp(limit, x, y))
    keep = x < limit
    xs, ys = np.append(x[keep], limit), np.append(y[keep], at)
    return float(np.sum(np.diff(xs) * (ys[1:] + ys[:-1]) / 2))
