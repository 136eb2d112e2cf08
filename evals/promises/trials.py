"""Accidents, one by one: what became of each, how long it took, and what must not have been."""

from __future__ import annotations

import faulthandler
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from seewhy.errors import BadImage, SeewhyError

HANG_S = 20.0  # whatever takes longer ends the run, with the place where it hangs
LONGEST = 1200  # characters of one clear message

T = TypeVar("T")


@dataclass(slots=True)
class Trials:
    """The figures of one kind of accident."""

    became: Counter[str] = field(default_factory=Counter)
    unforeseen: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def try_(self, number: int, what: str, action: Callable[[], str]) -> None:
        """Note what became of an accident: what `action` says, or the kind of seewhy's own error that it raises."""
        with self._bounded():
            try:
                word = action()
            except SeewhyError as error:
                word = error.code if isinstance(error, BadImage) else type(error).__name__
                if not 0 < len(str(error)) <= LONGEST or "Traceback" in str(error):
                    self.wrong(number, what, f"no clear message: {str(error)[:200]}")
            except Exception as error:
                word = "unforeseen"
                self.wrong(number, what, f"{type(error).__name__}: {str(error)[:200]}")
        self.became[f"{what}: {word}"] += 1

    def wrong(self, number: int, what: str, why: str) -> None:
        """Note something that must not have been."""
        self.unforeseen.append(f"{what} {number}: {why}")

    def paced(self, items: Iterable[T], _title: str = "", _total: int | None = None) -> Iterator[T]:
        """As `Progress`: the items, each of them in time."""
        source = iter(items)
        while True:
            with self._bounded():
                item = next(source, None)
            if item is None:
                return
            yield item

    def figures(self, tried: int) -> dict[str, Any]:
        """For a table."""
        return {
            "tried": tried,
            "became": dict(sorted(self.became.items())),
            "unforeseen": self.unforeseen,
            "slowest_s": round(self.slowest_s, 2),
            "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        }

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        faulthandler.dump_traceback_later(HANG_S, exit=True)
        began = time.perf_counter()
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            self.slowest_s = max(self.slowest_s, time.perf_counter() - began)
