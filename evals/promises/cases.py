"""Regions and what they truly are: drawn defects, the same as PatchCore finds them, and good places that look like none."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from seewhy.agent.api.learn import fit
from seewhy.evals.synthetic.surfaces import KINDS, defective, good, write_dataset
from seewhy.evals.synthetic.views import CARD, as_photo, view_of
from seewhy.explainers import RegionView
from seewhy.explainers.measured import MeasuredWords
from seewhy.record import Explanation

HELD_OUT = ("brushed", "cast", "woven", "plate")  # products that the stand-in never saw in training
FITTED_ON = 40  # good photos


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A region and what it truly is."""

    view: RegionView
    truth: str  # a kind, or "good"
    product: str


def defect_cases(product: str, per_kind: int) -> list[Case]:
    """Drawn defects with their exact masks; the reference is another good photo of the product."""
    return [
        Case(view_of((d := defective(product, kind, 60_000 + i)).pixels, d.mask, good(product, 70_000 + i).pixels, CARD), kind, product)
        for kind in KINDS
        for i in range(per_kind)
    ]


def found_cases(product: str, per_kind: int) -> list[Case]:
    """The finding that lies most on each drawn defect, as the inspection shows it; defects that were not found are left out."""
    seen: list[RegionView] = []

    class Collects(MeasuredWords):
        def explain(self, view: RegionView, until: float | None = None, /) -> Explanation:
            seen.append(view)
            return super().explain(view, until)

    made = []
    with tempfile.TemporaryDirectory() as folder:
        data = write_dataset(Path(folder) / "data", product, good_train=FITTED_ON, good_test=0, per_kind=0, seed=9)
        inspector = fit(data, card=CARD, alpha=0.05, save=Path(folder) / "model", explainer=Collects())
        for kind in KINDS:
            for i in range(per_kind):
                drawn = defective(product, kind, 60_000 + i)
                seen.clear()
                inspector.inspect(as_photo(drawn.pixels, f"{kind}-{i}.png"))
                best = max(seen, key=lambda view: int((view.whole_mask & drawn.mask).sum()), default=None)
                if best is not None and (best.whole_mask & drawn.mask).any():
                    made.append(Case(best, kind, product))
    return made


def decoy_cases(product: str, count: int) -> list[Case]:
    """Places of good photos, as large and as shaped as defects are."""
    found = []
    for i in range(count):
        mask = defective(product, KINDS[i % len(KINDS)], 80_000 + i).mask
        found.append(Case(view_of(good(product, 81_000 + i).pixels, mask, good(product, 82_000 + i).pixels, CARD), "good", product))
    return found
