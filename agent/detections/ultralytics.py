"""`Results` of ultralytics: the outlines of its masks, turned boxes, or boxes, in the photo's own pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seewhy.agent.detections.detection import Detection, Kind, Wanted, as_array, of_regions
from seewhy.agent.detections.shapes import Canvas, box_region, polygon_region
from seewhy.errors import BadData
from seewhy.packages import installed
from seewhy.types import Region


def read_results(results: Any, canvas: Canvas, _asked: Wanted) -> Detection:
    """All of its boxes with class name and confidence, by their masks where it is a segmentation.

    Raises:
        BadData: it is of a photo of another size, or classifies the photo as a whole.
    """
    height, width = results.orig_shape
    if (width, height) != (canvas.width, canvas.height):
        raise BadData(f"the results are of a photo of {width} x {height}, this one is {canvas.size}; predict on this photo")
    if results.boxes is None and results.obb is None:
        raise BadData("the results hold no boxes: a classification says nothing of where; use a detection or segmentation model")
    return of_regions(list(_regions(results, canvas)), detector="ultralytics", version=installed("ultralytics"))


def _regions(results: Any, canvas: Canvas) -> Iterator[tuple[Region, Kind]]:
    boxes = results.boxes if results.obb is None else results.obb
    outlines = results.masks.xy if results.masks is not None else as_array(results.obb.xyxyxyxy) if results.obb is not None else None
    for i, (class_, confidence) in enumerate(zip(as_array(boxes.cls), as_array(boxes.conf), strict=True)):
        label, score = results.names[int(class_)], float(confidence)
        if outlines is None:
            yield box_region(as_array(boxes.xyxy)[i], canvas, label=label, score=score), "box"
        elif len(outlines[i]) >= 3:
            yield polygon_region([outlines[i].tolist()], canvas, label=label, score=score), "polygon"
        else:  # a mask that fell below a pixel when it was made smaller
            yield box_region(as_array(results.boxes.xyxy)[i], canvas, label=label, score=score), "box"
