"""Whether the embedded explainer calls real defects what they are: magnetic tiles, beside a card of six lines."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.recording import Examined
from seewhy.agent.photos.layouts import learned_and_tested, surveyed
from seewhy.agent.photos.lazy import LazyPhotos
from seewhy.card import DefectType, ProductCard
from seewhy.evals.detect import known_mask
from seewhy.evals.metrics import f1, share
from seewhy.evals.overlap import patches
from seewhy.evals.promises.findings import ALPHA, evenly, fitted
from seewhy.evals.run import LITE, measuring
from seewhy.record import Explanation
from seewhy.types import Mask

PRODUCT = "magnetic_tile"
CARD = ProductCard(  # what the words mean in the trade
    name="magnetic tile",
    defects=(
        DefectType(name="blowhole", description="a small dark hole", shape=("spot",), tone=("darker",)),
        DefectType(name="break", description="a piece broken out at the edge", shape=("edge", "patch"), extent=("small",)),
        DefectType(name="crack", description="a narrow line", shape=("line",)),
        DefectType(name="fray", description="a wide dark place, not ground", shape=("patch", "edge"), tone=("darker",), extent=("wide",)),
        DefectType(name="uneven", description="a wide light place", shape=("patch", "edge"), tone=("lighter", "same"), extent=("wide",)),
        DefectType(name="good", description="nothing that is a defect"),
    ),
)
Said = tuple[str, str | None]  # what a defect is, and what it was called
KINDS = ("blowhole", "break", "crack", "fray", "uneven")


def main(out: Path, data: Path, work: Path | None = None, per_kind: int = 0, good_photos: int = 0) -> None:
    """What the embedded explainer calls the defects of magnetic tiles that were found, beside what they are.

    Args:
        out: where the figures go.
        data: a folder that holds the product `magnetic_tile`.
        work: folder in which the fitted model is kept for the next run, and those of `findings` are.
        per_kind: photos of each kind of defect; 0: all.
        good_photos: that the product is fitted on; 0: all.
    """
    facts = {"weights": f"{LITE} (PatchCore)", "alpha": ALPHA, "per_kind": per_kind, "good_photos": good_photos}
    with measuring(out, facts, "openvino") as table, tempfile.TemporaryDirectory() as name:
        table.row(PRODUCT, named, data / PRODUCT, Path(work or name), per_kind, good_photos)


def named(data: Path, models: Path, per_kind: int, good_photos: int) -> dict[str, Any]:
    """Accuracy, macro-F1, coverage and risk over the defects that were found, and over all as their masks outline them."""
    layout = surveyed(data)
    learned, test = learned_and_tested(layout.samples)
    some = replace(layout, samples=tuple(evenly(learned, good_photos)))
    model = fitted(models / f"{data.name}-{good_photos}", lambda: some, ALPHA).model
    inspector = Inspector(model, card=CARD, alpha=ALPHA)
    wanted = [s for s in evenly(test, per_kind) if not s.good]
    found, outlined = list[Said](), list[Said]()
    for sample, photo in zip(wanted, LazyPhotos(wanted), strict=True):
        mask = known_mask(sample, photo)
        if mask is not None:
            found += [(sample.kind, type_) for type_ in _types(inspector, inspector.examine(photo), mask)]
            outlined += [(sample.kind, type_) for type_ in _types(inspector, inspector.examine_regions(photo, mask), mask)]
    return {"photos": len(wanted), **figures(found), "by_perfect_outlines": figures(outlined)}


def figures(pairs: Sequence[Said]) -> dict[str, Any]:
    """Of findings that lie on a defect: what it is, and what it was called.

    A finding that is called by no line of the card (a shape alone) isn't covered; the risk is of those that are.
    """
    truth, said = [kind for kind, _ in pairs], [type_ for _, type_ in pairs]
    covered = [(kind, type_) for kind, type_ in pairs if type_ in KINDS]
    return {
        "found": len(pairs),
        "accuracy": share(kind == type_ for kind, type_ in pairs),
        "macro_f1": round(float(np.mean([f1(kind, truth, said) for kind in KINDS])), 4),
        "coverage": share(type_ in KINDS for _, type_ in pairs),
        "risk": share(kind != type_ for kind, type_ in covered) if covered else None,
        "confusion": {kind: dict(Counter(str(type_) for k, type_ in pairs if k == kind)) for kind in KINDS},
    }


def _types(inspector: Inspector, e: Examined, mask: Mask) -> list[str | None]:
    """What each finding that lies on a defect is called."""
    defects = patches(mask)
    pairs = zip(e.regions, inspector.conclude(e).record.findings, strict=True)
    return [
        f.explanation.type.value if isinstance(f.explanation, Explanation) else None
        for region, f in pairs
        if any(region.shared(d) for d in defects)
    ]
