"""A real HTTP server that speaks like an OpenAI-compatible one and can misbehave in every way that one does."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
        else:
            self.sent({"data": [{"id": "scripted", "owned_by": "test"}]})

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
