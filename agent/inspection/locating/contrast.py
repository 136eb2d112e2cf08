"""A region's outline taken from the photo itself, where the defect stands out in colour or lightness."""

from __future__ import annotations

from dataclasses import replace
from math import hypot

import cv2
import numpy as np

from seewhy.agent.inspection.evidence import reference_crop
from seewhy.pictures import correlation, mask_at, smaller, to_lab
from seewhy.types import Box, Map, Mask, Pixels, Region

LEAST_CONTRAST = 8.0  # CIE L*a*b* units between the defect's core and what is around it
LEAST_RATIO = 1.6  # of the core's difference to the 95th percentile of the surroundings' own
CORE = 0.02  # share of the region whose differences are the largest: the defect's core
LARGEST = 1024  # crops longer than this are left to the score map
MAP_AGREES = 1.6  # resolutions by which the two outlines may differ in size; farther apart, the photo's is of something else
EDGE_PX = 1.5  # an outline at half contrast is this far from the true one, at most, on each side
ALIGNED = 0.6
WHOLE = 0.8  # share of the outline that must be one piece; a defect in crumbs is texture
PIECE = 0.1  # parts smaller than this share of the largest one are noise


def refine(region: Region, pixels: Pixels, reference: Pixels | None, background_margin: int, longest: int = LARGEST) -> Region:
    """The region with a mask cut at half contrast in the photo, or the region as it was.

    The difference is taken against the reference where it shows the same place, else against the surroundings' median
    colour. Where the core does not stand out clearly (`LEAST_CONTRAST`, `LEAST_RATIO`) the score map's own outline and
    resolution stay.

    Args:
        region: from the score map; its mask says where to look.
        pixels: (H, W, 3) the photo.
        reference: (H, W, 3)-like good photo, any size, or None.
        background_margin: photo pixels around the region that count as its surroundings.
        longest: crops are reduced to this many pixels.
    """
    height, width = pixels.shape[:2]
    around = region.box.grown(background_margin, width, height)
    if max(around.width, around.height) > LARGEST:
        return region
    reach = max(1, round(region.resolution_px / 4))
    near = cv2.dilate(region.within(around).astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
    if (~near).sum() < 64:
        return region
    crop = smaller(pixels[around.slices], longest)
    size = crop.shape[1], crop.shape[0]
    there = None if reference is None else cv2.resize(reference_crop(reference, around, width, height), size, interpolation=cv2.INTER_AREA)
    small = mask_at(near, size)
    mask = _half_contrast(_difference(crop, there, small), small)
    if mask is None:
        return region
    sharper = _with_mask(region, mask_at(mask, (around.width, around.height)), around, around.width / size[0])
    apart = hypot(region.box.width, region.box.height) - hypot(sharper.box.width, sharper.box.height)
    return sharper if abs(apart) <= MAP_AGREES * region.resolution_px else region


def _difference(crop: Pixels, reference: Pixels | None, near: Mask) -> Map:
    """(h, w) L*a*b* distance of each pixel from what should be there."""
    lab = to_lab(crop)
    if reference is not None:
        there = to_lab(reference)
        if correlation(lab[..., 0][~near], there[..., 0][~near]) >= ALIGNED:
            level = np.median(lab[~near] - there[~near], 0)
            against: Map = np.linalg.norm(lab - there - level, axis=2).astype(np.float32)
            return against
    made: Map = np.linalg.norm(lab - np.median(lab[~near], 0), axis=2).astype(np.float32)
    return made


def _half_contrast(difference: Map, near: Mask) -> Mask | None:
    """Where the difference is more than half of the core's, 8-connected; None where nothing stands out."""
    soft = cv2.GaussianBlur(difference, (0, 0), 0.7)
    inside, outside = soft[near], soft[~near]
    tail = min(len(inside), max(12, round(CORE * len(inside))))
    core = float(np.median(np.partition(inside, -tail)[-tail:]))
    floor, noise = float(np.median(outside)), float(np.quantile(outside, 0.95))
    if core < max(LEAST_CONTRAST, LEAST_RATIO * noise):
        return None
    mask = ((soft >= (core + floor) / 2) & near).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count < 2:
        return None
    areas = stats[1:, cv2.CC_STAT_AREA]
    if areas.max() < WHOLE * areas.sum():
        return None
    return np.isin(labels, 1 + np.flatnonzero(areas >= PIECE * areas.max()))


def _with_mask(region: Region, mask: Mask, around: Box, pixel_px: float) -> Region:
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = Box(around.x0 + int(cols[0]), around.y0 + int(rows[0]), around.x0 + int(cols[-1]) + 1, around.y0 + int(rows[-1]) + 1)
    cut = np.ascontiguousarray(mask[int(rows[0]) : int(rows[-1]) + 1, int(cols[0]) : int(cols[-1]) + 1])
    resolution_px = 2 * EDGE_PX * pixel_px + 0.03 * hypot(box.width, box.height)
    return replace(region, box=box, mask=cut, resolution_px=resolution_px, outline="photo")
