"""Lengths of findings beside those of the defects that they lie on, and how far each could be out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.locating.doubt import FINE_CELLS, SHARE, lengths
from seewhy.agent.inspection.locating.stage import evidence_of, located
from seewhy.agent.inspection.shape import mask_feret
from seewhy.evals.overlap import patches
from seewhy.evals.promises.outlining import regions_beside
from seewhy.types import Mask, Pixels

LEVELS = (
    (0.3, 0.7),
    (0.25, 0.6),
    (0.2, 0.6),
    (0.15, 0.65),
    (0.3, 0.5),
)  # of the evidence's height, between which an outline may as well lie


@dataclass(frozen=True, slots=True)
class Length:
    """A finding that was cut from fine evidence and touches a defect, px."""

    cut: float
    true: float
    cell: float
    spreads: tuple[float, ...]  # for each of `LEVELS`

    def factor(self, at: int) -> float:
        """What the sum of spread, cells and share must be multiplied with to hold the true length."""
        return abs(self.cut - self.true) / self.width(at)

    def width(self, at: int) -> float:
        """That sum."""
        return self.spreads[at] + FINE_CELLS * self.cell + SHARE * self.cut


def lengths_beside(inspector: Inspector, photos: Iterable[tuple[Pixels, Mask]]) -> list[Length]:
    """Of the findings of some photos (H, W, 3), each with its defects (H, W)."""
    model, found = inspector.model, list[Length]()
    for pixels, mask in photos:
        scored, defects = model.detector.score(pixels), patches(mask)
        regions, good = regions_beside(inspector, pixels, scored)
        evidence = evidence_of(regions, scored, pixels, model)
        for region in located(regions, scored, pixels, good, model) if evidence else ():
            on = max(defects, key=region.shared, default=None)
            if evidence is None or region.outline != "fine" or on is None or not region.shared(on):
                continue
            own = mask_feret(region.mask)
            spreads = tuple(max(abs(v - own) for v in lengths(region, evidence, levels)) for levels in LEVELS)
            found.append(Length(own, mask_feret(on.mask), evidence.cell_px, spreads))
    return found
