"""The Python door: a folder of good photos to an inspector, in one call."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, Unpack

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.policy import load_policy
from seewhy.agent.inspection.terms import DEFAULT_ALPHA, Given, Terms
from seewhy.agent.ledger.past import past_defects
from seewhy.agent.models.choice import AUTO
from seewhy.agent.models.fitting import Fitting, fit_models
from seewhy.agent.models.product import CalibrationWay, ProductModel
from seewhy.agent.photos.layouts import good_photos, read_layout
from seewhy.agent.photos.lazy import LazyPhotos
from seewhy.card import DefectType, ProductCard
from seewhy.detectors.ensemble import Merge
from seewhy.detectors.winclip.settings import WinClipSettings
from seewhy.errors import BadData
from seewhy.explainers import EXPLAINERS, Explainer
from seewhy.prompts.winclip import prompt_set
from seewhy.types import Progress, silent

Place: TypeAlias = Path | str


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
    samples = [] if source is None else read_layout(Path(source))
    samples = samples if lot is not None else good_photos(samples)
    if not samples and source is not None:
        raise BadData(f"{source} holds no {'photo' if lot is not None else 'good photo'} to fit on")
    found = sorted({s.product for s in samples})
    if len(found) > 1 and terms.card is not None:
        raise BadData(f"{source} holds {len(found)} products; a card is of one: give cards by product ({', '.join(found[:4])}…)")
    names = {name: terms.card.name if terms.card is not None else name for name in found or ["product"]}
    cards = {shown: card for name, shown in names.items() if (card := terms.card_of(name)) is not None}
    photos = {
        shown: LazyPhotos([s for s in samples if s.product == name], (cards.get(shown) or ProductCard()).white_level)
        for name, shown in names.items()
    }
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


def from_words(
    prompt: str,
    *,
    defects: Sequence[str] = (),
    good: Place | None = None,
    model: str = "",
    dtype: str = "float32",
    save: Place | None = None,
    progress: Progress[Any] = silent,
    **given: Unpack[Given],
) -> Inspector:
    """Inspect a new product from words alone, or from words and a few good photos (WinCLIP, WinCLIP+).

    Without good photos nothing can be calibrated: every verdict is review, and the findings are the strangest places.

    Args:
        prompt: what the photos show, "machined aluminium bracket"; overrides the card's description.
        defects: words for the defects that matter, "scratch"; they join the card's.
        good: good photos: up to four, spread over them, are compared with; all of them calibrate.
        model: an open_clip model with a plain ViT; the paper's where empty.
        dtype: of CLIP's arithmetic: float32, bfloat16, float16, or int8 (CPU).
        save: as for `fit`.
        progress: as for `fit`.
        given: as for `fit`.

    Raises:
        BadData: the words can't be used.
        MissingWeights: CLIP's weights aren't on this machine, and there are no good photos for another detector.
    """
    prompt_set(prompt, defects)  # refuses bad words before anything is loaded
    card = Terms.of(given).card or ProductCard(name=prompt[:80])
    named = {d.name for d in card.defects}
    added = tuple(DefectType(name=name) for name in defects if name not in named)
    given["card"] = card.model_copy(update={"description": prompt, "defects": card.defects + added})
    words = WinClipSettings(model=model or WinClipSettings().model, dtype=dtype)
    chain = "winclip" if good is None else "winclip,patchcore"
    return fit(good, save=save, detector=chain, settings={"winclip": words}, progress=progress, **given)


def load(model: Place, *, product: str = "", then: Sequence[Place | tuple[Place, str]] = (), **given: Unpack[Given]) -> Inspector:
    """An inspector from a saved model, under the terms that it was fitted with.

    Args:
        model: the model folder.
        product: which one, where the model is of several.
        then: folders of other models, or (folder, product), that speak in this order where the one before can't (it fails, or as a
            whole the photo is unlike all good photos of its product). The record says who was asked and why it did not speak.
        given: card, policy, alpha, explainer, pictures, device; see `Given`. What differs from the model's own is told in the record.

    Raises:
        BadModel: a model was changed, or made with other weights than are here.
        UnknownName: the model has no such product.
    """
    device = given.get("device", "cpu")
    others = [one if isinstance(one, tuple) else (one, "") for one in then]
    return Inspector(
        ProductModel.load(Path(model), product=product, device=device),
        then=[ProductModel.load(Path(folder), product=name, device=device) for folder, name in others],
        **given,
    )


def vlm(
    url: str,
    *,
    model: str = "",
    timeout_s: float = 60.0,
    in_flight: int = 8,
    language: str = "en",
    confirmed: Place | None = None,
    settings: Any = None,
) -> Explainer:
    """An explainer that asks a VLM behind an OpenAI-compatible server, for instance vLLM.

    Args:
        url: "http://127.0.0.1:8000/v1"; a key, where the server wants one, comes from the environment variable SEEWHY_VLM_KEY.
        model: as the server calls it; empty: the first that it lists.
        timeout_s: of one request.
        in_flight: requests at a time.
        language: of the message catalogue that the model's texts are also said in; what it sees and names is asked in English alone.
        confirmed: a ledger; what people confirmed there is offered as knowledge for similar crops.
        settings: a `seewhy.explainers.vlm.VlmSettings`; its language is `language`.

    Raises:
        MissingExtra: the extra `vlm` isn't installed.
        BadData: the address can't be one.
        UnknownName: there is no such language.
        LedgerError: `confirmed` is no ledger.
    """
    words = EXPLAINERS.get("vlm")
    from seewhy.explainers.client import Server
    from seewhy.explainers.knowledge import KnowledgeBase
    from seewhy.explainers.vlm import VlmSettings

    server = Server(url=url, model=model, timeout_s=timeout_s, in_flight=in_flight)
    knowledge = KnowledgeBase(past_defects(Path(confirmed)) if confirmed else ())
    explainer: Explainer = words(server, replace(settings or VlmSettings(), language=language), knowledge=knowledge)
    return explainer
