"""Cores that several parts of a program share out among their threads."""

from __future__ import annotations

from typing import Any

import cv2
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from seewhy.agent.inspection.inspector import Inspector
from seewhy.evals.synthetic.surfaces import good
from seewhy.threads import sharing, side_by_side
from seewhy.types import ScoreMap
from tests.helpers.photos import as_photo


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


def blas_threads(_: int = 0) -> list[int]:
    """Of numpy's OpenBLAS, and any other with threads of its own."""
    found = ThreadpoolController().select(internal_api="openblas").lib_controllers
    return [one.num_threads for one in found if one.threading_layer == "pthreads"]


def test_numpys_products_have_their_share_of_the_cores_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")

    with threadpool_limits(2, "blas"):
        before = blas_threads()
        meanwhile = list(side_by_side(blas_threads, range(4), 2))
        assert blas_threads() == before
    assert 2 in before  # numpy's
    assert all(set(one) == {1} for one in meanwhile)


def test_one_photo_at_a_time_has_them_on_one_thread_and_gives_them_back(inspector: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[list[int]]()
    score = type(inspector.model.detector).score

    def watched(*given: Any) -> ScoreMap:
        seen.append(blas_threads())
        return score(*given)

    monkeypatch.setattr(type(inspector.model.detector), "score", watched)
    with threadpool_limits(2, "blas"):
        inspector.inspect(as_photo(good("plate", 3)))
        assert 2 in blas_threads()
    assert [set(one) for one in seen] == [{1}]
