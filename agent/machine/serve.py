"""Starts vLLM for a profile, waits until it answers, keeps its log, stops it when told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from seewhy.errors import MissingExtra, ServerFailed
from seewhy.packages import installed

TAIL = 15  # lines of the log that an error shows
ASKED_EVERY_S = 0.5
GRACE_S = 20.0  # to stop in


@contextmanager
def serving(said: Sequence[str], url: str, log: Path, *, ready_s: float = 900.0) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server's command until it is ready, and stop it at the end.

    Args:
        said: the command.
        url: that ends with /v1.
        log: where its output goes.
        ready_s: how long it may take.

    Raises:
        MissingExtra: vLLM isn't installed in this Python.
        ServerFailed: it died or did not become ready; the log's last lines are shown.
    """
    if said[0] == sys.executable and not installed("vllm"):
        raise MissingExtra("seewhy serve", "serve")
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    with log.open("ab") as sink:
        process = subprocess.Popen(said, stdout=sink, stderr=subprocess.STDOUT, env=environment, start_new_session=True)
    try:
        _wait(process, url, log, ready_s)
        yield process
    finally:
        _stop(process)


def watch(process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait as long as the server runs.

    Raises:
        ServerFailed: it ended by itself.
    """
    code = process.wait()
    raise ServerFailed(f"the server ended with code {code}; {log} ends with:\n{_tail(log)}")


def ready(url: str) -> bool:
    """Whether the server is healthy and lists a model."""
    try:
        for page in (f"{url.removesuffix('/v1')}/health", f"{url}/models"):
            with urllib.request.urlopen(page, timeout=5) as answer:
                if answer.status != 200:
                    return False
    except (OSError, urllib.error.URLError, ValueError):
        return False
    return True


def _wait(process: subprocess.Popen[bytes], url: str, log: Path, ready_s: float) -> None:
    began = time.monotonic()
    while not ready(url):
        if process.poll() is not None:
            raise ServerFailed(f"the server ended with code {process.returncode} before it was ready; {log} ends with:\n{_tail(log)}")
        if time.monotonic() - began > ready_s:
            raise ServerFailed(f"the server was not ready after {ready_s:g} s; {log} ends with:\n{_tail(log)}")
        time.sleep(ASKED_EVERY_S)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, with its children; insist after a while."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:])
