"""Measured facts of a region, as they go into the record."""

from __future__ import annotations

from math import hypot
from typing import Any, Literal, Protocol

import cv2
import numpy as np

from seewhy.agent.inspection.shape import Shape, measure_shape
from seewhy.card import Part, ProductCard
from seewhy.record import Hypothesis, Location, Measured, Quantity, Size, Source, Stated, Status, Strength
from seewhy.types import GIVEN, Map, Mask, Region, ScoreMap

ROWS, COLUMNS = ("top", "middle", "bottom"), ("left", "centre", "right")
CELLS = tuple("centre" if (r, c) == ("middle", "centre") else f"{r} {c}" for r in ROWS for c in COLUMNS)
LINE_RATIO = 3.0  # length to width, the map's blur taken off both, from which a region is called a line
NARROW = 1.5  # times the map's resolution, so wide may be what only the blur taken off makes a line
SPOT = 0.08  # of the photo's diagonal: a compact region no larger than this is called a spot


class _States(Protocol):
    """States one measured value on the region's evidence."""

    def __call__(self, value: Any, status: Status = "supported") -> Stated[Any]: ...


def measure(
    region: Region,
    card: ProductCard,
    width: int,
    height: int,
    threshold: float | None,
    change: Map | None = None,
    *,
    evidence: tuple[str, ...] = ("map",),
) -> Measured:
    """Everything measured of one region of a photo `width` x `height`.

    Args:
        region: where it is.
        card: of the product.
        width: of the photo, px.
        height: likewise.
        threshold: that the region's scores are held against; None where nobody gave one.
        change: see `ScoreMap.change`.
        evidence: names of the pictures that the region was cut from.
    """

    def stated(value: Any, status: Status = "supported") -> Stated[Any]:
        return Stated(value=value, source="measured", status=status, evidence=evidence)

    shape = measure_shape(region)
    touches = region.box.x0 <= 0 or region.box.y0 <= 0 or region.box.x1 >= width or region.box.y1 >= height
    return Measured(
        outline=stated(region.outline),
        location=_location(region, shape, card, (width, height), stated, touches=touches),
        size=_size(shape, card, width, height, None if region.outline in GIVEN else shape.size_uncertainty_px, evidence),
        strength=_strength(region, threshold, evidence),
        shape=stated(_shape_word(shape, region.resolution_px, touches, hypot(width, height))),
        material=_material(region, card, change, stated),
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


def _strength(region: Region, threshold: float | None, evidence: tuple[str, ...]) -> Strength:
    """The detector's own numbers; of one that isn't seewhy's, those that were given."""
    source: Source = "external" if region.outline in GIVEN else "measured"

    def stated(value: float | None) -> Stated[float]:
        known: Status = "missing" if value is None else "supported"
        return Stated(value=None if value is None else _digits(value), source=source, status=known, evidence=evidence)

    return Strength(peak=stated(region.peak), mean=stated(region.mean), threshold=stated(threshold))


def _location(region: Region, shape: Shape, card: ProductCard, size: tuple[int, int], stated: _States, *, touches: bool) -> Location:
    (x, y), (width, height) = shape.centroid, size
    part = next((p.name for p in card.parts if _within(p, x / width, y / height)), None)
    known: Status = "supported" if part is not None else "missing"
    return Location(
        centroid_px=stated((round(x, 1), round(y, 1))),
        box_px=stated(tuple(region.box)),
        cell=stated(cell_of(x, y, width, height)),
        part=stated(part, known),
        touches_border=stated(touches),
    )


def _material(region: Region, card: ProductCard, change: Map | None, stated: _States) -> Stated[Any] | None:
    """Missing or extra, from which way the region differs from its template and which tone the card says material has."""
    if change is None or card.material is None:
        return None
    total = float(change[region.box.slices][region.mask].sum())
    if total == 0:
        return stated(None, "missing")
    return stated("extra" if (total > 0) == (card.material == "light") else "missing")


def _within(part: Part, x: float, y: float) -> bool:
    x0, y0, x1, y1 = part.box
    return x0 <= x < x1 and y0 <= y < y1


def _size(shape: Shape, card: ProductCard, width: int, height: int, u: float | None, evidence: tuple[str, ...]) -> Size:
    """Sizes; `u` is the uncertainty of a length, px, or None where nobody knows how well the outline fits the defect."""
    total = outline_area_px(card, width, height)
    area_u = None if u is None else shape.area_uncertainty_px
    share_u = None if area_u is None else 100 * area_u / total
    mm = card.scale.mm_per_px if card.scale else None
    of: Literal["outline", "photo"] = "outline" if card.outline else "photo"
    relative = _relative(card)
    return Size(
        area=_q(shape.area_px, "px²", area_u, evidence),
        area_share=_q(100 * shape.area_px / total, "%", share_u, evidence),
        area_share_of=of,
        length=_q(shape.length_px, "px", u, evidence),
        width=_q(shape.width_px, "px", u, evidence),
        feret=_q(shape.feret_px, "px", u, evidence),
        orientation=_q(shape.orientation_deg, "°", None, evidence),
        area_mm=_q(shape.area_px, "mm²", area_u, evidence, mm and mm * mm, 2 * relative),
        length_mm=_q(shape.length_px, "mm", u, evidence, mm, relative),
        width_mm=_q(shape.width_px, "mm", u, evidence, mm, relative),
        feret_mm=_q(shape.feret_px, "mm", u, evidence, mm, relative),
    )


def _relative(card: ProductCard) -> float:
    return card.scale.uncertainty / card.scale.mm_per_px if card.scale else 0.0


def _q(
    value: float, unit: Any, uncertainty: float | None, evidence: tuple[str, ...], scale: float | None = 1.0, relative: float = 0.0
) -> Quantity:
    """`value` in `unit` after `scale`; the scale's own relative uncertainty is added in quadrature."""
    if scale is None:
        return Quantity(value=None, unit=unit, status="missing", evidence=evidence)
    u = None if uncertainty is None else _digits(hypot(uncertainty * scale, value * scale * relative))
    return Quantity(value=_digits(value * scale), unit=unit, uncertainty=u, evidence=evidence)


def _digits(value: float) -> float:
    """Six significant digits: more would be noise."""
    return float(f"{value:.6g}")


def _shape_word(shape: Shape, resolution: float, touches: bool, diagonal: float) -> str:
    length, width = max(shape.length_px - resolution, 1.0), max(shape.width_px - resolution, resolution / 4, 1.0)
    narrow = shape.width_px <= NARROW * resolution or shape.length_px >= LINE_RATIO * shape.width_px
    if length / width >= LINE_RATIO and narrow and shape.length_px > 2 * resolution:
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
