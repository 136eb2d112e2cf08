"""A folder of good photos to an inspector, in one call."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Unpack

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.policy import load_policy
from seewhy.agent.inspection.terms import DEFAULT_ALPHA, Given, Terms
from seewhy.agent.models.fitting import AUTO, CalibrationWay, Fitting, Merge, fit_models
from seewhy.agent.photos.lazy import LazyPhotos, samples_by_product
from seewhy.card import ProductCard
from seewhy.errors import BadData
from seewhy.types import Place, Progress, silent


def fit(
    good: Place | None = None,
    *,
    lot: Place | None = None,
    save: Place | None = None,
    detector: str = AUTO,
    merge: Merge = "bonferroni",
    settings: Any = None,
    calibration: CalibrationWay = "auto",
    add_to: Place | None = None,
    progress: Progress[Any] = silent,
    **given: Unpack[Given],
) -> Inspector:
    """Learn a product from its good photos, or several products at once with a detector that learns many (dinomaly).

    Card, policy and alpha are kept with the model and hold whenever it is loaded, unless others are given then.

    Args:
        good: a folder of good photos, or a data set in a layout that `read_layout` knows (its good training photos); None for
            a detector that reads words.
        lot: in their place, photos of which nobody knows what is good; they judge one another, and none passes without a person.
        save: where the model folder goes; a temporary folder by default.
        detector: "auto" chooses by the card, the photos and what is installed (`seewhy.agent.models.choice`). Else a name in
            `seewhy.detectors.DETECTORS`; several with commas: the first that can be fitted here speaks; several joined by "+": their
            p-values are merged. The record says who was considered and why the others did not speak.
        merge: with "+": "bonferroni" or "fisher", see `seewhy.detectors.ensemble`.
        settings: of the detector, or a mapping from names to settings for a chain; defaults where None.
        calibration: "split", "leave-one-out" or "auto"; see `ProductModel.fit`.
        add_to: a model of several products that is trained on; `good` holds its products' photos too.
        progress: wraps the loops over photos.
        given: card, policy, alpha, explainer, pictures, device; see `Given`. Of several products, cards by product.

    Returns:
        An inspector; of several products, of the first one, with all of them in `products`.

    Raises:
        BadData: there are no good photos, or those of several products and a detector that learns one.
        BadImage: a good photo can't be read.
        BadModel: something else than a model stands where the model would go.
        NotWritten: the model can't be written there.
    """
    terms = Terms.of(given)
    if good is not None and lot is not None:
        raise BadData("give good photos or a lot, not both: of a lot nobody knows what is good")
    source = good if lot is None else lot
    found = {} if source is None else samples_by_product(Path(source), lot=lot is not None)
    if len(found) > 1 and terms.card is not None:
        raise BadData(f"{source} holds {len(found)} products; a card is of one: give cards by product ({', '.join(list(found)[:4])}…)")
    names = {name: terms.card.name if terms.card is not None else name for name in found or ["product"]}
    cards = {shown: card for name, shown in names.items() if (card := terms.card_of(name)) is not None}
    photos = {shown: LazyPhotos(found.get(name, []), cards.get(shown, ProductCard()).white_level) for name, shown in names.items()}
    asked = Fitting(
        alpha=DEFAULT_ALPHA if terms.alpha is None else terms.alpha,
        detector=detector,
        merge=merge,
        settings=settings,
        calibration=calibration,
        lot=lot is not None,
        add_to=None if add_to is None else Path(add_to),
        cards=cards,
        policy=(terms.policy or load_policy()).model_dump(mode="json"),
        device=terms.device,
    )
    folder = Path(save) if save else Path(tempfile.mkdtemp(prefix="seewhy-")) / "model"
    return Inspector.of_products(fit_models(photos, asked, folder, progress).members, **given)
