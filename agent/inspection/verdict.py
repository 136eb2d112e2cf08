"""A part's verdict from its score and its findings' rulings, and why, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from seewhy.agent.inspection.chain import Link
from seewhy.agent.inspection.ruling import worst
from seewhy.agent.models.calibration import LOT, Calibration, needed
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.levels import DOUBTS
from seewhy.prompts import sentence, text
from seewhy.record import (
    Decision,
    Drift,
    Finding,
    InspectionRecord,
    Missing,
    Param,
    Ruling,
    Sentence,
    Severity,
    Stated,
    Status,
    Unexplained,
    Verdict,
)
from seewhy.types import ScoreMap

EXTERNAL = "external"  # the calibration of a decision that seewhy did not make: somebody else detected
PHOTOS_NAMED = 5  # in a record; the model names all
FAR = 0.001  # how rarely a good part may lie above the line from which a part fails though alpha is not calibrated
VLM = "vlm"  # the name of seewhy's own explainer that asks one


def decide(scored: ScoreMap, link: Link, *, familiar: bool) -> Decision:
    """A photo's score against the lines; what good photos of a product score says nothing about another product.

    Args:
        scored: the photo.
        link: the model that scored it, and its lines.
        familiar: whether the photo looks like the product as a whole.
    """
    calibration, threshold, alpha = link.model.calibration, link.threshold, link.agreed.alpha
    known: Status = "missing" if threshold is None else "supported"
    decision = Decision(
        score=Stated(value=_six(scored.score), source="measured", evidence=("map",)),
        threshold=Stated(value=threshold and _six(threshold), source="measured", status=known),
        p_value=Stated(value=round(calibration.p_value(scored.score), 6), source="measured", status=known),
        alpha=alpha,
        calibration="calibrated" if familiar and calibration.supports(alpha) else "uncalibrated",
        calibration_method=calibration.method,
        calibration_photos=len(calibration),
        calibration_needed=needed(alpha),
        anomalous=threshold is not None and scored.score > threshold,
    )
    review, passes = link.agreed.review, link.review_threshold
    if review is None or passes is None or calibration.method == LOT:
        return decision
    enough: Status = "supported" if familiar and calibration.supports(alpha + review) else "unverified"
    far = None if calibration.supports(alpha) else calibration.far(FAR)
    lines = {
        "review_rate": review,
        "review_threshold": Stated[float](value=_six(passes), source="measured", status=enough),
        "fail_threshold": None if far is None else Stated[float](value=_six(far), source="measured"),
    }
    return decision.model_copy(update=lines)


def standing_lines(calibration: Calibration, alpha: float, review: float) -> tuple[float | None, float | None]:
    """Scores above which a part may fail and up to which it passes; None where the good photos are too few for that.

    Args:
        calibration: of the model.
        alpha: share of good parts that may fail.
        review: share of them that a person may be asked about besides.
    """
    fail = calibration.threshold(alpha) if calibration.supports(alpha) else calibration.far(FAR)
    return fail, calibration.threshold(alpha + review) if calibration.supports(alpha + review) else None


def _six(value: float) -> float:
    """To six significant digits."""
    return float(f"{value:.6g}")


def is_unjudged(decision: Decision) -> bool:
    """Whether findings are only the strangest places of a photo, because there is no line to judge them by."""
    return decision.threshold.value is None and decision.calibration != EXTERNAL


def stated_verdict(verdict: Verdict, severity: Severity | None, decision: Decision) -> tuple[Stated[Verdict], Stated[Severity]]:
    """A part's verdict and severity as they go into an entry, on the evidence that its decision rests on."""
    known: Status = "supported" if severity or verdict == "pass" else "missing"
    return Stated(value=verdict, source="rule", evidence=decision.score.evidence), Stated(value=severity, source="rule", status=known)


