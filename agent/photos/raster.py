"""JPEG, PNG, BMP and WebP through Pillow; whole JPEGs by libjpeg-turbo; 16-bit colour PNG, which Pillow cuts to 8 bits, by imagecodecs."""

from __future__ import annotations

import io
import zlib
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, UnidentifiedImageError

from seewhy.agent.photos.stored import CUT, MOST_PIXELS, SAVE_AS, Stored, by_rows
from seewhy.errors import BadImage

FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
EXIF_ORIENTATION = 0x0112
PNG = b"\x89PNG\r\n\x1a\n"
PNG_BITS, PNG_COLOUR_TYPE = 24, 25  # offsets in the file (ISO/IEC 15948, 11.2.1)
PALETTE = 3


def read_raster(data: bytes, name: str) -> Stored:
    """The first picture of a file that Pillow opens.

    Raises:
        BadImage: with the reason; any other exception is a damaged file.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadImage("bomb", f"{name} has more than {MOST_PIXELS:,} pixels", CUT) from error
    except UnidentifiedImageError as error:
        raise BadImage("not_an_image", f"{name} is not an image seewhy reads", "use JPEG, PNG, TIFF, BMP or WebP") from error
    if image.width * image.height > MOST_PIXELS:
        raise BadImage("bomb", f"{name} has {image.width * image.height:,} pixels, more than {MOST_PIXELS:,}", CUT)
    if data.startswith(PNG):
        _refuse_damaged_png(data, name)
    notes = ["several_frames"] if _frames(image) > 1 else []
    stored = _whole_jpeg(image, data) or _stored(image, data, name)
    stored.format, stored.notes = image.format or "", notes
    stored.icc = image.info.get("icc_profile") or b""
    stored.orientation = _orientation(image, notes)
    return stored


def _frames(image: Image.Image) -> int:
    """Pictures of the first one's size: a phone's MPO also holds previews and gain maps, which are smaller."""
    frames = getattr(image, "n_frames", 1)
    if image.format != "MPO":
        return int(frames)
    size, same = image.size, 1
    for number in range(1, frames):
        image.seek(number)
        same += image.size == size
    image.seek(0)
    return same


def _refuse_damaged_png(data: bytes, name: str) -> None:
    """Every chunk whole and with its checksum, a palette where there must be one; neither Pillow nor imagecodecs looks (11.2, 5.3)."""
    at, kinds = len(PNG), set[bytes]()
    while b"IEND" not in kinds:
        length = int.from_bytes(data[at : at + 4], "big")
        body, end = data[at + 4 : at + 8 + length], at + 12 + length
        if end > len(data):
            raise BadImage("truncated", f"{name} is truncated: a part of the PNG is missing", "copy it again from the camera")
        if zlib.crc32(body) != int.from_bytes(data[end - 4 : end], "big"):
            raise BadImage("damaged", f"{name} is damaged: a part of the PNG doesn't have its checksum", "copy it again from the camera")
        kinds.add(body[:4])
        at = end
    if data[PNG_COLOUR_TYPE] == PALETTE and b"PLTE" not in kinds:
        raise BadImage("palette", f"{name} is a palette picture without its palette", "save it again, as RGB")
    if data[PNG_BITS] == 16 and b"tRNS" in kinds:
        raise BadImage("colour", f"{name} is a 16-bit PNG with one transparent colour", "save it with an alpha channel or without")


def _whole_jpeg(image: Image.Image, data: bytes) -> Stored | None:
    """Pillow's pixels in a third of its time (evals/results); None where Pillow must look: another format or colour, a file with faults."""
    mode = image.mode
    if image.format != "JPEG" or mode not in ("L", "RGB"):
        return None
    try:
        values = simplejpeg.decode_jpeg(data, "GRAY" if mode == "L" else "RGB")  # (H, W, C); strict: a warning is an error
    except ValueError:
        return None
    if values.shape[:2] != image.size[::-1]:
        return None
    return Stored(values, "grey" if mode == "L" else "rgb", 8, "", mode, [])


def _stored(image: Image.Image, data: bytes, name: str) -> Stored:
    image.load()
    mode = image.mode
    if image.format == "PNG" and data[PNG_BITS] == 16:
        return _deep_png(data, mode)
    if image.has_transparency_data:
        return Stored(_channels(image, "RGBA"), "rgb", 8, "", mode, [], alpha="straight")
    if mode in ("1", "L"):
        return Stored(_channels(image, "L"), "grey", 8, "", mode, [])
    if mode in ("RGB", "P"):
        return Stored(_channels(image, "RGB"), "rgb", 8, "", mode, [])
    if mode == "CMYK":
        return Stored(_channels(image, mode), "cmyk", 8, "", mode, [])
    raise BadImage("colour", f"{name} has pixels of the kind {mode!r}", SAVE_AS)


def _deep_png(data: bytes, mode: str) -> Stored:
    values = _with_channels(imagecodecs.png_decode(data))
    count = values.shape[2]
    kind = {1: "I;16", 2: "LA;16", 3: "RGB;16", 4: "RGBA;16"}[count]
    return Stored(
        values, "grey" if count < 3 else "rgb", 16, "", mode if count == 1 else kind, [], alpha="straight" if count in (2, 4) else ""
    )


def _channels(image: Image.Image, mode: str) -> Any:
    """(H, W, C) of a picture brought to a mode, some rows at a time; Pillow keeps the file's transparent colour for all of them."""

    def rows_of(rows: npt.NDArray[np.int_]) -> npt.NDArray[np.uint8]:
        cut = image.crop((0, int(rows[0]), image.width, int(rows[-1]) + 1))
        return np.asarray(cut if cut.mode == mode else cut.convert(mode))

    return _with_channels(by_rows(rows_of, np.arange(image.height)))


def _with_channels(values: Any) -> Any:
    """(H, W, C) of (H, W) or (H, W, C)."""
    return values[..., None] if values.ndim == 2 else values


def _orientation(image: Image.Image, notes: list[str]) -> int:
    try:
        value = int(image.getexif().get(EXIF_ORIENTATION, 1))
    except Exception:  # Pillow raises many kinds for broken EXIF; the pixels are still good
        value = 0
    if not 1 <= value <= 8:
        notes.append("broken_exif")
        return 1
    return value
