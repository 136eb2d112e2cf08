"""Boxes, masks, polygons and heat maps to regions of a photo, each slip told or refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.agent.detections.detection import MOST, Kind
from seewhy.agent.photos.images import upright_of
from seewhy.agent.photos.marks import Corners, Mark, filled
from seewhy.errors import BadData
from seewhy.prompts import sentence
from seewhy.record import Sentence
from seewhy.types import Box, Map, Mask, Region


@dataclass(frozen=True, slots=True)
class Canvas:
    """The photo that regions are of, and what was done to them to fit it, counted."""

    width: int
    height: int
    orientation: int = 1  # EXIF of the photo: what was given for its stored pixels is turned with it
    done: Counter[str] = field(default_factory=Counter)

    @property
    def size(self) -> str:
        """For messages."""
        return f"{self.width} x {self.height}"

    def notes(self) -> tuple[Sentence, ...]:
        """What was done, for the record."""
        return tuple(sentence(f"note.{what}", count=count) for what, count in sorted(self.done.items()))


def box_region(corners: Sequence[float], canvas: Canvas, *, label: str = "", score: float | None = None) -> Region:
    """A box (x0, y0, x1, y1), half-open, in pixels.

    Raises:
        BadData: it is no box, or lies outside the photo.
    """
    values = np.asarray(corners, np.float64)
    if values.shape != (4,) or not np.isfinite(values).all():
        raise BadData(f"a box is four finite numbers x0, y0, x1, y1, not {_shown(corners)}")
    x0, y0, x1, y1 = values
    if x1 <= x0 or y1 <= y0:
        raise BadData(f"the box {_shown(corners)} has no area; it is x0, y0, x1, y1 with x0 < x1 and y0 < y1 (is it x, y, width, height?)")
    if 0 < x1 <= 1 and 0 < y1 <= 1 and canvas.width > 1:
        raise BadData(f"the box {_shown(corners)} looks like shares of the photo; give pixels of {canvas.size}")
    whole = Box(*(round(float(v)) for v in (x0, y0, max(x1, x0 + 1), max(y1, y0 + 1))))
    box = Box(max(0, whole.x0), max(0, whole.y0), min(canvas.width, whole.x1), min(canvas.height, whole.y1))
    if box.width < 1 or box.height < 1:
        raise BadData(f"the box {_shown(corners)} lies outside the photo, which is {canvas.size}; is it of another photo or size?")
    canvas.done["regions_cut"] += box != whole
    mask = np.broadcast_to(np.True_, (box.height, box.width))  # takes no memory until it is drawn
    return Region(box, mask, score, None, (box.x0, box.y0), 1.0, "box", label)


def mask_region(
    mask: npt.NDArray[Any], canvas: Canvas, *, label: str = "", score: float | None = None, mean: float | None = None
) -> Region:
    """A mask of one region (H, W), at the photo's size, upright or as the photo is stored.

    Raises:
        BadData: it has another size or marks nothing.
    """
    upright = fitted(mask, canvas) != 0
    rows, columns = np.flatnonzero(upright.any(1)), np.flatnonzero(upright.any(0))
    if not len(rows):
        raise BadData("a mask of one region marks nothing; leave it out")
    box = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return Region(box, np.ascontiguousarray(upright[box.slices]), score, mean, (box.x0, box.y0), 1.0, "mask", label)


def polygon_region(outlines: Sequence[Corners], canvas: Canvas, *, label: str = "", score: float | None = None) -> Region:
    """One region of one or several polygons, (x, y) corners in pixels; only its own box is drawn.

    Raises:
        BadData: a polygon has less than three corners or covers no pixel of the photo.
    """
    for outline in outlines:
        points = np.asarray(outline, np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3 or not np.isfinite(points).all():
            raise BadData(f"a polygon is three or more finite corners (x, y), not {_shown(outline)}")
    every = np.concatenate([np.asarray(o, np.float64) for o in outlines])
    low, high = np.floor(every.min(0)).astype(int), np.ceil(every.max(0)).astype(int)
    x0, y0, x1, y1 = max(0, low[0]), max(0, low[1]), min(canvas.width, high[0]), min(canvas.height, high[1])
    moved = [[(x - x0, y - y0) for x, y in outline] for outline in outlines]
    mask = filled(moved, x1 - x0, y1 - y0) if x1 > x0 and y1 > y0 else np.zeros((0, 0), bool)
    if not mask.any():
        raise BadData(f"the polygon around {_shown(every.mean(0))} covers no pixel of the photo, which is {canvas.size}")
    canvas.done["regions_cut"] += bool(low[0] < 0 or low[1] < 0 or high[0] > canvas.width or high[1] > canvas.height)
    whole = mask_region(mask, Canvas(mask.shape[1], mask.shape[0]), label=label, score=score)
    box = Box(whole.box.x0 + x0, whole.box.y0 + y0, whole.box.x1 + x0, whole.box.y1 + y0)
    return replace(whole, box=Box(*map(int, box)), peak_at=(int(box.x0), int(box.y0)))


def mark_region(mark: Mark, canvas: Canvas) -> tuple[Region, Kind]:
    """A mark of a label file, and what it was."""
    if mark.mask is not None:
        return mask_region(mark.mask, canvas, label=mark.kind, score=mark.score), "mask"
    if mark.box:
        (a, _, b, _) = mark.outlines[0]
        return box_region((*a, *b), canvas, label=mark.kind, score=mark.score), "box"
    return polygon_region(mark.outlines, canvas, label=mark.kind, score=mark.score), "polygon"


def labelled_regions(labels: npt.NDArray[Any], canvas: Canvas) -> list[Region]:
    """Regions of a label mask (H, W): each 8-connected patch of each value but 0.

    Raises:
        BadData: it has another size than the photo.
    """
    upright, found = fitted(labels, canvas), list[Region]()
    for value in np.unique(upright[upright != 0]):
        found += _patches(upright == value)
    return found


def heat_regions(heat: npt.NDArray[Any], cut: float, canvas: Canvas) -> tuple[list[Region], Map]:
    """Regions of a heat map (h, w): its 8-connected patches at or above `cut`; and the map at the photo's size.

    A map of another size is taken as one of the whole photo and enlarged (bilinear), which the record says.

    Raises:
        BadData: the map holds NaN or infinity, or is the same everywhere.
    """
    values = np.asarray(heat, np.float32)
    if values.ndim != 2 or not values.size:
        raise BadData(f"a heat map is (height, width), not {values.shape}")
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise BadData(
            f"{bad:,} of {values.size:,} values of the heat map are NaN or infinite; mend the detector, or set them to its lowest value"
        )
    if values.min() == values.max():
        raise BadData(f"the heat map is {float(values.max()):g} everywhere, so that nothing in it stands out; did the detector run?")
    if values.shape != (canvas.height, canvas.width):
        turned = upright_of(values, canvas.orientation)
        values = turned if turned.shape == (canvas.height, canvas.width) else cv2.resize(turned, (canvas.width, canvas.height))
        canvas.done["heat_resized"] += turned.shape != (canvas.height, canvas.width)
    found = []
    for region in _patches(values >= cut):
        inside = np.where(region.mask, values[region.box.slices], -np.inf)
        y, x = np.unravel_index(int(inside.argmax()), inside.shape)
        at = region.box.x0 + int(x), region.box.y0 + int(y)
        found.append(replace(region, peak=float(inside.max()), mean=float(inside[region.mask].mean()), peak_at=at))
    return found, values.astype(np.float32)


def fitted(values: npt.NDArray[Any], canvas: Canvas) -> npt.NDArray[Any]:
    """What is (H, W) like the photo, upright.

    Raises:
        BadData: it has another size; says both.
    """
    if values.ndim != 2:
        raise BadData(f"a mask is (height, width), not {values.shape}")
    if values.shape == (canvas.height, canvas.width):
        return values
    turned = upright_of(values, canvas.orientation)
    if turned.shape != (canvas.height, canvas.width):
        raise BadData(f"the mask is {values.shape[1]} x {values.shape[0]}, the photo {canvas.size}; give it the photo's size")
    return turned


def kept(regions: Iterable[Region], canvas: Canvas) -> list[Region]:
    """At most `MOST` regions, the strongest or else the largest, in the order in which they were given; overlaps are counted."""
    found = list(regions)
    if len(found) > MOST:
        canvas.done["regions_many"] = len(found)
        order = sorted(range(len(found)), key=lambda i: _weight(found[i]), reverse=True)
        found = [found[i] for i in sorted(order[:MOST])]
    canvas.done["regions_overlap"] = sum(any(a.shared(b) for b in found if b is not a) for a in found)
    for what in [what for what, count in canvas.done.items() if not count]:
        del canvas.done[what]
    return found


def _patches(mask: Mask) -> list[Region]:
    """The 8-connected patches of a mask, largest first."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    order = 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")
    return [_patch(labels, int(number), stats[number]) for number in order]


