"""Measured facts of a region, as they go into the record."""

from __future__ import annotations

from math import hypot
from typing import Any, Literal

import cv2
import numpy as np

from seewhy.agent.inspection.shape import Shape, measure_shape
from seewhy.card import Part, ProductCard
from seewhy.record import Hypothesis, Location, Measured, Quantity, Size, Stated, Strength
from seewhy.types import Map, Mask, Region, ScoreMap

ROWS, COLUMNS = ("top", "middle", "bottom"), ("left", "centre", "right")
CELLS = tuple("centre" if (r, c) == ("middle", "centre") else f"{r} {c}" for r in ROWS for c in COLUMNS)
LINE_RATIO = 3.0  # length to width, the map's blur taken off both, from which a region is called a line
SPOT = 0.08  # of the photo's diagonal: a compact region no larger than this is called a spot


def measure(region: Region, card: ProductCard, width: int, height: int, threshold: float, change: Map | None = None) -> Measured:
    """Everything measured of one region of a photo `width` x `height`; `change`: see `ScoreMap.change`."""
    shape = measure_shape(region)
    touches = region.box.x0 <= 0 or region.box.y0 <= 0 or region.box.x1 >= width or region.box.y1 >= height
    return Measured(
        outline=_stated(region.outline),
        location=_location(region, shape, card, width, height, touches),
        size=_size(shape, card, width, height),
        strength=Strength(peak=_stated(_digits(region.peak)), mean=_stated(_digits(region.mean)), threshold=_stated(_digits(threshold))),
        shape=_stated(_shape_word(shape, region.resolution_px, touches, hypot(width, height))),
        material=_material(region, card, change),
    )


def cell_of(x: float, y: float, width: int, height: int) -> str:
    """The cell of a 3x3 grid over the photo.

    >>> cell_of(10, 10, 300, 300), cell_of(150, 150, 300, 300), cell_of(299, 150, 300, 300)
    ('top left', 'centre', 'middle right')
    """
    return CELLS[3 * min(2, int(3 * y / height)) + min(2, int(3 * x / width))]


def outline_area_px(card: ProductCard, width: int, height: int) -> float:
    """Area of the card's outline in this photo, or of the whole photo."""
    if not card.outline:
        return float(width * height)
    points = np.array([(x * width, y * height) for x, y in card.outline], np.float32)
    return float(cv2.contourArea(points))


def inside_outline(card: ProductCard, width: int, height: int) -> Mask | None:
    """The product's own pixels, or None where the card has no outline."""
    if not card.outline:
        return None
    mask = np.zeros((height, width), np.uint8)
    points = np.array([(round(x * width), round(y * height)) for x, y in card.outline], np.int32)
    made: Mask | None = cv2.fillPoly(mask, [points], 1) > 0
    return made


def _stated(value: Any) -> Stated[Any]:
    return Stated(value=value, source="measured", evidence=("map",))


def _location(region: Region, shape: Shape, card: ProductCard, width: int, height: int, touches: bool) -> Location:
    x, y = shape.centroid
    part = next((p.name for p in card.parts if _within(p, x / width, y / height)), None)
    known = "supported" if part is not None else "missing"
    return Location(
        centroid_px=_stated((round(x, 1), round(y, 1))),
        box_px=_stated(tuple(region.box)),
        cell=_stated(cell_of(x, y, width, height)),
        part=Stated(value=part, source="measured", status=known, evidence=("map",)),
        touches_border=_stated(touches),
    )


def _material(region: Region, card: ProductCard, change: Map | None) -> Stated[Any] | None:
    """Missing or extra, from which way the region differs from its template and which tone the card says material has."""
    if change is None or card.material is None:
        return None
    total = float(change[region.box.slices][region.mask].sum())
    if total == 0:
        return Stated(value=None, source="measured", status="missing", evidence=("map",))
    return _stated("extra" if (total > 0) == (card.material == "light") else "missing")


def _within(part: Part, x: float, y: float) -> bool:
    x0, y0, x1, y1 = part.box
    return x0 <= x < x1 and y0 <= y < y1


def _size(shape: Shape, card: ProductCard, width: int, height: int) -> Size:
    total = outline_area_px(card, width, height)
    u = shape.size_uncertainty_px
    mm = card.scale.mm_per_px if card.scale else None
    of: Literal["outline", "photo"] = "outline" if card.outline else "photo"
    return Size(
        area=_q(shape.area_px, "px²", shape.area_uncertainty_px),
        area_share=_q(100 * shape.area_px / total, "%", 100 * shape.area_uncertainty_px / total),
        area_share_of=of,
        length=_q(shape.length_px, "px", u),
        width=_q(shape.width_px, "px", u),
        feret=_q(shape.feret_px, "px", u),
        orientation=_q(shape.orientation_deg, "°", None),
        area_mm=_q(shape.area_px, "mm²", shape.area_uncertainty_px, mm and mm * mm, 2 * _relative(card)),
        length_mm=_q(shape.length_px, "mm", u, mm, _relative(card)),
        width_mm=_q(shape.width_px, "mm", u, mm, _relative(card)),
        feret_mm=_q(shape.feret_px, "mm", u, mm, _relative(card)),
    )


def _relative(card: ProductCard) -> float:
    return card.scale.uncertainty / card.scale.mm_per_px if card.scale else 0.0


def _q(value: float, unit: Any, uncertainty: float | None, scale: float | None = 1.0, relative: float = 0.0) -> Quantity:
    """`value` in `unit` after `scale`; the scale's own relative uncertainty is added in quadrature."""
    if scale is None:
        return Quantity(value=None, unit=unit, status="missing")
    u = None if uncertainty is None else hypot(uncertainty * scale, value * scale * relative)
    return Quantity(value=_digits(value * scale), unit=unit, uncertainty=None if u is None else _digits(u))


def _digits(value: float) -> float:
    """Six significant digits: more would be noise."""
    return float(f"{value:.6g}")


def _shape_word(shape: Shape, resolution: float, touches: bool, diagonal: float) -> str:
    length, width = max(shape.length_px - resolution, 1.0), max(shape.width_px - resolution, resolution / 4, 1.0)
    if length / width >= LINE_RATIO and shape.length_px > 2 * resolution:
        return "line"
    if touches:
        return "edge"
    return "spot" if shape.feret_px <= SPOT * diagonal else "patch"


def hypotheses(scored: ScoreMap, region: Region, width: int, height: int) -> tuple[Hypothesis, ...]:
    """What the detector's text side makes of a region of a (height, width) photo: the mean over its cells, likeliest first."""
    if scored.types is None:
        return ()
    _, rows, cols = scored.types.values.shape
    x0, y0, x1, y1 = region.box
    row, column = np.arange(y0, y1) * rows // height, np.arange(x0, x1) * cols // width
    by_row = np.add.reduceat(region.mask.astype(np.uint8), np.unique(row, return_index=True)[1], 0, np.int64)
    counts = np.add.reduceat(by_row, np.unique(column, return_index=True)[1], 1)  # pixels of the region in each cell
    shares = (scored.types.values[:, np.unique(row)[:, None], np.unique(column)] * counts).sum((1, 2)) / counts.sum()
    order = np.argsort(-shares, kind="stable")
    return tuple(
        Hypothesis(
            type=Stated[str](value=scored.types.names[i], source="vlm", status="unverified", evidence=("map",)),
            probability=round(float(shares[i]), 4),
            by=scored.detector,
        )
        for i in order
    )
