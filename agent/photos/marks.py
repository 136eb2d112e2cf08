"""What label files mark: COCO, Labelme, Pascal VOC, CVAT, YOLO; read into one form, and drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from xml.etree import ElementTree

import cv2
import numpy as np

from seewhy.types import Mask

Corners: TypeAlias = tuple[tuple[float, float], ...]  # (x, y), pixels

XML_BANNED = (b"<!DOCTYPE", b"<!ENTITY")  # entities that grow without end
CIRCLE_CORNERS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """One marked place of a photo."""

    kind: str  # the defect's name
    outlines: tuple[Corners, ...] = ()  # polygons whose union it is, in pixels of the photo as it was labelled
    box: bool = False  # the outline is a box around the defect, not the defect's own
    mask: Mask | None = None  # (H, W) in place of outlines
    score: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """What one file says of one photo."""

    name: str  # of the photo, as the file has it
    marks: tuple[Mark, ...]
    size: tuple[int, int]  # width, height of the photo as it was labelled; 0 where the file doesn't say


def drawn(mark: Mark, width: int, height: int) -> Mask:
    """(height, width) True on the mark.

    Raises:
        ValueError: its mask has another size.
    """
    if mark.mask is None:
        return filled(mark.outlines, width, height)
    if mark.mask.shape != (height, width):
        raise ValueError(f"a mask of {mark.mask.shape[1]} x {mark.mask.shape[0]} in a photo of {width} x {height}")
    return mark.mask


def filled(outlines: Sequence[Sequence[tuple[float, float]]], width: int, height: int) -> Mask:
    """The union of polygons: pixels whose centre lies inside (even-odd rule; edges between pixels are exact). (height, width).

    Two points or one are drawn as a line, one pixel wide.

    >>> filled([[(1, 0), (3, 0), (3, 2), (1, 2)]], 4, 2).astype(int).tolist()
    [[0, 1, 1, 0], [0, 1, 1, 0]]
    """
    out = np.zeros((height, width), bool)
    for outline in outlines:
        a = np.asarray(outline, np.float64)  # (n, 2) from each corner
        if len(a) < 3:
            thin = np.zeros((height, width), np.uint8)
            out |= cv2.polylines(thin, [np.floor(a).astype(np.int32)], False, 1) > 0
            continue
        b = np.roll(a, -1, 0)  # to the next
        first = np.clip(np.ceil(np.minimum(a[:, 1], b[:, 1]) - 0.5), 0, height).astype(int)
        last = np.clip(np.ceil(np.maximum(a[:, 1], b[:, 1]) - 0.5), 0, height).astype(int)
        count = last - first  # rows whose centre each edge crosses
        edge = np.repeat(np.arange(len(a)), count)
        row = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[edge]
        share = (row + 0.5 - a[edge, 1]) / (b[edge, 1] - a[edge, 1])
        column = np.ceil(a[edge, 0] + share * (b[edge, 0] - a[edge, 0]) - 0.5)
        crossings = np.zeros((height, width + 1), np.int64)
        np.add.at(crossings, (row, np.clip(column, 0, width).astype(int)), 1)
        out |= (np.cumsum(crossings, 1)[:, :width] % 2).astype(bool)
    return out


def rectangle(x0: float, y0: float, x1: float, y1: float) -> Corners:
    """A box's corners."""
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def from_json(text: str) -> list[Marked] | None:
    """Of a COCO or Labelme file; None for JSON of another kind.

    Raises:
        ValueError: it is no JSON.
        KeyError, TypeError, AttributeError, IndexError: something is missing or of another kind than the format has it.
    """
    data = json.loads(text)
    if isinstance(data, dict) and "shapes" in data and "imagePath" in data:
        return [_labelme(data)]
    if isinstance(data, dict) and {"images", "annotations"} <= set(data):
        return list(from_coco(data))
    return None


