"""What an explainer is shown of a region: from the photo at hand, or again from the pictures that a record keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.agent.inspection.evidence import Pictures, picture_of, reference_crop
from seewhy.card import ProductCard
from seewhy.explainers import WHOLE_PX, RegionView
from seewhy.pictures import mask_at, smaller
from seewhy.record import Finding, InspectionRecord, Measured
from seewhy.types import Box, Map, Mask, Pixels, Region

LARGEST_PX = 1024  # longest side of a crop that is shown; its pictures in the record are smaller
CONTEXT = 0.75  # of a region's longer side, shown around it in its crop
LEAST_CONTEXT_PX = 24


def margin_of(region: Region) -> int:
    """Photo pixels of context around a region."""
    return max(LEAST_CONTEXT_PX, round(CONTEXT * max(region.box.width, region.box.height)))


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What is shown of a photo beside each of its regions."""

    pixels: Pixels  # (H, W, 3)
    good: Pixels | None  # the nearest good photo, of any size
    whole: Pixels  # (h, w, 3) reduced to `WHOLE_PX`
    heat: Map | None  # (h, w) the score map, likewise, 0..1

    @classmethod
    def of(cls, pixels: Pixels, good: Pixels | None, heat: Map | None = None) -> Shown:
        """Reduced once for all regions."""
        return cls(pixels, good, smaller(pixels, WHOLE_PX), None if heat is None else _unit(smaller(heat, WHOLE_PX)))


def region_view(
    number: int,
    region: Region,
    measured: Measured,
    photo: Shown,
    card: ProductCard,
    pictures: Pictures | None = None,
) -> RegionView:
    """What is shown of a region of a photo.

    Args:
        number: of the finding.
        region: where it is.
        measured: what was measured of it.
        photo: what is shown of it whatever the region.
        card: of the product.
        pictures: where the crops are kept as evidence.
    """
    pixels = photo.pixels
    height, width = pixels.shape[:2]
    around = region.box.grown(margin_of(region), width, height)
    crop = smaller(pixels[around.slices], LARGEST_PX)
    whole = np.zeros((height, width), np.uint8)
    whole[region.box.slices][region.mask] = 255
    mask = smaller(whole[around.slices], LARGEST_PX) > 0
    reference = None if photo.good is None else smaller(reference_crop(photo.good, around, width, height), LARGEST_PX)
    return RegionView(
        number=number,
        crop=crop,
        mask=mask,
        reference=reference,
        measured=measured,
        card=card,
        evidence=(pictures or Pictures(keep=False)).add_region(number, around, crop, mask, reference),
        whole=photo.whole,
        whole_mask=smaller(whole, WHOLE_PX) > 0,
        heat=photo.heat,
        label=region.label,
    )


def region_view_again(record: InspectionRecord, finding: Finding, card: ProductCard, bytes_of: Callable[[str], bytes | None]) -> RegionView:
    """The same from a record's evidence, for words that come later; pictures are as small as they were kept.

    Args:
        record: what was recorded.
        finding: one of its findings.
        card: the product card that it was made with.
        bytes_of: a kept picture by its SHA-256.

    Raises:
        LedgerError: a picture that is needed was not kept or can't be read.
    """
    kept = {e.name: e for e in record.evidence}

    def picture(name: str) -> Any:
        return picture_of(record, name, bytes_of)

    number = finding.number
    crop = picture(f"crop-{number}")
    small = picture(f"mask-{number}") > 127
    around = Box(*kept[f"mask-{number}"].box_px)
    mask = mask_at(small, crop.shape[1::-1])
    reference = picture(f"reference-{number}") if f"reference-{number}" in kept else None
    if reference is not None and reference.shape != crop.shape:
        reference = cv2.resize(reference, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    everywhere = np.zeros((record.photo.height_px, record.photo.width_px), bool)
    everywhere[around.slices] = mask_at(small, (around.width, around.height))
    whole = smaller(picture("photo"), WHOLE_PX)
    whole_mask = mask_at(_reduced(everywhere), whole.shape[1::-1])
    heat = picture("map") if "map" in kept else None
    return RegionView(
        number=number,
        crop=crop,
        mask=mask,
        reference=reference,
        measured=finding.measured,
        card=card,
        evidence=finding.evidence,
        whole=whole,
        whole_mask=whole_mask,
        heat=None if heat is None else _unit(heat),
        label=next((h.type.value or "" for h in finding.hypotheses if h.type.source == "external"), ""),
    )


def _reduced(mask: Mask) -> Mask:
    """A mask at `WHOLE_PX`; a region of a single pixel stays."""
    made: Mask = smaller(mask.astype(np.uint8) * 255, WHOLE_PX) > 0
    return made


def _unit(values: npt.NDArray[np.generic]) -> Map:
    made: Map = values.astype(np.float32)
    return made / np.float32(max(float(made.max()), 1e-9))
