"""The Python door: a folder of good photos to an inspector, in one call."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from seewhy.agent.inspection.inspector import DEFAULT_ALPHA, Inspector
from seewhy.agent.inspection.policy import load_policy
from seewhy.agent.ledger.past import past_defects
from seewhy.agent.models.choice import AUTO, choose
from seewhy.agent.models.product import CalibrationWay, ProductModel
from seewhy.agent.photos.layouts import good_photos, read_layout
from seewhy.agent.photos.lazy import LazyPhotos
from seewhy.card import DefectType, ProductCard, load_card
from seewhy.detectors import DETECTORS
from seewhy.detectors.ensemble import JOIN, Ensemble, EnsembleSettings, Merge
from seewhy.detectors.protocol import Detector
from seewhy.detectors.winclip.settings import WinClipSettings
from seewhy.errors import BadData, BadImage, SeewhyError, UnknownName
from seewhy.explainers import EXPLAINERS, Explainer
from seewhy.prompts import sentence
from seewhy.prompts.winclip import prompt_set
from seewhy.record import Sentence
from seewhy.types import Progress, silent


def fit(
    good: Path | str | None = None,
    *,
    save: Path | str | None = None,
    lot: Path | str | None = None,
    detector: str = AUTO,
    merge: Merge = "bonferroni",
    card: ProductCard | Path | str | None = None,
    policy: Path | str | None = None,
    alpha: float = DEFAULT_ALPHA,
    calibration: CalibrationWay = "auto",
    device: str = "cpu",
    settings: Any = None,
    explainer: Explainer | None = None,
    progress: Progress[Any] = silent,
) -> Inspector:
    """Learn a product from its good photos.

    Args:
        good: a folder of good photos, or a data set in a layout that `read_layout` knows (its good training photos); None for
            a detector that reads words.
        save: where the model folder goes; a temporary folder by default.
        lot: in their place, photos of which nobody knows what is good; they judge one another, and none passes without a person.
        detector: "auto" chooses by the card, the photos and what is installed (`seewhy.agent.models.choice`). Else a name in
            `seewhy.detectors.DETECTORS`; several with commas: the first that can be fitted here speaks; several joined by "+": their
            p-values are merged. The record says who was considered and why the others did not speak.
        merge: with "+": "bonferroni" or "fisher", see `seewhy.detectors.ensemble`.
        card: the product card or its file.
        policy: a policy file; the default one serves any product.
        alpha: false-reject rate asked for on good parts.
        calibration: "split", "leave-one-out" or "auto"; see `ProductModel.fit`.
        device: "cpu" or "cuda".
        settings: of the detector, or a mapping from names to settings for a chain; defaults where None.
        explainer: who puts words to a region; see `vlm`. The embedded one where None.
        progress: wraps the loops over photos.

    Raises:
        BadData: there are no good photos, or those of several products.
        BadImage: a good photo can't be read.
    """
    known = load_card(Path(card)) if isinstance(card, str | Path) else card
    source = good if lot is None else lot
    if good is not None and lot is not None:
        raise BadData("give good photos or a lot, not both: of a lot nobody knows what is good")
    samples = [] if source is None else read_layout(Path(source)) if lot is not None else good_photos(read_layout(Path(source)))
    products = sorted({s.product for s in samples}) or ["product"]
    if not samples and source is not None:
        raise BadData(f"{source} holds no {'photo' if lot is not None else 'good photo'} to fit on")
    if len(products) > 1:
        raise BadData(f"{source} holds {len(products)} products ({', '.join(products[:4])}…); give one of them")
    photos = LazyPhotos(samples, known.white_level if known else 65535)
    name = known.name if known else products[0]
    able, considered = _asked(detector, known, len(samples), lot is not None, device)
    made = _first_that_can(
        able,
        lambda wanted: ProductModel.fit(
            photos, unfitted(wanted, settings, known, device, merge), product=name, alpha=alpha, calibration=calibration, progress=progress
        ),
        considered,
    )
    folder = Path(save) if save else Path(tempfile.mkdtemp(prefix="seewhy-")) / "model"
    loaded = load_policy(Path(policy)) if policy else None
    return Inspector(made.save(folder), card=known, policy=loaded, alpha=alpha, device=device, explainer=explainer)


def from_words(
    prompt: str,
    *,
    defects: Sequence[str] = (),
    good: Path | str | None = None,
    model: str = "",
    dtype: str = "float32",
    save: Path | str | None = None,
    card: ProductCard | Path | str | None = None,
    policy: Path | str | None = None,
    alpha: float = DEFAULT_ALPHA,
    device: str = "cpu",
    explainer: Explainer | None = None,
    progress: Progress[Any] = silent,
) -> Inspector:
    """Inspect a new product from words alone, or from words and a few good photos (WinCLIP, WinCLIP+).

    Without good photos nothing can be calibrated: every verdict is review, and the findings are the strangest places.

    Args:
        prompt: what the photos show, "machined aluminium bracket"; overrides the card's description.
        defects: words for the defects that matter, "scratch"; they join the card's.
        good: good photos: up to four, spread over them, are compared with; all of them calibrate.
        model: an open_clip model with a plain ViT; the paper's where empty.
        dtype: of CLIP's arithmetic: float32, bfloat16, float16, or int8 (CPU).
        save: as for `fit`, like what follows.
        card: as for `fit`.
        policy: as for `fit`.
        alpha: as for `fit`.
        device: as for `fit`.
        explainer: as for `fit`.
        progress: as for `fit`.

    Raises:
        BadData: the words can't be used.
        MissingWeights: CLIP's weights aren't on this machine, and there are no good photos for another detector.
    """
    prompt_set(prompt, defects)  # refuses bad words before anything is loaded
    known = load_card(Path(card)) if isinstance(card, str | Path) else card or ProductCard(name=prompt[:80])
    named = {d.name for d in known.defects}
    added = tuple(DefectType(name=name) for name in defects if name not in named)
    known = known.model_copy(update={"description": prompt, "defects": known.defects + added})
    return fit(
        good,
        save=save,
        detector="winclip" if good is None else "winclip,patchcore",
        card=known,
        policy=policy,
        alpha=alpha,
        device=device,
        settings={"winclip": WinClipSettings(model=model or WinClipSettings().model, dtype=dtype)},
        explainer=explainer,
        progress=progress,
    )


def unfitted(detector: str, settings: Any, card: ProductCard | None, device: str, merge: Merge = "bonferroni") -> Detector:
    """A detector, or several joined by "+", with the settings given for it (or for it among others) and what it takes from the card."""
    names = detector.split(JOIN)
    if len(names) > 1:
        return Ensemble([unfitted(n.strip(), settings, card, device) for n in names], EnsembleSettings(merge))
    given = settings.get(detector) if isinstance(settings, dict) else settings
    made: Detector = DETECTORS.get(detector).from_card(card, given, device=device)
    return made


def _asked(
    detector: str, card: ProductCard | None, photos: int, lot: bool, device: str
) -> tuple[list[str], tuple[tuple[str, Sentence], ...]]:
    """Names in order, and why others are not among them.

    Raises:
        BadData: none can be asked.
    """
    if detector != AUTO:
        return [name.strip() for name in detector.split(",") if name.strip()], ()
    choices = choose(card, good=0 if lot else photos, lot=lot, device=device)
    able = [c.name for c in choices if c.why_not is None]
    if not able:
        raise BadData("no detector can be asked here. " + " ".join(c.why_not.text for c in choices if c.why_not))
    return able, tuple((c.name, c.why_not) for c in choices if c.why_not)


def _first_that_can(
    detectors: Sequence[str], fitted: Callable[[str], ProductModel], considered: tuple[tuple[str, Sentence], ...] = ()
) -> ProductModel:
    """The first detector of the chain that can be fitted here, with the reasons of the others.

    A photo that can't be read is nobody's fault here: it is mended first.
    """
    failed = list[tuple[str, Sentence]]()
    for number, name in enumerate(detectors, start=1):
        try:
            made = fitted(name)
        except (UnknownName, BadImage):
            raise
        except (SeewhyError, MemoryError, RuntimeError, ValueError) as error:
            if number == len(detectors):
                raise
            failed.append((name, _why(name, error)))
            continue
        spared = [(other, sentence("detector.not_asked", name=other, chosen=name)) for other in detectors[number:]]
        return replace(made, considered=(*failed, *spared, *considered))
    raise BadData("no detector was named")


def _why(name: str, error: Exception) -> Sentence:
    known = isinstance(error, SeewhyError)
    return (
        sentence("detector.silent", name=name, why=str(error))
        if known
        else sentence("detector.failed", name=name, why=f"{type(error).__name__}: {str(error)[:160]}")
    )


def load(
    model: Path | str,
    *,
    product: str = "",
    then: Sequence[Path | str] = (),
    card: ProductCard | Path | str | None = None,
    policy: Path | str | None = None,
    alpha: float = DEFAULT_ALPHA,
    device: str = "cpu",
    keep_pictures: bool = True,
    explainer: Explainer | None = None,
) -> Inspector:
    """An inspector from a saved model; arguments as for `fit`.

    Args:
        model: the model folder.
        product: which one, where the model is of several.
        then: folders of other models, that speak in this order where the one before can't (it fails, or as a whole the photo is
            unlike all good photos of its product). The record says who was asked and why it did not speak.
        card: as for `fit`, like what follows.
        policy: as for `fit`.
        alpha: as for `fit`.
        device: as for `fit`.
        keep_pictures: keep photo, map and crops as evidence.
        explainer: see `vlm`.

    Raises:
        BadModel: a model was changed, or made with other weights than are here.
        UnknownName: the model has no such product.
    """
    known = load_card(Path(card)) if isinstance(card, str | Path) else card
    return Inspector(
        ProductModel.load(Path(model), product=product, device=device),
        then=[ProductModel.load(Path(other), device=device) for other in then],
        card=known,
        policy=load_policy(Path(policy)) if policy else None,
        alpha=alpha,
        device=device,
        keep_pictures=keep_pictures,
        explainer=explainer,
    )


def vlm(
    url: str,
    *,
    model: str = "",
    timeout_s: float = 60.0,
    in_flight: int = 8,
    language: str = "en",
    confirmed: Path | str | None = None,
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
    made: Explainer = words(server, replace(settings or VlmSettings(), language=language), knowledge=knowledge)
    return made
