"""What seewhy wrote itself: an inspection, a record, its JSON and CSV reports."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from seewhy.agent.detections.detection import Detection, Wanted, of_regions
from seewhy.agent.detections.shapes import Canvas, box_region
from seewhy.agent.photos.names import recorded
from seewhy.errors import BadData
from seewhy.record import Explanation, InspectionRecord

NAME = "seewhy"


def read_inspection(inspection: Any, canvas: Canvas, _asked: Wanted) -> Detection:
    """The regions of an inspection, as they are."""
    _check_size(inspection.record, canvas)
    return Detection(inspection.regions, ("mask",), detector=inspection.record.provenance.detector)


def read_record(record: InspectionRecord, canvas: Canvas, _asked: Wanted) -> Detection:
    """The boxes of a record's findings: a record alone keeps no outline."""
    _check_size(record, canvas)
    regions = [
        (
            box_region(f.measured.location.box_px.value or (), canvas, label=_type(f.explanation), score=f.measured.strength.peak.value),
            "box",
        )
        for f in record.findings
    ]
    return of_regions(regions, detector=record.provenance.detector)


def read_export(path: Path, canvas: Canvas, asked: Wanted) -> Detection | None:
    """A JSON or CSV report; None for files of others.

    Raises:
        BadData: it is ours, and says nothing of this photo.
        ValueError: it is no JSON.
    """
    if path.suffix.lower() == ".csv":
        return _csv(path, canvas, asked)
    if path.suffix.lower() != ".json":
        return None
    data = json.loads(path.read_text(encoding="utf-8-sig"))
    if not isinstance(data, dict) or not {"schema_version", "ledger_head", "entries"} <= set(data):
        return None
    records = [InspectionRecord.model_validate(e) for e in data["entries"] if e.get("kind") == "inspection"]
    mine = [record for record in records if _same(record.photo.name, asked.photo)] or (records if len(records) == 1 else [])
    if not mine:
        raise BadData(f"{recorded(path)} holds no inspection of {asked.photo!r}; call the photo as the report does")
    return read_record(mine[-1], canvas, asked)


def _csv(path: Path, canvas: Canvas, asked: Wanted) -> Detection:
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    if not rows or not {"photo", "finding", "x0", "y0", "x1", "y1", "type"} <= set(rows[0]):
        raise BadData(f"{recorded(path)} is no CSV report of seewhy's (columns photo, finding, type, x0, y0, x1, y1)")
    mine = [row for row in rows if _same(row["photo"], asked.photo)]
    if not mine:
        raise BadData(f"{recorded(path)} says nothing of {asked.photo!r}; call the photo as the report does")
    found = [row for row in mine if row["finding"]]
    return of_regions(
        [(box_region([float(r[s]) for s in ("x0", "y0", "x1", "y1")], canvas, label=r["type"]), "box") for r in found], detector=NAME
    )


def _check_size(record: InspectionRecord, canvas: Canvas) -> None:
    if (record.photo.width_px, record.photo.height_px) != (canvas.width, canvas.height):
        raise BadData(f"the record is of a photo of {record.photo.width_px} x {record.photo.height_px}, this one is {canvas.size}")


def _same(recorded_as: str, photo: str) -> bool:
    return Path(recorded_as).name == Path(photo).name


def _type(words: Any) -> str:
    return (words.type.value or "") if isinstance(words, Explanation) else ""