def verdict_of(
    decision: Decision, findings: Sequence[Finding], notes: Sequence[Sentence]
) -> tuple[Verdict, Severity | None, tuple[Sentence, ...]]:
    """The part's verdict, its severity, and why, in sentences.

    Args:
        decision: the score against the threshold.
        findings: with their rulings.
        notes: of the photo; a doubt about its pixels (`seewhy.agent.photos.levels.DOUBTS`) keeps it from passing by itself.
    """
    verdict, severity = worst(tuple(f.ruling for f in findings))
    said = [_score_reason(decision)]
    if decision.anomalous and not findings and decision.calibration != EXTERNAL:
        verdict = "review"
        said.append(sentence("reason.no_region"))
    said += [_finding_reason(finding.ruling, finding) for finding in findings]
    if decision.calibration == EXTERNAL:
        if not findings:
            verdict = "review"
            said.append(sentence("reason.external_nothing"))
    elif decision.review_threshold is not None and decision.calibration_method != LOT:
        verdict = _between_lines(decision, decision.review_threshold, verdict, said)
    elif decision.threshold.value is None or decision.calibration == "uncalibrated":
        verdict = "review" if verdict == "pass" else verdict
        said.append(_uncalibrated_reason(decision))
    if (drift := decision.drift) is not None:
        verdict = "review" if verdict == "pass" else verdict
        shown = {"since": drift.since, "alarm": drift.alarm, "lot": drift.alarm_lot, "way": f"@drift.{drift.way}"}
        said.append(sentence("reason.drift", **shown, photos=drift.photos, bound=drift.bound))
    doubts = [note for note in notes if note.key.removeprefix("note.") in DOUBTS]
    if doubts:
        verdict = "review" if verdict == "pass" else verdict
        said += doubts
    return verdict, severity, (sentence(f"verdict.{verdict}"), *said)


def _between_lines(decision: Decision, passes: Stated[float], verdict: Verdict, said: list[Sentence]) -> Verdict:
    """What the lines make of the findings' verdict; the reasons are added to `said`."""
    score, few = decision.score.value or 0.0, decision.calibration_photos < decision.calibration_needed
    alpha = decision.alpha or 0.0
    rate = round(alpha + (decision.review_rate or 0.0), 6)
    line = {"line": passes.value or 0.0, "rate": rate}
    wanted = {"photos": decision.calibration_photos, "needed": decision.calibration_needed, "alpha": alpha}
    if passes.status != "supported":
        said.append(
            sentence("reason.too_few", **wanted, least=needed(rate), rate=rate)
            if decision.calibration_photos < needed(rate)
            else sentence("reason.unfamiliar")
        )
        verdict = "review" if verdict == "pass" else verdict
    elif few and not decision.asked:
        said.append(sentence("reason.passes", **line))
    if decision.asked and not decision.anomalous:
        said.append(sentence("reason.between", score=score, **line))
        return "review"
    far = decision.fail_threshold.value if decision.fail_threshold else None
    if decision.anomalous and few:
        beyond = far is not None and score > far
        said.append(sentence("reason.far", line=far or 0.0) if beyond else sentence("reason.not_far", **wanted))
        return verdict if beyond else "review"
    return verdict


def _score_reason(decision: Decision) -> Sentence:
    score, line = decision.score.value or 0.0, decision.threshold.value
    if decision.calibration == EXTERNAL:
        return sentence("reason.external")
    if line is None:
        return sentence("reason.no_line", score=score)
    seen = "anomalous" if decision.anomalous else "normal"
    if decision.calibration_method == LOT:
        return sentence(f"reason.lot_{seen}", score=score, threshold=line, photos=decision.calibration_photos)
    if decision.calibration == "uncalibrated":
        return sentence(f"reason.provisional_{seen}", score=score, threshold=line, photos=decision.calibration_photos)
    return sentence(f"reason.{seen}", score=score, threshold=line, p=decision.p_value.value or 0.0, alpha=decision.alpha or 0.0)


def _uncalibrated_reason(decision: Decision) -> Sentence:
    """No photo known to be good; too few; or enough of them, but of another product than the photo seems to show."""
    if decision.calibration_method == LOT:
        return sentence("reason.lot")
    if decision.calibration_photos >= decision.calibration_needed:
        return sentence("reason.unfamiliar")
    return sentence("reason.uncalibrated", **_needed(decision))


