"""Regions that are known exactly, as an inspection shows them to an explainer, and the card of the drawn defects."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from seewhy.agent.inspection.facts import measure
from seewhy.agent.inspection.views import Shown, margin_of, region_view
from seewhy.agent.photos.images import Photo, decode
from seewhy.card import DefectType, Knowledge, ProductCard
from seewhy.explainers import RegionView
from seewhy.pictures import png
from seewhy.types import Box, Mask, Pixels, Region

CARD = ProductCard(
    name="part",
    description="a machined part",
    defects=(
        DefectType(name="scratch", description="a thin line", shape=("line",)),
        DefectType(name="pit", description="a small round hole", shape=("spot",), tone=("darker",)),
        DefectType(name="stain", description="a wide patch of another colour", shape=("patch",)),
        DefectType(name="chip", description="a piece broken out of the edge", shape=("edge",)),
    ),
    knowledge=(
        Knowledge(id="S-1", applies_to=("scratch",), cause="contact with a hard edge", check="Look at the grippers.", source="synthetic"),
        Knowledge(id="P-1", applies_to=("pit",), cause="gas in the melt", check="Look at the melt.", source="synthetic"),
        Knowledge(id="T-1", applies_to=("stain",), cause="coolant that dried", check="Look at the rinsing.", source="synthetic"),
        Knowledge(id="C-1", applies_to=("chip",), cause="a blow on the edge", check="Look at the trays.", source="synthetic"),
    ),
)


def as_png(pixels: Pixels) -> bytes:
    """A PNG file of (H, W, 3)."""
    return png(pixels)


def as_photo(pixels: Pixels, name: str) -> Photo:
    """(H, W, 3) as a photo that was read from a file of that name."""
    return decode(as_png(pixels), name)


def view_of(photo: Pixels, mask: Mask, good: Pixels | None, card: ProductCard, number: int = 1) -> RegionView:
    """A region that is known exactly, as the inspection would show it."""
    region = region_of(mask)
    measured = measure(region, card, photo.shape[1], photo.shape[0], 0.5)
    return region_view(number, region, measured, Shown.of(photo, good), card)


def region_of(mask: Mask) -> Region:
    """The region that a mask (H, W) covers."""
    ys, xs = np.nonzero(mask)
    box = Box(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)
    return Region(box, mask[box.slices], 1.0, 1.0, (box.x0, box.y0), 1.0, "photo")


def close_up(mask: Mask) -> Box:
    """Where the close-up of a region is cut."""
    region = region_of(mask)
    return region.box.grown(margin_of(region), mask.shape[1], mask.shape[0])


def moved_mask(mask: Mask, rng: Any) -> Mask | None:
    """The mask at another place of its crop, away from where it is; None where there is no room."""
    height, width = mask.shape
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    for _ in range(30):
        dy, dx = int(rng.integers(-height, height)), int(rng.integers(-width, width))
        made = np.zeros_like(mask)
        ys, xs = np.nonzero(mask)
        ys, xs = ys + dy, xs + dx
        if ys.min() < 0 or xs.min() < 0 or ys.max() >= height or xs.max() >= width:
            continue
        made[ys, xs] = True
        if not (made & grown).any():
            return made
    return None
