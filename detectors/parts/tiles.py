"""Photos larger than a model's input: overlapping tiles, blended without seams."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Literal

import cv2
import numpy as np

from seewhy.types import Box, Map

OVERLAP = 0.125  # of a tile's side, shared with the next one
SQUEEZE = 1.5  # longer sides than this many times the shorter one are cut rather than squeezed into a square
LONGEST = 8  # an input side is at most this many times input_px


@dataclass(frozen=True, slots=True)
class Tile:
    """A piece of a photo and the size at which the model sees it."""

    box: Box
    input_width: int
    input_height: int


def tiles_for(width: int, height: int, input_px: int, multiple_px: int, max_shrink: float) -> list[Tile]:
    """Cut a photo so that no tile is shrunk by more than `max_shrink`; one tile where that already holds.

    Args:
        width: of the photo, in pixels.
        height: of the photo, in pixels.
        input_px: an input has about input_px² pixels.
        multiple_px: input sides are multiples of this.
        max_shrink: largest photo pixels per input pixel, along a side.

    >>> [t.box for t in tiles_for(1800, 1000, 256, 32, 4.0)]
    [Box(x0=0, y0=0, x1=960, y1=1000), Box(x0=840, y0=0, x1=1800, y1=1000)]
    """
    side = input_px * max_shrink
    if sqrt(width * height) <= side:
        return [_tile(Box(0, 0, width, height), input_px, multiple_px)]
    boxes = [Box(x0, y0, x1, y1) for y0, y1 in _cuts(height, side) for x0, x1 in _cuts(width, side)]
    return [_tile(box, input_px, multiple_px) for box in boxes]


def square_tiles(width: int, height: int, input_px: int, max_shrink: float, view: Literal["auto", "whole", "tiles"]) -> list[Tile]:
    """Squares for a model whose input is a square of `input_px`; or the whole photo, squeezed.

    Args:
        width: of the photo, in pixels.
        height: of the photo, in pixels.
        input_px: side of the model's input.
        max_shrink: largest photo pixels per input pixel along a side of a tile.
        view: "whole" never cuts, "tiles" cuts whatever isn't a square of at most input_px * max_shrink, "auto" also lets
            photos up to `SQUEEZE` times as long as wide through whole.

    >>> [t.box for t in square_tiles(500, 240, 240, 4.0, "auto")]
    [Box(x0=0, y0=0, x1=240, y1=240), Box(x0=130, y0=0, x1=370, y1=240), Box(x0=260, y0=0, x1=500, y1=240)]
    """
    whole = [Tile(Box(0, 0, width, height), input_px, input_px)]
    longest, shortest = max(width, height), min(width, height)
    squeeze = SQUEEZE if view == "auto" else 1.0
    if view == "whole" or (longest <= squeeze * shortest and longest <= input_px * max_shrink):
        return whole
    side = min(shortest, round(input_px * max_shrink))
    return [
        Tile(Box(x0, y0, x1, y1), input_px, input_px)
        for y0, y1 in _cuts(height, side, exact=True)
        for x0, x1 in _cuts(width, side, exact=True)
    ]


def _cuts(length: int, side: float, *, exact: bool = False) -> list[tuple[int, int]]:
    """Equal overlapping pieces of a side, none longer than `side`; `exact`: all of just that length."""
    if length <= side:
        return [(0, length)]
    count = max(2, ceil((length - OVERLAP * side) / (side * (1 - OVERLAP))))
    piece = round(side) if exact else ceil(length / (count - (count - 1) * OVERLAP))
    starts = [round(i * (length - piece) / (count - 1)) for i in range(count)]
    return [(start, start + piece) for start in starts]


def _tile(box: Box, input_px: int, multiple_px: int) -> Tile:
    scale = input_px / sqrt(box.width * box.height)

    def fit(length: int) -> int:
        wanted = round(length * scale / multiple_px) * multiple_px
        return min(max(wanted, 2 * multiple_px), LONGEST * input_px // multiple_px * multiple_px)

    return Tile(box, fit(box.width), fit(box.height))


def blend(parts: list[tuple[Tile, Map]], width: int, height: int) -> Map:
    """Lay the tiles' grids over the photo, (height, width) float32; where tiles overlap, one fades into the other."""
    if len(parts) == 1:
        made: Map = cv2.resize(parts[0][1], (width, height), interpolation=cv2.INTER_LINEAR)
        return made
    total = np.zeros((height, width), np.float32)
    weight = np.zeros((height, width), np.float32)
    for tile, grid in parts:
        ramp = _ramp(tile.box.height)[:, None] * _ramp(tile.box.width)[None, :]
        total[tile.box.slices] += ramp * cv2.resize(grid, (tile.box.width, tile.box.height), interpolation=cv2.INTER_LINEAR)
        weight[tile.box.slices] += ramp
    total /= weight
    return total


def _ramp(length: int) -> Map:
    """1 inside, falling to almost 0 over the overlap at both ends."""
    edge = max(1, round(length * OVERLAP))
    distance = np.minimum(np.arange(length), np.arange(length)[::-1]) + 0.5
    return np.clip(distance / edge, 1e-3, 1.0).astype(np.float32)
