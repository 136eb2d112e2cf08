"""From a score map to regions: 8-connected, with hysteresis over a noise floor, each cut at half its own height."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, sqrt

import cv2
import numpy as np

from seewhy.agent.detections.detection import MOST
from seewhy.agent.models.calibration import Calibration
from seewhy.types import Box, Map, Mask, Region, ScoreMap

HALF_HEIGHT = 0.5  # a blurred step crosses half of its height where the edge is
CUT_PIXELS = 4_000_000  # larger maps are cut on a copy of about this size
TRIED = 2 * MOST  # peaks per photo that are looked at; most of those that give no region are shoulders of others


def regions_of(scores: ScoreMap, calibration: Calibration, seed: float | None) -> tuple[Region, ...]:
    """The regions of a photo that was called anomalous, or the strangest places of one that nothing can be said of.

    Args:
        scores: its map.
        calibration: of the detector that made it.
        seed: what a map of a good photo reaches at most at the rate that was asked for; None without a calibration.
    """
    highest = float(scores.values.max())
    if seed is None:
        middle = float(np.median(scores.values))
        half = (middle + highest) / 2
        return regions(scores, seed=half, floor=half, background=middle) if highest > middle else ()
    reached = seed if highest > seed else float(np.nextafter(highest, -np.inf))  # the photo is strange as a whole
    return regions(scores, seed=reached, floor=min(calibration.noise, reached), background=calibration.median)


def regions(scores: ScoreMap, *, seed: float, floor: float, background: float, most: int = MOST) -> tuple[Region, ...]:
    """List the regions of a photo, strongest first.

    A region is a patch above `floor` (hysteresis: it must exceed `seed` somewhere), cut where the map falls to half of the
    region's own height over `background`. What of the patch stays above `seed` farther than the map's resolution from
    the regions cut already is a region of its own.

    Args:
        scores: the map, at the photo's size.
        seed: at least one pixel of a region is above this.
        floor: below this is noise.
        background: what good surface scores.
        most: stop after this many.
    """
    height, width = scores.values.shape
    stride = max(1, ceil(sqrt(height * width / CUT_PIXELS)))
    values = np.ascontiguousarray(scores.values[::stride, ::stride])
    highest = float(values.max())
    if float(scores.values.max()) <= seed:
        return ()
    seed = min(seed, float(np.nextafter(highest, -np.inf)))  # the peak may lie between the pixels of the copy
    found = _cut(values, seed=seed, floor=min(floor, seed), background=background, resolution=scores.resolution_px / stride, most=most)
    return tuple(_enlarged(region, stride, width, height) for region in found)


def _enlarged(region: Region, stride: int, width: int, height: int) -> Region:
    """A region that was cut on every `stride`-th pixel, in the photo's own pixels."""
    if stride == 1:
        return region
    x0, y0, x1, y1 = (v * stride for v in region.box)
    box = Box(x0, y0, min(width, x1), min(height, y1))
    mask = np.repeat(np.repeat(region.mask, stride, 0), stride, 1)[: box.height, : box.width]
    at = region.peak_at[0] * stride, region.peak_at[1] * stride
    return replace(region, box=box, mask=mask, peak_at=at, resolution_px=region.resolution_px * stride)


def _cut(values: Map, *, seed: float, floor: float, background: float, resolution: float, most: int) -> list[Region]:
    """Regions around the map's own peaks, strongest first: each is filled from its peak down to half of its height."""
    inside = values > floor
    blocked = np.pad((~inside).astype(np.uint8), 1, constant_values=1)  # as cv2.floodFill takes it
    reach, open_ = max(1, round(resolution)), inside.copy()
    ys, xs = np.nonzero((values >= cv2.dilate(values, np.ones((3, 3), np.uint8))) & (values > seed))
    found, tried = list[Region](), 0
    for at in np.argsort(-values[ys, xs], kind="stable"):
        x, y = int(xs[at]), int(ys[at])
        if not open_[y, x]:
            continue
        peak = float(values[y, x])
        half = float(np.float32(peak) - np.float32(background + HALF_HEIGHT * (peak - background)))
        flags = 8 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (255 << 8)
        _, _, _, (left, top, w, h) = cv2.floodFill(values, blocked, (x, y), 0, half, np.inf, flags)
        box = Box(left, top, left + w, top + h)
        filled = blocked[1:-1, 1:-1][box.slices]
        mask = filled == 255
        filled[mask] = 0
        scores = values[box.slices][mask]
        if float(scores.max()) <= peak:  # else a shoulder of a stronger region
            found.append(Region(box, mask, peak, float(scores.mean()), (x, y), resolution))
        _close(open_, box, mask, reach)
        tried += 1
        if len(found) == most or tried == TRIED:
            break
    return found


def _close(open_: Mask, box: Box, mask: Mask, reach: int) -> None:
    """What lies within `reach` of a region is no peak of its own."""
    around = box.grown(reach, open_.shape[1], open_.shape[0])
    away = np.ones((around.height, around.width), np.uint8)
    away[box.y0 - around.y0 :, box.x0 - around.x0 :][: box.height, : box.width] = ~mask
    open_[around.slices] &= cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) > reach
