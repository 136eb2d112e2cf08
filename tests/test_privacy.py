"""Nothing of what is inspected, and no word of its being inspected, leaves the machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from seewhy.evals.synthetic.surfaces import defective, good
from tests.helpers.packages import needs
from tests.helpers.photos import png
from tests.helpers.servers import raw_server

ANSWER = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
ANOMALIB = "import seewhy, time, anomalib.models.image, anomalib.engine, openvino; time.sleep(1)"


@pytest.mark.slow
@pytest.mark.parametrize("commands", ["own", pytest.param("anomalib", marks=needs("anomalib"))])
def test_no_package_reports_its_use(commands: str, tmp_path: Path) -> None:
    """A company's proxy hears of no request, and nobody keeps a number of this user."""
    home, folder = tmp_path / "home", tmp_path / "good"
    home.mkdir()
    folder.mkdir()
    for i in range(6):
        (folder / f"{i}.png").write_bytes(png(good("plate", i).pixels))
    (tmp_path / "part.png").write_bytes(png(defective("plate", "stain", 1).pixels))
    heard: list[bytes] = []

    def answer(connection: socket.socket, request: bytes) -> None:
        heard.append(request)
        connection.sendall(ANSWER)

    with raw_server(answer) as url:
        proxy = url.removesuffix("/v1")
        outside = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "HF_", "NO_PROXY", "no_proxy"))}
        outside |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), proxy) | {"HOME": str(home)}
        own = [["-m", "seewhy", "fit", str(folder), "-o", "model"], ["-m", "seewhy", "inspect", "part.png", "-m", "model"]]
        for words in own if commands == "own" else [["-W", "ignore", "-c", ANOMALIB]]:
            ran = subprocess.run([sys.executable, *words], cwd=tmp_path, env=outside, capture_output=True, text=True, check=False)
            assert "Traceback" not in ran.stderr, ran.stderr
    assert not heard
    assert not (home / "intel").exists()
