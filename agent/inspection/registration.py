"""The good photo laid onto the part: a shift, where one makes the two more alike."""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.pictures import correlation, grey, smaller
from seewhy.types import Pixels

P = TypeVar("P", bound=np.generic)
SHIFT_PX = 256  # longer side at which shifts are looked for
FARTHEST = 0.25  # of the photo's side
LEAST_PX = 0.5
LEAST_SIDE_PX = 4  # a strip so thin, made small, shows no shift
SURE = 0.2  # height of the correlation's peak; unlike photos stay below 0.1
BETTER = 0.02  # by so much must the correlation rise, so that a texture without places is left alone


def registered(good: Pixels, photo: Pixels) -> Pixels:
    """The good photo at the part's size, shifted onto it where that raises their correlation by `BETTER`.

    The shift is the peak of the phase correlation (Kuglin and Hines, 1975); turned parts and texture without places keep the
    good photo as it is, and the comparison's own correlation then says that it is not the same place.

    Args:
        good: (h, w, 3).
        photo: (H, W, 3).
    """
    height, width = photo.shape[:2]
    same: Pixels = good if good.shape == photo.shape else cv2.resize(good, (width, height), interpolation=cv2.INTER_AREA)
    there, here = grey(smaller(same, SHIFT_PX)), grey(smaller(photo, SHIFT_PX))
    if min(here.shape) < LEAST_SIDE_PX:
        return same
    window = cv2.createHanningWindow(here.shape[::-1], cv2.CV_32F)
    (dx, dy), sure = cv2.phaseCorrelate(there, here, window)
    scale = width / here.shape[1]
    far = max(abs(dx) / here.shape[1], abs(dy) / here.shape[0]) > FARTHEST
    if sure < SURE or far or max(abs(dx), abs(dy)) * scale < LEAST_PX:
        return same
    if correlation(_shifted(there, dx, dy), here) < correlation(there, here) + BETTER:
        return same
    return _shifted(same, dx * scale, dy * scale)


def likeness(good: Pixels, photo: Pixels) -> float:
    """Pearson's correlation of the two photos' lightness, made small; of one size, (H, W, 3) each."""
    return correlation(grey(smaller(good, SHIFT_PX)), grey(smaller(photo, SHIFT_PX)))


def _shifted(picture: npt.NDArray[P], dx: float, dy: float) -> npt.NDArray[P]:
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    size = picture.shape[1::-1]
    made: npt.NDArray[P] = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return made
