"""Work in threads, results in order."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 2  # items in flight per thread
PARTING_S = 0.3  # that a run which was broken off waits for what is under way

Task: TypeAlias = "tuple[Future[R], T]"


def in_order(work: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """Results in the order of `items`, a bounded number of them in flight; what is done is handed on at once.

    Broken off (Ctrl-C, an error), it ends within `PARTING_S`: threads that still wait for a server are left behind and don't hold up
    the end of the program, as those of `ThreadPoolExecutor` would.
    """
    if threads == 1:
        yield from map(work, items)
        return
    tasks: SimpleQueue[Task[R, T] | None] = SimpleQueue()
    workers = [threading.Thread(target=_works, args=(work, tasks), daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    waiting: deque[Future[R]] = deque()
    try:
        for item in items:
            waiting.append(Future())
            tasks.put((waiting[-1], item))
            while waiting and (waiting[0].done() or len(waiting) >= threads * AHEAD):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
        for _ in workers:
            tasks.put(None)
        parted = time.monotonic() + PARTING_S
        for worker in workers:
            worker.join(max(0.0, parted - time.monotonic()))


def _works(work: Callable[[T], R], tasks: SimpleQueue[Task[R, T] | None]) -> None:
    """Do tasks until there is none; an error is the result of its task."""
    while (task := tasks.get()) is not None:
        future, item = task
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work(item))
            except BaseException as error:
                future.set_exception(error)
