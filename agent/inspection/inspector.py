"""The one way through the house: photo, score map, regions, facts, words, ruling, record."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from seewhy.agent.inspection.evidence import Pictures
from seewhy.agent.inspection.facts import hypotheses, inside_outline, measure
from seewhy.agent.inspection.outline import refine
from seewhy.agent.inspection.policy import Policy, load_policy, rule_on, unjudged_ruling
from seewhy.agent.inspection.regions import MOST, regions
from seewhy.agent.inspection.registration import registered
from seewhy.agent.inspection.verdict import gaps, verdict_of
from seewhy.agent.inspection.views import margin_of, region_view
from seewhy.agent.inspection.words import all_words, guarded
from seewhy.agent.models.calibration import LOT, needed
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import Photo, read_photo
from seewhy.card import ProductCard
from seewhy.errors import BadModel
from seewhy.explainers import Explainer, RegionView
from seewhy.explainers.measured import MeasuredWords
from seewhy.packages import installed
from seewhy.prompts import sentence
from seewhy.record import (
    Decision,
    DetectorNote,
    Explanation,
    Finding,
    Hypothesis,
    InspectionRecord,
    Missing,
    PhotoFacts,
    Provenance,
    Stated,
    Unexplained,
)
from seewhy.types import Pixels, Region, ScoreMap, Vote

DEFAULT_ALPHA = 0.01
SOFTWARE = ("seewhy", "torch", "timm", "open_clip_torch", "faiss-cpu", "numpy", "opencv-python-headless", "pillow")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """A record and the pictures that it rests on."""

    record: InspectionRecord
    pictures: dict[str, tuple[str, bytes]]  # (media type, bytes) by SHA-256

    def report(self, path: Path | str) -> Path:
        """Write this one inspection as a report; the ending says which kind (.html, .pdf, .json, .csv)."""
        from seewhy.reports import write_report

        return write_report([self.record], lambda digest: self.pictures[digest][1] if digest in self.pictures else None, Path(path))


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """A photo that was judged and measured, before words."""

    photo: Photo
    lot: str
    decision: Decision
    views: tuple[RegionView, ...]
    hypotheses: tuple[tuple[Hypothesis, ...], ...]
    compared: str | None  # SHA-256 of the good photo that findings are compared with
    pictures: Pictures
    clock: _Clock
    by: Inspector  # whose model spoke
    notes: tuple[DetectorNote, ...]  # of those that were asked before it and did not speak, and of itself
    familiar: bool  # whether the photo looks like the product as a whole


def _voted(vote: Vote) -> DetectorNote:
    """What one detector of several that were merged says."""
    return DetectorNote(name=vote.detector, spoke=True, because=sentence("detector.vote", name=vote.detector, p=float(f"{vote.p:.3g}")))


@dataclass(slots=True)
class _Clock:
    """Milliseconds per step."""

    spent: dict[str, float] = field(default_factory=dict)

    def run(self, step: str, action: Callable[[], T]) -> T:
        began = time.perf_counter()
        try:
            return action()
        finally:
            self.spent[step] = round(self.spent.get(step, 0.0) + 1000 * (time.perf_counter() - began), 3)


class Inspector:
    """Inspects photos of one product.

    Args:
        model: a saved product model (its hash goes into every record).
        card: what is known of the product.
        policy: severities and verdicts; the default one serves any product.
        alpha: false-reject rate asked for on good parts.
        explainer: who puts words to a region.
        keep_pictures: keep photo, map and crops as evidence; without them a report has no pictures.
        device: where it runs, for the record.
        then: models that speak, in this order, where the one before can't: it doesn't know the product, or it fails.

    Raises:
        BadModel: the model was not saved, so that its records could not name it.
    """

    def __init__(
        self,
        model: ProductModel,
        *,
        card: ProductCard | None = None,
        policy: Policy | None = None,
        alpha: float = DEFAULT_ALPHA,
        explainer: Explainer | None = None,
        keep_pictures: bool = True,
        device: str = "cpu",
        then: Sequence[ProductModel] = (),
    ) -> None:
        if not model.sha256:
            raise BadModel("the model has no hash yet; save it first")
        self.model, self.card = model, card or ProductCard(name=model.product)
        self.policy, self.alpha = policy or load_policy(), alpha
        self._embedded = MeasuredWords()
        self.explainer: Explainer = explainer or self._embedded
        self.keep_pictures, self._device = keep_pictures, device
        self._provenance = self._made_by()
        calibration = model.calibration
        self._threshold, self._seed = calibration.threshold(alpha), calibration.peak_threshold(alpha)
        more: dict[str, Any] = {"explainer": explainer, "keep_pictures": keep_pictures, "device": device, "then": then[1:]}
        self._next = Inspector(then[0], card=card, policy=policy, alpha=alpha, **more) if then else None

    def inspect(self, photo: Path | str | Photo, *, lot: str = "", name: str = "", root: Path | None = None) -> Inspection:
        """Inspect one photo.

        Args:
            photo: a path, or a photo that was decoded already.
            lot: which lot the record belongs to.
            name: what to call the photo in its record; default its path.
            root: the folder that the run was given; no link may lead out of it.

        Raises:
            BadImage: the file can't be inspected; `seewhy.agent.lots.batch` turns this into a `RefusedPhoto`.
        """
        return self.conclude(self.examine(photo, lot=lot, name=name, root=root))

    def examine(self, photo: Path | str | Photo, *, lot: str = "", name: str = "", root: Path | None = None) -> Examined:
        """All of `inspect` that comes before words: detect, measure, make pictures. Arguments as there."""
        clock = _Clock()
        if not isinstance(photo, Photo):
            path = Path(photo)
            photo = clock.run("decode", lambda: read_photo(path, name=name, root=root, white_level=self.card.white_level))
        return self._examine(photo, lot, clock, tuple(DetectorNote(name=n, spoke=False, because=why) for n, why in self.model.considered))

    def _examine(self, photo: Photo, lot: str, clock: _Clock, before: tuple[DetectorNote, ...]) -> Examined:
        """By this model, or by the next where it can't; `before`: what was said of those asked earlier."""
        familiarity = self.model.familiarity
        try:
            scored = clock.run("detect", lambda: self._score(photo.pixels))
        except Exception as error:
            if self._next is None:
                raise
            name, why = self.model.detector.name, f"{type(error).__name__}: {str(error)[:160]}"
            failed = DetectorNote(name=name, spoke=False, because=sentence("detector.failed", name=name, why=why))
            return self._next._examine(photo, lot, clock, (*before, failed))
        likely = None if familiarity is None or scored.descriptor is None else round(familiarity.p_value(scored.descriptor), 6)
        familiar = familiarity is None or scored.descriptor is None or familiarity.knows(scored.descriptor)
        if not familiar and self._next is not None:
            note = DetectorNote(
                name=self.model.detector.name,
                spoke=False,
                because=sentence("detector.unfamiliar", name=self.model.detector.name, product=self.model.product, p=likely or 0.0),
                familiar_p=likely,
            )
            return self._next._examine(photo, lot, clock, (*before, note))
        notes = (*before, self._spoke(likely), *map(_voted, scored.votes))
        decision = self._decide(scored, familiar)
        unjudged = decision.threshold.value is None  # no good photo to compare with: show the strangest places
        found = clock.run("regions", lambda: self._regions(scored) if decision.anomalous or unjudged else ())
        nearest = clock.run("reference", lambda: self.model.references.nearest(scored.descriptor) if found else None)
        good = scored.reference
        if good is None and nearest is not None:
            good = clock.run("reference", lambda: registered(self.model.references.pixels(nearest), photo.pixels))
        found = clock.run("regions", lambda: tuple(refine(r, photo.pixels, good, margin_of(r)) for r in found))
        facts = clock.run(
            "measure",
            lambda: [
                measure(r, self.card, photo.width, photo.height, r.peak if self._seed is None else self._seed, scored.change) for r in found
            ],
        )
        pictures = Pictures(keep=self.keep_pictures)
        clock.run("pictures", lambda: pictures.add_photo(photo.pixels, scored, anomalous=decision.anomalous or unjudged))
        views = clock.run(
            "pictures",
            lambda: tuple(
                region_view(number, region, measured, photo.pixels, good, self.card, heat=scored.values, pictures=pictures)
                for number, (region, measured) in enumerate(zip(found, facts, strict=True), start=1)
            ),
        )
        hypothesised = clock.run("measure", lambda: tuple(hypotheses(scored, r, photo.width, photo.height) for r in found))
        compared = scored.reference_sha256 or (None if nearest is None else self.model.references.sha256[nearest])
        return Examined(photo, lot, decision, views, hypothesised, compared, pictures, clock, self, notes, familiar)

    def conclude(self, examined: Examined, until: float | None = None) -> Inspection:
        """Words, rulings and the record; waits for the explainer (no longer than `until`), changes nothing that was measured."""
        e, clock = examined, examined.clock
        if e.by is not self:
            return e.by.conclude(e, until)
        said = clock.run("words", lambda: self._all_words(e.views, until))
        diagonal = float(np.hypot(e.photo.width, e.photo.height))
        findings = []
        for view, likely, (words, unexplained) in zip(e.views, e.hypotheses, said, strict=True):
            ruled = rule_on(self.policy, view.measured, words, count=len(e.views), diagonal_px=diagonal)
            findings.append(
                Finding(
                    number=view.number,
                    measured=view.measured,
                    hypotheses=likely,
                    explanation=words,
                    unexplained=unexplained,
                    ruling=unjudged_ruling() if e.decision.threshold.value is None else ruled,
                    evidence=view.evidence,
                )
            )
        record = clock.run("record", lambda: self._record(e, tuple(findings)))
        return Inspection(record.model_copy(update={"timings_ms": clock.spent}), e.pictures.bytes)

    def _score(self, pixels: Pixels) -> ScoreMap:
        """The detector's map, silent outside the card's outline."""
        scored = self.model.detector.score(pixels)
        inside = inside_outline(self.card, pixels.shape[1], pixels.shape[0])
        if inside is None:
            return scored
        quiet = np.where(inside, scored.values, min(self.model.calibration.median, float(scored.values.min())))
        return replace(scored, values=quiet.astype(np.float32))

    def _decide(self, scored: ScoreMap, familiar: bool) -> Decision:
        """Against the threshold; what good photos of a product score says nothing about another product."""
        calibration, line = self.model.calibration, self._threshold
        score = float(f"{scored.score:.6g}")
        known = line is not None
        return Decision(
            score=Stated(value=score, source="measured", evidence=("map",)),
            threshold=Stated(value=line and float(f"{line:.6g}"), source="measured", status="supported" if known else "missing"),
            p_value=Stated(
                value=round(calibration.p_value(scored.score), 6), source="measured", status="supported" if known else "missing"
            ),
            alpha=self.alpha,
            calibration="calibrated" if familiar and calibration.supports(self.alpha) else "uncalibrated",
            calibration_method=calibration.method,
            calibration_photos=len(calibration),
            calibration_needed=needed(self.alpha),
            anomalous=line is not None and scored.score > line,
        )

    def _regions(self, scored: ScoreMap) -> tuple[Region, ...]:
        calibration = self.model.calibration
        if self._seed is None:
            middle, peak = float(np.median(scored.values)), float(scored.values.max())
            half = (middle + peak) / 2
            return regions(scored, seed=half, floor=half, background=middle) if peak > middle else ()
        highest = float(scored.values.max())
        seed = self._seed if highest > self._seed else float(np.nextafter(highest, -np.inf))  # the photo is strange as a whole
        return regions(scored, seed=seed, floor=min(calibration.noise, seed), background=calibration.median)

    def _all_words(self, views: Sequence[RegionView], until: float | None) -> list[tuple[Explanation | Unexplained, Unexplained | None]]:
        """Words for each region, and why the VLM gave none where it was asked; the verdict does not wait for them."""
        said = all_words(self.explainer, views, until)
        if isinstance(self.explainer, MeasuredWords):
            return [(words, None) for words in said]
        return [
            (words, None) if isinstance(words, Explanation) else (guarded(self._embedded, view), words)
            for view, words in zip(views, said, strict=True)
        ]

    def _record(self, e: Examined, findings: tuple[Finding, ...]) -> InspectionRecord:
        photo, decision = e.photo, e.decision
        verdict, severity, reasons = verdict_of(decision, findings)
        provenance = self._provenance
        if e.compared is not None:
            provenance = provenance.model_copy(update={"reference_sha256": e.compared})
        return InspectionRecord(
            lot=e.lot,
            product=self.card.name,
            photo=PhotoFacts(
                name=photo.name,
                sha256=photo.sha256,
                file_bytes=photo.file_bytes,
                width_px=photo.width,
                height_px=photo.height,
                format=photo.format,
                mode=photo.mode,
                orientation=photo.orientation,
                notes=tuple(sentence(f"note.{note}") for note in photo.notes),
            ),
            verdict=Stated(value=verdict, source="rule", evidence=("map",)),
            severity=Stated(value=severity, source="rule", status="supported" if severity or verdict == "pass" else "missing"),
            reasons=reasons,
            decision=decision,
            findings=findings,
            detectors=e.notes,
            provenance=provenance,
            missing=tuple(self._missing(e, findings)),
            evidence=tuple(e.pictures.listed),
            inspected_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            timings_ms={},
        )

    def _spoke(self, familiar_p: float | None) -> DetectorNote:
        name = self.model.detector.name
        because = self.model.detector.introduce(self.model.product, self.model.good_photos)
        return DetectorNote(name=name, spoke=True, because=because, familiar_p=familiar_p)

    def _missing(self, e: Examined, findings: Sequence[Finding]) -> list[Missing]:
        out, decision = [], e.decision
        if not e.familiar:
            out.append(Missing(what="product", because=sentence("missing.unfamiliar", product=self.model.product)))
        if decision.calibration_method == LOT:
            out.append(Missing(what="calibration", because=sentence("missing.lot", photos=decision.calibration_photos)))
        elif decision.calibration == "uncalibrated":
            params = {"photos": decision.calibration_photos, "needed": decision.calibration_needed, "alpha": decision.alpha}
            out.append(Missing(what="calibration", because=sentence("missing.calibration", **params)))
        if decision.calibration_method == "disturbed_copies":
            out.append(Missing(what="second good photos", because=sentence("missing.copies", photos=decision.calibration_photos)))
        if self.card.scale is None:
            out.append(Missing(what="scale", because=sentence("missing.scale")))
        if not self.card.outline:
            out.append(Missing(what="outline", because=sentence("missing.outline")))
        if isinstance(self.explainer, MeasuredWords):
            out.append(Missing(what="vlm", because=sentence("missing.vlm")))
        out += gaps(findings)
        if findings and e.compared is None:
            out.append(Missing(what="reference", because=sentence("missing.reference")))
        if len(findings) >= MOST:
            out.append(Missing(what="more findings", because=sentence("missing.more_findings", most=MOST)))
        if not self.keep_pictures:
            out.append(Missing(what="evidence", because=sentence("missing.evidence")))
        return out

    def _made_by(self) -> Provenance:
        model = self.model
        return Provenance(
            model_sha256=model.sha256,
            detector=model.detector.name,
            weights=tuple(asdict(w) for w in model.detector.weights),
            policy_name=self.policy.name,
            policy_version=self.policy.version,
            policy_sha256=self.policy.sha256,
            card_sha256=self.card.sha256,
            prompts_sha256=model.detector.settings.get("prompts_sha256"),
            reference_sha256=None,
            device=self._device,
            versions={"python": platform.python_version()} | {name: installed(name) or "not installed" for name in SOFTWARE},
        )