def _needed(decision: Decision) -> dict[str, Param]:
    return {"photos": decision.calibration_photos, "needed": decision.calibration_needed, "alpha": decision.alpha or 0.0}


def _finding_reason(ruling: Ruling, finding: Finding) -> Sentence:
    words = finding.explanation
    summary = text("finding.nameless", number=finding.number) if isinstance(words, Unexplained) else words.sentence.text
    if ruling.severity.value is None:
        return sentence("reason.finding_unrated", summary=summary, verdict=ruling.verdict.value or "review", because=ruling.because.text)
    said = {"summary": summary, "severity": ruling.severity.value, "verdict": ruling.verdict.value or "review", "rule": ruling.rule}
    if ruling.could_be is not None:
        return sentence("reason.finding_could", **said, could=ruling.could_be)
    return sentence("reason.finding", **said)


def lacks(model: ProductModel, decision: Decision, *, familiar: bool) -> list[Missing]:
    """What seewhy's own detector lacked.

    Args:
        model: by which it spoke.
        decision: what it came to.
        familiar: whether the photo looks like the product as a whole.
    """
    out = list[Missing]()
    if not familiar:
        out.append(Missing(what="product", because=sentence("missing.unfamiliar", product=model.product)))
    if decision.calibration_method == LOT:
        out.append(Missing(what="calibration", because=sentence("missing.lot", photos=decision.calibration_photos)))
    elif decision.calibration == "uncalibrated":
        out.append(Missing(what="calibration", because=sentence("missing.calibration", **_needed(decision))))
    if decision.calibration_method == "disturbed_copies":
        out.append(Missing(what="second good photos", because=sentence("missing.copies", photos=decision.calibration_photos)))
    if copies := model.copies:
        named = "; ".join(f"{copy} = {of}" for copy, of in copies[:PHOTOS_NAMED])
        out.append(Missing(what="distinct good photos", because=sentence("missing.distinct", count=len(copies), names=named)))
    if dropped := model.good.left_out:
        named, by = ", ".join(one.name for one in dropped[:PHOTOS_NAMED]), ", ".join(dict.fromkeys(one.by for one in dropped))
        because = sentence("missing.left_out", count=len(dropped), names=named, by=by)
        out.append(Missing(what="good photos that people left out", because=because))
    if (reviewed := model.good.reviewed).chosen:
        passed, others = reviewed.of_passed, reviewed.of_others
        said = {"count": len(reviewed.taken), "passed": passed[0], "all_passed": passed[1], "others": others[0], "all_others": others[1]}
        out.append(Missing(what="good parts reviewed at random", because=sentence("missing.chosen", **said)))
    return out


def with_drift(record: InspectionRecord, drift: Drift | None) -> InspectionRecord:
    """The record as it reads where good parts no longer score as the calibration's did: what would pass is asked about."""
    if drift is None:
        return record
    decision = record.decision.model_copy(update={"drift": drift})
    verdict, severity, reasons = verdict_of(decision, record.findings, record.photo.notes)
    stated, graded = stated_verdict(verdict, severity, decision)
    return record.model_copy(update={"decision": decision, "verdict": stated, "severity": graded, "reasons": reasons})


def unwatched(record: InspectionRecord) -> InspectionRecord:
    """The record of a run that was told not to watch for a drift."""
    return record.model_copy(update={"missing": (*record.missing, Missing(what="drift", because=sentence("missing.drift")))})


def gaps(findings: Sequence[Finding]) -> list[Missing]:
    """What an explainer was asked and did not say, counted."""
    lost = [f.unexplained for f in findings if f.unexplained is not None]
    if not lost:
        return []
    params: dict[str, Param] = {"count": len(lost), "findings": len(findings), "why": ", ".join(sorted({u.reason for u in lost}))}
    by = lost[0].explainer
    because = sentence("missing.unexplained", **params) if by == VLM else sentence("missing.unexplained_by", name=by, **params)
    return [Missing(what="vlm", because=because)]
