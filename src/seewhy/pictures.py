"""Pictures as arrays and as files: reduced, encoded and decoded, as people see their colours, compared."""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.types import Lab, Map, Mask, Pixels

Picture: TypeAlias = npt.NDArray[Any]  # (h, w) or (h, w, 3) in RGB, 8 or 16 bits

EVEN = 0.5  # grey levels; a picture whose standard deviation is smaller shows nothing that could be compared


def smaller(pixels: Picture, longest: int) -> Picture:
    """The picture reduced so that its longer side is at most `longest`."""
    scale = longest / max(pixels.shape[:2])
    return pixels if scale >= 1 else scaled(pixels, scale)


def scaled(pixels: Picture, scale: float, enlarging: int = cv2.INTER_CUBIC) -> Picture:
    """The picture `scale` times as large, at least one pixel; averaged where it is reduced."""
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    result: Picture = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else enlarging)
    return result


def mask_at(mask: npt.NDArray[Any], size: tuple[int, int]) -> Mask:
    """A mask (h, w) at another size (width, height), by the nearest pixel."""
    result: Mask = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return result


def to_lab(pixels: Pixels) -> Lab:
    """CIE L*a*b* (D65) of RGB pixels (H, W, 3): float32, L* in 0..100."""
    result: Lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return result


def grey(pixels: Pixels) -> Map:
    """(H, W) luma (ITU-R BT.601) of RGB pixels (H, W, 3): float32, whole numbers in 0..255."""
    result: Map = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return result


def grey_square(pixels: Pixels, side: int) -> Map:
    """(side, side) luma of a photo, whatever its form was: float32, 0..255."""
    return grey(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA))


def correlation(one: npt.NDArray[np.floating[Any]], other: npt.NDArray[np.floating[Any]]) -> float:
    """Pearson's correlation of two arrays of grey levels; 0 where one of them is even."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1]) if min(one.std(), other.std()) > EVEN else 0.0


def jpeg(picture: Picture, quality: int) -> bytes:
    """A JPEG file of an RGB or grey picture, `quality` of 100."""
    return _encoded(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])


def png(picture: Picture, compression: int = 3) -> bytes:
    """A PNG file of an RGB or grey picture; `compression` 0 (fast) to 9 (small)."""
    return _encoded(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, compression])


def decoded(data: bytes) -> Picture | None:
    """The picture of a JPEG or PNG file that seewhy wrote: (h, w, 3) RGB or (h, w); None where it is none."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None:
        return None
    return np.ascontiguousarray(picture[..., ::-1]) if picture.ndim == 3 else np.asarray(picture)


def _encoded(ending: str, picture: Picture, options: list[int]) -> bytes:
    flipped = picture[..., ::-1] if picture.ndim == 3 else picture
    return bytes(cv2.imencode(ending, np.ascontiguousarray(flipped), options)[1].tobytes())
