"""`Detections` of supervision: masks where there are some, else boxes."""

from __future__ import annotations

from typing import Any

import numpy as np

from seewhy.agent.detections.detection import Detection, Kind, Wanted, of_regions
from seewhy.agent.detections.shapes import Canvas, box_region, mask_region
from seewhy.types import Region


def read_detections(detections: Any, canvas: Canvas, _asked: Wanted) -> Detection:
    """All of its detections, with class name (or number) and confidence."""
    names = detections.data.get("class_name")
    masks = detections.mask

    def region(i: int) -> tuple[Region, Kind]:
        score = None if detections.confidence is None else float(detections.confidence[i])
        label = str(names[i]) if names is not None else "" if detections.class_id is None else str(detections.class_id[i])
        if masks is not None:
            return mask_region(np.asarray(masks[i], bool), canvas, label=label, score=score), "mask"
        return box_region(detections.xyxy[i], canvas, label=label, score=score), "box"

    return of_regions([region(i) for i in range(len(detections))], detector="supervision")
