"""Golden photos: what one place of a part looks like when it is good, from one photo or the median of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.detectors.template.align import Grey, align, laid_over
from seewhy.pictures import decoded, png
from seewhy.types import Pixels

LARGEST_PX = 1280  # photos are reduced to this before they are compared
COLOURED = 8.0  # mean difference of channels from which a template has three
LEAST_CONTRAST = 32.0  # grey levels
SPREADS = 5.0  # robust standard deviations that a pixel of a median template may vary


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What one place of the part looks like when it is good."""

    middle: npt.NDArray[np.uint8]  # (H, W, C) with C 1 or 3: the golden photo, or the median of many
    spread: npt.NDArray[np.uint8] | None  # (H, W, C) allowed difference in grey levels that was learned; None for one photo

    @property
    def grey(self) -> Grey:
        """(H, W)."""
        return grey_of(self.middle)

    @property
    def contrast(self) -> float:
        """Between the pattern's darkest and lightest, in grey levels."""
        low, high = np.percentile(self.middle[::4, ::4], (2, 98))
        return max(LEAST_CONTRAST, float(high - low))


@dataclass(frozen=True, slots=True)
class Packed:
    """A view of a saved detector, unpacked when it is looked at: ten thousand of them would fill the memory."""

    middle: bytes  # PNG
    spread: bytes | None

    def view(self) -> View:
        """Unpacked."""
        return View(from_png(self.middle), None if self.spread is None else from_png(self.spread))


def reduced(pixels: Pixels) -> Pixels:
    """The photo at the size that it is compared at."""
    scale = LARGEST_PX / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    made: Pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return made


def levels_of(pixels: Pixels, channels: int = 0) -> npt.NDArray[np.uint8]:
    """(H, W, C): one channel where the photo has no colour, or as many as are asked for."""
    wanted = channels or (3 if float(np.ptp(pixels[::4, ::4].astype(np.int16), axis=2).mean()) > COLOURED else 1)
    return pixels if wanted == 3 else grey_of(pixels)[..., None]


def grey_of(pixels: npt.NDArray[np.uint8]) -> Grey:
    """(H, W), from (H, W, 1 or 3)."""
    if pixels.shape[2] == 1:
        return np.ascontiguousarray(pixels[..., 0])
    made: Grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    return made


def coloured(middle: npt.NDArray[np.uint8]) -> Pixels:
    """(H, W, 3), from (H, W, 1 or 3)."""
    return middle if middle.shape[2] == 3 else np.repeat(middle, 3, axis=2)


def laid_on(first: View, levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Another photo of the view, laid over the first one and lit like it."""
    moved, _ = laid_over(levels, align(grey_of(levels), first.grey), first.middle.shape[1::-1])
    lit = as_lit(moved.reshape(first.middle.shape).astype(np.float32), first.middle.astype(np.float32))
    return np.clip(np.rint(lit), 0, 255).astype(np.uint8)


def as_lit(photo: npt.NDArray[np.float32], golden: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The photo with the golden one's brightness and contrast: a line per channel, fitted twice, then without what differs."""
    made = np.empty_like(photo)
    for c in range(photo.shape[2]):
        x, y = photo[::3, ::3, c].ravel(), golden[::3, ::3, c].ravel()
        gain, offset = _line(x, y)
        off = np.abs(gain * x + offset - y)
        near = off <= max(8.0, float(np.percentile(off, 90)))
        gain, offset = _line(x[near], y[near])
        made[..., c] = gain * photo[..., c] + offset
    return made


def _line(x: npt.NDArray[np.float32], y: npt.NDArray[np.float32]) -> tuple[float, float]:
    spread = float(x.var())
    gain = 1.0 if spread < 1.0 else float(np.clip(np.mean((x - x.mean()) * (y - y.mean())) / spread, 0.5, 2.0))
    return gain, float(y.mean() - gain * x.mean())


def median_of(photos: Sequence[npt.NDArray[np.uint8]]) -> View:
    """Of photos that are laid over one another: their median, and how far good pixels lie from it (median absolute deviation)."""
    stack = np.stack(photos)  # (n, H, W, C)
    middle = np.median(stack, 0).astype(np.uint8)
    away = np.median(np.abs(stack.astype(np.int16) - middle), 0).astype(np.float32)
    spread = np.clip(SPREADS * 1.4826 * cv2.dilate(away, np.ones((3, 3), np.uint8)).reshape(middle.shape), 0, 255).astype(np.uint8)
    return View(middle, spread)


def as_png(levels: npt.NDArray[np.uint8]) -> bytes:
    """(H, W, C) without loss."""
    return png(levels if levels.shape[2] == 3 else levels[..., 0])


def from_png(data: bytes) -> npt.NDArray[np.uint8]:
    """What `as_png` was given."""
    picture = np.asarray(decoded(data), np.uint8)
    return picture[..., None] if picture.ndim == 2 else picture
