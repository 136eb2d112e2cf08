"""Cores that several parts of a program share out among their threads."""

from __future__ import annotations

import cv2

from seewhy.threads import sharing, side_by_side


def test_runs_that_overlap_leave_the_cores_as_they_were() -> None:
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        first, second = (side_by_side(lambda number: number, range(9), workers) for workers in (4, 2))
        assert (next(first), sharing()) == (0, 4)
        assert (next(second), sharing()) == (0, 4)
        assert cv2.getNumThreads() < 3
        first.close()  # the one that began first ends first
        assert sharing() == 2
        assert list(second) == list(range(1, 9))
        assert (sharing(), cv2.getNumThreads()) == (1, 3)
    finally:
        cv2.setNumThreads(before)
