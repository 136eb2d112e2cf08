from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from seewhy.agent.photos.layouts import good_photos, learned_and_tested, read_layout, surveyed
from seewhy.errors import BadData
from seewhy.evals.synthetic.surfaces import write_dataset


def touch(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")


def draw(path: Path, value: int = 0) -> None:
    """A picture of 16 x 16 with one spot of `value`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas = np.zeros((16, 16), np.uint8)
    canvas[4:6, 4:6] = value
    assert cv2.imwrite(str(path), canvas)


def seen(root: Path) -> dict[str, tuple[str, str, str]]:
    """(split, kind, mask) by name."""
    return {s.name: (s.split, s.kind, "" if s.mask is None else s.mask.relative_to(root).as_posix()) for s in read_layout(root)}


def test_a_folder_lists_its_photos_in_order(tmp_path: Path) -> None:
    touch(tmp_path, "b.png", "a.png", ".hidden", "c.heic")
    (tmp_path / "out").symlink_to(tmp_path.parent)
    assert [s.name for s in read_layout(tmp_path)] == ["a.png", "b.png", "c.heic", "out"]
    assert good_photos(read_layout(tmp_path)) == read_layout(tmp_path)


@pytest.mark.parametrize(
    ("where", "good", "product"),
    [
        ("bracket/good", (), "bracket"),
        ("브래킷/train/양품", (), "브래킷"),
        ("bracket/OK", ("run1",), "bracket"),
        ("bracket", (), "bracket"),
        ("good-bolts", (), "good-bolts"),
    ],
)
def test_a_folder_that_says_no_more_than_good_names_no_product(tmp_path: Path, where: str, good: tuple[str, ...], product: str) -> None:
    touch(tmp_path / where, "run1/a.png" if good else "a.png")
    layout = surveyed(tmp_path / where, good)
    assert [s.product for s in layout.samples] == [product]
    assert any(f"called '{product}'" in line for line in layout.told()) == (Path(where).name != product)


def test_what_systems_and_tools_leave_is_left_out_and_counted(tmp_path: Path) -> None:
    touch(tmp_path, "1.png", "Thumbs.db", "desktop.ini", ".DS_Store", "._1.png", "1.json", "lot.txt")
    touch(tmp_path, "@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg", "__MACOSX/._1.png", "#recycle/old.png")
    layout = surveyed(tmp_path)
    assert [s.name for s in layout.samples] == ["1.png"]
    assert sum(count for *_, count in layout.left_out) == 9
    assert {why for _, why, _ in layout.left_out} == {"system file", "hidden file", "label or document"}
    assert good_photos(layout.samples) == list(layout.samples)


def test_mvtec_one_product_and_many(tmp_path: Path) -> None:
    write_dataset(tmp_path / "plate", "plate", good_train=2, good_test=1, per_kind=1)
    one = read_layout(tmp_path / "plate")
    assert {(s.split, s.kind) for s in one} == {("train", "good"), *(("test", k) for k in ("good", "scratch", "pit", "stain", "chip"))}
    assert all((s.mask is not None) == (s.kind != "good") for s in one)
    many = read_layout(tmp_path)
    assert [s.product for s in many] == ["plate"] * len(one)
    assert {s.name for s in good_photos(many)} == {"plate/train/good/0000.png", "plate/train/good/0001.png"}


KNOWN: dict[str, tuple[list[str], dict[str, tuple[str, str, str]]]] = {
    "MVTec LOCO": (
        ["train/good/0.png", "validation/good/0.png", "test/logical_anomalies/0.png", "ground_truth/logical_anomalies/0/000.png"],
        {
            "train/good/0.png": ("train", "good", ""),
            "validation/good/0.png": ("validation", "good", ""),
            "test/logical_anomalies/0.png": ("test", "logical_anomalies", "ground_truth/logical_anomalies/0"),
        },
    ),
    "MVTec AD 2": (
        [
            "train/good/0_regular.png",
            "test_public/bad/0_regular.png",
            "test_public/ground_truth/bad/0_regular_mask.png",
            "test_private/0.png",
        ],
        {
            "train/good/0_regular.png": ("train", "good", ""),
            "test_public/bad/0_regular.png": ("test", "bad", "test_public/ground_truth/bad/0_regular_mask.png"),
            "test_private/0.png": ("private", "", ""),
        },
    ),
    "BTAD": (
        ["train/ok/0.bmp", "test/ok/1.bmp", "test/ko/2.bmp", "ground_truth/ko/2.png"],
        {
            "train/ok/0.bmp": ("train", "good", ""),
            "test/ok/1.bmp": ("test", "good", ""),
            "test/ko/2.bmp": ("test", "ko", "ground_truth/ko/2.png"),
        },
    ),
    "GoodsAD, VisA by its own script, in capitals": (
        ["train/Good/0.JPG", "test/Bad/1.JPG", "ground_truth/bad/1.png"],
        {"train/Good/0.JPG": ("train", "good", ""), "test/Bad/1.JPG": ("test", "Bad", "ground_truth/bad/1.png")},
    ),
    "VisA as downloaded": (
        ["Data/Images/Normal/0.JPG", "Data/Images/Anomaly/1.JPG", "Data/Masks/Anomaly/1.png", "image_anno.csv"],
        {
            "Data/Images/Normal/0.JPG": ("", "good", ""),
            "Data/Images/Anomaly/1.JPG": ("", "anomaly", "Data/Masks/Anomaly/1.png"),
        },
    ),
    "Real-IAD": (
        ["OK/S0001/a_OK_C1.jpg", "NG/BX/S0002/a_NG_C1.jpg", "NG/BX/S0002/a_NG_C1.png"],
        {
            "OK/S0001/a_OK_C1.jpg": ("", "good", ""),
            "NG/BX/S0002/a_NG_C1.jpg": ("", "BX", "NG/BX/S0002/a_NG_C1.png"),
        },
    ),
    "anomalib's folders": (
        ["good/0.png", "crack/1.png", "mask/crack/1.png"],
        {"good/0.png": ("", "good", ""), "crack/1.png": ("", "crack", "mask/crack/1.png")},
    ),
    "anomalib's folders, masks in one": (
        ["양품/0.png", "crack/1.png", "mask/1_mask.png"],
        {"양품/0.png": ("", "good", ""), "crack/1.png": ("", "crack", "mask/1_mask.png")},
    ),
}


@pytest.mark.parametrize("layout", KNOWN)
def test_layouts_of_public_data_sets(layout: str, tmp_path: Path) -> None:
    files, right = KNOWN[layout]
    touch(tmp_path, *files)
    assert seen(tmp_path) == right
    taken = {s.name for s in good_photos(read_layout(tmp_path))}
    assert taken == {name for name, (split, kind, _) in right.items() if kind == "good" and split != "test"}


def test_real_iads_own_split_is_used(tmp_path: Path) -> None:
    touch(tmp_path, "realiad_1024/plug/OK/S1/a.jpg", "realiad_1024/plug/OK/S2/b.jpg", "realiad_1024/plug/NG/BX/S3/c.jpg")
    (tmp_path / "realiad_jsons").mkdir()
    rows = {"train": [{"image_path": "OK/S1/a.jpg"}], "test": [{"image_path": "OK/S2/b.jpg"}, {"image_path": "NG/BX/S3/c.jpg"}]}
    (tmp_path / "realiad_jsons" / "plug.json").write_text(json.dumps(rows))
    assert sorted((s.split, s.kind, s.product) for s in read_layout(tmp_path)) == [
        ("test", "BX", "plug"),
        ("test", "good", "plug"),
        ("train", "good", "plug"),
    ]


def test_kolektor_an_empty_mask_says_good(tmp_path: Path) -> None:
    for name, value in (("kos01/Part0", 0), ("kos01/Part1", 255)):
        draw(tmp_path / f"{name}.jpg", 90)
        draw(tmp_path / f"{name}_label.bmp", value)
    assert seen(tmp_path) == {
        "kos01/Part0.jpg": ("", "good", "kos01/Part0_label.bmp"),
        "kos01/Part1.jpg": ("", "defect", "kos01/Part1_label.bmp"),
    }
    two = tmp_path / "two"
    for name, value in (("train/1", 0), ("train/2", 255), ("test/3", 0)):
        draw(two / f"{name}.png", 90)
        draw(two / f"{name}_GT.png", value)
    assert {name: found[:2] for name, found in seen(two).items()} == {
        "train/1.png": ("train", "good"),
        "train/2.png": ("train", "defect"),
        "test/3.png": ("test", "good"),
    }


LABELME = {"imagePath": "1.png", "imageWidth": 16, "imageHeight": 16, "shapes": [{"label": "crack", "points": [[1, 1], [9, 1], [9, 9]]}]}
COCO = {
    "images": [{"id": 1, "file_name": "1.png", "width": 16, "height": 16}, {"id": 2, "file_name": "2.png", "width": 16, "height": 16}],
    "categories": [{"id": 7, "name": "crack"}],
    "annotations": [{"image_id": 1, "category_id": 7, "bbox": [1, 1, 5, 5], "segmentation": []}],
}
VOC = (
    "<annotation><filename>{name}</filename><size><width>16</width><height>16</height></size>{what}</annotation>",
    "<object><name>crack</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>6</xmax><ymax>6</ymax></bndbox></object>",
)


@pytest.mark.parametrize("tool", ["labelme", "coco", "voc"])
def test_labels_that_mark_defects_say_what_is_good(tool: str, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        draw(tmp_path / f"{number}.png", 90)
    if tool == "labelme":
        (tmp_path / "1.json").write_text(json.dumps(LABELME))
        (tmp_path / "2.json").write_text(json.dumps(LABELME | {"imagePath": "2.png", "shapes": []}))
    elif tool == "coco":
        (tmp_path / "annotations.json").write_text(json.dumps(COCO))
    else:
        (tmp_path / "1.xml").write_text(VOC[0].format(name="1.png", what=VOC[1]))
        (tmp_path / "2.xml").write_text(VOC[0].format(name="2.png", what=""))
    samples = read_layout(tmp_path)
    assert [(s.name, s.kind, s.mask is not None) for s in samples] == [
        ("1.png", "crack", True),
        ("2.png", "good", False),
        ("3.png", "unlabelled", False),
    ]
    assert [s.name for s in good_photos(samples)] == ["2.png"]


def test_of_sub_folders_in_no_known_layout_nothing_is_learned(tmp_path: Path) -> None:
    touch(tmp_path, "left/1.png", "left/2.png", "right/1.png", "masks/1.png")
    layout = surveyed(tmp_path)
    assert [s.name for s in layout.samples] == ["left/1.png", "left/2.png", "right/1.png"]
    assert ("masks", "mask that belongs to no photo", 1) in layout.left_out
    with pytest.raises(BadData, match=r"left \(2\), right \(1\).*--good"):
        good_photos(layout.samples)
    assert [s.name for s in good_photos(read_layout(tmp_path, ["left"]))] == ["left/1.png", "left/2.png"]
    assert len(good_photos(read_layout(tmp_path, ["."]))) == 3
    with pytest.raises(BadData, match="not a folder"):
        read_layout(tmp_path, ["middle"])


def test_what_was_taken_and_left_out_is_told(tmp_path: Path) -> None:
    touch(tmp_path, "train/ok/0.png", "test/ko/1.png", "ground_truth/ko/1.png", "ground_truth/ko/9.png", "Thumbs.db")
    assert surveyed(tmp_path).told() == [
        "taken: test/ko (ko: 1), train/ok (good: 1)",
        "left out: . (system file: 1), ground_truth/ko (mask: 1), ground_truth/ko (mask that belongs to no photo: 1)",
    ]


def test_without_a_split_every_fifth_good_photo_is_measured_on(tmp_path: Path) -> None:
    touch(tmp_path, *(f"good/{i}.png" for i in range(10)), "crack/1.png")
    learned, tested = learned_and_tested(read_layout(tmp_path))
    assert len(learned) == 8
    assert [s.name for s in tested] == ["good/4.png", "good/9.png", "crack/1.png"]


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no file"):
        read_layout(tmp_path)
    with pytest.raises(BadData, match="does not exist"):
        read_layout(tmp_path / "none")
