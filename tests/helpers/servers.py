"""A real HTTP server that speaks like an OpenAI-compatible one and can misbehave in every way that one does."""

from __future__ import annotations

import json
import random
import re
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = {
    "visible": "yes",
    "form": "line",
    "tone": "darker",
    "type": "scratch",
    "confidence": "high",
    "cause": "none",
    "second_cause": "none",
    "appearance": "a thin streak",
    "difference": "the streak is missing there",
}
Behaviour = Callable[[dict[str, Any], "Speaker"], Any]


class Speaker(ThreadingHTTPServer):
    """Answers each chat request by its `behaviour`."""

    daemon_threads = True
    behaviour: Behaviour
    requests: list[dict[str, Any]]
    chance: random.Random
    open_now: int
    most_open: int


class _Handler(BaseHTTPRequestHandler):
    server: Speaker
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/version":
            self.sent({"version": "1.2.3"})
        elif self.path == "/v1/models":
            self.sent({"data": [{"id": "scripted", "owned_by": "test"}]})
        else:
            self.raw(404, b'{"detail": "Not Found"}')

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request["authorization"] = self.headers.get("Authorization")
        self.server.requests.append(request)
        self.server.open_now += 1
        self.server.most_open = max(self.server.most_open, self.server.open_now)
        try:
            made = self.server.behaviour(request, self.server)
        finally:
            self.server.open_now -= 1
        if isinstance(made, bytes):
            self.raw(200, made)
        elif isinstance(made, int):
            self.raw(made, b'{"error": {"message": "as scripted"}}')
        else:
            self.sent(made if isinstance(made, dict) and "choices" in made else completion(made))

    def sent(self, data: Any) -> None:
        self.raw(200, json.dumps(data).encode())

    def raw(self, status: int, data: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True  # the client has gone

    def log_message(self, format: str, *args: Any) -> None:
        pass


def completion(made: Any, finish: str = "stop") -> dict[str, Any]:
    text = made if isinstance(made, str) else json.dumps(made)
    message = {"role": "assistant", "content": text}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "scripted",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def kind_of(request: dict[str, Any]) -> str:
    """Which question it is: "describe", "look" or "translate"."""
    fields = request["response_format"]["json_schema"]["schema"]["properties"]
    return "look" if "present" in fields else "describe" if "visible" in fields else "translate"


def obedient(request: dict[str, Any], _server: Speaker | None = None) -> Any:
    """What a good model says."""
    return {"look": {"present": "yes"}, "describe": GOOD, "translate": {"appearance": "가는 줄", "difference": "거기에는 없음"}}[
        kind_of(request)
    ]


def hung(seconds: float) -> Behaviour:
    def behave(request: dict[str, Any], server: Speaker) -> Any:
        time.sleep(seconds)
        return obedient(request, server)

    return behave


def sometimes(fault: Any, share: float) -> Behaviour:
    def behave(request: dict[str, Any], server: Speaker) -> Any:
        return fault if server.chance.random() < share else obedient(request, server)

    return behave


@contextmanager
def speaking(behaviour: Behaviour = obedient) -> Iterator[tuple[str, Speaker]]:
    """(URL, server), stopped at the end."""
    server = Speaker(("127.0.0.1", 0), _Handler)
    server.behaviour, server.requests, server.chance, server.open_now, server.most_open = behaviour, [], random.Random(3), 0, 0
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def raw_server(answer: Callable[[socket.socket, bytes], None]) -> Iterator[str]:
    """URL of a server that hands each connection, once its request is read, to `answer`: bytes, not HTTP, are its business."""

    class Raw(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # the client has gone
                answer(self.request, _request_of(self.request))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads, allow_reuse_address, block_on_close = True, True, False

    with Server(("127.0.0.1", 0), Raw) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        finally:
            server.shutdown()
            thread.join()


def _request_of(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        got = connection.recv(65536)
        if not got:
            return head
        head += got
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while length and len(head.partition(b"\r\n\r\n")[2]) < int(length[1]):
        head += connection.recv(65536)
    return head


def page(data: bytes, *headers: str, status: str = "200 OK", length: bool = True) -> bytes:
    """A whole answer, as bytes; the connection ends with it."""
    lines = [f"HTTP/1.1 {status}", "Connection: close", *headers, *([f"Content-Length: {len(data)}"] if length else [])]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def models_then(answer: Callable[[socket.socket], None]) -> Callable[[socket.socket, bytes], None]:
    """For `raw_server`: lists a model and its version, and answers questions by `answer`."""

    def behave(connection: socket.socket, request: bytes) -> None:
        if request.startswith(b"GET"):
            connection.sendall(page(json.dumps({"data": [{"id": "scripted", "owned_by": "test"}], "version": "1"}).encode()))
        else:
            answer(connection)

    return behave
