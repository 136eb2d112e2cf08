"""What a file stores, as it stores it, and how that becomes 8-bit RGB: depth, photometric, profile and alpha, each in one place."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from seewhy.agent.photos.levels import Levels
from seewhy.types import Pixels

MOST_PIXELS = 64_000_000  # of one photo: what it takes stands in evals/results/fuzz.json, 2 GiB and half a second a million at most
MOST_BYTES = 1 << 30  # of one file
SAVE_AS = "save it as 8- or 16-bit grey or RGB"
ROWS = 64  # looked up at a time
CUT = "cut the picture into smaller ones"

Channels = Literal["grey", "rgb", "cmyk"]


@dataclass(slots=True, eq=False)
class Stored:
    """One picture of a file, before anything is done to its values."""

    values: npt.NDArray[Any]  # (H, W, C) uint8 or uint16: the channels, then alpha where there is one
    channels: Channels
    bits: int  # that a value may use, 1 to 16
    format: str
    mode: str  # for the record: "L", "RGB;16", …
    notes: list[str]
    alpha: Literal["", "straight", "premultiplied"] = ""
    white_is_zero: bool = False
    orientation: int = 1  # EXIF and TIFF tag 274, 1 to 8
    icc: bytes = b""


def to_rgb(stored: Stored, white_level: int) -> tuple[Pixels, Levels]:
    """(H, W, 3) uint8 RGB, not yet turned upright, and the range of the stored values; every lossy step leaves a note in `stored`.

    Args:
        stored: as a reader gave it.
        white_level: the 16-bit value that is white; a file that states fewer bits has no value above its own.
    """
    colour = stored.values[..., :-1] if stored.alpha else stored.values
    full = 2**stored.bits - 1
    white = full if stored.bits <= 8 else min(white_level, full)
    levels = Levels.of(colour, stored.bits, white)
    if stored.bits > 8:
        stored.notes.append("16_bit_to_8" if stored.bits == 16 else "stated_bits_to_8")
        stored.notes += levels.doubts()
    shades = _looked_up(_shades(white, full, stored.white_is_zero), colour)  # (H, W, C) uint8
    rgb = _in_srgb(stored, shades)
    if stored.alpha:
        alpha = stored.values[..., -1]
        opaque = white if alpha.max(initial=0) <= white else full
        rgb = _on_white(rgb, _looked_up(_shades(opaque, full, False), alpha), stored)
    return np.ascontiguousarray(rgb), levels


def _shades(white: int, full: int, white_is_zero: bool) -> npt.NDArray[np.uint8]:
    """The 8-bit shade of each stored value: 0 to 255 over black to white; beyond white is white."""
    values = np.arange(full + 1, dtype=np.float64)
    share = (white - values if white_is_zero else values) / white
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)


def _looked_up(shades: npt.NDArray[np.uint8], values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """The shade of each value, some rows at a time: numpy looks up by indices of eight bytes each."""
    if len(shades) == 256 and np.array_equal(shades, np.arange(256)):
        return np.asarray(values, np.uint8)
    shown: npt.NDArray[np.uint8] = by_rows(lambda rows: shades[rows], values)
    return shown


def by_rows(work: Callable[..., npt.NDArray[Any]], *arrays: Any) -> Any:
    """What `work` makes of (H, …) arrays, some rows at a time: of a large photo there is no room for copy upon copy."""
    parts = (work(*(array[row : row + ROWS] for array in arrays)) for row in range(0, len(arrays[0]), ROWS))
    first = next(parts)
    out = np.empty((len(arrays[0]), *first.shape[1:]), first.dtype)
    out[: len(first)], row = first, len(first)
    for part in parts:
        out[row : row + len(part)] = part
        row += len(part)
    return out


def _in_srgb(stored: Stored, shades: npt.NDArray[np.uint8]) -> Pixels:
    """Through the file's own colour profile where it has one that isn't sRGB (ICC.1:2022, relative colorimetric)."""
    flat = shades[..., 0] if stored.channels == "grey" else shades
    mode = {"grey": "L", "rgb": "RGB", "cmyk": "CMYK"}[stored.channels]

    def image(rows: npt.NDArray[np.uint8]) -> Image.Image:
        return Image.fromarray(np.ascontiguousarray(rows), mode)

    if stored.icc:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(stored.icc))
            if "srgb" not in ImageCms.getProfileDescription(profile).lower():
                intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
                turn = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB", intent)
                turned: Pixels = by_rows(lambda rows: np.asarray(turn.apply(image(rows))), flat)
                stored.notes.append("icc_to_srgb")
                return turned
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            stored.notes.append("broken_icc")
    if stored.channels == "rgb":
        return flat
    if stored.channels == "cmyk":
        stored.notes.append("cmyk_to_rgb")
    rgb: Pixels = by_rows(lambda rows: np.asarray(image(rows).convert("RGB")), flat)
    return rgb


def _on_white(rgb: Pixels, alpha: npt.NDArray[np.uint8], stored: Stored) -> Pixels:
    """Lay transparent pixels on white."""
    stored.notes.append("alpha_on_white")

    def premultiplied(rgb: Pixels, alpha: npt.NDArray[np.uint8]) -> Pixels:
        laid = rgb.astype(np.uint16) + (255 - alpha.astype(np.uint16))[..., None]
        return np.asarray(np.minimum(laid, 255), np.uint8)

    def straight(rgb: Pixels, alpha: npt.NDArray[np.uint8]) -> Pixels:
        image = Image.fromarray(np.dstack([rgb, alpha]), "RGBA")
        return np.asarray(Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image).convert("RGB"))

    laid: Pixels = by_rows(premultiplied if stored.alpha == "premultiplied" else straight, rgb, alpha)
    return laid
