"""A started process with all its children, ended as one; also where whoever started it dies without a word.

Run as a file it is the keeper: it reads the number of a process group, and if its standard input ends before it hears that the group
was ended, whoever held the other end is dead, and the keeper ends the group.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO

GRACE_S = 20.0  # that the first process has to end in
ORPHANS_S = 5.0  # that they all have where whoever started them is dead
CHILDREN_S = 2.0  # that children have after the first
LOOKED_EVERY_S = 0.05


@contextmanager
def started(command: Sequence[str], output: IO[bytes], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, which is gone at the end of the block, or soon after the death of this process."""
    silent = subprocess.DEVNULL  # of the keeper, which may outlive whoever reads what this process prints
    with subprocess.Popen(
        [sys.executable, "-I", __file__], stdin=subprocess.PIPE, stdout=silent, stderr=silent, start_new_session=True
    ) as keeper:
        process = subprocess.Popen(command, stdin=silent, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True)
        _say(keeper, process.pid)
        try:
            yield process
        finally:
            end(process.pid, lambda: process.poll() is not None, GRACE_S)
            process.wait()
            _say(keeper, "ended")


def end(group: int, first_gone: Callable[[], bool], grace_s: float) -> None:
    """Ask the processes of a group to end; insist after a while."""
    _signal(group, signal.SIGTERM)
    _wait(first_gone, grace_s)
    _wait(lambda: not _signal(group, 0), CHILDREN_S)
    _signal(group, signal.SIGKILL)


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP end the program as Ctrl-C does, so that what it started is ended too; one that nohup ignores stays so."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    signal.set_wakeup_fd(-1)  # nobody insists on the end before what was started is ended


def _say(keeper: subprocess.Popen[bytes], word: object) -> None:
    assert keeper.stdin is not None
    with suppress(BrokenPipeError):  # somebody ended the keeper; the group is ended here all the same
        keeper.stdin.write(f"{word}\n".encode())
        keeper.stdin.flush()


def _signal(group: int, number: int) -> bool:
    """Whether there was a process to signal."""
    try:
        os.killpg(group, number)
    except OSError:  # it is gone
        return False
    return True


def _wait(done: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not done() and time.monotonic() < until:
        time.sleep(LOOKED_EVERY_S)


def _keep() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # it outlives whom it watches
    group = sys.stdin.readline().strip()
    if group and not sys.stdin.readline():
        end(int(group), lambda: not _signal(int(group), 0), ORPHANS_S)


if __name__ == "__main__":
    _keep()
