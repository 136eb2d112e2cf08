"""Masks: where the defect is, whichever way people write that down, and what looks wrong with one.

Rules, in this order. A folder of pictures is their union; a label file (COCO, Labelme, VOC) is drawn. Of a picture:
1. with transparency: where the alpha channel varies, what isn't transparent is the defect;
2. a palette picture (PNG, BMP): every index but the background's 0, whatever colours its palette has;
3. few values (0 and 1, 0 and 255, classes), in any depth: every value but 0;
4. many values (JPEG, smoothed edges): from half of the largest value on.
Of colours the largest channel counts. A mask has its photo's size, upright or as the photo is stored (then it is turned with the photo).
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from seewhy.agent.photos import tiff
from seewhy.agent.photos.folders import files_below
from seewhy.agent.photos.images import Photo, read_bytes, read_photo, read_stored, upright_of
from seewhy.agent.photos.labels import marked
from seewhy.agent.photos.names import recorded
from seewhy.agent.photos.samples import Sample
from seewhy.errors import BadData, BadImage
from seewhy.types import Mask

FEW = 32  # distinct values; more come from compression or smoothing
LARGE = 0.5  # share of a defective photo above which a mask is doubted


def read_mask(sample: Sample, photo: Photo) -> Mask | None:
    """(H, W) at the photo's upright size, True on the defect; None where the photo has none or it marks nothing.

    Raises:
        BadData: it can't be read, or doesn't fit its photo.
    """
    if sample.mask is None:
        return None
    mask = drawn_mask(sample.mask, sample.path, (photo.height, photo.width), photo.orientation)
    return mask if mask.any() else None


def drawn_mask(file: Path, photo: Path, shape: tuple[int, int], orientation: int) -> Mask:
    """(H, W) of a mask's file, at its photo's upright size.

    Args:
        file: the mask.
        photo: whose it is, by whose name a file of labels finds it.
        shape: (height, width) of the photo, upright.
        orientation: of the photo (EXIF).

    Raises:
        BadData: it can't be read, or has another size.
    """
    mask = _raw(file, photo)
    if mask.shape == shape:
        return mask
    turned = upright_of(mask, orientation)
    if turned.shape != shape:
        height, width = mask.shape
        raise BadData(f"{recorded(file)} is {width} x {height}, its photo {shape[1]} x {shape[0]}; give it the photo's size")
    return turned


def checked_masks(samples: Iterable[Sample], white_level: int = 65535) -> list[str]:
    """What looks wrong with the masks of defective photos, in sentences; reads each of them, so call it before a fit.

    Raises:
        BadData: a mask can't be read, or doesn't fit its photo.
        BadImage: a photo can't be read.
    """
    told, defective = list[str](), [s for s in samples if not s.good and s.split not in ("train", "private")]
    for sample in (s for s in defective if s.mask is not None):
        photo = read_photo(sample.path, name=sample.name, root=sample.root, white_level=white_level)
        mask = read_mask(sample, photo)
        name = recorded(sample.mask) if sample.mask else ""
        if mask is None:
            told.append(f"{name} marks nothing, though its photo is called {sample.kind}: the photo counts as one without a mask")
        elif mask.mean() > LARGE:
            told.append(f"{name} marks {mask.mean():.0%} of its photo: is it inverted?")
        if photo.orientation != 1 and mask is not None and mask.shape == mask.shape[::-1]:
            told.append(f"{name} is square and its photo is turned by EXIF: it was taken as upright")
    without = [s for s in defective if s.mask is None]
    if without and len(without) < len(defective):
        told.append(f"{len(without)} of {len(defective)} defective photos have no mask, for instance {without[0].name}")
    return told


def marks_nothing(path: Path) -> bool:
    """Whether a picture of a mask is empty.

    Raises:
        BadData: it can't be read.
    """
    return not _picture(path).any()


def _raw(mask: Path, photo: Path) -> Mask:
    """As the file has it."""
    if mask.is_dir():
        parts = [_picture(path) for path in files_below(mask)]
        if not parts or len({part.shape for part in parts}) > 1:
            raise BadData(f"{recorded(mask)} holds {'masks of different sizes' if parts else 'no mask'}; put that right")
        union: Mask = np.logical_or.reduce(parts)
        return union
    if mask.suffix.lower() in (".json", ".xml"):
        found = marked(mask, photo)
        if found is None:
            raise BadData(f"{recorded(mask)} doesn't say how large {recorded(photo.name)} is or what it marks there")
        return found[0]
    return _picture(mask)


def read_labels(path: Path) -> npt.NDArray[Any]:
    """A picture of a mask, (H, W): 0 where nothing is marked; by the rules above, other values tell classes or instances apart.

    Raises:
        BadData: it can't be read.
    """
    try:
        data = read_bytes(path)
        if not data.startswith(tiff.MAGIC):
            indices = _indices(data)
            if indices is not None:
                return indices
        stored = read_stored(data, recorded(path.name))
    except (BadImage, OSError, ValueError, SyntaxError) as error:
        raise BadData(f"{recorded(path)} can't be read as a mask: {error}") from error
    values = stored.values
    if stored.alpha and np.ptp(values[..., -1]) > 0:
        return _marked(values[..., -1:])
    colour = values[..., :-1] if stored.alpha else values
    return _marked(colour.max() - colour if stored.white_is_zero else colour)


def _picture(path: Path) -> Mask:
    return np.asarray(read_labels(path) != 0)


def _indices(data: bytes) -> npt.NDArray[Any] | None:
    """(H, W) of a palette picture: what its palette looks like says nothing."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image) if image.mode == "P" else None


def _marked(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Rules 3 and 4 of (H, W, C)."""
    flat = values.max(axis=2)
    highest = int(flat.max(initial=0))
    few = len(np.unique(flat)) <= FEW
    return np.asarray(flat if few else flat >= highest / 2)


def unused(left_out: Sequence[tuple[str, str, int]]) -> list[str]:
    """Sentences on masks that lie there and belong to no photo, of a layout's `left_out`."""
    return [f"{count} masks in {folder} belong to no photo" for folder, why, count in left_out if why == "mask that belongs to no photo"]
