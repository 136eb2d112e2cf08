"""TIFF through tifffile and imagecodecs: every sample in its place, or the reason why not (TIFF 6.0; Aldus, 1992)."""

from __future__ import annotations

import io
import logging
import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from seewhy.agent.photos.stored import CUT, MOST_PIXELS, SAVE_AS, Channels, Stored
from seewhy.errors import BadImage

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # TIFF and BigTIFF, both byte orders
NOT_A_VIEW = 1 | 4  # NewSubfileType: a reduced copy, a transparency mask
PHOTOMETRIC, ORIENTATION, INK_SET, PROFILE = 262, 274, 332, 34675
WHITE_IS_ZERO, PALETTE, YCBCR = 0, 3, 6
CHANNELS: dict[int, Channels] = {WHITE_IS_ZERO: "grey", 1: "grey", 2: "rgb", PALETTE: "grey", 5: "cmyk", YCBCR: "rgb"}
WIDTH = {"grey": 1, "rgb": 3, "cmyk": 4}
JPEGS = (6, 7, 34892, 33007)  # compressions whose decoder turns YCbCr into RGB
MODES = {("grey", 1): "L", ("grey", 2): "LA", ("rgb", 3): "RGB", ("rgb", 4): "RGBA", ("cmyk", 4): "CMYK"}

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what it has to say of a file is in our refusal


def read_tiff(data: bytes, name: str) -> Stored:
    """The first full picture of a TIFF file.

    Raises:
        BadImage: with the reason; any other exception is a damaged file.
    """
    if not _all_directories_there(data):
        raise BadImage("truncated", f"{name} is truncated: a picture that it announces isn't there", "copy it again from the camera")
    import tifffile  # which a run without such files needn't wait for

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        pages: list[Any] = list(file.pages)
        views = [page for page in pages if not int(page.subfiletype) & NOT_A_VIEW]
        if not views:
            raise BadImage("preview", f"{name} holds nothing but a preview (a camera's raw file?)", "develop it and save it as TIFF or PNG")
        page = views[0]
        _refuse_oddities(page, name)
        _refuse_lost_data(page, len(data), name)
        stored = _stored(page, name)
        if len(views) > 1 or math.prod(file.series[0].shape) > math.prod(page.shape):
            stored.notes.append("several_frames")
        stored.orientation = _orientation(page, stored.notes)
        profile = page.tags.valueof(PROFILE)
        stored.icc = profile if isinstance(profile, bytes) else b""
        return stored


def _all_directories_there(data: bytes) -> bool:
    """Whether the chain of image file directories ends as it should; tifffile ends it where one is lost (TIFF 6.0, section 2)."""
    order: Literal["little", "big"] = "little" if data.startswith(b"II") else "big"
    big = data[:4] in MAGIC[2:]
    word, count_bytes, tag_bytes = (8, 8, 20) if big else (4, 2, 12)
    at, seen = word, set[int]()
    while offset := int.from_bytes(data[at : at + word], order):
        at = offset + count_bytes + tag_bytes * int.from_bytes(data[offset : offset + count_bytes], order)
        if offset in seen or at + word > len(data):
            return False
        seen.add(offset)
    return bool(seen)


