"""How wide a map answers to a dot: what a score map can't tell apart."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from seewhy.threads import side_by_side, workers_for
from seewhy.types import Map, Pixels

PLACES = ((0.3, 0.3), (0.7, 0.3), (0.5, 0.5), (0.3, 0.7), (0.7, 0.7))


def answer_to_a_dot(mapped: Callable[[Pixels], Map], pixels: Pixels, cell_px: float, *, at_once: bool = False) -> float:
    """Full width at half maximum of a map's answer to a dot a quarter cell in radius: in cells, median over places.

    Args:
        mapped: (H, W, 3) to (H, W).
        pixels: a good photo.
        cell_px: side of one cell of the detector's grid, in photo pixels.
        at_once: whether several photos may be mapped at a time.
    """
    dotted = [_with_a_dot(pixels, place, max(1, round(cell_px / 4))) for place in PLACES]
    workers = workers_for(1 + len(dotted), pixels.nbytes) if at_once else 1
    before, *after = side_by_side(mapped, [pixels, *dotted], workers)
    widths = []
    for one in after:
        answer = one - before
        high = (answer >= answer.max() / 2).astype(np.uint8)
        _, labels = cv2.connectedComponents(high, connectivity=8)
        peak = np.unravel_index(int(answer.argmax()), answer.shape)
        widths.append(2 * float(np.sqrt((labels == labels[peak]).sum() / np.pi)) / cell_px)
    return float(f"{np.median(widths):.4g}")


def _with_a_dot(pixels: Pixels, place: tuple[float, float], radius_px: int) -> Pixels:
    """A copy of a photo with a dot that stands out, at a place in parts of its sides."""
    dotted, (height, width) = pixels.copy(), pixels.shape[:2]
    at = int(place[0] * width), int(place[1] * height)
    level = 0 if int(pixels[at[1], at[0]].mean()) > 127 else 255
    cv2.circle(dotted, at, radius_px, (level, level, level), -1)
    return dotted
