"""How findings lie on defects, told by their masks: a wide outline gains nothing here, and neither does a finding that is nowhere near."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.evals.metrics import share
from seewhy.types import Box, Mask, Region

LEVELS = (0.1, 0.3, 0.5)  # of the overlap from which a finding and a defect are one


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was found in one photo whose defects are known."""

    findings: tuple[Region, ...]
    defects: tuple[Region, ...]  # see `patches`

    def overlaps(self) -> npt.NDArray[np.float64]:
        """Intersection over union of the masks, (findings, defects)."""
        return np.array([[mask_iou(f, d) for d in self.defects] for f in self.findings]).reshape(len(self.findings), len(self.defects))

    def touching(self) -> npt.NDArray[np.bool_]:
        """Which finding shares a pixel with which defect, (findings, defects)."""
        return np.array([[f.shared(d) > 0 for d in self.defects] for f in self.findings], bool).reshape(
            len(self.findings), len(self.defects)
        )


def patches(mask: Mask) -> tuple[Region, ...]:
    """The defects of a ground truth: its 8-connected patches, each a region without scores.

    Args:
        mask: (H, W).
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    found = []
    for number in range(1, count):
        x, y, width, height = (int(v) for v in stats[number, :4])
        box = Box(x, y, x + width, y + height)
        found.append(Region(box, labels[box.slices] == number, None, None, (x, y), outline="mask"))
    return tuple(found)


def mask_iou(one: Region, other: Region) -> float:
    """Intersection over union of two masks."""
    both = one.shared(other)
    return both / (int(one.mask.sum()) + int(other.mask.sum()) - both) if both else 0.0


def box_iou(one: Region, other: Region) -> float:
    """Intersection over union of two boxes."""
    width = min(one.box.x1, other.box.x1) - max(one.box.x0, other.box.x0)
    height = min(one.box.y1, other.box.y1) - max(one.box.y0, other.box.y0)
    both = max(width, 0) * max(height, 0)
    return both / (one.box.width * one.box.height + other.box.width * other.box.height - both)


def pairs(overlaps: npt.NDArray[np.float64], level: float) -> int:
    """How many findings are a defect each, and no two of them the same one: the largest overlaps first, none below `level`.

    >>> pairs(np.array([[0.6, 0.4], [0.5, 0.0]]), 0.3)
    1
    """
    left, count = overlaps.copy(), 0
    while left.size and float(left.max()) >= level:
        row, column = np.unravel_index(int(left.argmax()), left.shape)
        left[row], left[:, column] = -1.0, -1.0
        count += 1
    return count


def figures(photos: Sequence[Seen]) -> dict[str, Any]:
    """Of photos with a defect: how many findings are on defects and how many defects are found, and how well the masks agree.

    The best overlap is of all pairs of a photo that has a finding; `union` lays all findings of a photo over all of its defects.
    """
    with_findings = [p for p in photos if p.findings]
    findings, defects = sum(len(p.findings) for p in photos), sum(len(p.defects) for p in photos)
    touching = [p.touching() for p in photos]
    overlaps = [p.overlaps() for p in photos]
    return {
        "photos": len(photos),
        "without_finding": len(photos) - len(with_findings),
        "findings": findings,
        "defects": defects,
        "findings_on_a_defect": share(finding.any() for one in touching for finding in one),
        "defects_touched": share(defect.any() for one in touching for defect in one.T),
        "best_mask_iou": median(float(o.max()) for o in overlaps if o.size),
        "best_box_iou": median(max(box_iou(f, d) for f in p.findings for d in p.defects) for p in with_findings),
        "union_iou": median(_union_iou(p) for p in with_findings),
        "at_iou": {str(level): _rates(sum(pairs(o, level) for o in overlaps), findings, defects) for level in LEVELS},
    }


def median(values: Iterable[float]) -> float | None:
    """To four places; None of nothing.

    >>> median([0.1, 0.3, 0.2])
    0.2
    """
    listed = list(values)
    return round(float(np.median(listed)), 4) if listed else None


def _union_iou(photo: Seen) -> float:
    """All findings laid over all defects."""
    boxes = np.array([r.box for r in (*photo.findings, *photo.defects)])
    around = Box(*(int(v) for v in (*boxes[:, :2].min(0), *boxes[:, 2:].max(0))))
    one, other = (np.any([r.within(around) for r in regions], 0) for regions in (photo.findings, photo.defects))
    return float((one & other).sum() / (one | other).sum())


def _rates(both: int, findings: int, defects: int) -> dict[str, float | None]:
    precision, recall = (both / n if n else None for n in (findings, defects))
    f1 = 2 * both / (findings + defects) if findings + defects else None
    return {name: None if v is None else round(v, 4) for name, v in (("precision", precision), ("recall", recall), ("f1", f1))}
