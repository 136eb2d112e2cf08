"""Work in threads, results in order; and an explainer's words, guarded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from seewhy.explainers import Explainer, RegionView
from seewhy.record import Explanation, Unexplained

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 2  # items in flight per thread


def in_order(work: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """Results in the order of `items`, a bounded number of them in flight; what is done is handed on at once."""
    if threads == 1:
        yield from map(work, items)
        return
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                while waiting and (waiting[0].done() or len(waiting) >= threads * AHEAD):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def all_words(explainer: Explainer, views: Sequence[RegionView], until: float | None = None) -> list[Explanation | Unexplained]:
    """Words for each region, in order, as many at a time as the explainer likes."""
    threads = min(explainer.in_flight, max(1, len(views)))
    return list(in_order(lambda view: guarded(explainer, view, until), views, threads))


def guarded(explainer: Explainer, view: RegionView, until: float | None = None) -> Explanation | Unexplained:
    """Words, or what happened instead: an explainer's fault must not lose a verdict."""
    try:
        return explainer.explain(view, until)
    except Exception as error:
        return Unexplained(explainer=explainer.name, reason="failed", detail=f"{type(error).__name__}: {error}"[:300])
