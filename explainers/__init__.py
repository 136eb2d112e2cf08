"""Explainers: words about a region that was measured. They never decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from seewhy.card import ProductCard
from seewhy.record import Explanation, Measured, Source, Unexplained
from seewhy.registry import Entry, Registry
from seewhy.types import Map, Mask, Pixels

EXPLAINERS = Registry(
    "explainer",
    {"measured": Entry("seewhy.explainers.measured:MeasuredWords"), "vlm": Entry("seewhy.explainers.vlm:VlmWords", "vlm")},
    group="seewhy.explainers",
)


EMBEDDED = "measured"  # the explainer that needs nothing but the photo
WHOLE_PX = 640  # longest side of the whole photo that an explainer sees


@dataclass(frozen=True, slots=True, eq=False)
class RegionView:
    """What an explainer sees of one region."""

    number: int
    crop: Pixels  # (h, w, 3) the region with context around it
    mask: Mask  # (h, w) True inside the region
    reference: Pixels | None  # (h, w, 3) the same place of the nearest good photo
    measured: Measured
    card: ProductCard
    evidence: tuple[str, ...]  # names of the pictures above in the record
    whole: Pixels  # (h, w, 3) the whole photo, reduced to `WHOLE_PX`
    whole_mask: Mask  # (h, w) the region in it
    heat: Map | None = None  # (h, w) the score map over the whole photo, 0..1; None where there is none
    label: str = ""  # what an external detector calls it


@dataclass(frozen=True, slots=True, eq=False)
class PastDefect:
    """A crop of an earlier finding and what a person said it is."""

    crop: Pixels  # (h, w, 3)
    type: str
    where: str  # "entry 12"


class Explainer(Protocol):
    """Puts words to one region."""

    name: str  # it is recorded under this
    source: Source  # whose words these are: "measured" computes them from pixels, "vlm" is told them by a model and may be silent
    in_flight: int  # regions that it likes to have at a time; 1 for one that computes here

    def explain(self, view: RegionView, until: float | None = None, /) -> Explanation | Unexplained:
        """Say what can be said; what can't is `Unexplained`, never an exception.

        Args:
            view: the region.
            until: `time.monotonic()` after which nobody waits any more; one that computes here at once need not look at it.
        """
