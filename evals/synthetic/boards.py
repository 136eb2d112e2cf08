"""Synthetic bare boards: places of their own, drawn traces and pads, and breaks and bridges in them with exact masks."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from seewhy.evals.synthetic.surfaces import Drawn
from seewhy.types import Mask, Pixels

SIDE = 320
COPPER, BASE = 40, 215  # grey levels


def board(place: int, copy: int | None = None, side: int = SIDE) -> Pixels:
    """A good photo of one place (H, W, 3), copper dark: the golden one, or a copy that was taken another time.

    A copy is shifted by up to 3 px, lit otherwise, has noise, and its edges were etched up to 1 px otherwise.
    """
    levels = np.where(_copper(place, side, 0 if copy is None else _etched(place, copy)), COPPER, BASE).astype(np.float32)
    return _photographed(levels, place, copy)


def broken(place: int, kind: Literal["missing", "extra"], copy: int = 0, side: int = SIDE) -> Drawn:
    """A copy of a place with a piece of copper taken away from a trace, or a blob of it where none belongs."""
    copper = _copper(place, side, _etched(place, copy))
    rng = np.random.default_rng([place, copy, 5])
    inner = np.zeros_like(copper)
    inner[side // 6 : -side // 6, side // 6 : -side // 6] = True
    there = copper if kind == "missing" else ~copper
    where = (cv2.erode(there.astype(np.uint8), np.ones((5, 5) if kind == "missing" else (9, 9), np.uint8)) > 0) & inner
    ys, xs = np.nonzero(where)
    at = int(rng.integers(len(xs)))
    spot = np.zeros(copper.shape, np.uint8)
    cv2.ellipse(spot, (int(xs[at]), int(ys[at])), (9, 7), float(rng.uniform(0, 180)), 0, 360, 1, -1)
    mask: Mask = (spot > 0) & there
    levels = np.where(copper ^ mask, COPPER, BASE).astype(np.float32)
    return Drawn(_photographed(levels, place, copy), mask, kind)


def _copper(place: int, side: int, thicker: int) -> Mask:
    rng = np.random.default_rng([place, 3])
    canvas = np.zeros((side, side), np.uint8)
    for _ in range(side // 28):
        x, y = (int(v) for v in rng.integers(0, side, 2))
        points = [(x, y)]
        for _ in range(3):
            step, along = int(rng.integers(side // 6, side // 2)), int(rng.integers(8))
            dx, dy = round(np.cos(along * np.pi / 4)), round(np.sin(along * np.pi / 4))
            points.append((points[-1][0] + step * dx, points[-1][1] + step * dy))
        cv2.polylines(canvas, [np.array(points, np.int32)], False, 1, int(rng.integers(5, 12)) + thicker)
        cv2.circle(canvas, points[0], int(rng.integers(9, 16)), 1, -1)
        cv2.circle(canvas, points[0], 4, 0, -1)
    return canvas > 0


def _etched(place: int, copy: int) -> int:
    return int(np.random.default_rng([place, copy, 7]).integers(-1, 2))


def _photographed(levels: np.ndarray[tuple[int, ...], np.dtype[np.float32]], place: int, copy: int | None) -> Pixels:
    rng = np.random.default_rng([place, 9] if copy is None else [place, copy, 9])
    dx, dy = (0.0, 0.0) if copy is None else rng.uniform(-3, 3, 2)
    gain = 1.0 if copy is None else rng.uniform(0.93, 1.07)
    soft = cv2.GaussianBlur(levels, (0, 0), 0.8)
    shift = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    moved = cv2.warpAffine(soft, shift, soft.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    noisy = gain * moved + rng.normal(0, 2.5, moved.shape)
    return np.repeat(np.clip(noisy, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