def _refuse_oddities(page: Any, name: str) -> None:
    """Whatever the standard leaves open, or no reader of ours knows."""
    sizes = (page.imagewidth, page.imagelength, page.tilewidth or 1, page.tilelength or 1, page.imagedepth, page.samplesperpixel)
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        raise BadImage("damaged", f"{name} doesn't say how large it is", "copy it again from the camera")
    pixels, tile = page.imagewidth * page.imagelength, sizes[2] * sizes[3]
    if max(pixels, tile) > MOST_PIXELS:
        raise BadImage("bomb", f"{name} has {max(pixels, tile):,} pixels, more than {MOST_PIXELS:,}", CUT)
    if page.imagedepth != 1 or PHOTOMETRIC not in page.tags:
        raise BadImage("colour", f"{name} is a volume, or doesn't say what its values mean", SAVE_AS)
    if page.sampleformat != 1:
        raise BadImage("depth", f"{name} has {_format_name(page)} values, of which nothing says what is black and what is white", SAVE_AS)
    if not isinstance(page.bitspersample, int) or page.bitspersample > 16:
        raise BadImage("depth", f"{name} has {page.bitspersample} bits per value", SAVE_AS)
    channels = CHANNELS.get(int(page.photometric))
    lonely_ycbcr = int(page.photometric) == YCBCR and int(page.compression) not in JPEGS
    if channels is None or lonely_ycbcr or (channels == "cmyk" and page.tags.valueof(INK_SET, 1) != 1):
        raise BadImage("colour", f"{name} has colours of the kind {getattr(page.photometric, 'name', page.photometric)}", SAVE_AS)
    extra = page.samplesperpixel - WIDTH[channels]
    if extra and (extra != 1 or channels == "cmyk" or int(page.photometric) == PALETTE or not {*page.extrasamples} & {1, 2}):
        raise BadImage("channels", f"{name} has {page.samplesperpixel} channels, and nothing says what the further ones are", SAVE_AS)


def _format_name(page: Any) -> str:
    return {2: "signed", 3: "floating-point"}.get(page.sampleformat, "undefined") if isinstance(page.sampleformat, int) else "mixed"


def _refuse_lost_data(page: Any, length: int, name: str) -> None:
    """A strip that isn't there would be read as black."""
    pieces = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    whole = all(offset > 0 and count > 0 and offset + count <= length for offset, count in pieces)
    if not whole or len(pieces) < math.prod(page.chunked):
        raise BadImage("truncated", f"{name} is truncated: not all of its strips or tiles are there", "copy it again from the camera")


def _stored(page: Any, name: str) -> Stored:
    photometric, bits = int(page.photometric), int(page.bitspersample)
    channels = CHANNELS[photometric]
    values = _values(page)
    if photometric == PALETTE:
        return Stored(_looked_up(page, values, name), "rgb", 8, "TIFF", "P", [])
    mode = MODES[channels, values.shape[2]]
    if bits > 8:
        mode = "I;16" if mode == "L" else f"{mode};16"
    alpha = "" if values.shape[2] == WIDTH[channels] else "premultiplied" if page.extrasamples[0] == 1 else "straight"
    return Stored(
        values,
        channels,
        bits,
        "TIFF",
        "1" if bits == 1 else mode,
        [],
        alpha=alpha,  # type: ignore[arg-type]
        white_is_zero=photometric == WHITE_IS_ZERO,
    )


def _values(page: Any) -> npt.NDArray[Any]:
    """(H, W, C) uint8 or uint16, however the file lays them out."""
    raw = page.asarray(squeeze=False, maxworkers=1)  # (planes, 1, H, W, samples of a plane)
    laid = np.moveaxis(raw[:, 0], 0, 2)  # (H, W, planes, samples)
    height, width = laid.shape[:2]
    kind = np.uint16 if laid.dtype.itemsize == 2 else np.uint8
    return np.ascontiguousarray(laid.reshape(height, width, -1), kind)


def _looked_up(page: Any, values: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8]:
    """(H, W, 3) colours of a palette picture. A palette of values up to 255 was written by 8-bit software (as libtiff takes it)."""
    palette = page.colormap  # (3, 2**bits) uint16
    if palette is None or palette.max(initial=0) == 0 or values.max(initial=0) >= palette.shape[1]:
        raise BadImage("palette", f"{name} is a palette picture whose palette is missing, black or too short", "save it again, as RGB")
    shades = palette if palette.max() < 256 else palette >> 8
    return np.ascontiguousarray(np.moveaxis(shades[:, values[..., 0]], 0, 2), np.uint8)


def _orientation(page: Any, notes: list[str]) -> int:
    value = page.tags.valueof(ORIENTATION, 1)
    if isinstance(value, int) and 1 <= value <= 8:
        return int(value)
    notes.append("broken_exif")
    return 1
