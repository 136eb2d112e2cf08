"""The chat as its users have it: a server of its own, asked over HTTP as the page's canvas asks it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from seewhy.errors import SeewhyError

READY_S = 240.0  # that a server may take to begin on a busy machine


class Visitor:
    """Somebody at the page without a browser.

    Args:
        address: of the server.
        language: of the page.
    """

    def __init__(self, address: str, language: str = "en") -> None:
        self._page, self._language = httpx.Client(base_url=address, timeout=120.0, trust_env=False), language
        config = self._page.get(f"/{language}/config").json()
        self._canvas = next(one["id"] for one in config["components"] if one.get("props", {}).get("server_fns"))

    def close(self) -> None:
        """Leave."""
        self._page.close()

    def __call__(self, action: str, /, **given: Any) -> Any:
        """An action's answer.

        Raises:
            SeewhyError: the page refuses; says why.
        """
        data = {"name": action, "given": given, "me": "Kim"}
        asked = {"session_hash": "s", "component_id": self._canvas, "fn_name": "act", "data": data}
        told = self._page.post(f"/{self._language}/gradio_api/component_server", json=asked).raise_for_status().json()
        if "problem" in told:
            raise SeewhyError(told["problem"])
        return told["answer"]

    def get(self, address: str) -> bytes:
        """A picture or a document."""
        return self._page.get(address).raise_for_status().content

    def upload(self, photos: Sequence[Path]) -> list[dict[str, str]]:
        """Photos as the page uploads them, to be given to an action."""
        sent = [("files", (path.name, path.read_bytes())) for path in photos]
        paths = self._page.post(f"/{self._language}/gradio_api/upload", files=sent).raise_for_status().json()
        return [{"path": path, "name": photo.name} for path, photo in zip(paths, photos, strict=True)]


@contextmanager
def served(workspace: Path, *options: str) -> Iterator[str]:
    """The address of a server of a workspace, `seewhy chat` in a process of its own; it ends with the block.

    Args:
        workspace: its folder.
        options: of the command.

    Raises:
        SeewhyError: it doesn't begin.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "seewhy", "chat", str(workspace), "--port", str(port), "--no-open", *options]
    process = subprocess.Popen(command, env=os.environ)
    try:
        until = time.monotonic() + READY_S
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > until:
                raise SeewhyError("the server of the chat doesn't begin; it says why above")
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def _answers(port: int) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}/login", timeout=2.0, trust_env=False).is_success
    return False
