"""From a score map to regions: 8-connected, with hysteresis over a noise floor, each cut at half its own height."""

from __future__ import annotations

import cv2
import numpy as np

from seewhy.agent.models.calibration import Calibration
from seewhy.types import Box, Map, Mask, Region, ScoreMap

HALF_HEIGHT = 0.5  # a blurred step crosses half of its height where the edge is
MOST = 50  # regions per photo; more is a broken photo, not fifty defects


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
    values = scores.values
    if float(values.max()) <= seed:
        return ()
    left = (values > min(floor, seed)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(left, connectivity=8)
    found: list[Region] = []
    for label in range(1, count):
        x, y, w, h = (int(v) for v in stats[label, :4])
        patch = Box(x, y, x + w, y + h)
        found += _cut(values[patch.slices], labels[patch.slices] == label, patch, seed, background, scores.resolution_px)
    found.sort(key=lambda r: (-r.peak, r.box))
    return tuple(found[:most])


def _cut(values: Map, inside: Mask, patch: Box, seed: float, background: float, resolution: float) -> list[Region]:
    """The regions of one patch (all arrays are the patch's own box)."""
    out: list[Region] = []
    reach = max(1, round(resolution))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    open_ = inside.copy()
    while len(out) < MOST:
        masked = np.where(open_, values, -np.inf)
        y, x = np.unravel_index(int(masked.argmax()), masked.shape)
        peak = float(masked[y, x])
        if peak <= seed:
            break
        level = background + HALF_HEIGHT * (peak - background)
        _, labels = cv2.connectedComponents((inside & (values >= level)).astype(np.uint8), connectivity=8)
        mask = labels == labels[y, x]
        if float(values[mask].max()) <= peak:  # else a shoulder of a stronger region
            out.append(_region(values, mask, (int(x), int(y)), patch, resolution))
        open_ &= cv2.dilate(mask.astype(np.uint8), kernel) == 0
    return out


def _region(values: Map, mask: Mask, at: tuple[int, int], patch: Box, resolution: float) -> Region:
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    inner = Box(int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1)
    box = Box(patch.x0 + inner.x0, patch.y0 + inner.y0, patch.x0 + inner.x1, patch.y0 + inner.y1)
    cut = np.ascontiguousarray(mask[inner.slices])
    scores = values[inner.slices][cut]
    return Region(box, cut, float(scores.max()), float(scores.mean()), (patch.x0 + at[0], patch.y0 + at[1]), resolution)
