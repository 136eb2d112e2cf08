"""Work in threads, results in order."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import lru_cache
from queue import SimpleQueue
from types import TracebackType
from typing import ClassVar, Generic, Self, TypeAlias, TypeVar

from threadpoolctl import LibController, ThreadpoolController

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 2  # items in flight per thread
SMALL_BYTES = 32 << 20  # of decoded photos in the hands of all threads
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


def cores() -> int:
    """Processor cores that this process may use; fewer where `OMP_NUM_THREADS` says so."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(os.environ.get("OMP_NUM_THREADS") or own)


def workers_for(items: int, item_bytes: int) -> int:
    """How many threads may work on photos of a size at a time: as many as there are cores, fewer where the photos are large.

    Args:
        items: how many there are.
        item_bytes: of a decoded photo.
    """
    return max(1, min(cores(), items, SMALL_BYTES // max(1, item_bytes)))


def side_by_side(work: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[R]:
    """`in_order` for work that fills the machine's cores: they are shared out among the workers meanwhile."""
    if workers == 1:
        yield from map(work, items)
        return
    with _shared_out(workers) as each:
        yield from in_order(lambda item: _with_faiss_threads(each, work, item), items, workers)


class _Sharing:
    """How the cores are shared out now; several parts of a program may share them out at once, and end in any order."""

    lock = threading.Lock()
    runs: ClassVar[list[int]] = []  # workers of each run that goes on
    before: ClassVar[list[tuple[Callable[[int], None], int]]] = []  # what sets a library's threads, and how many it had before the first


def sharing() -> int:
    """Among how many threads of this process the machine's cores are shared out now."""
    return max(_Sharing.runs, default=1)


@contextmanager
def _shared_out(workers: int) -> Iterator[int]:
    """What runs on all cores else runs on a share of them: torch and OpenCV where in use, OpenVINO by `sharing`, numpy by `calm`."""
    each = max(1, cores() // workers)
    with _Sharing.lock:
        if not _Sharing.runs:
            known = [(sys.modules[name], get, put) for name, get, put in THREADED if name in sys.modules]
            _Sharing.before[:] = [(getattr(module, put), getattr(module, get)()) for module, get, put in known]
        _Sharing.runs.append(workers)
        for put, _ in _Sharing.before:
            put(each)
    try:
        with calm():
            yield each
    finally:
        with _Sharing.lock:
            _Sharing.runs.remove(workers)
            if not _Sharing.runs:
                for put, count in _Sharing.before:
                    put(count)


class _Calm:
    """Who wants numpy's products on one thread now."""

    lock = threading.Lock()
    users = 0
    before: ClassVar[list[tuple[LibController, int]]] = []  # OpenBLAS as loaded here, and how many threads it had


@contextmanager
def calm() -> Iterator[None]:
    """numpy's products on one thread: OpenBLAS's threads are busy while they wait for the next, and take the cores of what runs in between.

    On two cores a photo took 123 ms instead of 58, and two at a time 208 ms of processor time each instead of 125.
    """
    with _Calm.lock:
        _Calm.users += 1
        if _Calm.users == 1:
            blas = _openblas() if "numpy" in sys.modules else ()
            _Calm.before[:] = [(one, one.num_threads) for one in blas]
            for one, _ in _Calm.before:
                one.set_num_threads(1)
    try:
        yield
    finally:
        with _Calm.lock:
            _Calm.users -= 1
            if not _Calm.users:
                for one, count in _Calm.before:
                    one.set_num_threads(count)


@lru_cache(maxsize=1)
def _openblas() -> tuple[LibController, ...]:
    """OpenBLAS with threads of its own, as loaded when it is first asked for; those of OpenMP end with each product."""
    loaded = ThreadpoolController().select(internal_api="openblas").lib_controllers
    return tuple(one for one in loaded if one.threading_layer == "pthreads")


THREADED = (("torch", "get_num_threads", "set_num_threads"), ("cv2", "getNumThreads", "setNumThreads"))


def _with_faiss_threads(each: int, work: Callable[[T], R], item: T) -> R:
    """faiss takes the number from OpenMP, which has one for every thread that calls it."""
    if faiss := sys.modules.get("faiss"):
        faiss.omp_set_num_threads(each)
    return work(item)
