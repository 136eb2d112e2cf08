"""Ctrl-C and SIGTERM: a command ends within about a second, and one line says what is done and how to go on."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn, TypeVar

from seewhy.prompts.legible import legible

ENDS_S = 1.0  # that a command has to end by itself in; one that is deep in a long computation hears of nothing until that is over

T = TypeVar("T")


class Stopped(SystemExit):
    """A signal met the program; its code is 128 and the signal's number, as shells have it."""

    code: int


@dataclass(slots=True)
class UnderWay:
    """What a command is doing."""

    title: str = ""
    done: int = 0
    total: int | None = None
    then: str = "the same command begins anew"  # what stands, and how to go on
    told: bool = False

    def counted(self, items: Iterable[T], title: str, total: int | None) -> Iterator[T]:
        """The items, while it is noted how far they got."""
        self.title, self.done, self.total = title, 0, total
        for item in items:
            self.done += 1
            yield item

    def line(self) -> str:
        """What is done and how to go on; empty if that was said already."""
        if self.told:
            return ""
        self.told = True
        count = f", {self.done} of {self.total}" if self.total else ""
        return legible(f"stopped{f' at {self.title}{count}' if self.title else ''}: {self.then}")


NOW = UnderWay()


def listen() -> None:
    """Let both signals raise `Stopped` from here on, and end the program where that is not heard; what nohup ignores stays ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    heard, told = socket.socketpair()
    told.setblocking(False)
    signal.set_wakeup_fd(told.fileno())
    threading.Thread(target=_insist, args=(heard, told), name="seewhy-stopping", daemon=True).start()


def end(code: int) -> NoReturn:
    """End the program at once: the interpreter would tidy up for seconds."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)  # once is enough: what is under way ends whole
    raise Stopped(128 + number)


def _insist(heard: socket.socket, _open: socket.socket) -> None:
    """End the program as SIGKILL would, which no ledger and no model minds; signals reach this thread at once, whatever runs."""
    while (number := heard.recv(1)[0]) not in (signal.SIGINT, signal.SIGTERM):
        pass
    time.sleep(ENDS_S)
    if line := NOW.line():
        os.write(2, f"{line}\n".encode("ascii", "backslashreplace"))
    os._exit(128 + number)
