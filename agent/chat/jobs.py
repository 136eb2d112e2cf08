"""Work that takes a while, in the background: one job at a time for each product, seen by every tab, paused and stopped between photos."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Literal, TypeAlias

from seewhy.agent.chat.problems import Told
from seewhy.errors import SeewhyError
from seewhy.types import Progress

LOG = logging.getLogger("seewhy.chat")
Kind: TypeAlias = Literal["learn", "inspect"]
State: TypeAlias = Literal["running", "paused", "stopped", "done", "failed"]


class Stopped(SeewhyError):
    """Somebody stopped the job; what was done so far stands."""


@dataclass(slots=True)
class Job:
    """One piece of work and how far it is."""

    kind: Kind
    about: str  # the lot, or the model's folder
    state: State = "running"
    step: str = ""  # as the loop calls itself
    done: int = 0
    total: int = 0
    problem: SeewhyError | None = None  # why it failed
    began: float = field(default_factory=time.monotonic)
    waited_s: float = 0.0  # while it was paused
    id: str = field(default_factory=lambda: token_hex(4))  # two that look alike are two
    _go: threading.Event = field(default_factory=threading.Event)
    _stop: bool = False

    def __post_init__(self) -> None:
        self._go.set()

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in ("stopped", "done", "failed")

    @property
    def left_s(self) -> float | None:
        """Seconds that it will take by what it took so far; None before the first photo."""
        if not self.done or not self.total:
            return None
        spent = time.monotonic() - self.began - self.waited_s
        return spent / self.done * (self.total - self.done)

    def progress(self) -> Progress[Any]:
        """A loop's progress as this job's own; it waits while the job is paused and ends when it is stopped."""

        def watched(items: Iterable[Any], step: str = "", total: int | None = None) -> Iterator[Any]:
            self.step, self.done, self.total, self.began, self.waited_s = step, 0, total or 0, time.monotonic(), 0.0
            for item in items:
                self.done += 1
                yield item
                self._wait()

        return watched

    def pause(self) -> None:
        """Wait before the next photo."""
        if not self.over:
            self.state = "paused"
            self._go.clear()

    def resume(self) -> None:
        """Go on."""
        if self.state == "paused":
            self.state = "running"
            self._go.set()

    def stop(self) -> None:
        """End before the next photo."""
        self._stop = True
        self._go.set()

    def _wait(self) -> None:
        if not self._go.is_set():
            since = time.monotonic()
            self._go.wait()
            self.waited_s += time.monotonic() - since
        if self._stop:
            raise Stopped("stopped on the page")


class Jobs:
    """The jobs of a server, the last one of each product."""

    def __init__(self) -> None:
        self._lock, self._last = threading.Lock(), dict[str, Job]()
        self._threads = list[threading.Thread]()

    def last(self, product: str) -> Job | None:
        """A product's job that runs, or the last that ran."""
        return self._last.get(product)

    def running(self, product: str) -> Job | None:
        """The one that runs."""
        job = self._last.get(product)
        return None if job is None or job.over else job

    def start(self, product: str, kind: Kind, about: str, work: Callable[[Job], None]) -> Job:
        """Begin a job in a thread of its own.

        Raises:
            BadData: another one runs.
        """
        job = Job(kind, about)
        with self._lock:
            if self.running(product) is not None:
                raise Told("busy")
            self._last[product] = job
        thread = threading.Thread(target=_run, args=(job, work), name=f"seewhy {kind}", daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()
        return job

    def wait(self) -> None:
        """Until nothing runs any more."""
        for thread in self._threads:
            thread.join()

    def close(self) -> None:
        """Stop what runs, and wait until its last photo is written."""
        for job in self._last.values():
            job.stop()
        for thread in self._threads:
            thread.join(timeout=30)


def _run(job: Job, work: Callable[[Job], None]) -> None:
    try:
        work(job)
        job.state = "done"
    except Stopped:
        job.state = "stopped"
    except SeewhyError as error:
        job.state, job.problem = "failed", error
    except Exception as error:  # a job's thread has nobody else to tell
        LOG.exception("a job failed")
        job.state, job.problem = "failed", Told("failed", why=f"{type(error).__name__}: {str(error)[:200]}")


def warm() -> None:
    """Load what the first learning would wait for."""
    import seewhy.agent.models.fitting
    import seewhy.detectors.patchcore  # noqa: F401
