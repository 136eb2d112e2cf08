"""In what a good photo differs from the others of its product: sharpness, exposure, the whole of it. Signs for a person, not verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.agent.models.calibration import SPREADS
from seewhy.pictures import grey, smaller
from seewhy.types import Descriptor, Pixels

LOOK_PX = 512  # longer side at which a photo is looked at
FEWEST = 5  # photos from which one can be unlike the others
BLURRED = 0.6  # of the others' median sharpness, at most
LIT = 0.12  # of the others' median level: a smaller difference is no sign of another exposure
CLIPPED = 0.05  # more of the photo at white, or at black, than of the others
FAR = 1.5  # times the others' median distance from their middle


@dataclass(frozen=True, slots=True)
class Look:
    """What a photo's pixels say of how it was taken."""

    sharpness: float  # standard deviation of the Laplacian over that of the level
    level: float  # mean luma, 0..255
    white: float  # share of luma at or above 250
    black: float  # share at or below 5


def look_of(pixels: Pixels) -> Look:
    """Of a photo (H, W, 3)."""
    level = grey(smaller(pixels, LOOK_PX))
    fine = float(cv2.Laplacian(level, cv2.CV_32F).std())
    return Look(fine / max(float(level.std()), 1e-6), float(level.mean()), float((level >= 250).mean()), float((level <= 5).mean()))


def odd_signs(looks: Mapping[int, Look]) -> dict[int, list[str]]:
    """Signs by number of the photo: blurred, bright, dark. Each is a robust outlier (`SPREADS`) and far from the median besides."""
    signs = dict[int, list[str]]()
    if len(looks) < FEWEST:
        return signs
    numbers = list(looks)
    sharp, level, white, black = (
        np.array([getattr(looks[number], name) for number in numbers]) for name in ("sharpness", "level", "white", "black")
    )
    middle = float(np.median(level))
    tests = {
        "blurred": (_outlying(-sharp) & (sharp <= BLURRED * np.median(sharp))),
        "bright": (_outlying(level) & (level - middle >= LIT * middle)) | (white - np.median(white) >= CLIPPED),
        "dark": (_outlying(-level) & (middle - level >= LIT * middle)) | (black - np.median(black) >= CLIPPED),
    }
    for sign, holds in tests.items():
        for at in np.flatnonzero(holds):
            signs.setdefault(numbers[int(at)], []).append(sign)
    return signs


def unlike(described: Mapping[int, Descriptor | None]) -> Sequence[int]:
    """Numbers of the photos that as wholes are unlike the others: of another product, or of none.

    A photo's distance is the root mean square of its deviations from the median, each in units of its robust spread.
    """
    known = {number: d for number, d in described.items() if d is not None}
    if len(known) < FEWEST:
        return ()
    numbers, rows = list(known), np.stack(list(known.values())).astype(np.float64)  # (N, D)
    middle = np.median(rows, 0)
    spread = np.median(np.abs(rows - middle), 0)
    spread = np.maximum(spread, np.median(spread) + 1e-9)
    far = np.sqrt((((rows - middle) / spread) ** 2).mean(1))
    return [numbers[int(at)] for at in np.flatnonzero(_outlying(far) & (far >= FAR * np.median(far)))]


def _outlying(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Above the median by more than `SPREADS` robust standard deviations."""
    middle = np.median(values)
    above: npt.NDArray[np.bool_] = values - middle > SPREADS * 1.4826 * np.median(np.abs(values - middle)) + 1e-9
    return above
