"""From what was measured and said of a photo to its record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import hypot
from typing import TypeAlias

from seewhy.agent.inspection.chain import Clock, Spoken
from seewhy.agent.inspection.evidence import Pictures
from seewhy.agent.inspection.policy import rule_on, unjudged_ruling
from seewhy.agent.inspection.regions import MOST
from seewhy.agent.inspection.verdict import gaps, stated_verdict, verdict_of
from seewhy.agent.models.calibration import LOT
from seewhy.agent.photos.images import Photo
from seewhy.agent.photos.levels import brightness, levels_differ
from seewhy.explainers import Explainer, RegionView
from seewhy.explainers.measured import MeasuredWords
from seewhy.prompts import sentence
from seewhy.record import Decision, Explanation, Finding, Hypothesis, InspectionRecord, Missing, PartIdentity, PhotoFacts, Unexplained

COPIES_NAMED = 5  # in a record; the model names all


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """A photo that was judged and measured, before words."""

    photo: Photo
    lot: str
    spoken: Spoken
    decision: Decision
    views: tuple[RegionView, ...]
    hypotheses: tuple[tuple[Hypothesis, ...], ...]
    compared: str | None  # SHA-256 of the good photo that findings are compared with
    pictures: Pictures
    clock: Clock
    part: PartIdentity | None = None  # which part it shows


Said: TypeAlias = tuple[Explanation | Unexplained, Unexplained | None]  # words, and why a VLM that was asked gave none


def record_of(e: Examined, said: Sequence[Said], *, explainer: Explainer) -> InspectionRecord:
    """Rulings and the record.

    Args:
        e: what was measured.
        said: of each region.
        explainer: who was asked.
    """
    findings = tuple(_finding(e, number, words) for number, words in enumerate(said))
    photo = _photo_facts(e)
    verdict, severity, reasons = verdict_of(e.decision, findings, photo.notes)
    stated, graded = stated_verdict(verdict, severity)
    link = e.spoken.link
    provenance = link.provenance
    if e.compared is not None:
        provenance = provenance.model_copy(update={"reference_sha256": e.compared})
    return InspectionRecord(
        lot=e.lot,
        product=link.agreed.card.name,
        photo=photo,
        verdict=stated,
        severity=graded,
        reasons=reasons,
        decision=e.decision,
        findings=findings,
        detectors=e.spoken.notes,
        provenance=provenance,
        missing=tuple(_missing(e, findings, explainer)),
        evidence=tuple(e.pictures.listed),
        inspected_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        timings_ms=e.clock.spent,
        part=e.part,
    )


def _finding(e: Examined, at: int, said: Said) -> Finding:
    view, (words, unexplained) = e.views[at], said
    diagonal = hypot(e.photo.width, e.photo.height)
    ruled = rule_on(e.spoken.link.agreed.policy, view.measured, words, count=len(e.views), diagonal_px=diagonal)
    return Finding(
        number=view.number,
        measured=view.measured,
        hypotheses=e.hypotheses[at],
        explanation=words,
        unexplained=unexplained,
        ruling=unjudged_ruling() if e.decision.threshold.value is None else ruled,
        evidence=view.evidence,
    )


def _photo_facts(e: Examined) -> PhotoFacts:
    photo, differ = e.photo, levels_differ(brightness(e.photo.pixels), e.spoken.link.bright)
    return PhotoFacts(
        name=photo.name,
        sha256=photo.sha256,
        file_bytes=photo.file_bytes,
        width_px=photo.width,
        height_px=photo.height,
        format=photo.format,
        mode=photo.mode,
        orientation=photo.orientation,
        notes=tuple(sentence(f"note.{note}") for note in (*photo.notes, *([differ] if differ else []))),
    )


def _missing(e: Examined, findings: Sequence[Finding], explainer: Explainer) -> list[Missing]:
    out, decision, card = [], e.decision, e.spoken.link.agreed.card
    if not e.spoken.familiar:
        out.append(Missing(what="product", because=sentence("missing.unfamiliar", product=e.spoken.link.model.product)))
    if decision.calibration_method == LOT:
        out.append(Missing(what="calibration", because=sentence("missing.lot", photos=decision.calibration_photos)))
    elif decision.calibration == "uncalibrated":
        params = {"photos": decision.calibration_photos, "needed": decision.calibration_needed, "alpha": decision.alpha}
        out.append(Missing(what="calibration", because=sentence("missing.calibration", **params)))
    if decision.calibration_method == "disturbed_copies":
        out.append(Missing(what="second good photos", because=sentence("missing.copies", photos=decision.calibration_photos)))
    if copies := e.spoken.link.model.copies:
        named = "; ".join(f"{copy} = {of}" for copy, of in copies[:COPIES_NAMED])
        out.append(Missing(what="distinct good photos", because=sentence("missing.distinct", count=len(copies), names=named)))
    if card.scale is None:
        out.append(Missing(what="scale", because=sentence("missing.scale")))
    if not card.outline:
        out.append(Missing(what="outline", because=sentence("missing.outline")))
    if explainer.source != "vlm":
        own = explainer.name == MeasuredWords.name
        out.append(Missing(what="vlm", because=sentence("missing.vlm") if own else sentence("missing.vlm_by", name=explainer.name)))
    out += gaps(findings)
    if findings and e.compared is None:
        out.append(Missing(what="reference", because=sentence("missing.reference")))
    if len(findings) >= MOST:
        out.append(Missing(what="more findings", because=sentence("missing.more_findings", most=MOST)))
    if not e.pictures.keep:
        out.append(Missing(what="evidence", because=sentence("missing.evidence")))
    return out
