"""Arrays and geometry in flight between a photo and its record.

Coordinates are half-open, in the photo's own pixels, origin top left, x to the right, y down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Pixels: TypeAlias = npt.NDArray[np.uint8]  # (H, W, 3) RGB
Map: TypeAlias = npt.NDArray[np.float32]  # (H, W)
Lab: TypeAlias = npt.NDArray[np.float32]  # (..., 3) CIE L*a*b*
Mask: TypeAlias = npt.NDArray[np.bool_]  # (H, W)
Features: TypeAlias = npt.NDArray[np.float32]  # (N, D) or (rows, cols, D), of patches
Descriptor: TypeAlias = npt.NDArray[np.float32]  # (D,) of a whole photo

Place: TypeAlias = Path | str

T = TypeVar("T")
Progress: TypeAlias = Callable[[Iterable[T], str, int | None], Iterable[T]]


def silent(items: Iterable[T], _title: str = "", _total: int | None = None) -> Iterable[T]:
    """The progress bar that shows nothing."""
    return items


Outline: TypeAlias = Literal["map", "fine", "photo", "mask", "box"]  # cut from a score map, fine features, the photo; given as mask, box
GIVEN: tuple[Outline, ...] = ("mask", "box")  # outlines that somebody else's detector, or a person, drew


class Box(NamedTuple):
    """A half-open rectangle: x0 <= x < x1, y0 <= y < y1.

    >>> Box(2, 3, 12, 8).width, Box(2, 3, 12, 8).height
    (10, 5)
    """

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Columns covered."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Rows covered."""
        return self.y1 - self.y0

    @property
    def slices(self) -> tuple[slice, slice]:
        """For indexing an (H, W, …) array."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def grown(self, margin: int, width: int, height: int) -> Box:
        """The box with `margin` more pixels on each side, cut off at a photo of width x height.

        >>> Box(2, 3, 12, 8).grown(4, 14, 100)
        Box(x0=0, y0=0, x1=14, y1=12)
        """
        return Box(max(0, self.x0 - margin), max(0, self.y0 - margin), min(width, self.x1 + margin), min(height, self.y1 + margin))


@dataclass(frozen=True, slots=True, eq=False)
class TypeScores:
    """How a detector that reads words divides each place among the defects' names: hypotheses, never facts."""

    names: tuple[str, ...]
    values: npt.NDArray[np.float32]  # (len(names), rows, cols), cells of equal size over the photo; each cell's sum is 1


class Vote(NamedTuple):
    """What one detector of several says of a photo."""

    detector: str
    p: float  # how rare so strange a photo is among good ones, by its own calibration


@dataclass(frozen=True, slots=True, eq=False)
class ScoreMap:
    """How strange each pixel of one photo is; larger is stranger."""

    values: Map  # (H, W) float32, finite, at the photo's size, not the model's
    score: float  # the one number that the verdict is made from
    resolution_px: float  # full width at half maximum of the map's answer to a point, in photo pixels
    detector: str
    descriptor: npt.NDArray[np.float32] | None = None  # (D,) of the whole photo, to find the nearest good photo
    types: TypeScores | None = None
    reference: Pixels | None = None  # (H, W, 3) the good photo that it was compared with, laid over this one
    reference_sha256: str = ""  # of its pixels as the model keeps them
    change: Map | None = None  # (H, W) against it: lighter above 0, darker below, 0 within tolerance
    votes: tuple[Vote, ...] = ()  # of the detectors that were merged

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.dtype != np.float32:
            raise ValueError(f"a score map is (H, W) float32, not {self.values.shape} {self.values.dtype}")
        if not (np.isfinite(self.score) and np.isfinite(self.values.max(initial=0.0)) and np.isfinite(self.values.min(initial=0.0))):
            raise ValueError(f"{self.detector} gave a score that is not a finite number")


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One place of a photo: an 8-connected patch of a score map, on a grid that may be coarser than the photo, or what was given."""

    box: Box  # half-open, photo pixels
    mask: Mask  # (box.height, box.width), True inside the region
    peak: float | None  # largest score in the region; None where a detector that isn't seewhy's gave none
    mean: float | None  # mean score in the region
    peak_at: tuple[int, int]  # (x, y) of the peak, photo pixels
    resolution_px: float = 1.0  # of what it was cut from
    outline: Outline = "map"  # what the mask was cut from
    label: str = ""  # what the detector that gave it calls it
    interval_px: float | None = None  # half width of the interval of its lengths; None: as the resolution has it
    p_value: float | None = None  # how rarely the strongest place of a good photo is as strong; None where too few say so

    def within(self, box: Box) -> Mask:
        """The mask in a box that holds the region's, (box.height, box.width)."""
        laid = np.zeros((box.height, box.width), np.bool_)
        laid[self.box.y0 - box.y0 :, self.box.x0 - box.x0 :][: self.box.height, : self.box.width] = self.mask
        return laid

    def shared(self, other: Region) -> int:
        """Pixels that lie in both."""
        a, b = self.box, other.box
        x0, y0, x1, y1 = max(a.x0, b.x0), max(a.y0, b.y0), min(a.x1, b.x1), min(a.y1, b.y1)
        if x0 >= x1 or y0 >= y1:
            return 0
        here, there = (r.mask[y0 - r.box.y0 : y1 - r.box.y0, x0 - r.box.x0 : x1 - r.box.x0] for r in (self, other))
        return int((here & there).sum())
