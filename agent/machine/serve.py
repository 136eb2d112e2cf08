"""Starts vLLM for a profile, waits until it answers, keeps its log, stops it when told to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from seewhy.agent.machine.group import started
from seewhy.errors import MissingExtra, ServerFailed
from seewhy.packages import installed

TAIL = 15  # lines of the log that an error shows
ASKED_EVERY_S = 0.5
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy knows nothing of a server on this machine


@contextmanager
def serving(command: Sequence[str], url: str, log: Path, *, ready_s: float = 900.0) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server's command until it is ready, and stop it with all its workers at the end, or when this process dies.

    Args:
        command: the server's.
        url: that ends with /v1.
        log: where its output goes.
        ready_s: how long it may take.

    Raises:
        MissingExtra: vLLM isn't installed in this Python.
        ServerFailed: it died or did not become ready; the log's last lines are shown.
    """
    if command[0] == sys.executable and not installed("vllm"):
        raise MissingExtra("seewhy serve", "serve")
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    with log.open("ab") as sink, started(command, sink, environment) as process:
        _wait(process, url, log, ready_s)
        yield process


def model_and_flags(model: str, flags: Sequence[str]) -> tuple[str, list[str]]:
    """A command line's model, and the flags for vLLM behind it; where there are flags alone, the first was no model.

    >>> model_and_flags("--max-num-seqs", ["2"])
    ('', ['--max-num-seqs', '2'])
    """
    return ("", [model, *flags]) if model.startswith("-") else (model, list(flags))


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
            with DIRECT.open(page, timeout=5) as answer:
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


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:])
