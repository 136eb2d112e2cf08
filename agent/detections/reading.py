"""Whatever regions come as, to one form: which adapter reads what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, Unpack

import numpy as np

from seewhy.agent.detections.detection import Detection, Wanted, as_array, of_regions
from seewhy.agent.detections.detection import Origin as Origin
from seewhy.agent.detections.shapes import Canvas, heat_regions, kept, labelled_regions, mask_region, shapes_in
from seewhy.agent.photos.images import Photo
from seewhy.errors import BadData
from seewhy.registry import imported
from seewhy.types import Region

Adapter: TypeAlias = Callable[[Any, Canvas, Wanted], Detection]
KNOWN = (
    "boxes (x0, y0, x1, y1), polygons, masks, a heat map with `threshold`, a Detection; objects of anomalib, supervision, ultralytics; "
    "dictionaries of torchvision or COCO; a file (COCO or Labelme JSON, VOC or CVAT XML, YOLO txt, seewhy's own reports, a mask, .npy) "
    "or a folder of masks"
)
OBJECTS: Mapping[tuple[str, str], str] = {  # (the package that a class comes from, the class) -> who reads it; nothing is imported before
    ("anomalib", "ImageItem"): "seewhy.agent.detections.anomalib:read_item",
    ("anomalib", "NumpyImageItem"): "seewhy.agent.detections.anomalib:read_item",
    ("anomalib", "ImageBatch"): "seewhy.agent.detections.anomalib:read_batch",
    ("anomalib", "NumpyImageBatch"): "seewhy.agent.detections.anomalib:read_batch",
    ("supervision", "Detections"): "seewhy.agent.detections.supervision:read_detections",
    ("ultralytics", "Results"): "seewhy.agent.detections.ultralytics:read_results",
    ("seewhy", "InspectionRecord"): "seewhy.agent.detections.own:read_record",
    ("seewhy", "Inspection"): "seewhy.agent.detections.own:read_inspection",
}


def detection_of(regions: Any, photo: Photo, **origin: Unpack[Origin]) -> Detection:
    """The regions of a photo, from whatever they come as.

    Args:
        regions: see `KNOWN`.
        photo: that they are of.
        origin: of them; it wins over what an object says of itself.

    Raises:
        BadData: nothing here reads that, or it doesn't fit the photo; says what to do.
    """
    asked = Wanted(photo.name, origin.get("threshold"))
    canvas = Canvas(photo.width, photo.height, photo.orientation)
    if isinstance(regions, Detection):
        found = regions
        _check_inside(found.regions, canvas)
    else:
        found = _adapter(regions)(regions, canvas, asked)
    listed = kept(found.regions, canvas)
    given = {name: value for name in ("detector", "version", "meaning") if (value := origin.get(name))}
    cut = found.cut if asked.cut is None else asked.cut
    return replace(found, regions=tuple(listed), cut=cut, notes=(*found.notes, *canvas.notes()), **given)  # type: ignore[arg-type]


def _adapter(regions: Any) -> Adapter:
    for cls in type(regions).__mro__:
        target = OBJECTS.get((cls.__module__.split(".")[0], cls.__name__))
        if target is not None:
            return imported(target)  # type: ignore[no-any-return]
    if isinstance(regions, str | Path):
        return imported("seewhy.agent.detections.files:read_path")  # type: ignore[no-any-return]
    first = regions[0] if isinstance(regions, list | tuple) and len(regions) else None
    if isinstance(regions, Mapping) or isinstance(first, Mapping):
        return imported("seewhy.agent.detections.dictionaries:read_dictionary")  # type: ignore[no-any-return]
    if first is not None and len(regions) == 1 and (type(first).__module__.split(".")[0], type(first).__name__) in OBJECTS:
        return lambda one, canvas, asked: _adapter(one[0])(one[0], canvas, asked)  # a list of one batch, as predictions come
    if isinstance(regions, list | tuple | np.ndarray) or hasattr(regions, "detach"):
        return _read_arrays
    raise BadData(f"{type(regions).__name__} holds no regions that seewhy reads; give {KNOWN}")


def _read_arrays(regions: Any, canvas: Canvas, asked: Wanted) -> Detection:
    """A list of boxes, polygons and masks; (N, 4) boxes; a mask or label mask (H, W); masks (N, H, W); a heat map (h, w) with `cut`."""
    if isinstance(regions, list | tuple) and not (len(regions) == 4 and all(np.ndim(v) == 0 for v in regions)):
        return of_regions(list(shapes_in([as_array(one) for one in regions], canvas)))
    values = as_array(regions)
    if asked.cut is not None and values.ndim == 2 and values.shape[1] != 4:
        found, heat = heat_regions(values, asked.cut, canvas)
        return Detection(tuple(found), ("heat map",), heat=heat)
    if values.ndim == 1 and values.shape[0] == 4:
        return of_regions(list(shapes_in([values], canvas)))
    if values.ndim == 3:
        return Detection(tuple(mask_region(one, canvas) for one in values if one.any()), ("mask",))
    if values.ndim == 2 and values.shape[1] == 4 and values.shape != (canvas.height, canvas.width):
        return of_regions(list(shapes_in(list(values), canvas)))
    if values.ndim == 2 and values.dtype.kind == "f":
        raise BadData("an array of decimals is a heat map: give the `threshold` that its regions are cut at")
    if values.ndim == 2:
        return Detection(tuple(labelled_regions(values, canvas)), ("mask",))
    raise BadData(f"an array of shape {values.shape} holds no regions that seewhy reads; give {KNOWN}")


def _check_inside(regions: Sequence[Region], canvas: Canvas) -> None:
    for region in regions:
        if region.box.x0 < 0 or region.box.y0 < 0 or region.box.x1 > canvas.width or region.box.y1 > canvas.height:
            raise BadData(f"the region {tuple(region.box)} reaches outside the photo, which is {canvas.size}; is it of another photo?")
        if region.mask.shape != (region.box.height, region.box.width) or not region.mask.any():
            raise BadData(f"the region {tuple(region.box)} has a mask {region.mask.shape} that doesn't fill its box, or marks nothing")
