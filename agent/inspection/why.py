"""Why a finding is what it is: the chain of evidence as data, each link with a sentence for people."""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot

import numpy as np

from seewhy.agent.inspection.chain import Link
from seewhy.agent.inspection.policy import Policy, facts_of
from seewhy.detectors.protocol import Patched
from seewhy.prompts import say, sentence
from seewhy.record import Explanation, Finding, InspectionRecord, Saved, Sentence, Status
from seewhy.types import Pixels, Region

ALIKE = 8  # good photos, the most alike as wholes, among whose patches the nearest is looked for


class Step(Saved):
    """One link of the chain: what it is about, its values, and the same in words."""

    what: str  # "detected", "photo", "patch", "reference", "rule", "claim"
    values: Mapping[str, str | float | int | bool | tuple[float, ...] | None]
    sentence: Sentence
    status: Status = "supported"


class Why(Saved):
    """The chain of evidence behind one finding."""

    number: int
    steps: tuple[Step, ...]

    def text(self, language: str = "en") -> str:
        """All steps in words, a line each."""
        return "\n".join(say(step.sentence, language) for step in self.steps)


def why(record: InspectionRecord, finding: Finding, policy: Policy, patch: Step | None = None) -> Why:
    """The chain of evidence of a record's finding; from the record alone, but for the nearest patch.

    Args:
        record: that it is in.
        finding: one of its findings.
        policy: that it was ruled by.
        patch: see `nearest_patch`.
    """
    steps = [*_detected(record, finding), *([] if patch is None else [patch]), *_compared(record, finding)]
    return Why(number=finding.number, steps=(*steps, *_ruled(record, finding, policy), *_claimed(finding)))


def nearest_patch(link: Link, pixels: Pixels, region: Region) -> Step | None:
    """Which patch of which kept good photo is most like the region's strangest place, and how far; None without patches to compare.

    Looked for among the `ALIKE` good photos that are most like this one as wholes, so it takes that many times as long as a score.

    Args:
        link: the model that spoke.
        pixels: (H, W, 3) the photo.
        region: the finding's.
    """
    detector, references = link.model.detector, link.model.references
    if not isinstance(detector, Patched) or not references.jpegs:
        return None
    boxes, features = detector.patches(pixels)  # (N, 4), (N, D)
    x, y = region.peak_at
    at = int(np.hypot(boxes[:, [0, 2]].mean(1) - x, boxes[:, [1, 3]].mean(1) - y).argmin())
    best = (np.inf, 0, boxes[at])
    for number in references.alike(features.mean(0), ALIKE):
        there, good = detector.patches(references.pixels(number))
        distances = np.linalg.norm(good - features[at], axis=1)
        nearest = int(distances.argmin())
        best = min(best, (float(distances[nearest]), number, there[nearest]), key=lambda found: found[0])
    distance, number, box = best
    digest, (x0, y0, x1, y1) = references.sha256[number], (int(v) for v in box)
    said = sentence("why.patch", photo=digest[:12], x0=x0, y0=y0, x1=x1, y1=y1, distance=round(distance, 4))
    values = {"good_photo_sha256": digest, "good_photo_box_px": (x0, y0, x1, y1), "box_px": tuple(map(int, boxes[at]))}
    return Step(what="patch", values={**values, "distance": round(distance, 6)}, sentence=said)


def _detected(record: InspectionRecord, finding: Finding) -> list[Step]:
    """Who found it, how strong it is, and what the photo as a whole scored."""
    strength, decision, name = finding.measured.strength, record.decision, record.provenance.detector
    peak, line = strength.peak.value, strength.threshold.value
    values = {"detector": name, "peak": peak, "threshold": line}
    if peak is None or line is None:
        steps = [Step(what="detected", values=values, sentence=sentence("why.given", name=name), status="missing")]
    else:
        steps = [Step(what="detected", values=values, sentence=sentence("why.detected", name=name, peak=peak, threshold=line))]
    score, p = decision.score.value, decision.p_value.value
    if score is not None:
        whole = {"score": score, "threshold": decision.threshold.value, "p_value": p, "alpha": decision.alpha}
        steps.append(Step(what="photo", values=whole, sentence=record.reasons[1], status=decision.threshold.status))
    return steps


def _compared(record: InspectionRecord, finding: Finding) -> list[Step]:
    """The good photo beside it, and what differs."""
    digest, words = record.provenance.reference_sha256, finding.explanation
    if digest is None or not isinstance(words, Explanation):
        return []
    told = [a for a in words.appearance if a.value is not None and a.value.key.startswith("reference.")]
    values = {"good_photo_sha256": digest}
    return [Step(what="reference", values=values | a.value.params, sentence=a.value, status=a.status) for a in told if a.value is not None]


def _ruled(record: InspectionRecord, finding: Finding, policy: Policy) -> list[Step]:
    """The rule that held, and by which margin each of its limits."""
    ruling = finding.ruling
    rule = next((r for r in policy.rules if r.id == ruling.rule), None)
    steps = [Step(what="rule", values={"rule": ruling.rule, "verdict": ruling.verdict.value}, sentence=ruling.because)]
    facts = facts_of(finding.measured, record.counted, hypot(record.photo.width_px, record.photo.height_px))
    for name, limit in () if rule is None else rule.when.conditions().items():
        fact, _, side = name.rpartition("_")
        value = facts.get(fact) if side in ("min", "max") else None
        if value is not None:
            said = sentence(
                "why.margin", rule=ruling.rule, fact=f"@limit.{fact}", value=value, limit=float(limit), margin=abs(value - limit)
            )
            margin = {"fact": fact, "value": value, "limit": float(limit), "margin": round(value - limit, 6)}
            steps.append(Step(what="rule", values=margin, sentence=said))
    return steps


def _claimed(finding: Finding) -> list[Step]:
    words = finding.explanation
    claims = words.claims if isinstance(words, Explanation) else ()
    return [
        Step(
            what="claim",
            values={"name": claim.name, "value": claim.value},
            sentence=sentence("why.claim", name=f"@claim.{claim.name}", value=claim.value, because=claim.because.text),
            status=claim.status,
        )
        for claim in claims
    ]
