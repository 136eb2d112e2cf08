"""Figures of outlines can't be had by outlines that are wide, many or elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.evals.overlap import Seen, box_iou, figures, mask_iou, patches
from seewhy.types import Box, Mask, Region


def drawn(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (60, 80)) -> Mask:
    mask = np.zeros(size, bool)
    for box in boxes:
        mask[Box(*box).slices] = True
    return mask


def only(*boxes: tuple[int, int, int, int]) -> tuple[Region, ...]:
    return tuple(patches(drawn(box))[0] for box in boxes)


def test_overlap_is_that_of_whole_masks() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        one, other = (drawn(*[(x, y, x + 9, y + 7) for x, y in rng.integers(0, 30, (2, 2))]) for _ in range(2))
        for a in patches(one):
            for b in patches(other):
                layers = np.zeros((2, 60, 80), bool)
                layers[0][a.box.slices], layers[1][b.box.slices] = a.mask, b.mask
                assert mask_iou(a, b) == pytest.approx((layers[0] & layers[1]).sum() / (layers[0] | layers[1]).sum())
    a, b = only((0, 0, 10, 10), (5, 0, 15, 10))
    assert box_iou(a, b) == pytest.approx(1 / 3)
    assert box_iou(a, *only((20, 20, 30, 30))) == 0.0


def test_a_perfect_outline_is_perfect_and_a_wide_one_touches_all_and_gains_nothing() -> None:
    defects = only((10, 10, 14, 14), (40, 30, 60, 34))
    perfect = figures([Seen(defects, defects)])
    assert (perfect["best_mask_iou"], perfect["union_iou"], perfect["at_iou"]["0.5"]["f1"]) == (1.0, 1.0, 1.0)
    wide = figures([Seen(only((0, 0, 80, 60)), defects)])
    assert (wide["findings_on_a_defect"], wide["defects_touched"]) == (1.0, 1.0)
    assert wide["best_mask_iou"] < 0.02
    assert wide["at_iou"]["0.1"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0}


def test_one_finding_is_one_defect_and_two_on_the_same_are_not_two() -> None:
    halves = only((0, 0, 10, 10), (10, 0, 20, 10))
    both = figures([Seen(halves, only((0, 0, 20, 10)))])
    assert both["at_iou"]["0.5"] == {"precision": 0.5, "recall": 1.0, "f1": 0.6667}
    joined = figures([Seen(only((0, 0, 20, 10)), halves)])
    assert joined["at_iou"]["0.5"] == {"precision": 1.0, "recall": 0.5, "f1": 0.6667}


def test_photos_without_a_finding_count_among_the_missed_alone() -> None:
    defect = only((10, 10, 20, 20))
    found = figures([Seen((), defect), Seen(defect, defect)])
    assert (found["photos"], found["without_finding"], found["best_mask_iou"]) == (2, 1, 1.0)
    assert found["at_iou"]["0.5"]["recall"] == 0.5
    assert figures([Seen((), defect)])["best_mask_iou"] is None
