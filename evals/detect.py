"""Measure a detector on a data set: fitted on its good training photos, scored on all of its test photos."""

from __future__ import annotations

import logging
import resource
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.agent.models.candidates import unfitted
from seewhy.agent.models.distinct import distinct
from seewhy.agent.models.product import DEFAULT_REVIEW, ProductModel
from seewhy.agent.photos.images import Photo
from seewhy.agent.photos.layouts import Sample, learned_and_tested, surveyed
from seewhy.agent.photos.lazy import LazyPhotos, white_level_for
from seewhy.agent.photos.masks import checked_masks, read_mask, unused
from seewhy.card import ProductCard
from seewhy.errors import BadData
from seewhy.evals.metrics import at_most, aupro, auroc, average_precision, binomial_interval, f1_max
from seewhy.evals.run import facts, timed
from seewhy.types import Map, Mask, Progress, silent

LOG = logging.getLogger("seewhy.photos")
MAP_PX = 320  # pixel metrics are computed with the photo's longer side at this many pixels


def evaluate(
    data: Path,
    *,
    detector: str = "patchcore",
    alpha: float = 0.01,
    device: str = "cpu",
    settings: Any = None,
    progress: Progress[Any] = silent,
) -> dict[str, Any]:
    """Figures for every product under `data`, with what made them (weights, hardware, date).

    Raises:
        BadData: the data set can't be read or lacks good or defective photos.
    """
    layout = surveyed(data)
    for doubt in (*layout.assumed, *unused(layout.left_out)):
        LOG.warning("%s", doubt)
    samples = layout.samples
    products = sorted({s.product for s in samples})
    rows, weights = [], list[str]()
    for product in products:
        row, weights = _product([s for s in samples if s.product == product], product, detector, alpha, device, settings, progress)
        rows.append(row)
    asked = asdict(settings) if settings is not None else "defaults"
    given = {"detector": detector, "weights": "; ".join(weights), "settings": asked, "alpha": alpha}
    return facts(given, device=device) | {"pixel_metrics_at_px": MAP_PX, "products": rows}


def _product(
    samples: Sequence[Sample], product: str, detector: str, alpha: float, device: str, settings: Any, progress: Progress[Any]
) -> tuple[dict[str, Any], list[str]]:
    train, test = learned_and_tested(samples)
    if not any(s.good for s in test) or all(s.good for s in test):
        raise BadData(f"{product} needs good training photos, and good and defective test photos")
    white = white_level_for(train)
    for doubt in checked_masks(test, white):
        LOG.warning("%s: %s", product, doubt)
    made = unfitted(detector, ProductCard(name=product.replace("_", " ")), settings=settings, device=device)
    photos = LazyPhotos(train, white)
    scenes = distinct(photos).of(photos)
    model, fit_seconds = timed(ProductModel.fit, scenes, made, product=product, alpha=alpha, progress=progress)
    row = {"product": product, "fitted_on": len(scenes), "tested_on": len(test), "fit_seconds": round(fit_seconds, 1)}
    return row | tested(model, test, alpha, progress, white_level=white), [f"{w.name} {w.revision}" for w in model.detector.weights]


def tested(
    model: ProductModel, test: Sequence[Sample], alpha: float, progress: Progress[Any] = silent, *, white_level: int | None = None
) -> dict[str, Any]:
    """Figures of a fitted model on test photos: detection, localisation, rates at the conformal threshold, time, memory."""
    scores, maps, masks, seconds = list[float](), list[Map](), list[Mask | None](), 0.0
    photos = LazyPhotos(test) if white_level is None else LazyPhotos(test, white_level)
    for sample, photo in progress(zip(test, photos, strict=True), model.product, len(test)):
        scored, spent = timed(model.detector.score, photo.pixels)
        seconds += spent
        scores.append(scored.score)
        maps.append(small_map(scored.values))
        mask = known_mask(sample, photo)
        masks.append(None if mask is None else small_mask(mask))
    labels = np.array([not s.good for s in test])
    row = image_figures(labels, np.array(scores)) | pixel_figures(maps, masks)
    row |= _rates(labels, np.array(scores), model, alpha) | _rates(labels, np.array(scores), model, 0.05, "_at_5_percent")
    row["seconds_per_photo"] = round(seconds / len(test), 4)
    row["peak_memory_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    row["per_kind_auroc"] = {
        kind: round(auroc(labels[keep], np.array(scores)[keep]) or 0.0, 4)
        for kind in sorted({s.kind for s in test if not s.good})
        if (keep := np.array([s.good or s.kind == kind for s in test])).any()
    }
    return row


