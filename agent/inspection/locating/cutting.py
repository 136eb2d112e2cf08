"""Regions of a sharpened map: each cut at two fifths of its own height, pieces of one defect joined, those of several parted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from seewhy.pictures import grey
from seewhy.types import Box, Map, Mask, Pixels, Region

CUT = 0.4  # of its peak, where a region ends
SCALES = (1.0, 2.0, 4.0)  # sigmas, in cells of the fine evidence, to which the map is blurred while a defect is in crumbs
MOST_PIECES = 3  # of one region; more are the crumbs of one texture
SPREAD = 0.75  # of the map's resolution, so far around a defect the map is high
EXPLAINED = 0.6  # of a region, how much must be so near to its pieces
AS_STRONG = 0.85  # of the strongest piece's peak, from which another one is a defect of its own
JOINED_CELLS = 2.0  # pieces with a gap of no more than so many cells are one defect
EDGE_VARIANCE = 1e-4  # of lightness in 0..1 from which the guided filter follows an edge
STEPS = 2.5  # to a cell, at least, in which what is larger is cut: the evidence is no finer
RESOLUTION_CELLS = 3.0  # what a cut can't tell apart: a cell and what the encoder's first stages see around it


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Maps of one photo, (H, W) each."""

    values: Map  # the detector's
    sharp: Map  # see `seewhy.agent.models.sharp.sharpened`
    pixels: Pixels  # (H, W, 3)
    cell_px: float  # side of a cell of the fine evidence

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.values.shape[0], self.values.shape[1]

    @property
    def step(self) -> int:
        """Every so many pixels are enough to cut it."""
        return max(1, int(self.cell_px / STEPS))


def cut(regions: Sequence[Region], evidence: Evidence) -> tuple[Region, ...]:
    """Regions as the sharpened map has them, strongest first; one in which that map is silent, or all in crumbs, stays as it was.

    Args:
        regions: of the detector's map, strongest first.
        evidence: of the photo.
    """
    if not regions:
        return ()
    step = evidence.step
    coarse = _coarse(evidence)
    high, silent = np.zeros(coarse.shape, bool), list[Region]()
    for region in regions:
        near, pieces = _pieces(fewer(region, step), coarse)
        high[near.slices] |= pieces
        silent += [] if pieces.any() else [region]
    found = [_region(*_more(box, mask, step, evidence.shape), evidence) for box, mask, _ in _groups(high, coarse)]
    return (*sorted(found, key=lambda r: -(r.peak or 0.0)), *silent)


def guided(values: Map, guide: Map, radius_px: int) -> Map:
    """A coarse map that follows the edges of a photo: the guided filter (He, Sun and Tang, TPAMI 2013, eq. 5, 6 and 8).

    Args:
        values: (h, w).
        guide: (h, w) the photo's lightness, 0..1.
        radius_px: of the windows in which the map is taken as a line over the lightness.
    """

    def mean(of: Map) -> Map:
        made: Map = cv2.boxFilter(of, -1, (2 * radius_px + 1, 2 * radius_px + 1))
        return made

    middle, level = mean(guide), mean(values)
    covariance: Map = mean(guide * values) - middle * level
    variance: Map = mean(guide * guide) - middle * middle
    slope: Map = (covariance / (variance + EDGE_VARIANCE)).astype(np.float32)
    offset: Map = level - slope * middle
    along: Map = np.maximum(mean(slope) * guide + mean(offset), 0)
    return along


def _pieces(region: Region, evidence: Evidence) -> tuple[Box, Mask]:
    """What of a region is high on the sharpened map, at the finest scale at which it is in few pieces that explain the region.

    Pieces explain a region where the map's answer to them would cover `EXPLAINED` of it; where they don't, the detector saw more there
    than the fine evidence does. Nothing then, and where the sharpened map is silent.
    """
    reach = round(evidence.cell_px)
    near, inside = surrounded(region, reach, evidence.shape)
    sharp = np.where(inside, evidence.sharp[near.slices], 0).astype(np.float32)
    for soft in _scales(sharp, grey(evidence.pixels[near.slices]) / np.float32(255), evidence.cell_px):
        soft[~inside] = 0
        peak = float(soft.max())
        if peak <= 0:
            break
        high = soft >= CUT * peak
        strong = [(box, mask) for box, mask, top in _groups(high, evidence, soft) if top >= AS_STRONG * peak]
        pieces = _laid(strong, sharp.shape)
        if len(strong) <= MOST_PIECES and _explained(pieces, inside, region.resolution_px) >= EXPLAINED:
            return near, pieces
    return near, np.zeros(sharp.shape, bool)


