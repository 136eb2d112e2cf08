"""Photos that come by themselves: a folder that is watched, a stream that breaks off and comes back."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image
from tests.agent.chat.conftest import Asked

from seewhy.agent.chat.cameras import Camera, cameras_of
from seewhy.agent.chat.incoming import Incoming
from seewhy.agent.chat.problems import Told
from seewhy.agent.chat.workspace import Home
from seewhy.errors import BadData
from seewhy.evals.synthetic.surfaces import good

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def png(number: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(good("plate", number).pixels).save(out, "PNG")
    return out.getvalue()


def test_new_files_are_inspected_once_they_are_whole_and_again_after_a_restart(asked: Asked, home: Home) -> None:
    product, watcher = home.product("plate"), Incoming(asked.desk, patience_s=0.0)
    watcher.look()
    whole, half = png(100), png(101)
    (product.incoming / "whole.png").write_bytes(whole)
    (product.incoming / "notes.txt").write_text("no photo")
    watcher.look()
    assert product.lots() == []  # it may still grow
    watcher.look()
    (lot,) = product.lots()
    assert [path.name for path in product.lot(lot).iterdir()] == ["whole.png"]
    assert (product.incoming / "refused" / "notes.txt").is_file()
    asked.wait()
    watcher.look()
    assert [item.name for item in asked.desk.index(product).items(lot)] == ["whole.png"]

    patient = Incoming(asked.desk, patience_s=600.0)
    (product.incoming / "half.png").write_bytes(half[: len(half) // 2])
    for _ in range(3):
        patient.look()
    assert (product.incoming / "half.png").is_file()
    (product.incoming / "half.png").write_bytes(half)
    patient.look()
    assert (product.incoming / "half.png").is_file()

    again = Asked(home)  # the server ended, and another one begins
    later = Incoming(again.desk)
    for _ in range(2):
        later.look()
    again.wait()
    assert {item.name for item in again.desk.index(product).items(lot)} == {"whole.png", "half.png"}
    third = Asked(home)  # it ended after the photo was taken and before it was inspected
    (product.lot(lot) / "taken.png").write_bytes(png(102))
    (product.incoming / ".lot").write_text(lot)
    Incoming(third.desk).look()
    third.wait()
    assert "taken.png" in {item.name for item in third.desk.index(product).items(lot)}
    Incoming(third.desk).look()
    assert list(product.incoming.iterdir()) == [product.incoming / "refused"]


class Stream(BaseHTTPRequestHandler):
    """MJPEG, five pictures of one grey, then the connection ends; the next one is lighter."""

    served = 0

    def do_GET(self) -> None:
        level = min(255, 40 + 60 * Stream.served)
        Stream.served += 1
        out = io.BytesIO()
        Image.fromarray(np.full((48, 64, 3), level, np.uint8)).save(out, "JPEG")
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            for _ in range(12):
                self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + out.getvalue() + b"\r\n")
                time.sleep(0.02)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def stream() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stream)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/stream.mjpg"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_stream_that_breaks_off_is_connected_again(stream: str) -> None:
    camera = Camera(stream)
    levels, until = set[int](), time.monotonic() + 60
    while len(levels) < 2 and time.monotonic() < until:
        levels.add(round(float(camera.frame(wait_s=30).mean()) / 10))
        time.sleep(0.05)
    camera.close()
    assert len(levels) >= 2


def test_a_camera_that_sends_nothing_says_so_in_each_language(home: Home) -> None:
    asked = Asked(home, language="ko")
    asked.desk.cameras["top"] = Camera("http://127.0.0.1:9/none.mjpg")
    assert "카메라에서 영상이 오지 않습니다" in asked.problem("snapshot", product="plate", camera="top")
    assert "찾을 수 없습니다" in asked.problem("snapshot", product="plate", camera="side")
    asked.desk.close()


def test_a_snapshot_goes_into_the_lot_and_is_inspected(asked: Asked, stream: str) -> None:
    asked.desk.cameras["top"] = camera = Camera(stream)
    camera.frame(wait_s=30)
    taken = asked("snapshot", product="plate", camera="top")
    asked.wait()
    (item,) = asked("gallery", product="plate", lot=taken["lot"])["items"]
    assert item["file"].startswith("top-")
    asked.desk.close()
    with pytest.raises(Told):
        Camera(stream).frame(wait_s=0.0)


@pytest.mark.parametrize("given", [["top"], ["=0"], ["a=0", "a=1"], ["../x=0"], ["a="]])
def test_a_camera_is_a_name_and_a_source(given: list[str]) -> None:
    with pytest.raises(BadData, match="NAME=SOURCE"):
        cameras_of(given)