def image_figures(labels: npt.NDArray[np.bool_], scores: npt.NDArray[np.float64]) -> dict[str, Any]:
    """AUROC, AP and F1-max over photos."""
    return {
        "image_auroc": _rounded(auroc(labels, scores)),
        "image_ap": _rounded(average_precision(labels, scores)),
        "image_f1_max": _rounded(f1_max(labels, scores)),
    }


def pixel_figures(maps: Sequence[Map], masks: Sequence[Mask | None]) -> dict[str, Any]:
    """Pixel AUROC, AP, F1-max and AUPRO over the photos whose ground truth is known."""
    known = [(m, t) for m, t in zip(maps, masks, strict=True) if t is not None]
    if not known:
        return {"pixel_auroc": None, "pixel_ap": None, "pixel_f1_max": None, "aupro": None}
    pixels = np.concatenate([m.ravel() for m, _ in known])
    truth = np.concatenate([t.ravel() for _, t in known])
    return {
        "pixel_auroc": _rounded(auroc(truth, pixels)),
        "pixel_ap": _rounded(average_precision(truth, pixels)),
        "pixel_f1_max": _rounded(f1_max(truth, pixels)),
        "aupro": _rounded(aupro([m for m, _ in known], [t for _, t in known])),
    }


def known_mask(sample: Sample, photo: Photo) -> Mask | None:
    """(H, W) the photo's defects, none in a good one; None where the photo is defective and has no mask."""
    return np.zeros((photo.height, photo.width), bool) if sample.good else read_mask(sample, photo)


def small_map(values: Map) -> Map:
    """A map at the size of the pixel metrics."""
    small: Map = cv2.resize(values, _small_size(values.shape), interpolation=cv2.INTER_AREA)
    return small


def small_mask(mask: Mask) -> Mask:
    """A mask at the size of the pixel metrics."""
    small: Mask = cv2.resize(mask.astype(np.float32), _small_size(mask.shape), interpolation=cv2.INTER_AREA) >= 0.5
    return small


def _small_size(shape: tuple[int, ...]) -> tuple[int, int]:
    scale = min(1.0, MAP_PX / max(shape))
    return max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))


def _rates(
    labels: npt.NDArray[np.bool_], scores: npt.NDArray[np.float64], model: ProductModel, alpha: float, suffix: str = ""
) -> dict[str, Any]:
    """False rejects among good photos and escapes among defective ones, at the conformal threshold."""
    line, passes = model.calibration.threshold(alpha), model.calibration.threshold(alpha + DEFAULT_REVIEW)
    rejected = scores > (np.inf if line is None else line)
    asked = ~rejected & (scores > (np.inf if passes is None else passes))
    good, escaped = int((~labels).sum()), int((labels & ~rejected & ~asked).sum())
    return {
        f"false_reject_rate{suffix}": _rounded(float(rejected[~labels].mean())),
        f"false_rejects{suffix}": f"{int(rejected[~labels].sum())} of {good}, usual at {alpha}: {binomial_interval(good, alpha)}",
        f"escape_rate{suffix}": _rounded(float((~rejected[labels]).mean())),
        f"three_ways{suffix}": {
            "review": DEFAULT_REVIEW,
            "good": {"stopped": int(rejected[~labels].sum()), "asked": int(asked[~labels].sum()), "of": good},
            "defective": {
                "stopped": int(rejected[labels].sum()),
                "asked": int(asked[labels].sum()),
                "escaped": escaped,
                "of": int(labels.sum()),
                "escaped_at_most": _rounded(at_most(escaped, int(labels.sum()))),
            },
        },
        f"calibrated{suffix}": model.calibration.supports(alpha),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
