"""Pictures that a record rests on: photo, score map, crops; named in the record, kept under their SHA-256."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from seewhy.canonical import sha256_bytes
from seewhy.errors import LedgerError
from seewhy.pictures import Picture, decoded, jpeg, png, smaller
from seewhy.record import Evidence, InspectionRecord
from seewhy.types import Box, Map, Mask, Pixels

PHOTO_PX = 1280  # longest side of the kept photo of a part with findings
THUMBNAIL_PX = 480  # and of one without
MAP_PX = 256
CROP_PX = 384
JPEG_QUALITY = 85


class Pictures:
    """Collects one record's pictures."""

    def __init__(self, *, keep: bool = True) -> None:
        self.keep = keep
        self.listed: list[Evidence] = []
        self.bytes: dict[str, tuple[str, bytes]] = {}

    def add_photo(self, pixels: Pixels, heat: Map | None, *, anomalous: bool) -> None:
        """The photo, smaller, and its score map as 16-bit grey (65535 is the map's largest value)."""
        if not self.keep:
            return
        whole = Box(0, 0, pixels.shape[1], pixels.shape[0])
        self._add("photo", "image/jpeg", smaller(pixels, PHOTO_PX if anomalous else THUMBNAIL_PX), whole)
        if anomalous and heat is not None:
            small = smaller(heat, MAP_PX)
            top = float(small.max()) or 1.0
            self._add("map", "image/png", np.clip(small * (65535 / top), 0, 65535).astype(np.uint16), whole)

    def add_region(self, number: int, box: Box, crop: Pixels, mask: Mask, reference: Pixels | None) -> tuple[str, ...]:
        """A region's crop, its outline as a mask, and the reference's crop; returns their names in the record."""
        names = [f"crop-{number}", f"mask-{number}"] + ([f"reference-{number}"] if reference is not None else [])
        if self.keep:
            self._add(names[0], "image/jpeg", smaller(crop, CROP_PX), box)
            self._add(names[1], "image/png", smaller(np.where(mask, np.uint8(255), np.uint8(0)), CROP_PX), box)
            if reference is not None:
                self._add(names[2], "image/jpeg", smaller(reference, CROP_PX), box)
        return tuple(names)

    def _add(self, name: str, media_type: str, pixels: Picture, box: Box) -> None:
        lossy = media_type == "image/jpeg"
        data = jpeg(pixels, JPEG_QUALITY) if lossy else png(pixels, compression=1)
        digest = sha256_bytes(data)
        height, width = pixels.shape[:2]
        self.bytes[digest] = (media_type, data)
        self.listed.append(
            Evidence(
                name=name,
                sha256=digest,
                media_type="image/jpeg" if lossy else "image/png",
                width_px=width,
                height_px=height,
                box_px=tuple(box),
            )
        )


def reference_crop(reference: Pixels, box: Box, width: int, height: int) -> Pixels:
    """The same place of a good photo, at the crop's size; the two photos may differ in size."""
    sy, sx = reference.shape[0] / height, reference.shape[1] / width
    y0, x0 = int(box.y0 * sy), int(box.x0 * sx)
    y1, x1 = max(y0 + 1, round(box.y1 * sy)), max(x0 + 1, round(box.x1 * sx))
    cut = reference[y0:y1, x0:x1]
    if cut.shape[:2] == (box.height, box.width):
        return cut
    made: Pixels = cv2.resize(cut, (box.width, box.height), interpolation=cv2.INTER_LINEAR)
    return made


def picture_of(record: InspectionRecord, name: str, bytes_of: Callable[[str], bytes | None]) -> Any:
    """A kept picture, (h, w, 3) RGB or (h, w).

    Raises:
        LedgerError: it was not kept or can't be read.
    """
    digest = next((e.sha256 for e in record.evidence if e.name == name), None)
    data = None if digest is None else bytes_of(digest)
    picture = None if data is None else decoded(data)
    if picture is None:
        raise LedgerError(f"the picture {name!r} of {record.photo.name!r} was not kept; inspect the photo again")
    return picture
