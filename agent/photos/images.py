"""Photos in: bytes to 8-bit RGB pixels, or one clear reason why not."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from seewhy.canonical import sha256_bytes
from seewhy.errors import BadImage
from seewhy.types import Pixels

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP")
MAX_PIXELS = 178_956_970  # Pillow's own limit against decompression bombs
EXIF_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """One decoded photo and what its file said of itself."""

    name: str  # the path as the user gave it, or relative to the folder of the run; "/" between parts
    sha256: str  # of the file's bytes: the photo's identity
    file_bytes: int
    pixels: Pixels  # (H, W, 3) uint8 RGB, upright
    format: str
    mode: str  # as stored: "L", "I;16", "P", "RGBA", "CMYK", …
    orientation: int  # EXIF, 1 to 8
    notes: tuple[str, ...]  # what was done to get there, for the record

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])


def read_photo(path: Path, *, name: str = "", root: Path | None = None, white_level: int = 65535) -> Photo:
    """Read, identify and decode one photo.

    Args:
        path: the file.
        name: what to call it in the record; default its path.
        root: the folder that the run was given; no link may lead out of it.
        white_level: the 16-bit value that is white (4095 for a 12-bit camera).

    Raises:
        BadImage: the file can't be inspected; `code` and `remedy` say why and what to do.
    """
    data = read_bytes(path, root)
    try:
        return decode(data, name or path.as_posix(), white_level=white_level)
    except BadImage as error:
        error.sha256 = sha256_bytes(data)
        raise


def read_bytes(path: Path, root: Path | None = None) -> bytes:
    """The bytes of a regular file inside `root`, or `BadImage`."""
    if root is not None and not path.resolve().is_relative_to(root.resolve()):
        raise BadImage("link_out", f"{path.name} is a link that leads out of the given folder", "copy the file into the folder")
    if path.is_dir():
        raise BadImage("folder", f"{path} is a folder", "give a photo, or use `seewhy batch` for folders")
    if not path.exists():
        raise BadImage("missing", f"{path} does not exist", "check the path")
    if not path.is_file():
        raise BadImage("not_a_file", f"{path} is not a regular file", "give a photo")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadImage("unreadable", f"{path} can't be read ({error.strerror})", "check the file's permissions and the disk") from error
    if not data:
        raise BadImage("empty", f"{path.name} is empty (0 bytes)", "copy it again from the camera", sha256_bytes(data))
    return data


def decode(data: bytes, name: str, *, white_level: int = 65535) -> Photo:
    """Decode a photo's bytes; see `read_photo`."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise BadImage("bomb", f"{name} claims more than {MAX_PIXELS:,} pixels", "cut the picture into smaller ones") from error
    except UnidentifiedImageError as error:
        raise BadImage("not_an_image", f"{name} is not an image seewhy reads", "use JPEG, PNG, TIFF, BMP or WebP") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise BadImage("damaged", f"{name} is damaged ({error})", "copy it again from the camera") from error
    format_, mode, notes = image.format or "", image.mode, list[str]()
    try:
        if getattr(image, "n_frames", 1) > 1 and format_ != "MPO":
            notes.append("several_frames")
        image.load()
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        code = "truncated" if "truncated" in str(error) or "end" in str(error).lower() else "damaged"
        raise BadImage(code, f"{name} is {code}: {error}", "copy it again from the camera") from error
    orientation = _orientation(image, notes)
    pixels = _to_rgb(image, name, white_level, notes)
    return Photo(name, sha256_bytes(data), len(data), _upright(pixels, orientation), format_, mode, orientation, tuple(notes))


def _orientation(image: Image.Image, notes: list[str]) -> int:
    try:
        value = int(image.getexif().get(EXIF_ORIENTATION, 1))
    except Exception:  # Pillow raises many kinds for broken EXIF; the pixels are still good
        notes.append("broken_exif")
        return 1
    if not 1 <= value <= 8:
        notes.append("broken_exif")
        return 1
    if value != 1:
        notes.append("turned_by_exif")
    return value


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo EXIF orientation (CIPA DC-008, tag 0x0112)."""
    turned = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: pixels[::-1].transpose(1, 0, 2),
        7: pixels[::-1, ::-1].transpose(1, 0, 2),
        8: pixels[:, ::-1].transpose(1, 0, 2),
    }[orientation]
    return np.ascontiguousarray(turned)


def _to_rgb(image: Image.Image, name: str, white_level: int, notes: list[str]) -> Pixels:
    """(H, W, 3) uint8, whatever the file held; every lossy step leaves a note."""
    if image.mode.startswith("I"):
        grey = np.asarray(image).astype(np.int64)
        if grey.min(initial=0) < 0 or grey.max(initial=0) > 65535:
            raise BadImage("depth", f"{name} has 32-bit grey values", "save it with 8 or 16 bits")
        notes.append("16_bit_to_8")
        if white_level == 65535 and grey.max(initial=0) < 8192:
            notes.append("dark_16_bit")
        scaled = np.clip(np.rint(grey * (255.0 / white_level)), 0, 255).astype(np.uint8)
        return np.repeat(scaled[:, :, None], 3, axis=2)
    if image.mode == "F":
        raise BadImage("depth", f"{name} has floating-point values", "save it with 8 or 16 bits")
    if image.has_transparency_data:
        notes.append("alpha_on_white")
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, rgba)
    elif image.mode == "CMYK":
        notes.append("cmyk_to_rgb")
    return np.asarray(image.convert("RGB"))


def resized_to_fit(pixels: Pixels, longest_px: int) -> Pixels:
    """A copy no longer than `longest_px` on its longer side; never enlarged."""
    height, width = pixels.shape[:2]
    scale = longest_px / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX, reducing_gap=2.0))
