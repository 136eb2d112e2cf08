"""Facts of a region's shape, measured from its mask."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees, hypot, pi

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.types import Mask, Region

COVERAGE = 1.3  # of the score map's resolution: holds the true size in 95 % of the synthetic cases it was set on


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes in pixels; half-open pixels count whole, so one pixel is 1 long and 1 wide.

    An uncertainty is half the width of the interval that is meant to hold the true value in 95 % of cases; it comes from the
    score map's resolution and is checked on synthetic defects of known size (evals/results).
    """

    centroid: tuple[float, float]  # (x, y), photo pixels
    area_px: float
    area_uncertainty_px: float
    length_px: float  # of the smallest enclosing rectangle
    width_px: float
    feret_px: float  # maximum Feret diameter (ISO 9276-6): the largest distance between two points of the outline
    size_uncertainty_px: float  # of length, width and Feret diameter
    orientation_deg: float  # of the length, 0 = along x, counter-clockwise, in [0, 180)
    perimeter_px: float


def measure_shape(region: Region) -> Shape:
    """Measure one region; see `Shape`."""
    mask = region.mask
    corners = outline_corners(mask)
    hull = cv2.convexHull(corners.astype(np.float32)).reshape(-1, 2)
    (_, (w, h), _) = rect = cv2.minAreaRect(hull)
    length, width = max(w, h), min(w, h)
    columns, rows = mask.sum(0), mask.sum(1)
    area = float(columns.sum())
    perimeter = _perimeter(mask)
    r = COVERAGE * region.resolution_px if region.outline == "map" else region.interval_px or region.resolution_px
    return Shape(
        centroid=(region.box.x0 + _middle(columns) + 0.5, region.box.y0 + _middle(rows) + 0.5),
        area_px=area,
        area_uncertainty_px=perimeter * r / 2 + pi * (r / 2) ** 2,
        length_px=float(length),
        width_px=float(width),
        feret_px=feret(hull),
        size_uncertainty_px=r,
        orientation_deg=_orientation(rect),
        perimeter_px=perimeter,
    )


def outline_corners(mask: Mask) -> npt.NDArray[np.int32]:
    """The corners (x, y) of the first and last pixel of every row: their hull is the region's hull. (N, 2)."""
    rows = np.flatnonzero(mask.any(1))
    first = mask.argmax(1)[rows]
    last = mask.shape[1] - mask[:, ::-1].argmax(1)[rows]
    corners = [np.stack([x, y], 1) for x in (first, last) for y in (rows, rows + 1)]
    return np.concatenate(corners).astype(np.int32)


def mask_feret(mask: Mask) -> float:
    """Maximum Feret diameter of a mask, px; 0 of an empty one."""
    return feret(cv2.convexHull(outline_corners(mask).astype(np.float32)).reshape(-1, 2)) if mask.any() else 0.0


def feret(hull: npt.NDArray[np.float32]) -> float:
    """The largest distance between two points of a convex hull (N, 2).

    >>> feret(np.array([[0, 0], [3, 0], [3, 4], [0, 4]], np.float32))
    5.0
    """
    points = hull if len(hull) <= 512 else hull[:: len(hull) // 256]
    difference = points[:, None] - points[None]  # (N, N, 2)
    return float(np.sqrt((difference.astype(np.float64) ** 2).sum(-1).max()))


def _orientation(rect: tuple[tuple[float, float], tuple[float, float], float]) -> float:
    box = cv2.boxPoints(rect)
    edges = [box[1] - box[0], box[2] - box[1]]
    dx, dy = max(edges, key=lambda e: hypot(float(e[0]), float(e[1])))
    return round(degrees(atan2(-float(dy), float(dx))) % 180.0, 3) % 180.0


def _perimeter(mask: Mask) -> float:
    """Crack length between mask and rest, each of the four directions, times pi/4 (Cauchy-Crofton with two directions)."""
    padded = np.pad(mask, 1)
    steps = int((padded[1:] != padded[:-1]).sum()) + int((padded[:, 1:] != padded[:, :-1]).sum())
    return steps * pi / 4


def _middle(counts: npt.NDArray[np.int_]) -> float:
    """Mean position of pixels that were counted by position; their own positions, 16 bytes a pixel, are never listed."""
    return float((counts * np.arange(len(counts))).sum() / counts.sum())
