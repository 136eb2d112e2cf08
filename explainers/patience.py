"""How long a server is waited for, and what it is when nothing came."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Literal


class NoReplyError(Exception):
    """The server gave no answer; says why."""

    def __init__(self, reason: Literal["unavailable", "timeout"], detail: str) -> None:
        super().__init__(detail)
        self.reason: Literal["unavailable", "timeout"] = reason
        self.detail = detail


class RefusedError(NoReplyError):
    """The server answered, and it was a no."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__("unavailable", f"the server answered {status}: {detail}")
        self.status = status


class Breaker:
    """Leaves a server alone for a while after failures in a row, so that a lot doesn't wait for each of its regions."""

    def __init__(self, after: int, seconds: float) -> None:
        self._after, self._seconds = after, seconds
        self._failures, self._until = 0, 0.0
        self._lock = threading.Lock()

    def admit(self) -> None:
        """Let a request through.

        Raises:
            NoReplyError: the server is being left alone.
        """
        with self._lock:
            if self._failures < self._after:
                return
            if time.monotonic() < self._until:
                raise NoReplyError("unavailable", f"the server failed {self._failures} times in a row and is being left alone")
            self._until = time.monotonic() + self._seconds  # this request tries it; the others still wait

    def note(self, *, well: bool) -> None:
        """Say how a request went."""
        with self._lock:
            self._failures = 0 if well else self._failures + 1
            if self._failures >= self._after:
                self._until = time.monotonic() + self._seconds


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a question is given up, and what is said then."""

    at: float  # of `time.monotonic()`
    detail: str
    of_server: bool  # whether it is the server that took too long, not the lot

    def left(self) -> float:
        """Seconds until then.

        Raises:
            NoReplyError: it has passed.
        """
        left = self.at - time.monotonic()
        if left <= 0:
            raise NoReplyError("timeout", self.detail)
        return left


def of_lot(until: float) -> Deadline:
    """The deadline of a lot whose words are waited for until then."""
    return Deadline(until, "the lot's time for words is over", of_server=False)
