"""Regions that somebody else found, measured and made ready for words: what `measuring.examined` does for seewhy's own detectors."""

from __future__ import annotations

from dataclasses import dataclass

from seewhy.agent.detections.detection import Detection
from seewhy.agent.inspection.chain import Clock, Link, Spoken
from seewhy.agent.inspection.facts import measure
from seewhy.agent.inspection.measuring import Detected, compared_with, with_views
from seewhy.agent.inspection.modelless import external
from seewhy.agent.inspection.recording import Basis, Examined
from seewhy.agent.inspection.registration import likeness, registered
from seewhy.agent.inspection.terms import Agreed
from seewhy.agent.inspection.verdict import EXTERNAL
from seewhy.agent.photos.images import Photo
from seewhy.prompts import sentence
from seewhy.record import Decision, DetectorNote, Hypothesis, Missing, Provenance, Sentence, Stated
from seewhy.types import Pixels, Region

UNLIKE = 0.2  # correlation with the reference as a whole below which the record doubts that it shows the same
STRETCHED = 0.02  # by so much may the two photos' proportions differ before the record says so


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """The good photo that given regions are compared with."""

    pixels: Pixels | None = None  # (H, W, 3) laid over the photo
    sha256: str | None = None
    missing: tuple[Missing, ...] = ()  # what is wrong with it

    @classmethod
    def of(cls, photo: Photo, reference: Photo | None) -> Beside:
        """A reference laid over the photo; of another size it is scaled, unlike it is doubted, and both are told."""
        if reference is None:
            return cls()
        good, told = registered(reference.pixels, photo.pixels), list[Missing]()
        if abs(reference.width * photo.height / (reference.height * photo.width) - 1) > STRETCHED:
            sizes = {"reference": f"{reference.width} x {reference.height}", "photo": f"{photo.width} x {photo.height}"}
            told.append(Missing(what="reference", because=sentence("missing.reference_size", **sizes)))
        alike = round(likeness(good, photo.pixels), 2)
        if alike < UNLIKE:
            told.append(Missing(what="reference", because=sentence("missing.reference_unlike", likeness=alike)))
        return cls(good, reference.sha256, tuple(told))


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
        decision=_decision(detection),
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


def _unfamiliar(product: str) -> Missing:
    """That the good photo may show another product."""
    return Missing(what="reference", because=sentence("missing.reference_unfamiliar", product=product))


def _decision(detection: Detection) -> Decision:
    """What was said of the photo as a whole; what wasn't is missing, and nothing is computed in its place."""

    def stated(value: float | None) -> Stated[float]:
        return Stated(value=value, source="external", status="missing" if value is None else "supported", evidence=("photo",))

    return Decision(
        score=stated(detection.score),
        threshold=stated(detection.threshold),
        p_value=stated(detection.p_value),
        alpha=None,
        calibration=EXTERNAL,
        calibration_method=EXTERNAL,
        calibration_photos=0,
        calibration_needed=0,
        anomalous=bool(detection.regions),
    )


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
