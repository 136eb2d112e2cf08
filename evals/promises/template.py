"""Template comparison on bare boards, and its time as golden photos grow in number.

Fitted on the golden photos of one product alone, tested on all of its test photos. Regions are held against the annotated boxes by
DeepPCB's rule (Tang et al., 2019: a box counts where its intersection over union with an annotated one is above .33, each annotated
one once).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.agent.api.learn import fit
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.photos.images import read_photo
from seewhy.agent.photos.layouts import Sample, read_layout
from seewhy.card import ProductCard
from seewhy.detectors.settings import plain
from seewhy.detectors.template.detector import Template
from seewhy.evals.detect import tested
from seewhy.evals.metrics import share
from seewhy.evals.run import measuring, timed
from seewhy.types import Box, Pixels

PRODUCT = "pcb_trace"
ALPHA = 0.01
MATCHED = 0.33
MARGINS = (0, 10)  # pixels by which a finding's box is grown before it is held against an annotated one
COUNTS = (120, 1000, 10_000)  # golden photos
GROWN_PX = 256
LEAST_SPREAD = 60.0  # grey levels
LEAST_CHANGE = 128  # grey levels: the photos are binary


def main(data: Path, out: Path) -> None:
    """Template comparison on the bare boards of DATA/pcb_trace: detection, regions, material, time."""
    root = data / PRODUCT
    samples = [s for s in read_layout(root) if s.split == "test"]

    @cache
    def fitted() -> tuple[Inspector, float]:
        return timed(fit, root / "train/good", detector="template", card=ProductCard(name=PRODUCT, material="dark"), alpha=ALPHA)

    with measuring(out, {"data": data.name, "detector": "template, no weights"}) as table:
        table.row("fit", lambda: _fit_figures(*fitted()))
        table.row("detection", lambda: tested(fitted()[0].model, samples, ALPHA))
        table.row("regions", lambda: regions(fitted()[0], samples, root))
        table.row("growth", growth, root)


def _fit_figures(inspector: Inspector, seconds: float) -> dict[str, Any]:
    return {
        "on": f"{inspector.model.good_photos} golden photos, no photo of a defect",
        "settings": plain(inspector.model.detector.settings),
        "calibration": inspector.model.calibration.method,
        "seconds": round(seconds, 1),
    }


def regions(inspector: Inspector, samples: Sequence[Sample], root: Path) -> dict[str, Any]:
    """Findings against annotated boxes, and missing against extra material."""
    counts, told = {m: Counter[str]() for m in MARGINS}, list[bool]()
    for sample in (s for s in samples if s.mask is not None):
        photo = read_photo(sample.path)
        boxes = _boxes(sample)
        record = inspector.inspect(photo).record
        found = [Box(*(f.measured.location.box_px.value or (0, 0, 0, 0))) for f in record.findings]
        for margin, count in counts.items():
            pairs = matches([b.grown(margin, photo.width, photo.height) for b in found], boxes)
            count.update(right=len(pairs), wrong=len(found) - len(pairs), missed=len(boxes) - len(pairs))
            if margin == MARGINS[-1]:
                golden = read_photo(root / "train/good" / sample.path.name).pixels[..., 0]
                for finding, box in pairs:
                    material = record.findings[finding].measured.material
                    told.append(material is not None and material.value == _material(photo.pixels[..., 0], golden, boxes[box]))
    made: dict[str, Any] = {
        f"boxes grown by {margin} px": {
            "recall": round(c["right"] / max(1, c["right"] + c["missed"]), 4),
            "precision": round(c["right"] / max(1, c["right"] + c["wrong"]), 4),
            **c,
        }
        for margin, c in counts.items()
    }
    return made | {"missing_or_extra_right": share(told), "missing_or_extra_of": len(told)}


def matches(found: Sequence[Box], boxes: Sequence[Box]) -> list[tuple[int, int]]:
    """Pairs (found, annotated), each once, largest overlap first."""
    pairs = sorted(((iou(f, b), i, j) for i, f in enumerate(found) for j, b in enumerate(boxes)), reverse=True)
    used_found, used_boxes, out = set[int](), set[int](), []
    for overlap, i, j in pairs:
        if overlap > MATCHED and i not in used_found and j not in used_boxes:
            used_found.add(i)
            used_boxes.add(j)
            out.append((i, j))
    return out


def iou(a: Box, b: Box) -> float:
    """Intersection over union.

    >>> iou(Box(0, 0, 2, 2), Box(1, 0, 3, 2))
    0.3333333333333333
    """
    width, height = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    both = max(0, width) * max(0, height)
    return both / (a.width * a.height + b.width * b.height - both)


def growth(root: Path) -> list[dict[str, Any]]:
    """Milliseconds per photo with more golden photos: views made from the real ones by mirroring, turning and cutting."""
    photos = [read_photo(p).pixels for p in sorted((root / "train/good").iterdir())]
    rows = []
    for count in COUNTS:
        golden = [_view(photos, i) for i in range(count)]
        detector = Template()
        _, fit_s = timed(detector.fit, golden)
        loaded = Template.from_files(detector.settings, detector.learned, detector.files())
        spent = [timed(loaded.score, detector.copy_of(golden[i], i))[1] for i in range(0, count, max(1, count // 40))]
        rows.append(
            {
                "golden_photos": count,
                "px": GROWN_PX,
                "fit_seconds": round(fit_s, 1),
                "ms_per_photo": round(1000 * float(np.median(spent)), 2),
            }
        )
    return rows


def _view(photos: Sequence[Pixels], number: int) -> Pixels:
    """A place of its own: a cut of a mirrored or turned photo, where there is something to see."""
    rng = np.random.default_rng(number)
    photo = np.rot90(photos[number % len(photos)], int(rng.integers(4)))
    photo = photo[:, ::-1] if rng.integers(2) else photo
    while True:
        y, x = (int(rng.integers(0, side - GROWN_PX)) for side in photo.shape[:2])
        cut = photo[y : y + GROWN_PX, x : x + GROWN_PX]
        if cut.std() > LEAST_SPREAD:
            return np.ascontiguousarray(cut)


def _boxes(sample: Sample) -> list[Box]:
    mask = np.asarray(cv2.imread(str(sample.mask), cv2.IMREAD_GRAYSCALE))
    _, _, stats, _ = cv2.connectedComponentsWithStats((mask > 0).astype(np.uint8), connectivity=8)
    return [Box(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h, _ in stats[1:]]


def _material(photo: npt.NDArray[np.uint8], golden: npt.NDArray[Any], box: Box) -> str:
    """What was done to the copper (dark) inside an annotated box: the larger of both changes between the two raw photos."""
    change = photo[box.slices].astype(np.int16) - golden[box.slices]
    thick = np.ones((3, 3), np.uint8)
    lost, gained = (int(cv2.erode((side > LEAST_CHANGE).astype(np.uint8), thick).sum()) for side in (change, -change))
    return "missing" if lost > gained else "extra"
