"""Regions as other projects hold them: their real objects and files in, the same pixels out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from seewhy.agent.detections.reading import detection_of
from seewhy.agent.photos.images import Photo, photo_of
from seewhy.agent.photos.marks import rle_mask
from seewhy.types import Box, Mask

WIDTH, HEIGHT, CASES = 96, 64, 100
PHOTO = photo_of(np.zeros((HEIGHT, WIDTH, 3), np.uint8), name="lot/part.png")


def boxes() -> list[Box]:
    """Random boxes, one for each case."""
    rng, out = np.random.default_rng(5), []
    for _ in range(CASES):
        x0, y0 = int(rng.integers(0, WIDTH - 4)), int(rng.integers(0, HEIGHT - 4))
        out.append(Box(x0, y0, int(rng.integers(x0 + 2, WIDTH + 1)), int(rng.integers(y0 + 2, HEIGHT + 1))))
    return out


def polygons() -> list[np.ndarray]:
    """Random convex polygons, corners between pixels."""
    rng, out = np.random.default_rng(6), []
    for _ in range(CASES):
        angles = np.sort(rng.uniform(0, 2 * np.pi, 7))
        centre, radius = rng.uniform((25, 20), (70, 44)), rng.uniform(8, 18)
        out.append(np.round(centre + radius * np.stack([np.cos(angles), np.sin(angles)], 1), 2))
    return out


def blob(seed: int) -> Mask:
    """A random mask of one piece, with holes and a ragged edge."""
    noise = np.random.default_rng(seed).normal(size=(HEIGHT, WIDTH)).astype(np.float32)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.asarray((noise > -1.2) & ((x - 40) ** 2 + (y - 30) ** 2 < 15**2))


def whole(regions: Any) -> Mask:
    out = np.zeros((HEIGHT, WIDTH), bool)
    for region in regions:
        out[region.box.slices] |= region.mask
    return out


def mask_of(given: Any, **said: Any) -> Mask:
    return whole(detection_of(given, PHOTO, **said).regions)


def boxed(box: Box) -> Mask:
    out = np.zeros((HEIGHT, WIDTH), bool)
    out[box.slices] = True
    return out


def test_boxes_masks_and_polygons_of_numpy_and_torch() -> None:
    for box in boxes():
        assert [r.box for r in detection_of([box], PHOTO).regions] == [box]
    assert len(detection_of(np.array(boxes()[:7]), PHOTO).regions) == 7
    assert detection_of(torch.tensor(boxes()[:3]), PHOTO).kinds == ("box",)
    for seed in range(CASES):
        assert np.array_equal(mask_of(blob(seed)), blob(seed))
        assert np.array_equal(mask_of([blob(seed)]), blob(seed))
    pair = detection_of(np.stack([blob(1), blob(2)]), PHOTO)
    assert [np.array_equal(whole([r]), blob(s)) for r, s in zip(pair.regions, (1, 2), strict=True)] == [True, True]
    labels = np.zeros((HEIGHT, WIDTH), np.int32)
    labels[2:9, 3:8], labels[2:9, 8:12] = 1, 7  # two instances that touch
    assert [r.box for r in detection_of(labels, PHOTO).regions] == [Box(3, 2, 8, 9), Box(8, 2, 12, 9)]


def test_polygons_cover_the_pixels_whose_centre_they_hold() -> None:
    from shapely import Polygon, contains_xy

    y, x = np.mgrid[:HEIGHT, :WIDTH]
    for polygon in polygons():
        there = contains_xy(Polygon(polygon), x + 0.5, y + 0.5)
        assert np.array_equal(mask_of([polygon]), there)


def test_a_heat_map_is_cut_at_its_threshold() -> None:
    heat = np.random.default_rng(0).uniform(0, 1, (HEIGHT, WIDTH)).astype(np.float32)
    heat[10:20, 30:40] += 5
    found = detection_of(heat, PHOTO, threshold=3.0)
    (region,) = found.regions
    assert (region.box, found.cut) == (Box(30, 10, 40, 20), 3.0)
    assert region.peak == pytest.approx(heat.max())
    x, y = region.peak_at
    assert heat[y, x] == heat.max()
    half = detection_of(heat[::2, ::2], PHOTO, threshold=3.0)
    assert [n.key for n in half.notes] == ["note.heat_resized"]


def test_supervision_both_ways() -> None:
    supervision = pytest.importorskip("supervision")
    masks = np.stack([blob(seed) for seed in range(CASES)])
    there = supervision.Detections(
        xyxy=supervision.mask_to_xyxy(masks).astype(float), mask=masks, confidence=np.full(CASES, 0.5), class_id=np.arange(CASES) % 2
    )
    for i in range(CASES):
        assert np.array_equal(mask_of(there[i]), masks[i])
    named = supervision.Detections(xyxy=np.array([boxes()[0]], float), data={"class_name": np.array(["scratch"])})
    (region,) = detection_of(named, PHOTO).regions
    assert (region.box, region.label, region.peak) == (boxes()[0], "scratch", None)


@pytest.mark.parametrize("way", ["coco", "yolo", "pascal_voc"])
def test_files_that_supervision_writes(way: str, tmp_path: Path) -> None:
    supervision = pytest.importorskip("supervision")
    path, wanted = tmp_path / "part.png", boxes()
    Image.fromarray(PHOTO.pixels).save(path)
    found = supervision.Detections(xyxy=np.array(wanted, float), class_id=np.zeros(CASES, int))
    data = supervision.DetectionDataset(classes=["pit"], images=[str(path)], annotations={str(path): found})
    if way == "coco":
        data.as_coco(annotations_path=str(tmp_path / "labels.json"))
        file = tmp_path / "labels.json"
    elif way == "yolo":
        data.as_yolo(annotations_directory_path=str(tmp_path / "labels"), data_yaml_path=str(tmp_path / "data.yaml"))
        file = tmp_path / "labels" / "part.txt"
    else:
        data.as_pascal_voc(annotations_directory_path=str(tmp_path / "labels"))
        file = tmp_path / "labels" / "part.xml"
    read = detection_of(file, PHOTO)
    off = 1 if way == "pascal_voc" else 0  # supervision counts VOC's pixels from 1, other tools from 0: the format's own doubt
    assert {r.label for r in read.regions} == {"pit"}
    assert {r.box for r in read.regions} <= {Box(b.x0 + off, b.y0 + off, b.x1, b.y1) for b in wanted}
    assert len(read.regions) == 50


def labelme(mark: np.ndarray) -> tuple[str, str]:
    shape = {"label": "pit", "points": mark.tolist(), "shape_type": "polygon"}
    return "part.json", json.dumps({"imagePath": "part.png", "imageWidth": WIDTH, "imageHeight": HEIGHT, "shapes": [shape]})


def cvat(mark: np.ndarray) -> tuple[str, str]:
    points = ";".join(f"{x},{y}" for x, y in mark)
    image = f'<image id="0" name="lot/part.png" width="{WIDTH}" height="{HEIGHT}"><polygon label="pit" points="{points}"/></image>'
    return "part.xml", f'<?xml version="1.0"?><annotations><version>1.1</version>{image}</annotations>'


def coco(mark: np.ndarray) -> tuple[str, str]:
    row = {"id": 1, "image_id": 7, "category_id": 3, "segmentation": [mark.ravel().tolist()], "iscrowd": 0}
    image = {"id": 7, "file_name": "part.png", "width": WIDTH, "height": HEIGHT}
    return "part.json", json.dumps({"images": [image], "annotations": [row], "categories": [{"id": 3, "name": "pit"}]})


def yolo(mark: np.ndarray) -> tuple[str, str]:
    return "part.txt", "0 " + " ".join(f"{v!r}" for v in (mark / (WIDTH, HEIGHT)).ravel().tolist())


@pytest.mark.parametrize("written", [labelme, cvat, coco, yolo])
def test_polygons_in_label_files(written: Callable[[np.ndarray], tuple[str, str]], tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("pit\n")
    for polygon in polygons():
        name, text = written(polygon)
        (tmp_path / name).write_text(text)
        found = detection_of(tmp_path / name, PHOTO)
        assert np.array_equal(whole(found.regions), mask_of([polygon]))
        assert [r.label for r in found.regions] == ["pit"]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools' own code
def test_run_length_masks_are_those_of_the_reference_code() -> None:
    coding = pytest.importorskip("pycocotools.mask")
    for seed in range(CASES):
        mask = blob(seed)
        packed = coding.encode(np.asfortranarray(mask.astype(np.uint8)))
        assert np.array_equal(rle_mask(packed["counts"], packed["size"]), mask)
        assert np.array_equal(mask_of({"segmentation": {"counts": packed["counts"].decode(), "size": packed["size"]}}), mask)


def test_cvat_boxes_and_masks(tmp_path: Path) -> None:
    mask = blob(3)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, left, h, w = int(rows[0]), int(columns[0]), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    flat = mask[top : top + h, left : left + w].ravel()
    runs = np.diff([0, *np.flatnonzero(np.diff(flat, prepend=False)), flat.size])
    marks = f'<mask label="pit" rle="{", ".join(map(str, runs))}" left="{left}" top="{top}" width="{w}" height="{h}"/>'
    marks += '<box label="pit" xtl="80" ytl="2" xbr="90" ybr="12"/>'
    file = tmp_path / "a.xml"
    file.write_text(f'<annotations><image name="part.png" width="{WIDTH}" height="{HEIGHT}">{marks}</image></annotations>')
    found = detection_of(file, PHOTO)
    assert found.kinds == ("box", "mask")
    assert np.array_equal(whole(found.regions[:1]), mask)
    assert found.regions[1].box == Box(80, 2, 90, 12)


def test_masks_in_pictures_arrays_and_mvtecs_folders(tmp_path: Path) -> None:
    (tmp_path / "ground_truth" / "lot").mkdir(parents=True)
    for seed in range(CASES):
        Image.fromarray(blob(seed).astype(np.uint8) * 255).save(tmp_path / "ground_truth" / "lot" / "part_mask.png")
        assert np.array_equal(mask_of(tmp_path / "ground_truth"), blob(seed))
    assert np.array_equal(mask_of(tmp_path / "ground_truth" / "lot" / "part_mask.png"), blob(CASES - 1))
    np.save(tmp_path / "m.npy", blob(4))
    assert np.array_equal(mask_of(tmp_path / "m.npy"), blob(4))
    np.save(tmp_path / "h.npy", blob(4).astype(np.float32))
    assert np.array_equal(mask_of(str(tmp_path / "h.npy"), threshold=0.5), blob(4))


def test_torchvisions_predictions() -> None:
    likely = torch.zeros(2, 1, HEIGHT, WIDTH)
    likely[0, 0, 5:9, 5:20], likely[1, 0, 30:40, 40:44] = 0.9, 0.7
    found = {
        "boxes": torch.tensor([[5.0, 5, 20, 9], [40, 30, 44, 40]]),
        "labels": torch.tensor([1, 2]),
        "scores": torch.tensor([0.8, 0.6]),
    }
    plain, masked = detection_of(found, PHOTO), detection_of([found | {"masks": likely}], PHOTO)
    assert [r.box for r in plain.regions] == [r.box for r in masked.regions] == [Box(5, 5, 20, 9), Box(40, 30, 44, 40)]
    assert (plain.kinds, masked.kinds) == (("box",), ("mask",))
    assert [(r.label, round(r.peak or 0, 2)) for r in masked.regions] == [("1", 0.8), ("2", 0.6)]


@pytest.mark.slow
def test_anomalibs_items_and_batches() -> None:
    data = pytest.importorskip("anomalib.data")
    heat = torch.rand(32, 48)
    heat[4:9, 20:30] = 3
    item = data.ImageItem(
        image=torch.rand(3, 32, 48), anomaly_map=heat, pred_mask=heat > 2, pred_score=torch.tensor(0.9), pred_label=torch.tensor(True)
    )
    found = detection_of(item, PHOTO)
    (region,) = found.regions
    assert (region.box, region.peak) == (Box(40, 8, 60, 18), 3.0)
    assert (found.detector, found.score) == ("anomalib", pytest.approx(0.9))
    assert found.threshold is None
    assert "anomalib's post-processor" in found.meaning
    assert [n.key for n in found.notes] == ["note.mask_resized"]
    batch = data.ImageBatch(image=torch.rand(1, 3, 32, 48), anomaly_map=heat[None], pred_score=torch.tensor([0.9]))
    assert len(detection_of([batch], PHOTO, threshold=2.0).regions) == 1


def test_ultralytics_results() -> None:
    """Its real class; ultralytics itself is too heavy for the tests' own install."""
    results = pytest.importorskip("ultralytics.engine.results")
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    data = torch.zeros(1, HEIGHT, WIDTH)
    data[0, 10:30, 20:50] = 1
    rows = torch.tensor([[20.0, 10, 50, 30, 0.75, 0]])
    boxes_alone = results.Results(image, path="part.png", names={0: "crack"}, boxes=rows)
    with_masks = results.Results(image, path="part.png", names={0: "crack"}, boxes=rows, masks=data)
    (box,), (mask,) = detection_of(boxes_alone, PHOTO).regions, detection_of([with_masks], PHOTO).regions
    assert (box.box, box.label, box.peak) == (Box(20, 10, 50, 30), "crack", 0.75)
    assert abs(int(mask.mask.sum()) - 600) <= 52  # its outlines run through the pixels' middles: half a pixel on each side
    turned = results.Results(image, path="part.png", names={0: "crack"}, obb=torch.tensor([[40.0, 30, 20, 8, 0.4, 0.6, 0]]))
    (tilted,) = detection_of(turned, PHOTO).regions
    assert abs(int(tilted.mask.sum()) - 160) < 12


def test_the_photos_own_orientation_turns_the_mask_with_it() -> None:
    turned = Photo("p.jpg", "0" * 64, 1, PHOTO.pixels, "JPEG", "RGB", 6, ())
    stored = np.zeros((WIDTH, HEIGHT), bool)
    stored[:10, :4] = True  # in the pixels as the file stores them
    (region,) = detection_of(stored, turned).regions
    assert region.box == Box(WIDTH - 10, 0, WIDTH, 4) or region.box == Box(0, HEIGHT - 4, 10, HEIGHT)
