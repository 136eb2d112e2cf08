"""In which precision a detector's network runs, where that is left open: the fastest whose scores rank good photos as f32's do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from seewhy.agent.models.product import ProductModel
from seewhy.detectors.protocol import Detector, Precise
from seewhy.threads import calm
from seewhy.types import Pixels

F32 = "f32"
LEAST_TAU = 0.99  # Kendall's, between the scores of good photos in two precisions
TURNS = 5  # scorings of a photo in each precision, of which the median counts


@calm()
def fitted_in_precision(
    fit: Callable[[Detector], ProductModel], detector: Detector, photos: Sequence[Pixels], rates: Sequence[float]
) -> ProductModel:
    """A detector, fitted; where its precision is left open, in each that this machine has, of which one is chosen.

    Args:
        fit: fits and calibrates it.
        detector: unfitted.
        photos: good ones, (H, W, 3) each.
        rates: see `in_fastest_precision`.
    """
    model = fit(detector)
    rivals = detector.rivals() if isinstance(detector, Precise) else None
    if rivals is None:
        return model
    return in_fastest_precision(model, {precision: fit(rival) for precision, rival in rivals.items()}, photos[0], rates)


def in_fastest_precision(model: ProductModel, rivals: Mapping[str, ProductModel], pixels: Pixels, rates: Sequence[float]) -> ProductModel:
    """The fastest of the same product's models in several precisions that judges good photos as the one in f32 does.

    Each was calibrated with its own precision. What was measured goes into the manifest with the one that is chosen.

    Args:
        model: in f32, fitted just now.
        rivals: by precision, fitted on the same photos.
        pixels: a good photo (H, W, 3), on which speed is measured.
        rates: false-reject rates of the lines that must judge alike.
    """
    spent = _spent({F32: model, **rivals}, pixels)
    tried = {precision: agreement(model, rival, rates) for precision, rival in rivals.items()}
    able = [F32, *(p for p, facts in tried.items() if facts["kendall_tau"] >= LEAST_TAU and not facts["verdicts_changed"])]
    taken = min(able, key=lambda precision: spent[precision])
    chosen = {F32: model, **rivals}[taken]
    facts = {name: own | {"times_as_fast": round(spent[F32] / spent[name], 2)} for name, own in tried.items()}
    chosen.detector.decided({"asked": "auto", "taken": taken, "tried": facts})  # type: ignore[attr-defined]
    return chosen


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


def _spent(models: Mapping[str, ProductModel], pixels: Pixels) -> dict[str, float]:
    """Seconds that each takes for a photo, the median of turns; nothing is measured where there is nothing to choose."""
    if len(models) == 1:
        return dict.fromkeys(models, 1.0)
    seconds: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(TURNS + 1):
        for name, model in models.items():
            began = perf_counter()
            model.detector.score(pixels)
            seconds[name].append(perf_counter() - began)
    return {name: float(np.median(values[1:])) for name, values in seconds.items()}  # the first compiles
