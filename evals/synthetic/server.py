"""An HTTP server that speaks as an OpenAI-compatible VLM server does, and answers each request as it is told: well, badly or not at all."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias, TypeVar


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer byte for byte."""

    status: int
    body: bytes


Answer: TypeAlias = Raw | bytes | int | str | Mapping[str, Any] | None
"""Bytes (with status 200), an error's status, a model's text or JSON, a whole completion; None breaks the connection without a word."""


class ChatServer(ThreadingHTTPServer):
    """Answers chat requests by `answer`; lists one model, "scripted"."""

    daemon_threads = True

    def __init__(self, behaviour: Callable[[dict[str, Any], Any], Answer] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviour = behaviour
        self.requests: list[dict[str, Any]] = []
        self.open_now = self.most_open = 0
        self.url = f"http://127.0.0.1:{self.server_port}/v1"

    def page(self, path: str) -> Answer:
        """The answer to a GET request."""
        found = PAGES.get(path)
        return Raw(404, b'{"detail": "Not Found"}') if found is None else Raw(200, json.dumps(found).encode())

    def answer(self, request: dict[str, Any], _body: bytes, _client: socket.socket) -> Answer:
        """The answer to a chat request: read, as it came, and whose it is."""
        assert self.behaviour is not None
        return self.behaviour(request, self)


PAGES: Mapping[str, Any] = {"/version": {"version": "1.2.3"}, "/v1/models": {"data": [{"id": "scripted", "owned_by": "test"}]}}
S = TypeVar("S", bound=ChatServer)


@contextmanager
def running(server: S) -> Iterator[S]:
    """The server in a thread of its own, stopped at the end."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def completion(said: Any, finish: str = "stop") -> dict[str, Any]:
    """A chat completion whose message is a text, or JSON."""
    message = {"role": "assistant", "content": said if isinstance(said, str) else json.dumps(said)}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "scripted",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send(self.server.page(self.path))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = json.loads(body) | {"authorization": self.headers.get("Authorization")}
        self.server.requests.append(request)
        self.server.open_now += 1
        self.server.most_open = max(self.server.most_open, self.server.open_now)
        try:
            answer = self.server.answer(request, body, self.connection)
        finally:
            self.server.open_now -= 1
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        if answer is None:
            self.close_connection = True
            self.connection.close()
            return
        raw = _raw(answer)
        try:
            self.send_response(raw.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw.body)))
            self.end_headers()
            self.wfile.write(raw.body)
        except OSError:
            self.close_connection = True  # the client has gone

    def log_message(self, format: str, *args: object) -> None:
        pass


def _raw(answer: Raw | bytes | int | str | Mapping[str, Any]) -> Raw:
    match answer:
        case Raw():
            return answer
        case bytes():
            return Raw(200, answer)
        case int():
            return Raw(answer, b'{"error": {"message": "as scripted"}}')
    whole = not isinstance(answer, str) and "choices" in answer
    return Raw(200, json.dumps(answer if whole else completion(answer)).encode())
