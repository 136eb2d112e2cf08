"""Photos in: bytes to 8-bit RGB pixels, or one clear reason why not."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from seewhy.agent.photos import tiff
from seewhy.agent.photos.levels import FULL, Levels
from seewhy.agent.photos.names import recorded
from seewhy.agent.photos.raster import PNG, PNG_BITS, read_raster
from seewhy.agent.photos.stored import MOST_BYTES, Stored, to_rgb
from seewhy.canonical import sha256_bytes
from seewhy.errors import BadImage
from seewhy.types import Pixels

LEAST_SIDE_PX = 8


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """One decoded photo and what its file said of itself."""

    name: str  # the path as the user gave it, or relative to the folder of the run; "/" between parts
    sha256: str  # of the file's bytes: the photo's identity
    file_bytes: int
    pixels: Pixels  # (H, W, 3) uint8 RGB, upright
    format: str
    mode: str  # as stored: "L", "I;16", "RGB;16", "P", "RGBA", "CMYK", …
    orientation: int  # EXIF, 1 to 8
    notes: tuple[str, ...]  # what was done to get there, for the record
    levels: Levels = field(default=Levels())  # the range of its stored values

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])


def read_photo(path: Path, *, name: str = "", root: Path | None = None, white_level: int = FULL) -> Photo:
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
        return decode(data, name or recorded(path), white_level=white_level)
    except BadImage as error:
        error.sha256 = sha256_bytes(data)
        raise


def photo_of(
    photo: Photo | Pixels | Image.Image | Path | str, *, name: str = "", root: Path | None = None, white_level: int = FULL
) -> Photo:
    """A photo from whatever holds it: a path, a photo that was decoded, an array (H, W) or (H, W, 3) of 8 bits, a picture of Pillow.

    Pixels that come without a file are known by the SHA-256 of a PNG that is made of them.

    Args:
        photo: see above.
        name: what to call it in the record; default its path.
        root: the folder that the run was given; no link may lead out of it.
        white_level: see `read_photo`.

    Raises:
        BadImage: it can't be inspected.
    """
    if isinstance(photo, Photo):
        return photo
    if isinstance(photo, str | Path):
        return read_photo(Path(photo), name=name, root=root, white_level=white_level)
    pixels = np.asarray(photo.convert("RGB") if isinstance(photo, Image.Image) else photo)
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)):
        what = f"an array of {pixels.dtype} with the shape {pixels.shape}"
        raise BadImage("channels", f"{what} is no photo", "give (height, width, 3) RGB of 8 bits, or the file")
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return decode(out.getvalue(), name or "array", white_level=white_level)


def read_bytes(path: Path, root: Path | None = None) -> bytes:
    """The bytes of a regular file inside `root`, or `BadImage`."""
    shown, named = recorded(path), recorded(path.name)
    try:
        if root is not None and not path.resolve().is_relative_to(root.resolve()):
            raise BadImage("link_out", f"{named} is a link that leads out of the given folder", "copy the file into the folder")
        if path.is_dir():
            raise BadImage("folder", f"{shown} is a folder", "give a photo, or use `seewhy batch` for folders")
        if not path.exists():
            raise BadImage("missing", f"{shown} does not exist", "check the path")
        if not path.is_file():
            raise BadImage("not_a_file", f"{shown} is not a regular file", "give a photo")
        if path.stat().st_size > MOST_BYTES:
            raise BadImage("bomb", f"{named} has more than {MOST_BYTES:,} bytes", "cut the picture into smaller ones")
        data = path.read_bytes()
    except OSError as error:
        raise BadImage("unreadable", f"{shown} can't be read ({error.strerror})", "check the file's permissions and the disk") from error
    except ValueError as error:
        raise BadImage("missing", f"{shown} can't be a path ({error})", "check the path") from error
    if not data:
        raise BadImage("empty", f"{named} is empty (0 bytes)", "copy it again from the camera", sha256_bytes(data))
    return data


def decode(data: bytes, name: str, *, white_level: int = FULL) -> Photo:
    """Decode a photo's bytes; see `read_photo`."""
    try:
        stored = read_stored(data, name)
        if stored.orientation != 1:
            stored.notes.append("turned_by_exif")
        pixels, levels = to_rgb(stored, white_level)
    except BadImage:
        raise
    except MemoryError as error:
        raise BadImage(
            "memory", f"there is not enough memory here to read {name}", "free memory, or cut the picture into smaller ones"
        ) from error
    except Exception as error:  # decoders raise whatever a damaged file leads them to; nothing of it may stop a lot
        why = " ".join(str(error).split())[:200] or type(error).__name__
        code = "truncated" if "truncated" in why.lower() or "end" in why.lower() else "damaged"
        raise BadImage(code, f"{name} is {code}: {why}", "copy it again from the camera") from error
    if min(pixels.shape[:2]) < LEAST_SIDE_PX:
        size = f"{pixels.shape[1]} x {pixels.shape[0]} pixels"
        raise BadImage("small", f"{name} has {size}; less than {LEAST_SIDE_PX} across shows no part", "give the camera's own photo")
    upright = upright_of(pixels, stored.orientation)
    return Photo(name, sha256_bytes(data), len(data), upright, stored.format, stored.mode, stored.orientation, tuple(stored.notes), levels)


def read_stored(data: bytes, name: str) -> Stored:
    """What the file stores, by the reader of its kind.

    Raises:
        BadImage: with the reason; any other exception is a damaged file.
    """
    return tiff.read_tiff(data, name) if data.startswith(tiff.MAGIC) else read_raster(data, name)


def may_be_deep(path: Path) -> bool:
    """Whether a file may hold more than 8 bits per value: TIFF, or PNG of 16 bits."""
    try:
        with path.open("rb") as file:
            start = file.read(PNG_BITS + 1)
    except (OSError, ValueError):
        return False  # reading it will say why
    return start.startswith(tiff.MAGIC) or (start.startswith(PNG) and start[PNG_BITS:] == b"\x10")


def upright_of(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo EXIF orientation (CIPA DC-008, tag 0x0112) of (H, W) or (H, W, C)."""
    swapped = pixels.swapaxes(0, 1) if orientation >= 5 else pixels
    rows, columns = {1: (1, 1), 2: (1, -1), 3: (-1, -1), 4: (-1, 1), 5: (1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}[orientation]
    return np.ascontiguousarray(swapped[::rows, ::columns])


def resized_to_fit(pixels: Pixels, longest_px: int) -> Pixels:
    """A copy no longer than `longest_px` on its longer side; never enlarged."""
    height, width = pixels.shape[:2]
    scale = longest_px / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX, reducing_gap=2.0))
