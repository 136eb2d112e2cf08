"""Files: COCO, Labelme and seewhy's own JSON and CSV, Pascal VOC and CVAT XML, YOLO txt, pictures of masks, arrays, a folder of masks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from seewhy.agent.detections.detection import Detection, Wanted, of_regions
from seewhy.agent.detections.own import read_export
from seewhy.agent.detections.shapes import Canvas, heat_regions, labelled_regions, mark_region
from seewhy.agent.photos.folders import PICTURES
from seewhy.agent.photos.known import masks_of
from seewhy.agent.photos.labels import read_marks
from seewhy.agent.photos.marks import Marked, from_yolo
from seewhy.agent.photos.masks import read_labels
from seewhy.agent.photos.names import recorded
from seewhy.errors import BadData
from seewhy.handwritten import read_yaml
from seewhy.types import Region

NAMES = ("classes.txt", "data.yaml", "dataset.yaml", "obj.names")  # beside YOLO's labels, or in the folder above


def read_path(given: str | Path, canvas: Canvas, asked: Wanted) -> Detection:
    """Regions in a file, by its ending; in a folder, the photo's own mask (MVTec's `ground_truth` and its kin).

    Raises:
        BadData: it isn't there, is none of these, or can't be read; says why.
    """
    path = Path(given)
    if path.is_dir():
        return _folder(path, canvas, asked)
    if not path.is_file():
        raise BadData(f"{recorded(path)} does not exist; give the file that marks the regions")
    ending = path.suffix.lower()
    if ending in (".json", ".xml", ".csv", ".txt"):
        return _text(path, ending, canvas, asked)
    if ending == ".npy":
        return _array(path, canvas, asked)
    if ending in PICTURES:
        return Detection(_picture(path, canvas), ("mask",), detector="mask")
    known = ".json, .xml, .csv, .txt, .npy or a picture of a mask"
    raise BadData(f"{recorded(path)}: seewhy reads no regions from {ending or 'a file without an ending'}; give {known}")


def in_file(found: Sequence[Marked], file: str, canvas: Canvas, asked: Wanted) -> Detection:
    """What a file marks in this photo.

    Raises:
        BadData: it names other photos alone, or labelled this one at another size.
    """
    name = asked.photo.replace("\\", "/")
    mine = [one for one in found if one.name and (name.endswith(one.name.replace("\\", "/")) or one.name.endswith(name))]
    mine = mine or [one for one in found if name and Path(one.name).name == Path(name).name]
    if not mine and len(found) == 1:
        mine = list(found)
    if len(mine) != 1:
        what = f"{len(found)} photos" if found else "no photo"
        raise BadData(f"{file} marks {what}, and {len(mine) or 'none'} of them is called {name!r}; call the photo as the file does")
    width, height = mine[0].size
    if 0 not in (width, height) and (width, height) != (canvas.width, canvas.height):
        raise BadData(f"{file} was made for a photo of {width} x {height}, this one is {canvas.size}; label this photo")
    return of_regions([mark_region(mark, canvas) for mark in mine[0].marks], detector="labels")


def _text(path: Path, ending: str, canvas: Canvas, asked: Wanted) -> Detection:
    try:
        if ending == ".txt":
            marks = from_yolo(path.read_text(encoding="utf-8-sig"), canvas.width, canvas.height, _yolo_names(path))
            return of_regions([mark_region(mark, canvas) for mark in marks], detector="YOLO")
        own = read_export(path, canvas, asked)
        if own is not None:
            return own
        found = read_marks(path)
    except UnicodeDecodeError as error:
        raise BadData(f"{recorded(path)} is not text in UTF-8 (byte {error.start}); save it again as UTF-8") from error
    except json.JSONDecodeError as error:
        raise BadData(f"{recorded(path)} can't be read as JSON ({error}); is it cut off? export it again") from error
    except ElementTree.ParseError as error:
        raise BadData(f"{recorded(path)} can't be read as XML ({error}); is it cut off? export it again") from error
    except ValueError as error:
        raise BadData(f"{recorded(path)} can't be read: {error}; export it again") from error
    if found is None:
        kinds = "COCO, Labelme or seewhy's own report" if ending == ".json" else "Pascal VOC or CVAT for images"
        raise BadData(f"{recorded(path)} is {ending[1:].upper()} of a kind that seewhy doesn't know; it reads {kinds}")
    return in_file(found, recorded(path), canvas, asked)


def _yolo_names(path: Path) -> dict[int, str]:
    """Of the classes, where a list lies beside the labels or above them."""
    for folder in (path.parent, path.parent.parent):
        for file in (folder / name for name in NAMES if (folder / name).is_file()):
            if file.suffix == ".yaml":
                names = read_yaml(file).get("names", [])
                return {int(k): str(v) for k, v in names.items()} if isinstance(names, dict) else dict(enumerate(map(str, names)))
            return dict(enumerate(file.read_text(encoding="utf-8-sig").split("\n")))
    return {}


def _array(path: Path, canvas: Canvas, asked: Wanted) -> Detection:
    try:
        values = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise BadData(f"{recorded(path)} can't be read as an array ({error}); save it with numpy.save, without objects") from error
    if asked.cut is not None:
        found, heat = heat_regions(np.squeeze(values), asked.cut, canvas)
        return Detection(found, ("heat map",), heat=heat)
    if values.dtype.kind == "f":
        raise BadData(f"{recorded(path)} holds decimals, a heat map: give the `threshold` that its regions are cut at")
    return Detection(labelled_regions(np.squeeze(values), canvas), ("mask",), detector="mask")


def _folder(folder: Path, canvas: Canvas, asked: Wanted) -> Detection:
    masks = masks_of(Path(asked.photo), folder)
    if not masks:
        raise BadData(
            f"{recorded(folder)} holds no mask of {asked.photo}; masks are called NAME.png or NAME_mask.png, in KIND/ as their photo is"
        )
    regions = [region for mask in masks for region in _picture(mask, canvas)]
    return Detection(regions, ("mask",), detector="ground truth")


def _picture(path: Path, canvas: Canvas) -> list[Region]:
    return labelled_regions(read_labels(path), canvas)
