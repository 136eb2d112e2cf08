"""What a report shows, as plain data: the same for every format, so that HTML and PDF can't disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from seewhy.prompts import catalogue, say, text
from seewhy.prompts.knowledge import cause_in
from seewhy.record import Cause, DetectorNote, Entry, Explanation, Finding, InspectionRecord, Quantity, RefusedPhoto, Stated, Unexplained
from seewhy.reports import PictureBytes
from seewhy.reports.figures import Figures

ORDER = {"fail": 0, "review": 1, "refused": 2, "pass": 3}
SEVERITIES = ("critical", "major", "minor")


def lot_view(entries: Sequence[Entry], pictures: PictureBytes, head: str, language: str = "en") -> dict[str, Any]:
    """The whole lot: counts, Pareto of types, parts in full where there is something to say, thumbnails for all.

    Pictures are bytes; a format turns them into what it needs.
    """
    records = [e for e in entries if isinstance(e, InspectionRecord)]
    counts = Counter[str](r.verdict.value or "review" for r in records)
    counts["refused"] = len(entries) - len(records)
    findings = [f for r in records for f in r.findings]
    return {
        "lot": entries[0].lot or "single inspection",
        "product": entries[0].product,
        "total": len(entries),
        "counts": {word: counts[word] for word in ("pass", "fail", "review", "refused")},
        "yield_percent": round(100 * counts["pass"] / len(entries), 1),
        "first_at": min(e.inspected_at for e in entries)[:19].replace("T", " "),
        "last_at": max(e.inspected_at for e in entries)[:19].replace("T", " "),
        "head": head,
        "pareto": _pareto(Counter(_type_of(f, language) for f in findings)),
        "severities": [{"name": s, "count": sum(f.ruling.severity.value == s for f in findings)} for s in SEVERITIES],
        "unexplained": sum(f.unexplained is not None or isinstance(f.explanation, Unexplained) for f in findings),
        "findings": len(findings),
        "contradicted": sum(isinstance(f.explanation, Explanation) and f.explanation.contradicted for f in findings),
        "uncalibrated": sum(r.decision.calibration == "uncalibrated" for r in records),
        "parts": [_part(number, entry, pictures, language) for number, entry in enumerate(entries, start=1)],
        "provenance": _provenance(records[0], language) if records else [],
        "models": len({r.provenance.model_sha256 for r in records}),
    }


def _pareto(types: Counter[str]) -> list[dict[str, Any]]:
    total, running, rows = sum(types.values()), 0, []
    for name, count in sorted(types.items(), key=lambda item: (-item[1], item[0])):
        running += count
        rows.append({"name": name, "count": count, "share": round(100 * count / total, 1), "cumulative": round(100 * running / total, 1)})
    return rows


def _type_of(finding: Finding, language: str) -> str:
    words = finding.explanation
    value = words.type.value if isinstance(words, Explanation) else None
    if value is None:
        return "unexplained"
    return text(f"type.{value}", language) if f"type.{value}" in catalogue(language) else value


def _part(number: int, entry: Entry, pictures: PictureBytes, language: str) -> dict[str, Any]:
    if isinstance(entry, RefusedPhoto):
        return {
            "number": number,
            "name": entry.name,
            "verdict": "refused",
            "order": ORDER["refused"],
            "reasons": [f"{entry.message}; {entry.remedy}."],
            "thumbnail": None,
            "full": False,
            "sha256": entry.sha256 or "",
            "score": None,
        }
    figures = Figures(entry, pictures)
    decision = entry.decision
    verdict = entry.verdict.value or "review"
    full = bool(entry.findings) or decision.anomalous or verdict != "pass"
    return {
        "number": number,
        "name": entry.photo.name,
        "verdict": verdict,
        "order": ORDER[verdict],
        "severity": entry.severity.value or "",
        "reasons": [say(r, language) for r in entry.reasons[1:]],
        "thumbnail": figures.thumbnail(),
        "full": full,
        "sha256": entry.photo.sha256,
        "score": decision.score.value,
        "ratio": _ratio(decision.score, decision.threshold),
        "types": sorted({_type_of(f, language) for f in entry.findings}),
        "decision": _decision(entry),
        "marked": figures.marked() if full else None,
        "heat": figures.heat() if full else None,
        "findings": [_finding(f, figures, language) for f in entry.findings],
        "detectors": _detectors(entry, language),
        "missing": [say(m.because, language) for m in entry.missing],
        "notes": [say(n, language) for n in entry.photo.notes],
        "photo": _photo_rows(entry),
        "provenance": _provenance(entry, language),
    }


def _ratio(score: Stated[float], threshold: Stated[float]) -> float | None:
    return round(score.value / threshold.value, 3) if score.value is not None and threshold.value else None


def _decision(record: InspectionRecord) -> dict[str, Any]:
    d = record.decision
    return {
        "score": _number(d.score.value),
        "threshold": _number(d.threshold.value),
        "p": _number(d.p_value.value) if d.threshold.value is not None else "none",
        "alpha": _number(d.alpha),
        "calibration": d.calibration,
        "method": d.calibration_method.replace("_", " "),
        "photos": d.calibration_photos,
        "needed": d.calibration_needed,
        "position": 100.0 if d.anomalous and not d.threshold.value else min(100.0, 50.0 * (_ratio(d.score, d.threshold) or 0.0)),
    }


def _finding(finding: Finding, figures: Figures, language: str) -> dict[str, Any]:
    words, number = finding.explanation, finding.number
    return {
        "number": number,
        "type": _type_of(finding, language),
        "severity": finding.ruling.severity.value or "none",
        "verdict": finding.ruling.verdict.value or "review",
        "rule": finding.ruling.rule,
        "because": say(finding.ruling.because, language),
        "explainer": words.explainer,
        **_words(words, language),
        "silence": _silence(finding.unexplained),
        "facts": _facts(finding, language),
        "crop": figures.crop(number),
        "reference": figures.plain(f"reference-{number}"),
    }


def _words(words: Explanation | Unexplained, language: str) -> dict[str, Any]:
    if isinstance(words, Unexplained):
        return {
            "type_status": "missing",
            "type_source": "none",
            "sentence": _silence(words),
            "appearance": [],
            "causes": [],
            "claims": [],
            "asked": "",
        }
    return {
        "type_status": words.type.status,
        "type_source": words.type.source,
        "sentence": say(words.sentence, language),
        "appearance": [{"text": say(a.value, language), "source": a.source, "status": a.status} for a in words.appearance if a.value],
        "causes": [_cause(c, language) for c in words.causes],
        "claims": [
            {"name": c.name, "value": c.value or "nothing", "status": c.status, "because": say(c.because, language)} for c in words.claims
        ],
        "asked": _asked(words),
    }


def _cause(cause: Cause, language: str) -> dict[str, str]:
    text_, check = cause_in(language, cause.id, cause.text, cause.check)
    return {"id": cause.id, "text": text_, "check": check, "stated_by": cause.stated_by}


def _silence(words: Unexplained | None) -> str:
    return "" if words is None else f"Unexplained ({words.reason.replace('_', ' ')}): {words.detail}"


def _asked(words: Explanation) -> str:
    """How the model was asked, in a line."""
    asked = words.asked
    if asked is None:
        return ""
    said = [
        f"{asked.model} on {asked.server}",
        f"{asked.requests} questions",
        f"{asked.prompt_tokens} tokens in, {asked.completion_tokens} out",
    ]
    if words.confidence is not None:
        said.append(f"its own confidence: {words.confidence.value}")
    if asked.repaired:
        said.append("its first answer could not be read")
    if asked.agreement is not None:
        said.append(f"{100 * asked.agreement:.0f} % of {asked.samples} samples agree")
    if asked.when_erased is not None:
        said.append(f"{asked.when_erased} with the region erased")
    if asked.untranslated:
        said.append(f"in English alone: {', '.join(asked.untranslated)}")
    if asked.past:
        said.append(f"told of {', '.join(asked.past)}")
    return "; ".join(said)


def _facts(finding: Finding, language: str) -> list[dict[str, str]]:
    m = finding.measured
    x, y = m.location.centroid_px.value or (0.0, 0.0)
    x0, y0, x1, y1 = m.location.box_px.value or (0, 0, 0, 0)
    cell = text(f"cell.{m.location.cell.value}", language)
    of = text(f"of.{m.size.area_share_of}", language)
    return [
        _row("Location", f"{m.location.part.value}, {cell}" if m.location.part.value else cell, m.location.cell),
        _row("Centroid", f"x {x:,.1f} px, y {y:,.1f} px", m.location.centroid_px),
        _row("Box", f"x {x0} to {x1}, y {y0} to {y1} px", m.location.box_px),
        _quantity("Maximum Feret diameter", m.size.feret, m.size.feret_mm),
        _quantity("Length", m.size.length, m.size.length_mm),
        _quantity("Width", m.size.width, m.size.width_mm),
        _quantity("Area", m.size.area, m.size.area_mm),
        _quantity(f"Share of the {of}", m.size.area_share, None),
        _quantity("Orientation", m.size.orientation, None),
        _row("Touches the border", "yes" if m.location.touches_border.value else "no", m.location.touches_border),
        *([] if m.material is None else [_row("Material", m.material.value or "not told", m.material)]),
        *_by_words(finding),
        _row("Peak score", f"{_number(m.strength.peak.value)} (seed {_number(m.strength.threshold.value)})", m.strength.peak),
        _row(
            "Outline cut from",
            f"the {m.outline.value}" + (" at half contrast" if m.outline.value == "photo" else "'s resolution"),
            m.outline,
        ),
    ]


def _by_words(finding: Finding) -> list[dict[str, str]]:
    """The likeliest types by a detector's text side, as the hypotheses that they are."""
    if not finding.hypotheses:
        return []
    said = ", ".join(f"{h.type.value} {100 * h.probability:.0f} %" for h in finding.hypotheses[:3])
    first = finding.hypotheses[0]
    return [_row(f"Type by words ({first.by}), a hypothesis", said, first.type)]


