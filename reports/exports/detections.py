"""Findings as supervision's `Detections` and as COCO, with the regions' exact masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seewhy.errors import MissingExtra
from seewhy.record import Explanation, Finding, InspectionRecord
from seewhy.types import Mask, Region

UNNAMED = "unexplained"


def to_supervision(record: InspectionRecord, regions: Sequence[Region]) -> Any:
    """`supervision.Detections`: boxes, masks (N, H, W), class names; confidence is the region's peak where all have one.

    `data` holds each finding's number, severity, verdict and sentence beside `class_name`.

    Raises:
        MissingExtra: supervision isn't installed.
    """
    try:
        import supervision
    except ModuleNotFoundError as error:
        raise MissingExtra("supervision's Detections", "notebook") from error
    if not regions:
        return supervision.Detections.empty()
    names = [type_of(f) for f in record.findings]
    peaks = [r.peak for r in regions]
    return supervision.Detections(
        xyxy=np.array([tuple(r.box) for r in regions], np.float32),
        mask=np.stack([whole(r, record) for r in regions]),
        confidence=None if None in peaks else np.array(peaks, np.float32),
        class_id=np.unique(names, return_inverse=True)[1].astype(int),
        data={
            "class_name": np.array(names),
            "number": np.array([f.number for f in record.findings]),
            "severity": np.array([f.ruling.severity.value or "" for f in record.findings]),
            "verdict": np.array([f.ruling.verdict.value or "" for f in record.findings]),
            "sentence": np.array([f.explanation.sentence.text if isinstance(f.explanation, Explanation) else "" for f in record.findings]),
        },
    )


def to_coco(inspections: Sequence[tuple[InspectionRecord, Sequence[Region]]]) -> dict[str, Any]:
    """A COCO dictionary: one image per inspection, one annotation per finding, its mask in run-length form, exact.

    Fields that COCO doesn't know (`seewhy`) hold the finding's number, severity, verdict and sentence.
    """
    names = sorted({type_of(f) for record, _ in inspections for f in record.findings})
    images, annotations = list[dict[str, Any]](), list[dict[str, Any]]()
    for number, (record, regions) in enumerate(inspections, start=1):
        photo = record.photo
        images.append({"id": number, "file_name": photo.name, "width": photo.width_px, "height": photo.height_px})
        for finding, region in zip(record.findings, regions, strict=True):
            own = {"id": len(annotations) + 1, "image_id": number, "category_id": names.index(type_of(finding)) + 1}
            annotations.append(own | _annotation(record, finding, region))
    categories = [{"id": i, "name": name} for i, name in enumerate(names, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def type_of(finding: Finding) -> str:
    """The finding's type as a class name: the card's or a person's word, or the measured form."""
    words = finding.explanation
    return (words.type.value or UNNAMED) if isinstance(words, Explanation) else UNNAMED


def whole(region: Region, record: InspectionRecord) -> Mask:
    """A region's mask at the photo's size, (H, W)."""
    mask = np.zeros((record.photo.height_px, record.photo.width_px), bool)
    mask[region.box.slices] = region.mask
    return mask


def _annotation(record: InspectionRecord, finding: Finding, region: Region) -> dict[str, Any]:
    words, box = finding.explanation, region.box
    return {
        "bbox": [box.x0, box.y0, box.width, box.height],
        "area": int(region.mask.sum()),
        "segmentation": run_lengths(whole(region, record)),
        "iscrowd": 0,
        **({} if region.peak is None else {"score": region.peak}),
        "seewhy": {
            "finding": finding.number,
            "severity": finding.ruling.severity.value,
            "verdict": finding.ruling.verdict.value,
            "sentence": words.sentence.text if isinstance(words, Explanation) else "",
        },
    }


def run_lengths(mask: Mask) -> dict[str, list[int]]:
    """A mask (H, W) in COCO's run-length form, uncompressed: runs of zeros and ones down the columns.

    >>> run_lengths(np.array([[0, 1], [1, 1]], bool))
    {'size': [2, 2], 'counts': [1, 3]}
    """
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat, prepend=False)).tolist()
    return {"size": [int(mask.shape[0]), int(mask.shape[1])], "counts": [int(run) for run in np.diff([0, *edges, flat.size])]}
