"""One form for what was found in a photo by a detector that isn't seewhy's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypedDict

import numpy as np

from seewhy.errors import BadData
from seewhy.record import Sentence
from seewhy.types import Map, Region

Kind: TypeAlias = Literal["box", "mask", "polygon", "heat map"]
UNNAMED = "external"
MOST = 50  # regions per photo; more is a broken photo or detector, not fifty defects


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """Regions of one photo, and what their detector says of itself and of the photo.

    Nothing of it is checked: a score without a meaning is refused, because nobody could read it later.

    Attributes:
        regions: at the photo's own size, half-open pixels; their peaks are the detector's own confidences or scores.
        kinds: how they were given.
        detector: its name.
        version: of it; empty where nobody said.
        score: of the photo as a whole, in the detector's unit.
        threshold: that this score is held against.
        p_value: of this score.
        cut: the threshold that the regions' own scores are held against.
        meaning: what score, threshold, p-value and cut are, in the caller's words.
        heat: (H, W) the detector's map, at the photo's size.
        notes: what was done to get there.
    """

    regions: Sequence[Region]
    kinds: tuple[Kind, ...]
    detector: str = UNNAMED
    version: str = ""
    score: float | None = None
    threshold: float | None = None
    p_value: float | None = None
    cut: float | None = None
    meaning: str = ""
    heat: Map | None = None
    notes: tuple[Sentence, ...] = ()

    def __post_init__(self) -> None:
        said = [name for name in ("score", "threshold", "p_value") if getattr(self, name) is not None]
        if said and not self.meaning.strip():
            raise BadData(f"{self.detector} gives a {said[0].replace('_', '-')} and nobody says what it means; give `meaning` beside it")
        if self.p_value is not None and not 0 <= self.p_value <= 1:
            raise BadData(f"a p-value lies between 0 and 1, not {self.p_value}")


class Origin(TypedDict, total=False):
    """What whoever has the regions says of them.

    Attributes:
        threshold: that a heat map is cut at; of other regions, that their own scores are held against.
        detector: who found them; the record names it. Default what the object says of itself.
        version: of the detector.
        meaning: what its scores, threshold and p-value are.
    """

    threshold: float | None
    detector: str
    version: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an adapter is told beside the regions."""

    photo: str = ""  # name of the photo, to find it in a file about many
    cut: float | None = None  # the threshold of a heat map


def of_regions(regions: Sequence[tuple[Region, Any]], **said: Any) -> Detection:
    """Regions, each with how it was given, as a detection."""
    return Detection(tuple(r for r, _ in regions), tuple(sorted({kind for _, kind in regions})), **said)


def as_array(values: Any) -> np.ndarray[Any, Any]:
    """An array from numpy, torch (on any device) or nested lists."""
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