def _row(name: str, value: str, stated: Stated[Any]) -> dict[str, str]:
    return {"name": name, "value": value, "source": stated.source, "status": stated.status}


def _quantity(name: str, pixels: Quantity, mm: Quantity | None) -> dict[str, str]:
    said = [_said(q) for q in (mm, pixels) if q is not None and q.value is not None]
    return {"name": name, "value": " = ".join(said), "source": pixels.source, "status": pixels.status}


def _said(q: Quantity) -> str:
    if q.uncertainty is None:
        return f"{_number(q.value)} {q.unit}"
    return (
        f"{_number(q.value)} ± {q.uncertainty:.2g} {q.unit}"
        if q.uncertainty < 100
        else f"{_number(q.value)} ± {q.uncertainty:,.0f} {q.unit}"
    )


def _number(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _photo_rows(record: InspectionRecord) -> list[tuple[str, str]]:
    p = record.photo
    return [
        ("File", p.name),
        ("SHA-256", p.sha256),
        ("Size", f"{p.width_px} x {p.height_px} px, {p.format} {p.mode}, {p.file_bytes:,} bytes"),
        ("Inspected", record.inspected_at),
    ]


def _not_asked(note: DetectorNote) -> bool:
    """Whether it was left aside when the model was fitted, for a reason that is the same for every photo."""
    return note.because.key.startswith("choose.") or note.because.key == "detector.not_asked"


def _detectors(record: InspectionRecord, language: str) -> list[str]:
    """What those that were asked say; why others weren't stands in the provenance."""
    return [say(d.because, language) for d in record.detectors if not _not_asked(d)]


def _provenance(record: InspectionRecord, language: str) -> list[tuple[str, str]]:
    p = record.provenance
    aside = " ".join(say(d.because, language) for d in record.detectors if _not_asked(d))
    weights = "; ".join(f"{w['name']} ({w['revision']}, SHA-256 {w['sha256'][:16]}…, {w['licence']})" for w in p.weights)
    return [
        ("Detector", p.detector),
        *([("Not asked", aside)] if aside else []),
        ("Model manifest", p.model_sha256),
        ("Weights", weights),
        ("Policy", f"{p.policy_name} {p.policy_version}, SHA-256 {p.policy_sha256}"),
        ("Product card", p.card_sha256),
        ("Reference photo", p.reference_sha256 or "none"),
        ("Software", ", ".join(f"{k} {v}" for k, v in p.versions.items())),
    ]