def _patch(labels: npt.NDArray[np.int32], number: int, row: npt.NDArray[np.int32]) -> Region:
    x, y, w, h = (int(v) for v in row[:4])
    box = Box(x, y, x + w, y + h)
    return Region(box, labels[box.slices] == number, None, None, (x, y), 1.0, "mask")


def _weight(region: Region) -> tuple[float, int]:
    return (region.peak if region.peak is not None else -np.inf, region.box.width * region.box.height)


def _shown(values: Any) -> str:
    text = str([round(float(v), 2) for v in np.ravel(np.asarray(values, object))[:6] if isinstance(v, int | float | np.number)])
    return text if text != "[]" else str(values)[:60]


def shapes_in(regions: Sequence[Any], canvas: Canvas) -> Iterator[tuple[Region, Kind]]:
    """Each of a list of boxes, polygons and masks as a region, and what it was."""
    for one in regions:
        values = np.asarray(one)
        if values.ndim == 1 and values.shape[0] == 4:
            yield box_region(one, canvas), "box"
        elif values.ndim == 2 and values.shape[1] == 2 and values.shape != (canvas.height, canvas.width):
            yield polygon_region([one], canvas), "polygon"
        elif values.ndim == 2:
            yield mask_region(values, canvas), "mask"
        else:
            raise BadData(f"a region is a box (x0, y0, x1, y1), a polygon of (x, y) corners or a mask (H, W), not {_shown(one)}")
