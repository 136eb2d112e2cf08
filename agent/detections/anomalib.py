"""Predictions of anomalib 2 (`ImageItem`, or a batch of one): its mask, its map, its score.

Masks and maps are at the size of the model's input, of the whole photo; they are enlarged to the photo's, and the record says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from seewhy.agent.detections.detection import Detection, Wanted, as_array
from seewhy.agent.detections.shapes import Canvas, heat_regions, labelled_regions
from seewhy.errors import BadData
from seewhy.packages import installed
from seewhy.types import Map, Region

MEANING = "pred_score as anomalib's post-processor gives it (0 to 1 with 0.5 at its threshold, unless that was turned off)"


def read_item(item: Any, canvas: Canvas, asked: Wanted) -> Detection:
    """One prediction; its mask where it has one, else its map cut at the threshold that is given.

    Raises:
        BadData: it has neither a mask nor a map to cut.
    """
    score = None if item.pred_score is None else float(as_array(item.pred_score).reshape(()))
    said = {"detector": "anomalib", "version": installed("anomalib"), "score": score, "meaning": MEANING}
    heat = None if item.anomaly_map is None else np.squeeze(as_array(item.anomaly_map)).astype(np.float32)
    if heat is not None and (asked.cut is not None or item.pred_mask is None):
        if asked.cut is None:
            raise BadData("the prediction has an anomaly_map and no pred_mask; give the `threshold` that the map is cut at")
        found, laid = heat_regions(heat, asked.cut, canvas)
        return Detection(found, ("heat map",), heat=laid, **said)  # type: ignore[arg-type]
    if item.pred_mask is None:
        raise BadData("the prediction has neither pred_mask nor anomaly_map: nothing says where the defect is")
    mask = _enlarged(np.squeeze(as_array(item.pred_mask)).astype(np.uint8), canvas, cv2.INTER_NEAREST)
    large = None if heat is None else _enlarged(heat, canvas, cv2.INTER_LINEAR)
    regions = [_with_scores(region, large) for region in labelled_regions(mask, canvas)]
    return Detection(regions, ("mask",), heat=large, **said)  # type: ignore[arg-type]


def read_batch(batch: Any, canvas: Canvas, asked: Wanted) -> Detection:
    """A batch of one photo.

    Raises:
        BadData: it is of several photos.
    """
    if batch.batch_size != 1:
        raise BadData(f"the batch is of {batch.batch_size} photos; explain each with its own item, one of batch.items")
    return read_item(batch.items[0], canvas, asked)


def _enlarged(values: Any, canvas: Canvas, way: int) -> Any:
    if values.shape == (canvas.height, canvas.width):
        return values
    canvas.done["mask_resized"] = 1
    return cv2.resize(values, (canvas.width, canvas.height), interpolation=way)


def _with_scores(region: Region, heat: Map | None) -> Region:
    """A region with the map's scores inside it."""
    if heat is None:
        return region
    inside = heat[region.box.slices][region.mask]
    return replace(region, peak=float(inside.max()), mean=float(inside.mean()))
