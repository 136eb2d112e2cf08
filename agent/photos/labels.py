"""Label files that mark defects: COCO, Labelme, Pascal VOC."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np

from seewhy.agent.photos.folders import PICTURES, everything_below, files_below
from seewhy.agent.photos.names import recorded
from seewhy.agent.photos.samples import SPLITS, UNLABELLED, Sample, sample
from seewhy.errors import BadData
from seewhy.types import Mask

MOST_BYTES = 512 << 20


@dataclass(frozen=True, slots=True)
class Labels:
    """What one file says of one photo."""

    photo: Path
    file: Path
    kinds: tuple[str, ...]  # a defect's name for each mark
    outlines: tuple[tuple[tuple[float, float], ...], ...]  # (x, y) corners for each mark, in pixels of `size`
    size: tuple[int, int]  # width, height of the photo as it was labelled


def labels_below(folder: Path) -> list[Labels]:
    """Of all photos below a folder that a label file names; label files of other kinds are passed over.

    Raises:
        BadData: a file claims to hold labels and can't be read.
    """
    photos = {path.relative_to(folder).as_posix(): path for path in files_below(folder) if path.suffix.lower() in PICTURES}
    found = list[Labels]()
    for relative in everything_below(folder):
        file = folder / relative
        if file.suffix.lower() in (".json", ".xml") and not file.name.startswith(".") and file.is_file():
            found += _labels_of(file, photos)
    return found


def read_labelled(folder: Path, root: Path, labels: list[Labels]) -> Iterator[Sample]:
    """Photos with marks are defective, photos with a label file and no mark are good, of the others nothing is known."""
    by_photo = {one.photo: one for one in labels}
    for path in files_below(folder):
        one = by_photo.get(path)
        split = next((SPLITS[part.lower()] for part in path.relative_to(folder).parts[:-1] if part.lower() in SPLITS), "")
        if one is None:
            yield sample(path, root, folder, split, UNLABELLED)
        else:
            yield sample(path, root, folder, split, recorded(one.kinds[0]) if one.kinds else "good", one.file if one.kinds else None)


def marked(file: Path, photo: Path) -> tuple[Mask, tuple[int, int]] | None:
    """The mask of a photo that a label file marks, (H, W) at the size (width, height) at which it was labelled."""
    one = next((one for one in _labels_of(file, {photo.name: photo}) if one.photo == photo), None)
    if one is None or min(one.size) < 1:
        return None
    canvas = np.zeros((one.size[1], one.size[0]), np.uint8)
    for outline in one.outlines:
        cv2.fillPoly(canvas, [np.rint(np.array(outline)).astype(np.int32)], 1)
    return canvas > 0, one.size


def _labels_of(file: Path, photos: dict[str, Path]) -> list[Labels]:
    """Labels in a file, of those `photos` (by path below the data) that it names."""
    if file.stat().st_size > MOST_BYTES:
        raise BadData(f"{recorded(file)} is larger than {MOST_BYTES >> 20} MiB; split it")
    try:
        if file.suffix.lower() == ".xml":
            return _voc(file, photos)
        data = json.loads(file.read_text(encoding="utf-8-sig"))
        if isinstance(data, dict) and "shapes" in data and "imagePath" in data:
            return _labelme(file, data, photos)
        return _coco(file, data, photos) if isinstance(data, dict) and {"images", "annotations", "categories"} <= set(data) else []
    except (ValueError, ElementTree.ParseError, OSError):
        return []  # no label file of ours: configurations and tools' own files lie there too
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise BadData(f"{recorded(file)} can't be read as labels ({error}); take it away or mend it") from error


def _photo_named(name: str, file: Path, photos: dict[str, Path]) -> Path | None:
    """The photo that a label file means: beside it, or anywhere below the data, by the end of its path."""
    name = name.replace("\\", "/").removeprefix("./")
    beside = [path for path in photos.values() if path.name == name.rsplit("/", 1)[-1]]
    exact = [path for path in beside if path.as_posix().endswith(name)]
    near = [path for path in exact if path.parent == file.parent]
    return next(iter(near or exact or beside), None)


def _labelme(file: Path, data: dict[str, Any], photos: dict[str, Path]) -> list[Labels]:
    photo = _photo_named(data["imagePath"], file, photos)
    if photo is None:
        return []
    shapes = data["shapes"]
    outlines = tuple(_labelme_outline(shape) for shape in shapes)
    size = (int(data.get("imageWidth") or 0), int(data.get("imageHeight") or 0))
    return [Labels(photo, file, tuple(str(shape["label"]) for shape in shapes), outlines, size)]


def _labelme_outline(shape: dict[str, Any]) -> tuple[tuple[float, float], ...]:
    points = [(float(x), float(y)) for x, y in shape["points"]]
    match shape.get("shape_type", "polygon"):
        case "rectangle":
            (x0, y0), (x1, y1) = points
            return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        case "circle":
            (x, y), edge = points
            radius = float(np.hypot(edge[0] - x, edge[1] - y))
            return tuple((x + radius * np.cos(a), y + radius * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 64, endpoint=False))
    return tuple(points)


def _voc(file: Path, photos: dict[str, Path]) -> list[Labels]:
    root = ElementTree.fromstring(file.read_bytes())
    name = root.findtext("filename") or ""
    if root.tag != "annotation" or not name:
        return []
    photo = _photo_named(name, file, photos) or next((p for p in photos.values() if p.stem == file.stem), None)
    if photo is None:
        return []
    kinds, outlines = list[str](), list[tuple[tuple[float, float], ...]]()
    for thing in root.iter("object"):
        x0, y0, x1, y1 = (float(thing.findtext(f"bndbox/{side}") or "nan") for side in ("xmin", "ymin", "xmax", "ymax"))
        kinds.append(thing.findtext("name") or "defect")
        outlines.append(((x0, y0), (x1, y0), (x1, y1), (x0, y1)))
    size = (int(root.findtext("size/width") or 0), int(root.findtext("size/height") or 0))
    return [Labels(photo, file, tuple(kinds), tuple(outlines), size)]


def _coco(file: Path, data: dict[str, Any], photos: dict[str, Path]) -> list[Labels]:
    names = {row["id"]: str(row["name"]) for row in data["categories"]}
    rows = dict[Any, list[dict[str, Any]]]()
    for row in data["annotations"]:
        rows.setdefault(row["image_id"], []).append(row)
    found = list[Labels]()
    for image in data["images"]:
        photo = _photo_named(image["file_name"], file, photos)
        if photo is not None:
            mine = [(row, outline) for row in rows.get(image["id"], ()) for outline in _coco_outlines(row, file)]
            size = (int(image["width"]), int(image["height"]))
            found.append(Labels(photo, file, tuple(names[row["category_id"]] for row, _ in mine), tuple(o for _, o in mine), size))
    return found


def _coco_outlines(row: dict[str, Any], file: Path) -> list[tuple[tuple[float, float], ...]]:
    """Polygons where there are some, else the box."""
    segmentation = row.get("segmentation") or []
    if isinstance(segmentation, dict):
        raise BadData(f"{recorded(file)} holds masks in run-length form; export it with polygons")
    if segmentation:
        return [tuple(zip(map(float, flat[::2]), map(float, flat[1::2]), strict=True)) for flat in segmentation]
    x, y, width, height = map(float, row["bbox"])
    return [((x, y), (x + width, y), (x + width, y + height), (x, y + height))]
