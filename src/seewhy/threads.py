"""Work in threads, results in order."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from types import TracebackType
from typing import Generic, Self, TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 2  # items in flight per thread
PARTING_S = 0.3  # that a run which was broken off waits for what is under way

Task: TypeAlias = "tuple[Future[R], T]"


class Crew(Generic[T, R]):
    """Threads that do one kind of work.

    At the end of the block they get `PARTING_S` for what is under way, and what waits is not begun. Threads that still wait for a server
    are left behind and don't hold up the end of the program, as those of `ThreadPoolExecutor` would.
    """

    def __init__(self, work: Callable[[T], R], threads: int) -> None:
        self._tasks: SimpleQueue[Task[R, T] | None] = SimpleQueue()
        self._work, self._over = work, False
        self._workers = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def begin(self, item: T) -> Future[R]:
        """Put an item into the queue."""
        future = Future[R]()
        self._tasks.put((future, item))
        return future

    def __enter__(self) -> Self:
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None) -> None:
        self._over = True
        for _ in self._workers:
            self._tasks.put(None)
        parted = time.monotonic() + PARTING_S
        for worker in self._workers:
            worker.join(max(0.0, parted - time.monotonic()))

    def _run(self) -> None:
        """Do tasks until there is none; an error is the result of its task."""
        while (task := self._tasks.get()) is not None and not self._over:
            future, item = task
            try:
                future.set_result(self._work(item))
            except BaseException as error:
                future.set_exception(error)


def in_order(work: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """Results in the order of `items`, a bounded number of them in flight; what is done is handed on at once.

    Broken off (Ctrl-C, an error), it ends within `PARTING_S`.
    """
    if threads == 1:
        yield from map(work, items)
        return
    waiting: deque[Future[R]] = deque()
    with Crew(work, threads) as crew:
        for item in items:
            waiting.append(crew.begin(item))
            while waiting and (waiting[0].done() or len(waiting) >= threads * AHEAD):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
