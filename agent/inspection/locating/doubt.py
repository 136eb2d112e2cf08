"""How well a size is known: from the evidence that it was cut from, calibrated once on drawn defects of known size."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot

import cv2
import numpy as np

from seewhy.agent.inspection.locating.cutting import Evidence, coarser, fewer
from seewhy.agent.inspection.shape import mask_feret
from seewhy.types import Map, Mask, Region

PHOTO_CELLS = 2.0  # of an outline in the photo: cells …
SHARE = 0.1  # … and so much of the length
LEVELS = (0.2, 0.6)  # of the evidence's height, between which the outline may as well lie
FINE_CELLS = 1.0
FACTOR = 1.1  # of the sum of cells, share and spread, so that it holds 95 % of drawn defects on good photos (evals/results)
SOFT_CELLS = 0.7  # sigma to which the evidence is blurred for it


def half_width(region: Region, evidence: Evidence) -> float | None:
    """Half the width of the interval of a region's lengths, px; None where its own resolution says it (an outline from the map alone).

    An outline in the photo is a sharp edge, and the doubt is whether that edge is the defect's. One that is cut from evidence which
    falls off slowly could as well lie farther out or in: the doubt is how much its length changes between two levels.
    """
    cells = evidence.cell_px
    if region.outline == "photo":
        return PHOTO_CELLS * cells + SHARE * hypot(region.box.width, region.box.height)
    if region.outline != "fine":
        return None
    length = mask_feret(region.mask)
    spread = max(abs(other - length) for other in lengths(region, evidence))
    return FACTOR * (spread + FINE_CELLS * cells + SHARE * length)


def lengths(region: Region, evidence: Evidence, levels: Sequence[float] = LEVELS) -> list[float]:
    """The region's length where it is cut at each of `levels` of the evidence's height, px."""
    step, own = evidence.step, fewer(region, evidence.step)
    sharp = coarser(evidence.sharp, step)
    margin = max(own.box.width, own.box.height) + round(3 * evidence.cell_px / step)
    near = own.box.grown(margin, sharp.shape[1], sharp.shape[0])
    soft = cv2.GaussianBlur(sharp[near.slices], (0, 0), SOFT_CELLS * evidence.cell_px / step)
    inside = own.within(near)
    peak = float(soft[inside].max())
    return [step * mask_feret(_joined(soft, level * peak, inside)) for level in levels]


def _joined(soft: Map, least: float, inside: Mask) -> Mask:
    """What is at least so high, of it the pieces that reach into the mask."""
    _, labels = cv2.connectedComponents((soft >= least).astype(np.uint8), connectivity=8)
    touched = np.unique(labels[inside])
    return np.isin(labels, touched[touched > 0])
