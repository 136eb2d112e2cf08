"""From where a map is strange to what is there: fine evidence around each region, then the photo itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from seewhy.agent.detections.detection import MOST
from seewhy.agent.inspection.locating.contrast import refine
from seewhy.agent.inspection.locating.cutting import Evidence, cut, surrounded
from seewhy.agent.inspection.locating.doubt import half_width
from seewhy.agent.inspection.views import margin_of
from seewhy.agent.models.calibration import Calibration
from seewhy.agent.models.product import ProductModel
from seewhy.agent.models.sharp import Sharp, sharpened
from seewhy.threads import calm
from seewhy.types import Box, Map, Mask, Pixels, Region, ScoreMap

LONGEST = 160  # pixels of a crop in which the photo's own outline is looked for
AROUND_CELLS = 2  # of the fine evidence, looked at around a region
DENSE, CLEARLY = 0.15, 6.0  # shares of the highest evidence, and times that around it, which an outline in the photo holds in the mean …
WHOLE = 0.5  # … and of what the fine evidence outlines, how much it covers: less, and it is of something else, or a part


@calm()
def located(regions: Sequence[Region], scored: ScoreMap, pixels: Pixels, good: Pixels | None, model: ProductModel) -> tuple[Region, ...]:
    """A photo's regions, each as the finest evidence has it that shows it clearly; strongest first, no more than `MOST`.

    Fine evidence says how far a place's lightness, edges and texture are from those of good photos; times the map, it is high where the
    defect is. A region whose defect stands out in the photo, and there where the product is highest, is outlined in the photo
    (`seewhy.agent.inspection.locating.contrast`); any other is cut from the product and then, if it can be, from the photo. Where neither
    shows it, the map's own outline stays. `Region.outline` says which.

    Args:
        regions: of the map, strongest first.
        scored: the map.
        pixels: (H, W, 3) the photo.
        good: (H, W, 3) the good photo laid over it, or None.
        model: that made the map; one from before there was fine evidence, or without good photos, has none.
    """
    evidence = evidence_of(regions, scored, pixels, model)
    if model.sharp is None or evidence is None:
        return tuple(refine(region, pixels, good, margin_of(region)) for region in regions)
    seen = [refine(region, pixels, good, margin_of(region), LONGEST) for region in regions]
    clear = [_shows(evidence, region, own) for region, own in zip(regions, seen, strict=True)]
    vague = [region for region, shown in zip(regions, clear, strict=True) if not shown]
    finer = [_finer(region, refine(region, pixels, good, margin_of(region), LONGEST)) for region in cut(vague, evidence)]
    found = [*(own for own, shown in zip(seen, clear, strict=True) if shown), *finer]
    ordered = sorted(found, key=lambda region: -(region.peak or 0.0))[:MOST]
    p_values = (_p_value(r, evidence.sharp, model.calibration, model.sharp, first=not n) for n, r in enumerate(ordered))
    return tuple(replace(_sized(r, evidence), p_value=p) for r, p in zip(ordered, p_values, strict=True))


def evidence_of(regions: Sequence[Region], scored: ScoreMap, pixels: Pixels, model: ProductModel) -> Evidence | None:
    """Fine evidence around a photo's regions; None where there is no region, or the model has none. Arguments as in `located`."""
    if model.sharp is None or not regions:
        return None
    fine = model.sharp.fine
    cell_px = fine.cell_px(pixels)
    near = fine.map(pixels, _around(regions, scored.values.shape, AROUND_CELLS * cell_px))
    return Evidence(scored.values, sharpened(scored.values, model.calibration.median, near), pixels, cell_px)


def _sized(region: Region, evidence: Evidence) -> Region:
    """The region with the interval of its lengths."""
    interval = half_width(region, evidence)
    resolution = region.resolution_px if interval is None else min(region.resolution_px, evidence.cell_px)
    return replace(region, interval_px=interval, resolution_px=resolution)


def _finer(region: Region, own: Region) -> Region:
    """What the photo gives for a region that was cut, or the region where that is something else or a part of it."""
    return own if own.shared(region) >= WHOLE * region.mask.sum() else region


def _shows(evidence: Evidence, region: Region, own: Region) -> bool:
    """Whether the outline that the photo gives is where the sharpened map is highest in the region, and that map low around it."""
    if own.outline != "photo":
        return False
    sharp = np.where(region.mask, evidence.sharp[region.box.slices], -1)
    y, x = (int(v) for v in np.unravel_index(int(sharp.argmax()), sharp.shape))
    near = own.box.grown(round(evidence.cell_px), evidence.shape[1], evidence.shape[0])
    holds = near.x0 <= region.box.x0 + x < near.x1 and near.y0 <= region.box.y0 + y < near.y1
    inside, around = _means(evidence, region, own)
    return holds and inside >= max(DENSE * float(sharp.max()), CLEARLY * around)


def _means(evidence: Evidence, region: Region, own: Region) -> tuple[float, float]:
    """The sharpened map's mean in an outline, and in what else was looked at around the region."""
    looked, inside = surrounded(region, round(AROUND_CELLS * evidence.cell_px), evidence.shape)
    beyond = Box(*(f(a, b) for f, a, b in zip((min, min, max, max), looked, own.box, strict=True)))
    outline = own.within(beyond)
    soft = 2 * round(evidence.cell_px) + 1
    rest = ~cv2.dilate(outline.astype(np.uint8), np.ones((soft, soft), np.uint8)).astype(bool)
    rest[looked.y0 - beyond.y0 :, looked.x0 - beyond.x0 :][: looked.height, : looked.width] &= inside
    sharp = evidence.sharp[beyond.slices]
    return float(sharp[outline].mean()), float(sharp[rest].mean()) if rest.any() else 0.0


def _around(regions: Sequence[Region], shape: tuple[int, ...], reach_px: float) -> Mask:
    """Where any of the regions is, and a little around it, (H, W)."""
    where = np.zeros(shape, bool)
    for region in regions:
        near, inside = surrounded(region, round(reach_px), shape)
        where[near.slices] |= inside
    return where


def _p_value(region: Region, values: Map, calibration: Calibration, sharp: Sharp, *, first: bool) -> float | None:
    """How rarely the strongest place of a good photo is as strong as a region; None where none calibrates.

    The strongest region is as rare as the map or the sharpened map has it, whichever is rarer: of two p-values twice the smaller one is
    one too (Bonferroni). Any other must be rare on both (the larger one, which holds without correction; Berger, Technometrics 1982):
    a defect raises the map far beyond itself, up to the photo's border, and there nothing is to be seen.
    """
    if not len(sharp.peaks):
        return None
    own = float(values[region.box.slices][region.mask].max())
    both = calibration.peak_p_value(region.peak or 0.0), sharp.p_value(own)
    return min(1.0, 2 * min(both)) if first else max(both)
