"""A report is made whatever its photos are called, archival as ever; a place that can't be written loses nothing."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from pypdf import PdfReader

from seewhy.errors import NotWritten
from seewhy.record import Entry, RefusedPhoto
from seewhy.reports import write_report

HARMLESS = {  # shown as they are by the fonts that come with the extra
    "부품 1.png": "부품 1.png",
    "\u1107\u116e\u1111\u116e\u11b7.png": "부품.png",  # decomposed, as a Mac writes it
    "部品1.png": "部品1.png",
    "ﾃｽﾄ.png": "ﾃｽﾄ.png",
    "деталь.png": "деталь.png",
    "écran.png": "écran.png",
    "e\u0301cran.png": "écran.png",
    "Ø12 µm ±0,1.png": "Ø12 µm ±0,1.png",
    "①.png": "①.png",
    "new\nline.png": "new\\nline.png",
    "tab\there.png": "tab\\there.png",
    "bell\x07.png": "bell\\x07.png",
    "\u202egnp.png": "\\u202egnp.png",
    "soft\u00adhyphen.png": "soft\\xadhyphen.png",
    "zero\u200bwidth.png": "zero\\u200bwidth.png",
    "half\udcff.png": "half\\udcff.png",
    "private\ue000.png": "private\\ue000.png",
}
OTHERS = ["جزء.png", "ชิ้นส่วน.png", "emoji🔧.png", "👩‍🔧.png", "אבג.png", "भाग.png"]  # shown by fonts of the system or written out


def refused(name: str) -> RefusedPhoto:
    at = "2026-01-01T00:00:00"
    return RefusedPhoto(
        lot="L", product="p", name=name, sha256=None, code="empty", message=f"{name} is empty", remedy="copy it", inspected_at=at
    )


def none(_: str) -> bytes | None:
    return None


def pages_of(path: Path) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(path).pages)


def test_names_of_these_scripts_are_shown(tmp_path: Path) -> None:
    entries: list[Entry] = [refused(name) for name in HARMLESS]
    first = write_report(entries, none, tmp_path / "a.pdf", language="ko")
    text = pages_of(first)
    assert [shown for shown in HARMLESS.values() if shown not in text] == []
    assert "글꼴이 없는" not in text
    page = write_report(entries, none, tmp_path / "a.html").read_text(encoding="utf-8")
    assert [shown for shown in HARMLESS.values() if shown not in page] == []
    assert first.read_bytes() == write_report(entries, none, tmp_path / "b.pdf", language="ko").read_bytes()
    metadata = PdfReader(first).trailer["/Root"]["/Metadata"].get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in metadata
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata


@pytest.mark.parametrize("name", OTHERS)
def test_a_report_never_fails_for_a_name(name: str, tmp_path: Path) -> None:
    text = pages_of(write_report([refused(name)], none, tmp_path / "a.pdf"))
    letters = [c for c in name if not c.isascii()]
    written_out = [c for c in letters if c.encode("unicode_escape").decode() in text.replace("\n", "")]
    assert ("Characters that no font here has" in text) == bool(written_out)
    assert ".png" in text
    assert name in write_report([refused(name)], none, tmp_path / "a.html").read_text(encoding="utf-8")


def test_what_no_font_shows_is_written_out_with_a_note(tmp_path: Path) -> None:
    nobody_has = "\U00011fb0"  # Lisu Supplement, in no font that systems bring
    text = pages_of(write_report([refused(f"part{nobody_has}.png")], none, tmp_path / "a.pdf", language="ko"))
    assert "part\\U00011fb0.png" in text.replace("\n", "")
    assert "글꼴이 없는" in text


def test_a_full_disk_is_one_error_and_the_old_report_survives(tmp_path: Path) -> None:
    path = write_report([refused("a.png")], none, tmp_path / "lot.html")
    before, (soft, hard) = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # no file may grow beyond it, as on a full disk
    try:
        with pytest.raises(NotWritten, match=r"lot\.html"):
            write_report([refused("b.png")], none, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["lot.html"]


def test_a_place_that_is_no_folder_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotWritten):
        write_report([refused("a.png")], none, tmp_path / "file" / "lot.html")
