"""Good photos that a model keeps, to show beside a finding."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from seewhy.agent.photos.images import Photo, resized_to_fit
from seewhy.agent.photos.levels import LOOK_PX, brightness
from seewhy.detectors.parts.bank import greedy_k_centre
from seewhy.errors import BadModel
from seewhy.nearest import faiss
from seewhy.types import Descriptor, Pixels

MOST_REFERENCES = 48
REFERENCE_PX = 1024  # longest side of a kept good photo


@dataclass(frozen=True, slots=True, eq=False)
class References:
    """Good photos that the model keeps, to show beside a finding."""

    jpegs: tuple[bytes, ...]
    sha256: tuple[str, ...]  # of the original files
    descriptors: npt.NDArray[np.float32]  # (N, D)

    def nearest(self, descriptor: npt.NDArray[np.float32] | None) -> int | None:
        """Number of the good photo most like the one described, or None where none is kept."""
        if not self.jpegs or descriptor is None:
            return None
        index = faiss.IndexFlatL2(self.descriptors.shape[1])
        index.add(self.descriptors)
        _, rows = index.search(descriptor[None].astype(np.float32), 1)
        return int(rows[0, 0])

    def alike(self, descriptor: Descriptor, most: int) -> list[int]:
        """Numbers of the good photos most like the one described, nearest first."""
        if not self.jpegs:
            return []
        distances = np.linalg.norm(self.descriptors - descriptor, axis=1)
        return [int(number) for number in np.argsort(distances, kind="stable")[:most]]

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height at which the good photos were taken; None where they differ, or none is kept as large as it was."""
        sizes = {Image.open(io.BytesIO(jpeg), formats=["JPEG"]).size for jpeg in self.jpegs}
        size = next(iter(sizes), None)
        return size if size is not None and len(sizes) == 1 and max(size) < REFERENCE_PX else None

    def brightness(self) -> tuple[float, ...]:
        """Of each kept photo, see `seewhy.agent.photos.levels`; decoded small, as it is looked at small."""
        return tuple(brightness(_pixels(jpeg, LOOK_PX)) for jpeg in self.jpegs)

    def pixels(self, number: int) -> Pixels:
        """One kept photo, (h, w, 3).

        Raises:
            BadModel: it is damaged.
        """
        return _pixels(self.jpegs[number])


def chosen_references(photos: Sequence[Photo], described: Mapping[int, Descriptor | None]) -> References:
    """A spread of good photos: a k-centre choice by the detector's description of the whole photo."""
    kept = {number: d for number, d in sorted(described.items()) if d is not None}
    if not kept:
        return References((), (), np.zeros((0, 1), np.float32))
    numbers, features = list(kept), np.stack(list(kept.values())).astype(np.float32)
    chosen = sorted(int(i) for i in greedy_k_centre(features, MOST_REFERENCES, seed=0))
    jpegs, hashes = list[bytes](), list[str]()
    for i in chosen:
        photo = photos[numbers[i]]
        jpegs.append(_jpeg(resized_to_fit(photo.pixels, REFERENCE_PX)))
        hashes.append(photo.sha256)
    return References(tuple(jpegs), tuple(hashes), features[chosen])


def _pixels(jpeg: bytes, longest_px: int = REFERENCE_PX) -> Pixels:
    """A kept photo; a smaller one is decoded small, not below `longest_px`."""
    try:
        image = Image.open(io.BytesIO(jpeg), formats=["JPEG"])
        image.draft("RGB", (longest_px, longest_px))
        return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise BadModel(f"a good photo that the model keeps can't be read ({error}); fit the model again") from error


def _jpeg(pixels: Pixels) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=88)
    return out.getvalue()