def from_coco(data: dict[str, Any]) -> Iterator[Marked]:
    """Of a COCO file that was read; errors as for `from_json`."""
    names = {row["id"]: str(row["name"]) for row in data.get("categories", ())}
    rows = dict[Any, list[dict[str, Any]]]()
    for row in data["annotations"]:
        rows.setdefault(row["image_id"], []).append(row)
    for image in data["images"]:
        size = (int(image["width"]), int(image["height"]))
        yield Marked(image["file_name"], tuple(coco_mark(row, names) for row in rows.get(image["id"], ())), size)


def from_xml(data: bytes) -> list[Marked] | None:
    """Of a Pascal VOC or CVAT file; None for XML of another kind.

    Raises:
        ElementTree.ParseError: it is no XML.
        ValueError: a number is none, or the file declares entities.
    """
    if any(banned in data for banned in XML_BANNED):
        raise ValueError("it declares entities, which no label file needs")
    root = ElementTree.fromstring(data)
    if root.tag == "annotation" and root.findtext("filename"):
        return [_voc(root)]
    images = list(root.iter("image")) if root.tag == "annotations" else []
    return [_cvat(image) for image in images] or None


def from_yolo(text: str, width: int, height: int, names: Mapping[int, str]) -> list[Mark]:
    """Of a YOLO file: a class and a box (centre, size) or a polygon per line, in shares of the photo; perhaps a confidence.

    Args:
        text: the file's.
        width: of the photo.
        height: likewise.
        names: of the classes.

    Raises:
        ValueError: a line is none of these.
    """
    marks = list[Mark]()
    for number, line in enumerate(text.splitlines(), start=1):
        values = line.split()
        if values:
            try:
                marks.append(_yolo(int(values[0]), [float(v) for v in values[1:]], width, height, names))
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error
    return marks


def rle_mask(counts: str | bytes | Sequence[int], size: Sequence[int]) -> Mask:
    """A COCO run-length mask, (H, W): runs of zeros and ones down the columns, as a list or in the reference code's compressed form.

    Args:
        counts: the runs.
        size: height, width.

    Raises:
        ValueError: the runs don't add up to the size.
    """
    height, width = int(size[0]), int(size[1])
    runs = np.asarray(counts if not isinstance(counts, str | bytes) else _runs(counts), np.int64)
    if (runs < 0).any() or int(runs.sum()) != height * width:
        raise ValueError(f"a run-length mask whose runs don't add up to {width} x {height} pixels")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(flat.reshape(width, height).T)


def _runs(counts: str | bytes) -> list[int]:
    """COCO's compressed runs (maskApi.c, rleFrString): six bits a character; from the fourth on, the difference to the last but one."""
    data, runs, at = counts.encode() if isinstance(counts, str) else counts, list[int](), 0
    while at < len(data):
        value = shift = 0
        more = True
        while more:
            if at == len(data):
                raise ValueError("a run-length mask that is cut off before its end")
            character = data[at] - 48
            value |= (character & 0x1F) << shift
            more, at, shift = bool(character & 0x20), at + 1, shift + 5
            if not more and character & 0x10:
                value |= -1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    return runs


def _labelme(data: dict[str, Any]) -> Marked:
    size = (int(data.get("imageWidth") or 0), int(data.get("imageHeight") or 0))
    return Marked(str(data["imagePath"]), tuple(_labelme_mark(shape) for shape in data["shapes"]), size)


def _labelme_mark(shape: dict[str, Any]) -> Mark:
    points, kind = [(float(x), float(y)) for x, y in shape["points"]], str(shape["label"])
    match shape.get("shape_type", "polygon"):
        case "rectangle":
            xs, ys = zip(*points, strict=True)
            return Mark(kind, (rectangle(min(xs), min(ys), max(xs), max(ys)),), box=True)
        case "circle":
            (x, y), edge = points
            radius = float(np.hypot(edge[0] - x, edge[1] - y))
            angles = np.linspace(0, 2 * np.pi, CIRCLE_CORNERS, endpoint=False)
            return Mark(kind, (tuple((x + radius * float(np.cos(a)), y + radius * float(np.sin(a))) for a in angles),))
    return Mark(kind, (tuple(points),))


