"""What people get wrong: one clear error that names the remedy, or a note in the record."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seewhy
from seewhy.agent.detections.reading import detection_of
from seewhy.agent.photos.images import photo_of
from seewhy.card import DefectType, ProductCard
from seewhy.errors import BadData
from seewhy.evals.synthetic.surfaces import good
from seewhy.types import Box

PIXELS = good("plate", 1).pixels
HEIGHT, WIDTH = PIXELS.shape[:2]
PHOTO = photo_of(PIXELS, name="part.png")
NAN = np.full((HEIGHT, WIDTH), np.nan, np.float32)

WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    "NaN in the heat map": (NAN, {"threshold": 1.0}, r"are NaN or infinite; mend the detector"),
    "a heat map of one value": (np.ones((HEIGHT, WIDTH), np.float32), {"threshold": 0.5}, r"is 1 everywhere.*did the detector run\?"),
    "a heat map without a threshold": (np.random.default_rng(0).random((HEIGHT, WIDTH)), {}, r"give the `threshold`"),
    "a mask of another size": (np.ones((7, 9), bool), {}, rf"the mask is 9 x 7, the photo {WIDTH} x {HEIGHT}; give it the photo's size"),
    "a box outside": ([(WIDTH + 5, 2, WIDTH + 9, 9)], {}, rf"lies outside the photo, which is {WIDTH} x {HEIGHT}"),
    "x, y, width, height": ([(200, 100, 40, 30)], {}, r"has no area.*is it x, y, width, height\?"),
    "shares": ([(0.1, 0.1, 0.5, 0.5)], {}, r"looks like shares of the photo; give pixels"),
    "a box with NaN": ([(1, 2, float("nan"), 9)], {}, r"four finite numbers"),
    "two corners": ([[(1, 1), (5, 5)]], {}, r"three or more finite corners"),
    "a polygon outside": ([[(-9, -9), (-5, -9), (-5, -5)]], {}, r"covers no pixel of the photo"),
    "an empty mask in a list": ([np.zeros((HEIGHT, WIDTH), bool)], {}, r"marks nothing; leave it out"),
    "another object": (object(), {}, r"object holds no regions that seewhy reads; give boxes"),
    "nothing": (None, {}, r"NoneType holds no regions"),
    "a dictionary of others": ({"mask": 1}, {}, r"keys mask marks nothing; torchvision's have `boxes`"),
    "a missing file": ("nowhere.json", {}, r"nowhere.json does not exist"),
    "a score without a meaning": ([(1, 1, 5, 5)], {"score": 3.0}, r"nobody says what it means; give `meaning`"),
}


@pytest.mark.parametrize("what", WRONG)
def test_one_clear_error(what: str) -> None:
    regions, said, why = WRONG[what]
    score = said.pop("score", None)
    with pytest.raises(BadData, match=why):
        if score is not None:
            seewhy.Detection(detection_of(regions, PHOTO).regions, ("box",), score=score)
        detection_of(regions, PHOTO, **said)


FILES: dict[str, tuple[str, bytes, str]] = {
    "truncated JSON": ("a.json", b'{"shapes": [{"label": "x"', r"can't be read as JSON.*is it cut off\? export it again"),
    "another JSON": ("a.json", b'{"a": 1}', r"JSON of a kind that seewhy doesn't know; it reads COCO, Labelme"),
    "half a Labelme": ("a.json", b'{"shapes": [{"label": "x"}], "imagePath": "part.png"}', r"can't be read as labels \('points'\)"),
    "truncated XML": ("a.xml", b"<annotation><filename>a", r"can't be read as XML"),
    "XML with entities": ("a.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><annotation/>', r"declares entities"),
    "UTF-16": ("a.json", '{"shapes": []}'.encode("utf-16"), r"is not text in UTF-8 \(byte 0\); save it again as UTF-8"),
    "cp949": ("a.txt", "0 흠".encode("cp949"), r"is not text in UTF-8"),
    "no YOLO": ("a.txt", b"0 0.5 0.5 0.1", r"line 1: 3 numbers after the class"),
    "words": ("a.txt", b"scratch 0.5 0.5 0.1 0.1", r"line 1: invalid literal"),
    "another ending": ("a.docx", b"x", r"seewhy reads no regions from \.docx; give \.json"),
    "no picture": ("a.png", b"x", r"can't be read as a mask"),
    "an array of objects": ("a.npy", b"x", r"can't be read as an array"),
    "another photo's": (
        "a.json",
        json.dumps({"imagePath": "part.png", "imageWidth": 9, "imageHeight": 9, "shapes": []}).encode(),
        r"was made for a photo of 9 x 9, this one is",
    ),
    "many photos, none this": (
        "a.json",
        json.dumps(
            {"images": [{"id": i, "file_name": f"{i}.png", "width": 9, "height": 9} for i in (1, 2)], "annotations": [], "categories": []}
        ).encode(),
        r"marks 2 photos, and none of them is called 'part.png'",
    ),
}


@pytest.mark.parametrize("what", FILES)
def test_one_clear_error_about_a_file(what: str, tmp_path: Path) -> None:
    name, data, why = FILES[what]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadData, match=why) as caught:
        detection_of(tmp_path / name, PHOTO)
    assert name in str(caught.value) or re.search(why, str(caught.value))


def notes(regions: Any, **more: Any) -> tuple[seewhy.Inspection, set[str], str]:
    found = seewhy.explain(PIXELS, regions, **more)
    said = [*(n.key for n in found.record.photo.notes), *(m.because.key for m in found.record.missing)]
    return found, set(said), found.record.verdict.value or ""


@pytest.mark.parametrize("empty", [[], np.zeros((0, 4)), np.zeros((HEIGHT, WIDTH), bool)], ids=["list", "array", "mask"])
def test_no_region_is_no_pass(empty: Any) -> None:
    found, _, verdict = notes(empty)
    assert (found.record.findings, verdict) == ((), "review")
    assert found.record.reasons[-1].key == "reason.external_nothing"


def test_slips_are_told_in_the_record() -> None:
    cut, said, _ = notes([(-9, 5, 20, 20)])
    assert cut.regions[0].box == Box(0, 5, 20, 20)
    assert "note.regions_cut" in said
    nested, said, _ = notes([[(10, 10), (60, 10), (60, 60), (10, 60)], [(20, 20), (30, 20), (30, 30), (20, 30)]])
    assert "note.regions_overlap" in said
    assert [f.measured.size.area.value for f in nested.record.findings] == [2500, 100]


def test_ten_thousand_regions() -> None:
    corners = np.random.default_rng(0).integers(0, (WIDTH - 9, HEIGHT - 9), (10_000, 2))
    many, said, _ = notes(np.hstack([corners, corners + np.array([5, 6])]))
    assert len(many.record.findings) == 50
    assert {"note.regions_many", "missing.more_findings"} <= said


def test_a_reference_of_another_size_and_of_another_product() -> None:
    _, said, _ = notes([(20, 20, 60, 60)], reference=PIXELS[: HEIGHT // 2])
    assert "missing.reference_size" in said
    other, said, _ = notes([(20, 20, 60, 60)], reference=np.random.default_rng(0).integers(0, 255, PIXELS.shape).astype(np.uint8))
    assert "missing.reference_unlike" in said
    words = other.record.findings[0].explanation
    assert isinstance(words, seewhy.record.Explanation)
    assert [a.status for a in words.appearance if a.value and a.value.key.startswith("reference")] == ["missing"]


def test_a_card_without_the_type_and_one_with_it() -> None:
    from seewhy.record import Explanation

    region = detection_of([(20, 20, 60, 60)], PHOTO).regions[0]
    import dataclasses

    dent = seewhy.Detection((dataclasses.replace(region, label="dent"),), ("box",), "yolo")
    unknown, said, _ = notes(dent)
    assert "missing.external_type" in said
    assert unknown.record.findings[0].hypotheses[0].type.value == "dent"
    named, said, _ = notes(dent, card=ProductCard(name="plate", defects=(DefectType(name="dent"),)))
    words = named.record.findings[0].explanation
    assert isinstance(words, Explanation)
    assert (words.type.value, words.type.source, words.type.status) == ("dent", "external", "unverified")
    assert "missing.external_type" not in said
