"""Cameras and streams that OpenCV reads (USB by number, RTSP and MJPEG by address, a video file), each connected again after a break."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from seewhy.agent.chat.problems import Told
from seewhy.errors import BadData
from seewhy.types import Pixels

FRESH_S = 3.0  # a frame that is older is not what the camera sees
IDLE_S = 20.0  # after which a camera that nobody looks at is let go
AGAIN_S, MOST_AGAIN_S = 0.5, 8.0  # between two tries to connect; doubled up to
TIMEOUT_MS = 5000  # of opening and of reading a stream
STEADY_S = 1 / 60  # between two frames at least: a file has them all at once


class Camera:
    """A source, read by a thread of its own while somebody looks.

    Args:
        source: number of a USB camera, or an address or path. It may hold a password and is shown nowhere.
    """

    def __init__(self, source: str) -> None:
        self._source, self._lock, self._end = source, threading.Lock(), threading.Event()
        self._frame: tuple[Pixels, float] | None = None
        self._asked_s = 0.0
        self._thread: threading.Thread | None = None

    def frame(self, wait_s: float = 0.0) -> Pixels:
        """What it sees now, (H, W, 3).

        Args:
            wait_s: how long to wait for a first frame.

        Raises:
            Told: it sends none.
        """
        self._wake()
        until = time.monotonic() + wait_s
        while True:
            found = self._frame
            if found is not None and time.monotonic() - found[1] <= FRESH_S:
                return found[0]
            if time.monotonic() >= until:
                raise Told("no_frame")
            time.sleep(0.02)

    def close(self) -> None:
        """Let go of it."""
        self._end.set()
        if self._thread is not None:
            self._thread.join(timeout=2 * TIMEOUT_MS / 1000)

    def _wake(self) -> None:
        with self._lock:
            self._asked_s = time.monotonic()
            if (self._thread is None or not self._thread.is_alive()) and not self._end.is_set():
                self._thread = threading.Thread(target=self._run, name="seewhy camera", daemon=True)
                self._thread.start()

    def _wanted(self) -> bool:
        return not self._end.is_set() and time.monotonic() - self._asked_s < IDLE_S

    def _run(self) -> None:
        pause_s = AGAIN_S
        while self._wanted():
            source = self._open()
            while self._wanted() and source.isOpened():
                read, frame = source.read()  # (H, W, 3) BGR
                if not read:
                    break
                self._frame, pause_s = (np.ascontiguousarray(frame[..., ::-1]), time.monotonic()), AGAIN_S
                self._end.wait(STEADY_S)
            source.release()
            self._end.wait(pause_s)
            pause_s = min(MOST_AGAIN_S, 2 * pause_s)

    def _open(self) -> cv2.VideoCapture:
        if self._source.isdecimal():
            return cv2.VideoCapture(int(self._source))
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, TIMEOUT_MS]
        return cv2.VideoCapture(self._source, cv2.CAP_FFMPEG, limits)


def seen_by(cameras: Mapping[str, Camera], name: str) -> Pixels:
    """What one of the cameras sees now, (H, W, 3).

    Raises:
        Told: there is none of that name, or it sends nothing.
    """
    if name not in cameras:
        raise Told("no_camera", name=name[:40])
    return cameras[name].frame()


def cameras_of(given: Sequence[str]) -> dict[str, Camera]:
    """Cameras by name.

    Args:
        given: "NAME=SOURCE" each.

    Raises:
        BadData: one is not that, or two have one name.

    >>> sorted(cameras_of(["top=0", "side=rtsp://10.0.0.7/stream?a=1"]))
    ['side', 'top']
    """
    found = dict[str, Camera]()
    for one in given:
        name, equals, source = one.partition("=")
        if not equals or not name.strip() or not source.strip() or "/" in name or name.strip() in found:
            raise BadData("a camera is NAME=SOURCE, each name once: a USB camera's number, an address (rtsp://…) or a video file")
        found[name.strip()] = Camera(source.strip())
    return found