def coarser(values: Map, step: int) -> Map:
    """Every `step`-th pixel of a map that has nothing finer."""
    return np.ascontiguousarray(values[::step, ::step])


def _coarse(evidence: Evidence) -> Evidence:
    step = evidence.step
    if step == 1:
        return evidence
    pixels = np.ascontiguousarray(cv2.blur(evidence.pixels, (step, step))[::step, ::step])
    return Evidence(coarser(evidence.values, step), coarser(evidence.sharp, step), pixels, evidence.cell_px / step)


def fewer(region: Region, step: int) -> Region:
    """A region on every `step`-th pixel; what lies between them keeps the nearest."""
    if step == 1:
        return region
    x0, y0, x1, y1 = region.box
    box = Box(x0 // step, y0 // step, -(-x1 // step), -(-y1 // step))
    around = Box(*(v * step for v in box))
    mask = cv2.dilate(region.within(around).astype(np.uint8), np.ones((step, step), np.uint8))[::step, ::step] > 0
    return replace(region, box=box, mask=mask, resolution_px=region.resolution_px / step)


def _more(box: Box, mask: Mask, step: int, shape: tuple[int, int]) -> tuple[Box, Mask]:
    """A mask of every `step`-th pixel in all pixels of a photo (H, W)."""
    if step == 1:
        return box, mask
    x0, y0, x1, y1 = (v * step for v in box)
    whole = Box(x0, y0, min(x1, shape[1]), min(y1, shape[0]))
    return whole, mask.repeat(step, 0).repeat(step, 1)[: whole.height, : whole.width]


def _scales(sharp: Map, light: Map, cell_px: float) -> Iterator[Map]:
    """The sharpened map along the photo's edges, then more and more blurred."""
    yield guided(sharp, light, max(2, round(cell_px)))
    for scale in SCALES:
        yield cv2.GaussianBlur(sharp, (0, 0), scale * cell_px)


def _explained(pieces: Mask, inside: Mask, resolution_px: float) -> float:
    """Share of a region that lies so near to the pieces that the map can't tell it from them."""
    away = cv2.distanceTransform((~pieces).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((away[inside] <= SPREAD * resolution_px).mean())


def _groups(high: Mask, evidence: Evidence, values: Map | None = None) -> Iterator[tuple[Box, Mask, float]]:
    """What is high, in groups of pieces that lie close together: box, mask and largest value of each."""
    reach = 2 * round(JOINED_CELLS * evidence.cell_px / 2) + 1
    grown = cv2.dilate(high.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    for number in range(1, count):
        x, y, width, height = (int(v) for v in stats[number, :4])
        box = Box(x, y, x + width, y + height)
        mask = (labels[box.slices] == number) & high[box.slices]
        yield box, mask, 0.0 if values is None else float(values[box.slices][mask].max())


def _laid(parts: Sequence[tuple[Box, Mask]], shape: tuple[int, ...]) -> Mask:
    out = np.zeros(shape, bool)
    for box, mask in parts:
        out[box.slices] |= mask
    return out


def _region(around: Box, mask: Mask, evidence: Evidence) -> Region:
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = Box(around.x0 + int(cols[0]), around.y0 + int(rows[0]), around.x0 + int(cols[-1]) + 1, around.y0 + int(rows[-1]) + 1)
    own = np.ascontiguousarray(mask[int(rows[0]) : int(rows[-1]) + 1, int(cols[0]) : int(cols[-1]) + 1])
    there = evidence.values[box.slices]
    scores = np.where(own, there, -np.inf)
    y, x = np.unravel_index(int(scores.argmax()), scores.shape)
    at = box.x0 + int(x), box.y0 + int(y)
    return Region(box, own, float(scores.max()), float(there[own].mean()), at, RESOLUTION_CELLS * evidence.cell_px, "fine")


def surrounded(region: Region, reach: int, shape: tuple[int, ...]) -> tuple[Box, Mask]:
    """A region's box and mask, both grown by `reach` pixels."""
    near = region.box.grown(reach, shape[1], shape[0])
    return near, cv2.dilate(region.within(near).astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
