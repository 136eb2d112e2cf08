"""Reports for machines: JSON as recorded, with later words in their places; CSV with one row per finding."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from seewhy.people import Disposition, SignOff, people_of, place_of, verdict_by
from seewhy.prompts import say
from seewhy.prompts.entries import reasons, refusal, silence
from seewhy.record import SCHEMA_VERSION, Entry, Explanation, Finding, InspectionRecord, PartIdentity
from seewhy.reports import PictureBytes
from seewhy.reports.seal import marks

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run (OWASP, CSV injection)
COLUMNS = [
    "lot",
    "product",
    "photo",
    "photo_sha256",
    "verdict",
    "severity",
    "score",
    "threshold",
    "p_value",
    "alpha",
    "review_threshold",
    "review_rate",
    "calibration",
    "finding",
    "type",
    "type_status",
    "type_source",
    "visible",
    "confidence",
    "contradicted",
    "unexplained",
    "finding_severity",
    "finding_verdict",
    "rule",
    "cell",
    "part",
    "x0",
    "y0",
    "x1",
    "y1",
    "centroid_x_px",
    "centroid_y_px",
    "area_px",
    "area_percent",
    "length_px",
    "width_px",
    "feret_px",
    "feret_uncertainty_px",
    "length_mm",
    "width_mm",
    "feret_mm",
    "feret_uncertainty_mm",
    "orientation_deg",
    "sentence",
    "confirmed_by",
    "comment",
    "notes",
    "people_verdict",
    "disposition",
    "approved_by",
    *PartIdentity.model_fields,
    "inspected_at",
    "entry",
    "entry_sha256",
]


class JsonReport:
    """The entries as they were recorded."""

    def render(self, entries: Sequence[Entry], pictures: PictureBytes, head: str, language: str) -> bytes:  # noqa: ARG002
        """See `seewhy.reports.Report`."""
        data = {
            "schema_version": SCHEMA_VERSION,
            "ledger_head": head,
            "marks": marks(head),
            "entries": [e.model_dump(mode="json") for e in entries],
        }
        return json.dumps(data, indent=1, ensure_ascii=False).encode()


class CsvReport:
    """One row per finding, one for a photo without any; text that a spreadsheet would run is defused."""

    def render(self, entries: Sequence[Entry], pictures: PictureBytes, head: str, language: str) -> bytes:  # noqa: ARG002
        """See `seewhy.reports.Report`. Columns and codes are English, sentences are in the language."""
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, COLUMNS, restval="")
        writer.writeheader()
        for entry in entries:
            for row in finding_rows(entry, language):
                writer.writerow({name: defused(value) for name, value in row.items()})
        return b"\xef\xbb\xbf" + out.getvalue().encode()


def defused(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula.

    >>> defused("=1+1"), defused(-1.5)
    ("'=1+1", -1.5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def finding_rows(entry: Entry, language: str = "en") -> list[dict[str, Any]]:
    """A row per finding by `COLUMNS`, one for a photo without any; what is empty is left out. Codes are English, sentences not."""
    if not isinstance(entry, InspectionRecord):
        return [
            _people_and_part(entry)
            | {
                "lot": entry.lot,
                "product": entry.product,
                "photo": entry.name,
                "photo_sha256": entry.sha256 or "",
                "verdict": "refused",
                "sentence": refusal(entry, language),
                "inspected_at": entry.inspected_at,
            }
        ]
    d = entry.decision
    part = {
        "lot": entry.lot,
        "product": entry.product,
        "photo": entry.photo.name,
        "photo_sha256": entry.photo.sha256,
        "verdict": entry.verdict.value,
        "severity": entry.severity.value or "",
        "score": d.score.value,
        "threshold": d.threshold.value,
        "p_value": d.p_value.value,
        "alpha": d.alpha,
        "review_threshold": d.review_threshold.value if d.review_threshold else "",
        "review_rate": "" if d.review_rate is None else d.review_rate,
        "calibration": d.calibration,
        "notes": " ".join(n.key.removeprefix("note.") for n in entry.photo.notes),
        "inspected_at": entry.inspected_at,
    } | _people_and_part(entry)
    alone = " ".join((say(entry.reasons[0], language), *reasons(entry, language)))
    return [part | _finding(f, language) for f in entry.findings] or [part | {"sentence": alone}]


def _people_and_part(entry: Entry) -> dict[str, Any]:
    """Which part it is, and what people made of it."""
    people, place = people_of(entry), place_of(entry)
    return {
        "entry": "" if place is None else place.seq,
        "entry_sha256": "" if place is None else place.sha256,
        "people_verdict": verdict_by(people) or "",
        "disposition": "; ".join(one.action for one in people if isinstance(one, Disposition)),
        "approved_by": "; ".join(one.by for one in people if isinstance(one, SignOff) and one.meaning == "approval"),
        **({} if entry.part is None else entry.part.model_dump()),
    }


def _finding(finding: Finding, language: str) -> dict[str, Any]:
    m, words = finding.measured, finding.explanation
    said = (
        {
            "type": words.type.value,
            "type_status": words.type.status,
            "type_source": words.type.source,
            "visible": words.visible.value if words.visible else "",
            "confidence": words.confidence.value if words.confidence else "",
            "contradicted": " ".join(c.name for c in words.claims if c.status == "contradicted"),
            "sentence": say(words.sentence, language),
            "confirmed_by": "; ".join(_said(words, "said.confirmed", "by")),
            "comment": "; ".join(_said(words, "said.comment", "text")),
        }
        if isinstance(words, Explanation)
        else {"type": "", "type_status": "missing", "sentence": silence(words, language)}
    )
    x0, y0, x1, y1 = m.location.box_px.value or (0, 0, 0, 0)
    cx, cy = m.location.centroid_px.value or (0.0, 0.0)
    return {
        "finding": finding.number,
        **said,
        "unexplained": finding.unexplained.reason if finding.unexplained else "",
        "finding_severity": finding.ruling.severity.value or "",
        "finding_verdict": finding.ruling.verdict.value,
        "rule": finding.ruling.rule,
        "cell": m.location.cell.value,
        "part": m.location.part.value or "",
        **{"x0": x0, "y0": y0, "x1": x1, "y1": y1, "centroid_x_px": cx, "centroid_y_px": cy},
        "area_px": m.size.area.value,
        "area_percent": m.size.area_share.value,
        "length_px": m.size.length.value,
        "width_px": m.size.width.value,
        "feret_px": m.size.feret.value,
        "feret_uncertainty_px": m.size.feret.uncertainty,
        "length_mm": m.size.length_mm.value,
        "width_mm": m.size.width_mm.value,
        "feret_mm": m.size.feret_mm.value,
        "feret_uncertainty_mm": m.size.feret_mm.uncertainty,
        "orientation_deg": m.size.orientation.value,
    }


def _said(words: Explanation, key: str, param: str) -> list[str]:
    """One value of each sentence of a kind: who confirmed a finding, what they remarked."""
    return [str(a.value.params[param]) for a in words.appearance if a.value is not None and a.value.key == key]
