"""From what was measured and said of a photo to its record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import hypot
from typing import TypeAlias

from seewhy.agent.detections.detection import MOST
from seewhy.agent.inspection.chain import Clock, Link
from seewhy.agent.inspection.evidence import Pictures
from seewhy.agent.inspection.ruling import also_unusual_ruling, rule_on, unjudged_ruling
from seewhy.agent.inspection.terms import Agreed
from seewhy.agent.inspection.verdict import gaps, is_unjudged, stated_verdict, verdict_of
from seewhy.agent.photos.images import Photo
from seewhy.agent.photos.levels import brightness, levels_differ
from seewhy.explainers import EMBEDDED, Explainer, RegionView
from seewhy.prompts import sentence
from seewhy.record import (
    Decision,
    DetectorNote,
    Explanation,
    Finding,
    Hypothesis,
    InspectionRecord,
    Measured,
    Missing,
    PartIdentity,
    PhotoFacts,
    Provenance,
    Ruling,
    Sentence,
    Stated,
    Status,
    Unexplained,
)
from seewhy.types import Pixels, Region

ROUNDING = 1e-9  # of sums of rates
LOOKS = 2  # maps that a region's own p-value is the better one of: it is at least so many times 1 / (good photos + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """By whom and under which terms a photo was judged: what goes into its record whatever its regions are."""

    agreed: Agreed
    provenance: Provenance
    decision: Decision
    detectors: tuple[DetectorNote, ...]
    missing: tuple[Missing, ...]  # what whoever detected lacks
    link: Link | None = None  # the model that spoke; None where the regions were given and there is none
    bright: tuple[float, ...] = ()  # brightness of good photos
    notes: tuple[Sentence, ...] = ()  # about what was given with the photo


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """A photo that was judged and measured, before words."""

    photo: Photo
    lot: str
    basis: Basis
    regions: tuple[Region, ...]
    good: Pixels | None  # the good photo laid over this one
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
    basis = e.basis
    verdict, severity, reasons = verdict_of(basis.decision, findings, photo.notes)
    stated, graded = stated_verdict(verdict, severity, basis.decision)
    provenance = basis.provenance
    if e.compared is not None:
        provenance = provenance.model_copy(update={"reference_sha256": e.compared})
    return InspectionRecord(
        lot=e.lot,
        product=basis.agreed.card.name,
        photo=photo,
        verdict=stated,
        severity=graded,
        reasons=reasons,
        decision=basis.decision,
        findings=findings,
        detectors=basis.detectors,
        provenance=provenance,
        missing=tuple(_missing(e, findings, explainer)),
        evidence=tuple(e.pictures.listed),
        inspected_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        timings_ms=e.clock.spent,
        part=e.part,
    )


def _finding(e: Examined, at: int, said: Said) -> Finding:
    view, (words, unexplained) = e.views[at], said
    own = [_own_p(e, region) for region in e.regions]
    return Finding(
        number=view.number,
        measured=view.measured,
        hypotheses=e.hypotheses[at],
        explanation=words,
        unexplained=unexplained,
        ruling=_ruling(e, view.measured, words, own, at),
        evidence=view.evidence,
        p_value=own[at],
    )


def _ruling(e: Examined, measured: Measured, words: Explanation | Unexplained, own: Sequence[Stated[float] | None], at: int) -> Ruling:
    """What follows from a finding; `own` has the p-values of all of the photo's."""
    unusual = [p is None or p.status == "supported" for p in own]
    if is_unjudged(e.basis.decision):
        return unjudged_ruling()
    if not unusual[at]:
        return also_unusual_ruling()
    return rule_on(e.basis.agreed.policy, measured, words, count=sum(unusual), diagonal_px=hypot(e.photo.width, e.photo.height))


def _own_p(e: Examined, region: Region) -> Stated[float] | None:
    """A region's own p-value, held against the rate up to which a person is asked; None where too few good photos say so much."""
    decision = e.basis.decision
    asked = (decision.alpha or 0.0) + (decision.review_rate or 0.0)
    if region.p_value is None or asked * (decision.calibration_photos + 1) < LOOKS:
        return None
    status: Status = "supported" if region.p_value <= asked + ROUNDING else "unverified"
    return Stated(value=round(region.p_value, 6), source="measured", status=status, evidence=("map",))


def _photo_facts(e: Examined) -> PhotoFacts:
    photo, differ = e.photo, levels_differ(brightness(e.photo.pixels), e.basis.bright)
    return PhotoFacts(
        name=photo.name,
        sha256=photo.sha256,
        file_bytes=photo.file_bytes,
        width_px=photo.width,
        height_px=photo.height,
        format=photo.format,
        mode=photo.mode,
        orientation=photo.orientation,
        notes=(*(sentence(f"note.{note}") for note in (*photo.notes, *([differ] if differ else []))), *e.basis.notes),
    )


def _missing(e: Examined, findings: Sequence[Finding], explainer: Explainer) -> list[Missing]:
    out, card = [*e.basis.missing], e.basis.agreed.card
    if card.scale is None:
        out.append(Missing(what="scale", because=sentence("missing.scale")))
    if not card.outline:
        out.append(Missing(what="outline", because=sentence("missing.outline")))
    if explainer.source != "vlm":
        own = explainer.name == EMBEDDED
        out.append(Missing(what="vlm", because=sentence("missing.vlm") if own else sentence("missing.vlm_by", name=explainer.name)))
    out += gaps(findings)
    if findings and e.compared is None:
        key = "missing.reference" if e.basis.provenance.model_sha256 else "missing.no_reference"
        out.append(Missing(what="reference", because=sentence(key)))
    if len(findings) >= MOST:
        out.append(Missing(what="more findings", because=sentence("missing.more_findings", most=MOST)))
    if not e.pictures.keep:
        out.append(Missing(what="evidence", because=sentence("missing.evidence")))
    return out
