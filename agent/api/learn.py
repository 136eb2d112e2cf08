"""A folder of good photos to an inspector, in one call."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack, cast

from seewhy.agent.api.sources import Learning, card_with_white, judged_in, samples_for
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.policy import load_policy
from seewhy.agent.inspection.terms import DEFAULT_ALPHA, DEFAULT_REVIEW, Given, Terms
from seewhy.agent.models.fitting import AUTO, CalibrationWay, Fitting, Merge, fit_models
from seewhy.agent.people.good import left_out_by_product
from seewhy.agent.photos.layouts import Layout
from seewhy.agent.photos.lazy import LazyPhotos
from seewhy.card import ProductCard
from seewhy.errors import BadData
from seewhy.prompts import sentence
from seewhy.types import Place, Progress, silent

LOG = logging.getLogger("seewhy.photos")


def fit(
    good: Place | Layout | None = None,
    *,
    lot: Place | Layout | None = None,
    save: Place | None = None,
    detector: str = AUTO,
    merge: Merge = "bonferroni",
    settings: Any = None,
    calibration: CalibrationWay = "auto",
    add_to: Place | None = None,
    progress: Progress[Any] = silent,
    **given: Unpack[Learning],
) -> Inspector:
    """Learn a product from its good photos, or several products at once with a detector that learns many (dinomaly).

    Card, policy, alpha and review are kept with the model and hold whenever it is loaded, unless others are given then.

    Args:
        good: a folder of good photos, a data set in a layout that `read_layout` knows (its good training photos), or what
            `surveyed` found there; None for a detector that reads words.
        lot: in their place, photos of which nobody knows what is good; they judge one another, and none passes without a person.
        save: where the model folder goes. Without it the model lives as long as the inspector, and `inspector.model.save` keeps it.
        detector: "auto" chooses by the card, the photos and what is installed (`seewhy.agent.models.choice`). Else a name in
            `seewhy.detectors.DETECTORS`; several with commas: the first that can be fitted here speaks; several joined by "+": their
            p-values are merged. The record says who was considered and why the others did not speak.
        merge: with "+": "bonferroni" or "fisher", see `seewhy.detectors.ensemble`.
        settings: of the detector, or a mapping from names to settings for a chain; defaults where None.
        calibration: "split", "leave-one-out" or "auto"; see `ProductModel.fit`.
        add_to: a model of several products that is trained on; `good` holds its products' photos too.
        progress: wraps the loops over photos.
        given: card (of several products, by product), policy, alpha, review, explainer, pictures, device, and ledgers; see `Learning`.

    Returns:
        An inspector; of several products, of the first one, with all of them in `products`.

    Raises:
        BadData: there are no good photos, or those of several products and a detector that learns one.
        BadImage: a good photo can't be read.
        BadModel: something else than a model stands where the model would go.
        NotWritten: the model can't be written there.
    """
    without = given.pop("without", None)
    judged = judged_in(given)
    terms = Terms.of(given)
    found = samples_for(good, lot, judged)
    if len(found) > 1 and terms.card is not None:
        raise BadData(f"{good or lot} holds {len(found)} products; a card is of one: give cards by product ({', '.join(list(found)[:4])}…)")
    names = {name: terms.card.name if terms.card is not None else name for name in found or ["product"]}
    wanted = {shown: card_with_white(terms.card_of(name), shown, found.get(name, [])) for name, shown in names.items()}
    cards = {shown: card for shown, card in wanted.items() if card is not None}
    photos = {shown: LazyPhotos(found.get(name, []), cards.get(shown, ProductCard()).white_level) for name, shown in names.items()}
    asked = Fitting(
        alpha=DEFAULT_ALPHA if terms.alpha is None else terms.alpha,
        review=DEFAULT_REVIEW if terms.review is None else terms.review,
        detector=detector,
        merge=merge,
        settings=settings,
        calibration=calibration,
        lot=lot is not None,
        add_to=None if add_to is None else Path(add_to),
        cards=cards,
        without={} if without is None else left_out_by_product(Path(without), photos),
        reviewed={} if judged is None else dict.fromkeys(photos, judged.known),
        policy=(terms.policy or load_policy()).model_dump(mode="json"),
        device=terms.device,
    )
    with tempfile.TemporaryDirectory(prefix="seewhy-") as passing:  # a model is named by what its folder holds
        members = fit_models(photos, asked, Path(save or Path(passing) / "model"), progress).members
    _tell_doubts(photos)
    return Inspector.of_products(members, **cast(Given, given))


def _tell_doubts(products: Mapping[str, LazyPhotos]) -> None:
    for product, photos in products.items():
        for note, names in sorted(photos.doubted.items()):
            why = sentence(f"note.{note}").text
            LOG.warning("%s: %d of the photos learned from are doubtful, for instance %s: %s", product, len(names), min(names), why)
