"""A proxy in front of a real VLM server that makes it fail in the ways that servers do."""

from __future__ import annotations

import http.client
import random
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import httpx

Fault: TypeAlias = Literal["none", "killed", "hung", "errors", "random bytes", "truncated JSON"]
FAULTS: tuple[Fault, ...] = ("killed", "hung", "errors", "random bytes", "truncated JSON")
ERRORS = 0.2  # share of the requests that "errors" answers with 500
KILLED_AFTER = 6  # chat requests that "killed" still answers


@dataclass(slots=True)
class Proxy:
    """What happens to chat requests; may be changed while it runs."""

    url: str = ""
    fault: Fault = "none"
    hang_s: float = 60.0
    chance: random.Random = field(default_factory=lambda: random.Random(3))
    asked: int = 0  # chat requests
    spoilt: int = 0  # of them
    answered: int = 0  # of them, by the real server, whether its answer was then spoilt or not
    kill: Callable[[], None] | None = None  # ends the real server when "killed" has answered enough; else only connections break
    stopping: threading.Event = field(default_factory=threading.Event)


@contextmanager
def faulty(server: str) -> Iterator[Proxy]:
    """A proxy in front of the server at `server` (ends with /v1)."""
    state = Proxy()
    base = server.rstrip("/").removesuffix("/v1")
    where = urlsplit(base)
    with httpx.Client(timeout=120.0) as client:

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if state.fault == "killed" and state.asked > KILLED_AFTER:
                    self._gone()
                    return
                answer = client.get(base + self.path)
                self._send(answer.status_code, answer.content)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                state.asked += 1
                if self._spoil():
                    state.spoilt += 1
                    return
                answer = self._asked(body)
                state.answered += answer is not None
                if answer is None:
                    self._gone()
                elif state.fault == "truncated JSON":
                    state.spoilt += 1
                    self._send(answer[0], answer[1][: len(answer[1]) // 2])
                else:
                    self._send(*answer)

            def _asked(self, body: bytes) -> tuple[int, bytes] | None:
                """The server's answer; None where it broke off, or the client went away first (then the server hears of it)."""
                connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=120.0)
                try:
                    connection.request("POST", self.path, body, {"Content-Type": "application/json"})
                    ready, _, _ = select.select([connection.sock, self.connection], [], [], 120.0)
                    if connection.sock not in ready:
                        return None
                    answer = connection.getresponse()
                    return answer.status, answer.read()
                except (OSError, http.client.HTTPException):
                    return None
                finally:
                    connection.close()

            def _spoil(self) -> bool:
                """Answer badly, or not at all."""
                match state.fault:
                    case "killed" if state.asked > KILLED_AFTER:
                        if state.kill is not None:
                            state.kill()
                        self._gone()
                    case "hung":
                        state.stopping.wait(state.hang_s)
                        self._gone()
                    case "errors" if state.chance.random() < ERRORS:
                        self._send(500, b'{"error": {"message": "as asked for"}}')
                    case "random bytes":
                        self._send(200, state.chance.randbytes(512))
                    case _:
                        return False
                return True

            def _gone(self) -> None:
                """The connection breaks without a word."""
                self.close_connection = True
                self.connection.close()

            def _send(self, status: int, data: bytes) -> None:
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    self.close_connection = True  # the client has gone

            def log_message(self, format: str, *args: object) -> None:
                pass

        with _Quiet(("127.0.0.1", 0), Handler) as made:
            thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            state.url = f"http://127.0.0.1:{made.server_port}/v1"
            try:
                yield state
            finally:
                state.stopping.set()
                made.shutdown()
                thread.join()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that was broken on purpose is no news."""
