"""In which precision a detector's network runs, where that is left open: the fastest whose scores rank good photos as f32's do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from seewhy.agent.models.family import Family
from seewhy.agent.models.product import ProductModel
from seewhy.detectors.protocol import Detector, Precise
from seewhy.threads import calm
from seewhy.types import Pixels

F32 = "f32"
LEAST_TAU = 0.99  # Kendall's, between the scores of good photos in two precisions
TURNS = 5  # scorings of a photo in each precision, of which the median counts


@calm()
def fitted_in_precision(
    fit: Callable[[Detector], Family],
    detector: Detector,
    photos: Sequence[Pixels],
    rates: Sequence[float],
    again: Callable[[Detector], Family] | None = None,
) -> Family:
    """A detector, fitted; where its precision is left open, in each that this machine has, of which one is chosen.

    Args:
        fit: fits and calibrates it.
        detector: unfitted.
        photos: good ones, (H, W, 3) each.
        rates: see `in_fastest_precision`.
        again: does the same for its rivals, where they need not be fitted, only calibrated; `fit` where None.
    """
    family = fit(detector)
    rivals = detector.rivals() if isinstance(detector, Precise) else None
    if rivals is None:
        return family
    return in_fastest_precision(family, {name: (again or fit)(rival) for name, rival in rivals.items()}, photos[0], rates)


def in_fastest_precision(family: Family, rivals: Mapping[str, Family], pixels: Pixels, rates: Sequence[float]) -> Family:
    """The fastest of the same products' models in several precisions that judges good photos of each as the one in f32 does.

    Each was calibrated with its own precision. What was measured goes into the manifest with the one that is chosen.

    Args:
        family: in f32, fitted just now.
        rivals: by precision, of the same products and photos.
        pixels: a good photo (H, W, 3), on which speed is measured.
        rates: false-reject rates of the lines that must judge alike.
    """
    families = {F32: family, **rivals}
    spent = _spent(families, pixels)
    tried = {precision: _agreement_of_all(family, rival, rates) for precision, rival in rivals.items()}
    able = [F32, *(p for p, facts in tried.items() if facts["kendall_tau"] >= LEAST_TAU and not facts["verdicts_changed"])]
    taken = min(able, key=lambda precision: spent[precision])
    chosen = families[taken]
    facts = {name: own | {"times_as_fast": round(spent[F32] / spent[name], 2)} for name, own in tried.items()}
    chosen.detector.decided({"asked": "auto", "taken": taken, "tried": facts})  # type: ignore[attr-defined]
    return chosen


def _agreement_of_all(family: Family, rival: Family, rates: Sequence[float]) -> dict[str, Any]:
    each = [agreement(model, rival.members[product], rates) for product, model in family.members.items()]
    return {"kendall_tau": min(one["kendall_tau"] for one in each), "verdicts_changed": sum(one["verdicts_changed"] for one in each)}


def agreement(model: ProductModel, rival: ProductModel, rates: Sequence[float]) -> dict[str, Any]:
    """How alike two models judge the good photos that calibrated them.

    Args:
        model: just fitted.
        rival: likewise, on the same photos.
        rates: false-reject rates; each model judges by its own lines.

    Returns:
        `kendall_tau` (1 where all pairs are ranked alike; Kendall, Biometrika 30, 1938) and `verdicts_changed`, a number of photos.
    """
    own, other = np.array(model.scored), np.array(rival.scored)
    first, second = np.triu_indices(len(own), 1)
    alike = np.sign(own[first] - own[second]) * np.sign(other[first] - other[second])  # (pairs,)
    changed = np.zeros(len(own), bool)
    for rate in rates:
        lines = (model.calibration.threshold(rate), rival.calibration.threshold(rate))
        if lines[0] is not None and lines[1] is not None:
            changed |= (own > lines[0]) != (other > lines[1])
    return {"kendall_tau": round(float(alike.mean()), 5) if len(alike) else 0.0, "verdicts_changed": int(changed.sum())}


def _spent(families: Mapping[str, Family], pixels: Pixels) -> dict[str, float]:
    """Seconds that each takes for a photo, the median of turns; nothing is measured where there is nothing to choose."""
    if len(families) == 1:
        return dict.fromkeys(families, 1.0)
    seconds: dict[str, list[float]] = {name: [] for name in families}
    for _ in range(TURNS + 1):
        for name, family in families.items():
            began = perf_counter()
            family.detector.score(pixels)
            seconds[name].append(perf_counter() - began)
    return {name: float(np.median(values[1:])) for name, values in seconds.items()}  # the first compiles
