"""Who speaks for a photo: the first model that knows its product and does not fail, and why the others did not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from time import perf_counter

import numpy as np

from seewhy.agent.inspection.facts import inside_outline
from seewhy.agent.inspection.terms import Agreed, Terms
from seewhy.agent.models.product import ProductModel
from seewhy.detectors.ensemble import Ensemble, plugin_versions
from seewhy.detectors.protocol import Detector
from seewhy.errors import BadModel
from seewhy.explainers import EXPLAINERS
from seewhy.packages import versions
from seewhy.prompts import say, sentence
from seewhy.record import DetectorNote, Provenance, Sentence
from seewhy.threads import calm
from seewhy.types import Pixels, ScoreMap, Vote


@dataclass(slots=True)
class Clock:
    """Milliseconds per step."""

    spent: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Add what runs inside to a step."""
        began = perf_counter()
        try:
            yield
        finally:
            self.spent[step] = round(self.spent.get(step, 0.0) + 1000 * (perf_counter() - began), 3)


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """One model of a chain, and what holds for its records.

    Raises:
        BadModel: the model was not saved, so that its records could not name it.
    """

    model: ProductModel
    agreed: Agreed
    threshold: float | None  # of photos' scores
    seed: float | None  # of a map's largest value
    review_threshold: float | None  # up to which parts pass; None where no band was asked for
    review_seed: float | None  # likewise of a map's largest value
    provenance: Provenance
    bright: tuple[float, ...]  # brightness of good photos that the model keeps

    @classmethod
    def of(cls, model: ProductModel, terms: Terms) -> Link:
        """A model under the terms that were given."""
        if not model.sha256:
            raise BadModel("the model has no hash yet; save it first")
        agreed, calibration = terms.agreed(model), model.calibration
        threshold, seed = calibration.threshold(agreed.alpha), calibration.peak_threshold(agreed.alpha)
        passes, sees = threshold, seed
        if agreed.review is not None:
            asked = agreed.alpha + agreed.review
            passes, sees = calibration.threshold(asked), calibration.peak_threshold(asked)
        return cls(model, agreed, threshold, seed, passes, sees, provenance_of(model, agreed, terms), model.references.brightness())

    def score(self, pixels: Pixels) -> ScoreMap:
        """The detector's map, silent outside the card's outline."""
        scored = self.model.detector.score(pixels)
        inside = inside_outline(self.agreed.card, pixels.shape[1], pixels.shape[0])
        if inside is None:
            return scored
        quiet = np.where(inside, scored.values, min(self.model.calibration.median, float(scored.values.min())))
        return replace(scored, values=quiet.astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """A photo's score map, and by whom."""

    link: Link
    scored: ScoreMap
    notes: tuple[DetectorNote, ...]  # of those that were considered before, and of those that spoke
    familiar: bool  # whether the photo looks like the product as a whole


class Chain:
    """Models in the order in which they are asked.

    Args:
        models: saved ones; the first speaks unless it fails or doesn't know what the photo shows.
        terms: see there.
    """

    def __init__(self, models: Sequence[ProductModel], terms: Terms) -> None:
        self.links = tuple(Link.of(model, terms) for model in models)

    @calm()
    def speak(self, pixels: Pixels) -> Spoken:
        """The first answer of a model that knows the product; the last one's, whatever it is, where none does."""
        notes = [DetectorNote(name=n, spoke=False, because=why) for n, why in self.links[0].model.considered]
        for link, last in zip(self.links, (*(False,) * (len(self.links) - 1), True), strict=True):
            model, name = link.model, link.model.detector.name
            try:
                scored = link.score(pixels)
            except Exception as error:
                if last:
                    raise
                why = f"{type(error).__name__}: {str(error)[:160]}"
                notes.append(DetectorNote(name=name, spoke=False, because=sentence("detector.failed", name=name, why=why)))
                continue
            known, whole = model.familiarity, scored.descriptor
            p = None if known is None or whole is None else round(known.p_value(whole), 6)
            familiar = known is None or whole is None or known.knows(whole)
            if not familiar and not last:
                because = sentence("detector.unfamiliar", name=name, product=model.product, p=p or 0.0)
                notes.append(DetectorNote(name=name, spoke=False, because=because, familiar_p=p))
                continue
            because = model.detector.introduce(model.product, model.good_photos)
            notes.append(DetectorNote(name=name, spoke=True, because=because, familiar_p=p))
            return Spoken(link, scored, (*notes, *map(_voted, scored.votes)), familiar)
        raise BadModel("a chain has at least one model")


def provenance_of(model: ProductModel, agreed: Agreed, terms: Terms) -> Provenance:
    """What makes a model's records, by hash, and the plug-ins among it, by version."""
    worded = EXPLAINERS.plugin_versions(terms.explainer.name) if terms.explainer else {}
    return Provenance(
        model_sha256=model.sha256,
        detector=model.detector.name,
        weights=tuple(asdict(w) for w in model.detector.weights),
        policy_name=agreed.policy.name,
        policy_version=agreed.policy.version,
        policy_sha256=agreed.policy.sha256,
        card_sha256=agreed.card.sha256,
        prompts_sha256=model.detector.learned.get("prompts_sha256"),
        reference_sha256=None,
        device=terms.device,
        versions=versions() | plugin_versions(model.detector) | worded,
        overrides=agreed.overrides,
        engine=engine_of(model.detector),
    )


def engine_of(detector: Detector) -> Sentence | None:
    """What runs a detector's network, or those of several that speak as one; None where it isn't told: models from before, no network."""
    if isinstance(detector, Ensemble):
        each = {one.name: engine for one in detector.detectors if (engine := engine_of(one))}
        told, told_ko = ("; ".join(f"{name}: {say(engine, language)}" for name, engine in each.items()) for language in ("en", "ko"))
        return sentence("engine.several", told=told, told_ko=told_ko) if each else None
    learned = detector.learned
    if network := learned.get("network"):
        if runs := network.get("runs"):
            return sentence("engine.onnxruntime", version=runs["by"], device=runs["on"])
        return sentence("engine.openvino", precision=network["precision"])
    return Sentence(**learned["engine"]) if "engine" in learned else None


def _voted(vote: Vote) -> DetectorNote:
    """What one detector of several that were merged says."""
    return DetectorNote(name=vote.detector, spoke=True, because=sentence("detector.vote", name=vote.detector, p=float(f"{vote.p:.3g}")))
