from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from seewhy.agent.photos.identity import EXIF_IFD, MODEL, OFFSET, SHOT_AT, identified
from seewhy.agent.photos.layouts import read_layout
from seewhy.agent.photos.samples import Sample
from seewhy.errors import BadData
from seewhy.record import PartIdentity

GPS, OWNER, BODY_SERIAL = 0x8825, 0xA430, 0xA431


@pytest.fixture
def lot(tmp_path: Path) -> list[Sample]:
    folder = tmp_path / "lot"
    (folder / "S2").mkdir(parents=True)
    exif = Image.Exif()
    exif[MODEL] = "Cam 5"
    exif.get_ifd(EXIF_IFD).update({SHOT_AT: "2026:11:25 08:30:00", OFFSET: "+09:00", OWNER: "Kim", BODY_SERIAL: "12345"})
    exif.get_ifd(GPS).update({1: "N", 2: (37.0, 33.0, 0.0)})
    Image.new("RGB", (16, 16)).save(folder / "A7_top.jpg", exif=exif)
    Image.new("RGB", (16, 16)).save(folder / "S2" / "B8_side.png")
    (folder / "S2" / "torn_top.png").write_bytes(b"\x89PNG")
    return read_layout(folder)


def parts(samples: list[Sample]) -> dict[str, dict[str, str]]:
    return {Path(s.name).name: {} if s.part is None else s.part.model_dump() for s in samples}


def test_a_name_says_which_part(lot: list[Sample]) -> None:
    assert parts(identified(lot, pattern="{serial}_{view}")) == {
        "A7_top.jpg": {"serial": "A7", "view": "top"},
        "B8_side.png": {"serial": "B8", "view": "side"},
        "torn_top.png": {"serial": "torn", "view": "top"},
    }
    assert parts(identified(lot, pattern="{station}/{serial}_{view}"))["B8_side.png"] == {"station": "S2", "serial": "B8", "view": "side"}
    assert parts(identified(lot, pattern="nothing-{serial}"))["A7_top.jpg"] == {}


def test_exif_gives_camera_and_time_and_nothing_of_place_or_owner(lot: list[Sample]) -> None:
    found = parts(identified(lot, exif=True))
    assert found == {"A7_top.jpg": {"camera": "Cam 5", "shot_at": "2026-11-25T08:30:00+09:00"}, "B8_side.png": {}, "torn_top.png": {}}


def test_the_callers_word_stands_before_the_lists_and_that_before_the_names(lot: list[Sample], tmp_path: Path) -> None:
    table = tmp_path / "parts.csv"
    table.write_text("사진,일련번호,근무조\nlot/A7_top.jpg,A-0007,night\n", encoding="cp949")
    found = parts(identified(lot, pattern="{serial}_{view}", table=table, exif=True, given=PartIdentity(shift="day", order="O-1")))
    assert found["A7_top.jpg"] == {
        "serial": "A-0007", "view": "top", "camera": "Cam 5", "shot_at": "2026-11-25T08:30:00+09:00", "shift": "day", "order": "O-1"
    }  # fmt: skip
    assert found["B8_side.png"] == {"serial": "B8", "view": "side", "shift": "day", "order": "O-1"}


@pytest.mark.usefixtures("lot")
def test_a_list_of_photos_may_name_their_parts(tmp_path: Path) -> None:
    table = tmp_path / "lot.csv"
    table.write_text("path,serial,batch\nlot/A7_top.jpg,A-0007,7\nlot/S2/B8_side.png,,\n")
    assert parts(identified(read_layout(table))) == {"A7_top.jpg": {"serial": "A-0007", "batch": "7"}, "B8_side.png": {}}


@pytest.mark.parametrize("pattern", ["plain", "{colour}", "{serial}-{serial}", "{}"])
def test_a_pattern_names_fields_of_a_part(lot: list[Sample], pattern: str) -> None:
    with pytest.raises(BadData, match="the pattern"):
        identified(lot, pattern=pattern)


def test_a_list_of_other_photos_is_refused(lot: list[Sample], tmp_path: Path) -> None:
    table = tmp_path / "other.csv"
    table.write_text("path,serial\nother.png,1\n")
    with pytest.raises(BadData, match="names no part of these photos"):
        identified(lot, table=table)
