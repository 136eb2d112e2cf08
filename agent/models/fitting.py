"""The one act of fitting, for one product or many: which detector, on which photos, calibrated how."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seewhy.agent.models.candidates import AUTO, Merge, candidates, first_that_can, unfitted
from seewhy.agent.models.distinct import Distinct, distinct
from seewhy.agent.models.family import Family
from seewhy.agent.models.folder import check_place
from seewhy.agent.models.good import FromLedger, GoodPhotos, LeftOut
from seewhy.agent.models.gross import check_gross
from seewhy.agent.models.precision import fitted_in_precision
from seewhy.agent.models.product import CalibrationWay, ProductModel
from seewhy.agent.photos.lazy import Photos, pixels_of
from seewhy.card import ProductCard
from seewhy.errors import BadData
from seewhy.types import Progress, silent

LOG = logging.getLogger("seewhy.photos")

__all__ = ["AUTO", "CalibrationWay", "Fitting", "Merge", "fit_models"]


@dataclass(frozen=True, slots=True)
class Fitting:
    """What is asked of a fit."""

    alpha: float
    review: float = 0.0
    detector: str = AUTO  # a name; several with commas: the first that can; joined by "+": merged p-values
    merge: Merge = "bonferroni"
    settings: Any = None  # of the detector, or by detector
    calibration: CalibrationWay = "auto"
    lot: bool = False  # whether nobody knows which of the photos are good
    add_to: Path | None = None  # a model of several products that is trained on
    cards: Mapping[str, ProductCard] = field(default_factory=dict)  # by product
    without: Mapping[str, Sequence[LeftOut]] = field(default_factory=dict)  # by product, photos that a person had left out
    reviewed: Mapping[str, FromLedger] = field(default_factory=dict)  # by product, photos that people had let pass
    policy: Mapping[str, Any] | None = None  # kept with the model
    device: str = "cpu"


def fit_models(products: Mapping[str, Photos], asked: Fitting, folder: Path, progress: Progress[Any] = silent) -> Family:
    """Fit a model on the photos of one product or several, and save it.

    What a trained detector's encoder saw, and how far training is, are kept beside `folder` until the model is whole: after a break,
    a broken photo or a full disk the same call continues there.

    Args:
        products: photos by product; empty ones for a detector that reads words. A scene that is there several times counts once.
        asked: see there.
        folder: of the model.
        progress: wraps the loops over photos.

    Raises:
        BadData: no detector can be fitted here, or none that learns several products, or what was fitted would let gross defects pass.
        BadImage: a photo can't be read; it is nobody's fault here and is mended first.
        BadModel: something else than a model stands in the folder's place.
        NotWritten: nothing can be written there.
    """
    check_place(folder)
    found = {name: distinct(photos, {out.sha256 for out in asked.without.get(name, ())}) for name, photos in products.items()}
    scenes = {name: found[name].of(photos) for name, photos in products.items()}
    first, photos = next(iter(scenes.items()))
    able, considered = candidates(asked.detector, asked.cards.get(first), good=len(photos), lot=asked.lot, device=asked.device)
    fitted = first_that_can(able, lambda name: _fitted(name, scenes, asked, folder, progress), considered)
    for name, model in fitted.members.items():
        check_gross(model, pixels_of(scenes[name]), asked.alpha)
    known = {
        name: replace(
            model,
            card=asked.cards.get(name),
            policy=asked.policy,
            alpha=asked.alpha,
            review=asked.review,
            copies=found[name].copies,
            good=model.good if asked.lot else _good(model, found[name], asked),
        )
        for name, model in fitted.members.items()
    }
    if int(os.environ.get("RANK", "0")):  # of several processes of one training, the first saves
        return Family(known)
    saved = Family(known).save(folder)
    shutil.rmtree(_training_folder(folder), ignore_errors=True)
    return saved


def _fitted(name: str, products: Mapping[str, Photos], asked: Fitting, folder: Path, progress: Progress[Any]) -> Family:
    first, photos = next(iter(products.items()))
    detector = unfitted(name, asked.cards.get(first), settings=asked.settings, device=asked.device, merge=asked.merge)
    some, rates = pixels_of(photos), (asked.alpha, asked.alpha + asked.review)
    if detector.many_products:
        training = _training_folder(folder)
        start = Family.load(asked.add_to, device=asked.device) if asked.add_to else None
        both: dict[str, Any] = {"alpha": asked.alpha, "progress": progress}
        kept = both | {"cache": training / "features", "checkpoint": training / "checkpoint.safetensors", "start": start}
        return fitted_in_precision(
            lambda one: Family.fit(products, one, **kept),
            detector,
            some,
            rates,
            again=lambda one: Family.calibrated(products, one, **both),
        )
    if len(products) > 1:
        names = ", ".join(list(products)[:4])
        raise BadData(f"{name} learns one product, and there are {len(products)} ({names}…); give one of them, or --detector dinomaly")
    options: dict[str, Any] = {"product": first, "alpha": asked.alpha, "calibration": asked.calibration, "progress": progress}
    return fitted_in_precision(lambda one: Family({first: ProductModel.fit(photos, one, **options)}), detector, some, rates)


def _good(model: ProductModel, found: Distinct, asked: Fitting) -> GoodPhotos:
    """What is known of a model's good photos."""
    without = asked.without.get(model.product, ())
    if lost := [out.name for out in without if out.sha256 not in found.dropped]:
        LOG.warning("%s: %d photos that people dropped are not among the good ones: %s", model.product, len(lost), ", ".join(lost[:5]))
    left_out = tuple(out for out in without if out.sha256 in found.dropped)
    reviewed = asked.reviewed.get(model.product, FromLedger())
    learned = {digest for _, digest in found.listed}
    reviewed = replace(reviewed, taken=tuple(one for one in reviewed.taken if one.sha256 in learned))
    return replace(model.good, listed=found.listed, left_out=left_out, reviewed=reviewed)


def _training_folder(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.training")