def _voc(root: ElementTree.Element) -> Marked:
    marks = list[Mark]()
    for thing in root.iter("object"):
        corners = rectangle(*(float(thing.findtext(f"bndbox/{side}") or "nan") for side in ("xmin", "ymin", "xmax", "ymax")))
        marks.append(Mark(thing.findtext("name") or "defect", (corners,), box=True))
    size = (int(root.findtext("size/width") or 0), int(root.findtext("size/height") or 0))
    return Marked(root.findtext("filename") or "", tuple(marks), size)


def _cvat(image: ElementTree.Element) -> Marked:
    """An image of "CVAT for images 1.1": boxes, polygons, masks (runs along the rows of a rectangle)."""
    width, height = int(image.get("width", 0)), int(image.get("height", 0))
    marks = list[Mark]()
    for thing in image:
        kind = thing.get("label", "defect")
        if thing.tag == "box":
            marks.append(Mark(kind, (rectangle(*(float(thing.attrib[side]) for side in ("xtl", "ytl", "xbr", "ybr"))),), box=True))
        elif thing.tag == "polygon":
            points = (pair.split(",") for pair in thing.attrib["points"].split(";"))
            marks.append(Mark(kind, (tuple((float(x), float(y)) for x, y in points),)))
        elif thing.tag == "mask":
            marks.append(Mark(kind, mask=_cvat_mask(thing.attrib, width, height)))
    return Marked(image.get("name", ""), tuple(marks), (width, height))


def _cvat_mask(attributes: Mapping[str, str], width: int, height: int) -> Mask:
    left, top, w, h = (int(float(attributes[side])) for side in ("left", "top", "width", "height"))
    runs = np.array([int(run) for run in attributes["rle"].split(",")], np.int64)
    if (runs < 0).any() or int(runs.sum()) != w * h:
        raise ValueError(f"a mask whose runs don't add up to {w} x {h} pixels")
    out = np.zeros((height, width), bool)
    out[top : top + h, left : left + w] = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(h, w)
    return out


def coco_mark(row: Mapping[str, Any], names: Mapping[Any, str]) -> Mark:
    """An annotation or result of COCO: a run-length mask, polygons where there are some, else the box (x, y, width, height).

    Args:
        row: the annotation.
        names: of the categories.
    """
    segmentation, score = row.get("segmentation") or [], row.get("score")
    kind = names.get(row.get("category_id"), str(row.get("category_id", "")))
    if isinstance(segmentation, dict):
        return Mark(kind, mask=rle_mask(segmentation["counts"], segmentation["size"]), score=score)
    if segmentation:
        return Mark(kind, tuple(tuple(zip(map(float, f[::2]), map(float, f[1::2]), strict=True)) for f in segmentation), score=score)
    x, y, width, height = map(float, row["bbox"])
    return Mark(kind, (rectangle(x, y, x + width, y + height),), box=True, score=score)


def _yolo(class_: int, values: Sequence[float], width: int, height: int, names: Mapping[int, str]) -> Mark:
    kind = names.get(class_, str(class_))
    if len(values) in (4, 5):
        x, y, w, h = values[:4]
        corners = rectangle((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
        return Mark(kind, (corners,), box=True, score=values[4] if len(values) == 5 else None)
    if len(values) < 6:
        raise ValueError(f"{len(values)} numbers after the class; a box has 4, a polygon 6 or more")
    odd = len(values) % 2
    points = zip(values[: len(values) - odd : 2], values[1 : len(values) - odd : 2], strict=True)
    return Mark(kind, (tuple((x * width, y * height) for x, y in points),), score=values[-1] if odd else None)


READERS: Mapping[str, Callable[[bytes], list[Marked] | None]] = {
    ".json": lambda data: from_json(data.decode("utf-8-sig")),
    ".xml": from_xml,
}
