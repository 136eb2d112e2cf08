"""Dictionaries: torchvision's predictions, COCO's annotations and results, a whole COCO file that was read already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seewhy.agent.detections.detection import Detection, Wanted, as_array, of_regions
from seewhy.agent.detections.files import in_file
from seewhy.agent.detections.shapes import Canvas, box_region, mark_region, mask_region
from seewhy.agent.photos.marks import coco_mark, from_coco
from seewhy.errors import BadData
from seewhy.types import Region

LIKELY = 0.5  # from which a pixel belongs to a mask of torchvision's Mask R-CNN (as its own documentation cuts them)


def read_dictionary(found: Mapping[str, Any] | Sequence[Mapping[str, Any]], canvas: Canvas, asked: Wanted) -> Detection:
    """Whichever it is.

    Raises:
        BadData: its keys are those of none that seewhy knows.
    """
    if isinstance(found, Mapping) and "boxes" in found:
        return _torchvision(found, canvas)
    if isinstance(found, Mapping) and {"images", "annotations"} <= set(found):
        return in_file(list(from_coco(dict(found))), "the COCO dictionary", canvas, asked)
    rows = [found] if isinstance(found, Mapping) else list(found)
    if len(rows) == 1 and "boxes" in rows[0]:
        return _torchvision(rows[0], canvas)  # a list of one, as the model gives it for one photo
    lost = next((row for row in rows if not {"bbox", "segmentation"} & set(row)), None)
    if lost is not None:
        keys = ", ".join(map(str, lost)) or "none"
        raise BadData(f"a dictionary with the keys {keys} marks nothing; torchvision's have `boxes`, COCO's `bbox` or `segmentation`")
    try:
        marks = [coco_mark(row, {}) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise BadData(f"an annotation can't be read as COCO's ({error}); its bbox is x, y, width, height") from error
    return of_regions([mark_region(mark, canvas) for mark in marks], detector="COCO")


def _torchvision(found: Mapping[str, Any], canvas: Canvas) -> Detection:
    """boxes (N, 4) x0, y0, x1, y1; labels (N,), scores (N,), masks (N, 1, H, W) of likelihoods, where there are some."""
    boxes, masks = as_array(found["boxes"]), found.get("masks")
    labels = None if found.get("labels") is None else as_array(found["labels"])
    scores = None if found.get("scores") is None else as_array(found["scores"])

    def region(i: int) -> Region:
        label = "" if labels is None else str(labels[i])
        score = None if scores is None else float(scores[i])
        if masks is None:
            return box_region(boxes[i], canvas, label=label, score=score)
        likely = as_array(masks[i])
        mask = np.reshape(likely > LIKELY if likely.dtype.kind == "f" else likely, likely.shape[-2:])
        return mask_region(mask, canvas, label=label, score=score)

    kind = "box" if masks is None else "mask"
    return of_regions([(region(i), kind) for i in range(len(boxes))], detector="torchvision")
