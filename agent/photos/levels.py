"""How much of its range a photo uses: a wrong number of bits turns a part dark or white, and what is dark hides defects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.types import Pixels

FULL = 65535
CAMERA_WHITES = (255, 1023, 4095, 16383, FULL)  # 8, 10, 12, 14 and 16 bits
DARK = 8  # a 16-bit photo below this part of its range is more likely one of fewer bits
OVER_WHITE = 0.01  # share of values above white from which the white level is doubted
LOOK_PX = 128  # photos are compared at this size
APART = 2.5  # times as bright or as dark as every good photo; two bits more or fewer are four times

# What leaves a doubt about the pixels themselves: such a photo never passes by itself.
DOUBTS = frozenset({"several_frames", "dark_16_bit", "over_white", "levels_differ"})


@dataclass(frozen=True, slots=True)
class Levels:
    """The range of one photo's stored values."""

    bits: int = 8  # that a value may use
    white: int = 255  # the value that is shown white
    highest: int = 255  # the largest value there
    over_white: float = 0.0  # share of the values above white

    @classmethod
    def of(cls, values: npt.NDArray[Any], bits: int, white: int) -> Levels:
        """Of stored values of any shape, (…) uint8 or uint16."""
        highest = int(values.max(initial=0))
        over = float((values > white).mean()) if highest > white else 0.0
        return cls(bits, white, highest, over)

    def doubts(self) -> list[str]:
        """Codes of notes where the range fits the white level badly."""
        dark = self.bits == 16 and self.white == FULL and self.highest < FULL / DARK
        return ["dark_16_bit"] * dark + ["over_white"] * (self.over_white > OVER_WHITE)


def white_level_of(levels: Iterable[Levels]) -> int:
    """The white level that good photos of one camera speak of: the smallest usual one that no 16-bit value exceeds; 65535 without any.

    >>> white_level_of([Levels(16, 65535, 4031), Levels(16, 65535, 3900)])
    4095
    """
    highest = max((one.highest for one in levels if one.bits == 16), default=FULL)
    return next(white for white in CAMERA_WHITES if highest <= white)


def brightness(pixels: Pixels) -> float:
    """Of the bright parts of a photo (H, W, 3), 0 to 255: the 99th percentile of its lightest channel, seen small."""
    height, width = pixels.shape[:2]
    scale = LOOK_PX / max(height, width)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    return float(np.percentile(pixels.max(axis=2), 99))


def levels_differ(photo: float, good: Sequence[float]) -> str | None:
    """The note of a photo that is far darker or brighter than every good one, or None.

    Args:
        photo: its `brightness`.
        good: that of good photos, as the model keeps them.
    """
    if not good:
        return None
    low, high = min(good), max(good)
    return "levels_differ" if photo * APART < low or photo > max(high, 1.0) * APART else None
