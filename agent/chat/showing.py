"""An entry as the page shows it: plain data in the reader's language, with contours in the photo's own pixels and addresses of pictures."""

from __future__ import annotations

from typing import Any, get_args
from urllib.parse import quote

import cv2
import numpy as np

from seewhy.agent.chat.gallery import Item, entry_now
from seewhy.agent.chat.pictures import evidence_of
from seewhy.agent.chat.workspace import ProductFolder
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger
from seewhy.people import Action, Cause, FalseAlarm, Meaning, people_of
from seewhy.prompts import number, text, word
from seewhy.prompts.legible import legible
from seewhy.prompts.people import SHORT
from seewhy.record import Entry, Finding, InspectionRecord
from seewhy.reports.part import part_view

SMOOTH_PX = 0.6  # of a kept mask, by which its contour is simplified
# Of a disposition, of a signature, of a good photo that is set aside.
CHOICES: dict[str, tuple[str, ...]] = {"action": get_args(Action), "meaning": get_args(Meaning), "cause": get_args(Cause)}
GAP_PX = 3  # of it, that lie between a region and its contour: a scratch is not covered by the line around it


def choices(group: str, language: str) -> list[list[str]]:
    """What somebody may choose from, as [code, words]."""
    return [[value, word(group, value, language)] for value in CHOICES[group]]


def shown(product: ProductFolder, lot: str, name: str, inspector: Inspector | None, language: str) -> dict[str, Any]:
    """A photo with its verdict, findings, words with their sources, and what people entered.

    Raises:
        BadData: the lot has no such photo.
    """
    with Ledger(product.ledger, read_only=True) as ledger:
        row, entry = entry_now(ledger, lot, name)
        view = part_view(1, 1, entry, lambda _: None, language)
        outlines = {} if not isinstance(entry, InspectionRecord) else {f.number: _outline(entry, f, ledger) for f in entry.findings}
    data = {
        "name": view["name"],
        "file": name,
        "lot": lot,
        "seq": row.seq,
        "entry": row.hash[:SHORT],
        "machine": view["verdict"],
        "machine_word": view["verdict_word"],
        "stands": view["people_verdict"] or view["verdict"],
        "stands_word": word("outcome", view["people_verdict"] or view["verdict"], language),
        "severity": view.get("severity", ""),
        "reasons": view["reasons"],
        "people": _people(entry, view),
        "photo": address(product, "photo", lot, name),
    } | {group: choices(group, language) for group in ("action", "meaning")}
    if not isinstance(entry, InspectionRecord):
        return data | {"refused": True, "findings": []}
    return data | _inspected(product, entry, view, outlines, inspector, language)


def _inspected(
    product: ProductFolder,
    record: InspectionRecord,
    view: dict[str, Any],
    outlines: dict[int, list[list[list[int]]]],
    inspector: Inspector | None,
    language: str,
) -> dict[str, Any]:
    found = {f["number"]: f for f in view.get("findings", ())}
    alarms = {one.finding for one in people_of(record) if isinstance(one, FalseAlarm)}
    reference = record.provenance.reference_sha256 or ""
    kept = inspector is not None and reference in inspector.model.references.sha256
    return {
        "refused": False,
        "size": [record.photo.width_px, record.photo.height_px],
        "score": _score(record, inspector, language),
        "heat": address(product, "heat", record.lot, record.photo.name) if any(e.name == "map" for e in record.evidence) else "",
        "good": address(product, "reference", reference) if kept else "",
        "findings": [
            {name: value for name, value in found[f.number].items() if name != "pictures"}
            | {"box": list(f.measured.location.box_px.value or (0, 0, 1, 1)), "outline": outlines.get(f.number, [])}
            | {"verdict": f.ruling.verdict.value or "review", "false_alarm": f.number in alarms, "also_unusual": f.also_unusual}
            for f in record.findings
            if f.number in found
        ],
        "missing": view.get("missing", []),
        "provenance": view.get("provenance", []),
    }


def _score(record: InspectionRecord, inspector: Inspector | None, language: str) -> dict[str, Any]:
    """The score, its lines, and where it lies among good photos."""
    d = record.decision
    score = d.score.value or 0.0
    passes = d.review_threshold
    fail = d.threshold if passes is None or d.calibration == "calibrated" else d.fail_threshold  # by a provisional line none fails
    data = {
        "value": score,
        "word": number(score),
        "fail": None if fail is None else fail.value,
        "passes": passes.value if passes and passes.status == "supported" else None,
        "asks": passes is not None,
    }
    if inspector is None or inspector.model.sha256 != record.provenance.model_sha256 or not len(inspector.model.calibration):
        return data | {"among": "", "good": []}
    good = inspector.model.calibration.scores
    stranger = int((good >= score).sum())
    return data | {"among": text("chat.among", language, stranger=stranger, photos=len(good)), "good": [float(v) for v in good]}


def _people(entry: Entry, view: dict[str, Any]) -> list[dict[str, str]]:
    told = view["people"]
    kinds = [one.kind for one in people_of(entry)]
    return [{"kind": kind, "text": one["text"], "at": one["at"]} for kind, one in zip(kinds, told, strict=True)]


def _outline(record: InspectionRecord, finding: Finding, ledger: Ledger) -> list[list[list[int]]]:
    """The contours of a finding's mask, as polygons of (x, y) in the photo's pixels; its box where no mask was kept."""
    item = next((e for e in record.evidence if e.name == f"mask-{finding.number}"), None)
    mask = evidence_of(record, f"mask-{finding.number}", ledger)
    if mask is None or item is None:
        x0, y0, x1, y1 = finding.measured.location.box_px.value or (0, 0, 1, 1)
        return [[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]]
    x0, y0, x1, y1 = item.box_px
    sx, sy = (x1 - x0) / mask.shape[1], (y1 - y0) / mask.shape[0]
    around = cv2.dilate(np.pad((mask > 127).astype(np.uint8), GAP_PX), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * GAP_PX + 1,) * 2))
    contours, _ = cv2.findContours(around, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    simple = [cv2.approxPolyDP(contour, SMOOTH_PX, True)[:, 0] - GAP_PX for contour in contours]
    return [[[round(x0 + (x + 0.5) * sx), round(y0 + (y + 0.5) * sy)] for x, y in polygon] for polygon in simple if len(polygon) > 2]


def item_shown(product: ProductFolder, lot: str, item: Item, language: str) -> dict[str, Any]:
    """A photo of the gallery."""
    return {
        "file": item.name,
        "name": legible(item.name),
        "machine": item.machine,
        "stands": item.stands,
        "word": word("outcome", item.stands, language),
        "severity": word("severity", item.severity, language) if item.severity else "",
        "types": [legible(word("type", value, language)) for value in item.types],
        "score": None if item.score is None else number(item.score),
        "people": item.people,
        "thumbnail": address(product, "thumbnail", lot, item.name),
    }


def address(product: ProductFolder, kind: str, *where: str) -> str:
    """Where a picture is served."""
    return "/".join(["/pictures", *(quote(part, safe="") for part in (product.key, kind, *where))])
