"""How wide a map answers to a dot: what a score map can't tell apart."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from seewhy.types import Map, Pixels

PLACES = ((0.3, 0.3), (0.7, 0.3), (0.5, 0.5), (0.3, 0.7), (0.7, 0.7))


def answer_to_a_dot(mapped: Callable[[Pixels], Map], pixels: Pixels, cell_px: float) -> float:
    """Full width at half maximum of a map's answer to a dot a quarter cell in radius: in cells, median over places.

    Args:
        mapped: (H, W, 3) to (H, W).
        pixels: a good photo.
        cell_px: side of one cell of the detector's grid, in photo pixels.
    """
    before = mapped(pixels)
    height, width = before.shape
    widths = []
    for x, y in PLACES:
        dotted = pixels.copy()
        at = int(x * width), int(y * height)
        level = 0 if int(pixels[at[1], at[0]].mean()) > 127 else 255
        cv2.circle(dotted, at, max(1, round(cell_px / 4)), (level, level, level), -1)
        answer = mapped(dotted) - before
        high = (answer >= answer.max() / 2).astype(np.uint8)
        _, labels = cv2.connectedComponents(high, connectivity=8)
        peak = np.unravel_index(int(answer.argmax()), answer.shape)
        widths.append(2 * float(np.sqrt((labels == labels[peak]).sum() / np.pi)) / cell_px)
    return float(f"{np.median(widths):.4g}")
