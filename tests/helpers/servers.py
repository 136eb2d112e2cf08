"""What a scripted VLM server says: well, late, or now and then."""

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
from typing import Any

from seewhy.evals.synthetic.server import ChatServer, completion, running

__all__ = [
    "GOOD",
    "Behaviour",
    "completion",
    "hung",
    "kind_of",
    "models_then",
    "obedient",
    "page",
    "raw_server",
    "sometimes",
    "speaking",
]

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
Behaviour = Callable[[dict[str, Any], ChatServer], Any]


def kind_of(request: dict[str, Any]) -> str:
    """Which question it is: "describe", "look" or "translate"."""
    fields = request["response_format"]["json_schema"]["schema"]["properties"]
    return "look" if "present" in fields else "describe" if "visible" in fields else "translate"


def obedient(request: dict[str, Any], _server: ChatServer | None = None) -> Any:
    """What a good model says."""
    return {"look": {"present": "yes"}, "describe": GOOD, "translate": {"appearance": "가는 줄", "difference": "거기에는 없음"}}[
        kind_of(request)
    ]


def hung(seconds: float) -> Behaviour:
    def behave(request: dict[str, Any], server: ChatServer) -> Any:
        time.sleep(seconds)
        return obedient(request, server)

    return behave


def sometimes(fault: Any, share: float) -> Behaviour:
    chance = random.Random(3)

    def behave(request: dict[str, Any], server: ChatServer) -> Any:
        return fault if chance.random() < share else obedient(request, server)

    return behave


@contextmanager
def speaking(behaviour: Behaviour = obedient) -> Iterator[tuple[str, ChatServer]]:
    """(URL, server), stopped at the end."""
    with running(ChatServer(behaviour)) as server:
        yield server.url, server


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
