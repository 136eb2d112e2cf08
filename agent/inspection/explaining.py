"""Regions that somebody else found, measured and made ready for words: what `measuring.examined` does for seewhy's own detectors."""

from __future__ import annotations

from seewhy.agent.detections.detection import Detection
from seewhy.agent.inspection.beside import Beside
from seewhy.agent.inspection.chain import Clock, Link, Spoken
from seewhy.agent.inspection.facts import measure
from seewhy.agent.inspection.measuring import Detected, compared_with, with_views
from seewhy.agent.inspection.modelless import decision_of, external, provenance_without_model
from seewhy.agent.inspection.recording import Basis, Examined
from seewhy.agent.inspection.terms import Agreed
from seewhy.agent.photos.images import Photo
from seewhy.prompts import sentence
from seewhy.record import DetectorNote, Hypothesis, Missing, Provenance, Sentence, Stated
from seewhy.types import Region


def examined_regions(
    photo: Photo,
    lot: str,
    detection: Detection,
    agreed: Agreed,
    beside: Beside,
    provenance: Provenance,
    clock: Clock,
    *,
    link: Link | None = None,
    keep_pictures: bool,
) -> Examined:
    """A photo's given regions, measured, with the pictures of them; nothing is searched, refined or judged here.

    Args:
        photo: decoded.
        lot: that its record belongs to.
        detection: what was given.
        agreed: card and policy.
        beside: the good photo.
        provenance: what makes the record.
        clock: where the time goes.
        link: the model whose good photos they are compared with.
        keep_pictures: as evidence.
    """
    size = photo.width, photo.height
    with clock("measure"):
        numbered = list(enumerate(detection.regions, start=1))
        facts = [measure(r, agreed.card, *size, detection.cut, evidence=(f"mask-{number}",)) for number, r in numbered]
    basis = Basis(
        agreed=agreed,
        provenance=provenance,
        decision=decision_of(detection),
        detectors=(_note(detection),),
        missing=(*_missing(detection, agreed), *beside.missing),
        link=link,
        notes=detection.notes,
    )
    named = tuple(_named(detection, region, number) for number, region in numbered)
    detected = Detected(detection.regions, facts, named, beside.pixels, beside.sha256, detection.heat)
    return with_views(photo, lot, basis, detected, clock, keep_pictures=keep_pictures)


def examined_beside(spoken: Spoken, photo: Photo, lot: str, detection: Detection, clock: Clock, *, keep_pictures: bool) -> Examined:
    """A photo's given regions, measured beside the good photos of the model that scored it.

    Args:
        spoken: who scored the photo, and knows the product.
        photo: decoded.
        lot: that its record belongs to.
        detection: what was given.
        clock: where the time goes.
        keep_pictures: as evidence.
    """
    with clock("reference"):
        good, compared = compared_with(spoken, photo.pixels, wanted=bool(detection.regions))
    link = spoken.link
    beside = Beside(good, compared, () if spoken.familiar else (_unfamiliar(link.model.product),))
    provenance = link.provenance.model_copy(update={"detector": detection.detector, "external": external(detection)})
    return examined_regions(photo, lot, detection, link.agreed, beside, provenance, clock, link=link, keep_pictures=keep_pictures)


def examined_alone(
    photo: Photo, detection: Detection, agreed: Agreed, reference: Photo | None, clock: Clock, *, keep_pictures: bool
) -> Examined:
    """A photo's given regions, measured without a model, beside a good photo where there is one.

    Args:
        photo: decoded.
        detection: what was given.
        agreed: card and policy.
        reference: the good photo.
        clock: where the time goes.
        keep_pictures: as evidence.
    """
    with clock("reference"):
        beside = Beside.of(photo, reference) if detection.regions else Beside()
    provenance = provenance_without_model(detection, agreed)
    return examined_regions(photo, "", detection, agreed, beside, provenance, clock, keep_pictures=keep_pictures)


def _unfamiliar(product: str) -> Missing:
    """That the good photo may show another product."""
    return Missing(what="reference", because=sentence("missing.reference_unfamiliar", product=product))


def _note(detection: Detection) -> DetectorNote:
    who = " ".join(filter(None, (detection.detector, detection.version)))
    because = sentence("detector.external", name=who, count=len(detection.regions))
    return DetectorNote(name=detection.detector, spoke=True, because=because)


def _missing(detection: Detection, agreed: Agreed) -> list[Missing]:
    out = list[Missing]()
    lost = {"score": detection.score, "threshold": detection.threshold, "p-value": detection.p_value}
    if gone := [name for name, value in lost.items() if value is None]:
        out.append(Missing(what="calibration", because=_not_given(gone)))
    if detection.meaning:
        out.append(
            Missing(what="meaning", because=sentence("missing.external_meaning", name=detection.detector, meaning=detection.meaning))
        )
    known = {defect.name for defect in agreed.card.defects}
    unknown = sorted({region.label for region in detection.regions if region.label} - known)
    if unknown:
        out.append(Missing(what="type", because=sentence("missing.external_type", name=detection.detector, types=", ".join(unknown))))
    if "box" in detection.kinds:
        out.append(Missing(what="outline of the defect", because=sentence("missing.external_boxes")))
    return out


def _not_given(names: list[str]) -> Sentence:
    return sentence("missing.external_scores", names=", ".join(names))


def _named(detection: Detection, region: Region, number: int) -> tuple[Hypothesis, ...]:
    """The detector's own name for a region: a hypothesis like any other."""
    if not region.label:
        return ()
    type_ = Stated[str](value=region.label, source="external", status="unverified", evidence=(f"mask-{number}",))
    return (Hypothesis(type=type_, probability=None, by=detection.detector),)
