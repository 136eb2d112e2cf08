from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from seewhy.agent.photos.layouts import good_photos, read_layout, surveyed
from seewhy.agent.photos.names import on_disk
from seewhy.errors import BadData

ENGLISH = "path,label\r\nsub/a.png,good\r\nsub/b.png,hole\r\n"
KOREAN = "경로,판정\r\n사진/부품 1.png,양품\r\n사진/부품 2.png,긁힘\r\n"
GERMAN = "Datei;Ergebnis\r\nTeil Prüfung.png;i.O.\r\nÖse.png;Riß\r\n"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name in ("sub/a.png", "sub/b.png", "사진/부품 1.png", "사진/부품 2.png", "Teil Prüfung.png", "Öse.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def read(folder: Path, data: bytes) -> list[tuple[str, str, bool]]:
    (folder / "lot.csv").write_bytes(data)
    return [(s.name, s.kind, s.path.exists()) for s in read_layout(folder / "lot.csv")]


@pytest.mark.parametrize(
    "data",
    [
        ENGLISH.encode(),
        ENGLISH.replace(",", ";").encode(),
        ENGLISH.replace(",", "\t").encode("utf-16"),
        b"sep=;\r\n" + ENGLISH.replace(",", ";").encode(),
        ENGLISH.replace("/", "\\").encode(),
        ENGLISH.replace("\r\n", "\r").encode(),
        ENGLISH.replace("path", "Image Path").replace("label", "Class").encode(),
        ENGLISH.replace(",", ' , "').replace("\r\n", '"\r\n').encode(),
        ENGLISH.encode() + b",\r\n\r\n,\r\n",
        b"# lot 7\r\n" + ENGLISH.encode(),
        ENGLISH.encode("utf-16-le"),
    ],
)
def test_lists_as_programs_write_them(data: bytes, here: Path) -> None:
    assert read(here, data) == [("sub/a.png", "good", True), ("sub/b.png", "hole", True)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_lists_of_korean_spreadsheets(encoding: str, here: Path) -> None:
    assert read(here, KOREAN.encode(encoding)) == [("사진/부품 1.png", "good", True), ("사진/부품 2.png", "긁힘", True)]
    assert surveyed(here / "lot.csv").assumed == (() if encoding.startswith("utf-8") else (f"lot.csv was read as {encoding}",))


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_lists_of_german_spreadsheets(encoding: str, here: Path) -> None:
    assert read(here, GERMAN.encode(encoding)) == [("Teil Prüfung.png", "good", True), ("Öse.png", "riß", True)]


def test_names_that_macos_took_apart_are_found(tmp_path: Path) -> None:
    (tmp_path / unicodedata.normalize("NFD", "부품.png")).write_bytes(b"x")
    assert read(tmp_path, "path\n부품.png\n".encode())[0][2]


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX")
def test_names_on_disk_in_the_lists_own_encoding_are_found(tmp_path: Path) -> None:
    name = "양품.png".encode("cp949")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"x")
    ((recorded_as, _, there),) = read(tmp_path, b"path\n" + name)
    assert there
    assert os.fsencode(on_disk(recorded_as)) == name
    recorded_as.encode("utf-8")


def test_visa_split(tmp_path: Path) -> None:
    (tmp_path / "split_csv").mkdir()
    (tmp_path / "split_csv" / "1cls.csv").write_text(
        "object,split,label,image,mask\ncandle,train,normal,candle/a.JPG,\ncandle,test,anomaly,candle/b.JPG,candle/b.png\n"
    )
    first, second = read_layout(tmp_path)
    assert (first.product, first.split, first.good, first.mask) == ("candle", "train", True, None)
    assert (second.kind, second.mask) == ("anomaly", tmp_path / "candle" / "b.png")
    assert good_photos([first, second]) == [first]


def test_what_had_to_be_assumed_is_told(here: Path) -> None:
    assert read(here, b"sub/a.png\nsub/b.png\n") == [("sub/a.png", "", True), ("sub/b.png", "", True)]
    assert surveyed(here / "lot.csv").assumed == ("lot.csv has no header; its lines were taken as paths",)
    assert len(read(here, ENGLISH.encode() + b"sub/a.png,good\r\n")) == 2
    assert surveyed(here / "lot.csv").assumed == ("line 4 repeats sub/a.png and was passed over",)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no column of paths; name one of its columns path, photo, image, file"),
        (b"where\na.png\n", "no column of paths"),
        (b"path,label\n", "lists no photo"),
        (b"path,label\na.png,good\n,good\n", "line 3: the column 'path' is empty"),
        (b"path,path\na,b\n", "keep one"),
        (b"path,label\na.png,good\na.png,hole\n", "twice, with different labels"),
        (b"PK\3\4rest of a workbook", "is a workbook"),
        (b"\x89PNG\r\n\x1a\n", "is a photo"),
        (b"path\n\0\0\0\0\n", "not a text"),
        (b'path\n"' + b"a" * 200_000 + b'"\n', "line 2"),
    ],
)
def test_lists_that_cannot_be_read_are_refused_with_the_reason(data: bytes, said: str, here: Path) -> None:
    with pytest.raises(BadData, match=said):
        read(here, data)


def test_labels_that_say_good_of_nothing_teach_nothing(here: Path) -> None:
    for data in (b"path,label\nsub/a.png,0\nsub/b.png,1\n", b"path,operator\nsub/a.png,Kim\nsub/b.png,Lee\n"):
        read(here, data)
        with pytest.raises(BadData, match="no photo is known to be good"):
            good_photos(read_layout(here / "lot.csv"))
