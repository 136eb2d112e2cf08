from __future__ import annotations

from pathlib import Path

import pytest

from seewhy.agent.photos.layouts import good_photos, read_layout
from seewhy.errors import BadData
from seewhy.evals.synthetic.surfaces import write_dataset


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_a_folder_lists_every_file_but_hidden_ones_in_order(tmp_path: Path) -> None:
    touch(tmp_path / "b" / "2.png", tmp_path / "a.png", tmp_path / ".hidden", tmp_path / ".git" / "x")
    (tmp_path / "out").symlink_to(tmp_path.parent)
    assert [s.name for s in read_layout(tmp_path)] == ["a.png", "out", "b/2.png"]


def test_mvtec_one_product_and_many(tmp_path: Path) -> None:
    write_dataset(tmp_path / "plate", "plate", good_train=2, good_test=1, per_kind=1)
    one = read_layout(tmp_path / "plate")
    assert {(s.split, s.kind) for s in one} == {("train", "good"), *(("test", k) for k in ("good", "scratch", "pit", "stain", "chip"))}
    assert all((s.mask is not None) == (s.kind != "good") for s in one)
    assert [s.product for s in read_layout(tmp_path)] == ["plate"] * len(one)
    assert {s.name for s in good_photos(one)} == {"train/good/0000.png", "train/good/0001.png"}


def test_visa_split(tmp_path: Path) -> None:
    (tmp_path / "split_csv").mkdir()
    (tmp_path / "split_csv" / "1cls.csv").write_text(
        "object,split,label,image,mask\ncandle,train,normal,candle/a.JPG,\ncandle,test,anomaly,candle/b.JPG,candle/b.png\n"
    )
    first, second = read_layout(tmp_path)
    assert (first.product, first.split, first.good, first.mask) == ("candle", "train", True, None)
    assert (second.kind, second.mask) == ("anomaly", tmp_path / "candle" / "b.png")
    assert good_photos([first, second]) == [first]


def test_csv_of_paths(tmp_path: Path) -> None:
    file = tmp_path / "lot.csv"
    file.write_text("Photo,label\na.png,good\nb/c.png,scratch\n")
    assert [(s.name, s.kind) for s in read_layout(file)] == [("a.png", "good"), ("b/c.png", "scratch")]
    file.write_text("where\na.png\n")
    with pytest.raises(BadData, match="path, photo, image, file"):
        read_layout(file)
    file.write_text("path,label\na.png,good\n,good\n")
    with pytest.raises(BadData, match="line"):
        read_layout(file)


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no file"):
        read_layout(tmp_path)
    with pytest.raises(BadData, match="does not exist"):
        read_layout(tmp_path / "none")
