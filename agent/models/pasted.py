"""A defect that any product can have: a piece of the photo pasted in elsewhere (CutPaste; Li et al., CVPR 2021)."""

from __future__ import annotations

import numpy as np

from seewhy.types import Mask, Pixels

PLACES = 12  # that a piece is tried at
SIDES = 0.03, 0.09  # of the photo's, that a piece has


def pasted(pixels: Pixels, number: int) -> tuple[Pixels, Mask]:
    """A good photo with a rectangle from elsewhere in it: of many tries, the one that changes most; and where it lies.

    Args:
        pixels: (H, W, 3).
        number: of the defect; another number is another one.
    """
    rng = np.random.default_rng([13, number])
    height, width = pixels.shape[:2]
    best: tuple[float, Pixels, Mask] | None = None
    for _ in range(PLACES):
        h, w = (max(4, round(float(rng.uniform(*SIDES)) * side)) for side in (height, width))
        (y, x), (v, u) = ((int(rng.integers(0, height - h)), int(rng.integers(0, width - w))) for _ in range(2))
        piece, place = pixels[v : v + h, u : u + w], pixels[y : y + h, x : x + w]
        change = float(np.abs(piece.astype(np.int16) - place).mean())
        if best is None or change > best[0]:
            canvas, mask = pixels.copy(), np.zeros((height, width), bool)
            canvas[y : y + h, x : x + w] = piece
            mask[y : y + h, x : x + w] = True
            best = change, canvas, mask
    assert best is not None
    return best[1], best[2]
