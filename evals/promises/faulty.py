"""A real VLM server made to fail in the ways that servers do: killed, or spoilt by a proxy in front of it."""

from __future__ import annotations

import http.client
import os
import random
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from seewhy.agent.machine.serve import serving
from seewhy.evals.synthetic.server import Answer, ChatServer, Raw, running

Fault: TypeAlias = Literal["none", "killed", "hung", "errors", "random bytes", "truncated JSON"]
FAULTS: tuple[Fault, ...] = ("killed", "hung", "errors", "random bytes", "truncated JSON")
ERRORS = 0.2  # share of the requests that "errors" answers with 500
KILLED_AFTER = 6  # chat requests that "killed" still answers
PATIENCE_S = 120.0  # with the real server
STARTS_WITHIN_S = 600.0


class Served:
    """A server that a shell command starts at `url`, and that can be killed as the system would; it runs while the context is open."""

    def __init__(self, command: str, url: str, log: Path) -> None:
        self._command, self._url, self._log = command, url, log
        self._runs = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None) -> None:
        self._runs.close()

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            ServerFailed: it ended, or didn't answer in time; the log's last lines are shown.
        """
        run = serving(("sh", "-c", self._command), self._url, self._log, ready_s=STARTS_WITHIN_S)
        self._process = self._runs.enter_context(run)

    def kill(self) -> None:
        """SIGKILL to all of its processes."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Proxy(ChatServer):
    """Hands requests on to the server at `behind` (ends with /v1), and spoils answers by `fault`, which may change while it runs."""

    def __init__(self, behind: str) -> None:
        super().__init__()
        self._behind = urlsplit(behind)
        self.fault: Fault = "none"
        self.hang_s = 60.0
        self.kill: Callable[[], object] | None = None  # ends the real server when "killed" has answered enough; else only connections break
        self.spoilt = 0  # chat requests
        self.answered = 0  # chat requests, by the real server, whether its answer was then spoilt or not
        self.stopping = threading.Event()
        self._chance = random.Random(3)

    def page(self, path: str) -> Answer:
        """The real server's page."""
        return None if self._dead() else self._real("GET", path, None, None)

    def answer(self, _request: dict[str, Any], body: bytes, client: socket.socket) -> Answer:
        """The real server's answer, as the fault leaves it."""
        match self.fault:
            case "killed" if self._dead():
                if self.kill is not None:
                    self.kill()
                spoilt: Answer = None
            case "hung":
                self.stopping.wait(self.hang_s)
                spoilt = None
            case "errors" if self._chance.random() < ERRORS:
                spoilt = 500
            case "random bytes":
                spoilt = self._chance.randbytes(512)
            case _:
                return self._passed_on(body, client)
        self.spoilt += 1
        return spoilt

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that was broken on purpose is no news."""

    def _dead(self) -> bool:
        return self.fault == "killed" and len(self.requests) > KILLED_AFTER

    def _passed_on(self, body: bytes, client: socket.socket) -> Answer:
        answer = self._real("POST", "/v1/chat/completions", body, client)
        self.answered += answer is not None
        if answer is None or self.fault != "truncated JSON":
            return answer
        self.spoilt += 1
        return Raw(answer.status, answer.body[: len(answer.body) // 2])

    def _real(self, method: str, path: str, body: bytes | None, client: socket.socket | None) -> Raw | None:
        """The real server's answer; None where it broke off, or the client went away first (then the server hears of it)."""
        connection = http.client.HTTPConnection(self._behind.hostname or "", self._behind.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            waiting = [connection.sock, *([] if client is None else [client])]
            if connection.sock not in select.select(waiting, [], [], PATIENCE_S)[0]:
                return None
            answer = connection.getresponse()
            return Raw(answer.status, answer.read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


@contextmanager
def faulty(behind: str) -> Iterator[Proxy]:
    """A proxy in front of the server at `behind`, stopped at the end."""
    with running(Proxy(behind)) as proxy:
        try:
            yield proxy
        finally:
            proxy.stopping.set()
