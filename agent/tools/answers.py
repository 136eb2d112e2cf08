"""What tools answer: compact JSON, pictures as addresses."""

from __future__ import annotations

from typing import Any

from seewhy.prompts import say
from seewhy.prompts.entries import reasons, refusal
from seewhy.record import Entry, Evidence, Explanation, Finding, InspectionRecord

SCHEME = "seewhy://picture/"
PLACES = {"px": "px", "px²": "px2", "mm": "mm", "mm²": "mm2", "%": "percent", "°": "deg"}


def entry_answer(entry: Entry, language: str = "en", number: int | None = None) -> dict[str, Any]:
    """An entry in a few hundred tokens; `number` is its place in the ledger."""
    place = {} if number is None else {"entry": number}
    if not isinstance(entry, InspectionRecord):
        return place | {"photo": entry.name, "lot": entry.lot, "verdict": "refused", "reasons": [refusal(entry, language)]}
    kept = {e.name: e for e in entry.evidence}
    return place | {
        "photo": entry.photo.name,
        "product": entry.product,
        "lot": entry.lot,
        "inspected_at": entry.inspected_at,
        "detector": entry.provenance.detector,
        "verdict": entry.verdict.value,
        "severity": entry.severity.value,
        "reasons": [say(entry.reasons[0], language), *reasons(entry, language)],
        "findings": [_finding(f, kept, language) for f in entry.findings],
        "missing": [say(m.because, language) for m in entry.missing],
        **_pictures(kept, "photo", "map"),
    }


def measures(finding: Finding) -> dict[str, Any]:
    """What was measured of a finding: [value, uncertainty] where an uncertainty is known."""
    size, place = finding.measured.size, finding.measured.location
    out: dict[str, Any] = {
        "box_px": place.box_px.value,
        "cell": place.cell.value,
        "part": place.part.value,
        "shape": finding.measured.shape.value,
    }
    for name in ("area", "area_share", "length", "width", "feret", "orientation", "length_mm", "width_mm", "feret_mm", "area_mm"):
        quantity = getattr(size, name)
        if quantity.value is not None:
            unit = PLACES[quantity.unit]
            key = name if name.endswith("_mm") and unit == "mm" else f"{name.removesuffix('_mm')}_{unit}"
            out[key] = quantity.value if quantity.uncertainty is None else [quantity.value, quantity.uncertainty]
    return out


def _finding(finding: Finding, kept: dict[str, Evidence], language: str) -> dict[str, Any]:
    words, number, ruling = finding.explanation, finding.number, finding.ruling
    said: dict[str, Any] = {}
    if isinstance(words, Explanation):
        said = {
            "type": {"name": words.type.value, "source": words.type.source, "status": words.type.status},
            "sentence": say(words.sentence, language),
            "words": [{"text": say(a.value, language), "source": a.source, "status": a.status} for a in words.appearance if a.value],
            "possible_causes": [{"text": c.text, "stated_by": c.stated_by, "label": c.label} for c in words.causes],
        }
    return {
        "number": number,
        **said,
        "measured": measures(finding),
        "ruling": {
            "severity": ruling.severity.value,
            "verdict": ruling.verdict.value,
            "rule": ruling.rule,
            "because": say(ruling.because, language),
        },
        **_pictures(kept, f"crop-{number}", f"reference-{number}"),
    }


def _pictures(kept: dict[str, Evidence], *names: str) -> dict[str, dict[str, str]]:
    found = {name: f"{SCHEME}{kept[name].sha256}" for name in names if name in kept}
    return {"pictures": found} if found else {}
