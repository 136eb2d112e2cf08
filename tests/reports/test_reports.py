from __future__ import annotations

import csv
import io
import json
import shutil
import time
from pathlib import Path

import pytest
from pypdf import PdfReader
from tests.helpers.photos import ALPHA, as_photo

from seewhy.agent.inspection.inspector import Inspection, Inspector
from seewhy.card import DefectType, Knowledge, ProductCard
from seewhy.errors import BadData, UnknownName
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.prompts import catalogue, text
from seewhy.record import Entry, InspectionRecord, RefusedPhoto
from seewhy.reports import write_report
from seewhy.reports.tables import defused

EVIL = '=cmd|"/c calc"!A1<script>window.hacked=1</script>.png'


@pytest.fixture(scope="session")
def lot(inspector: Inspector) -> tuple[list[Entry], dict[str, bytes]]:
    defects = (DefectType(name="mark", shape=("line", "spot", "patch", "edge")),)
    knowledge = (Knowledge(id="K-1", applies_to=("mark",), cause="a hard edge", check="look at grippers", source="test"),)
    inspector = Inspector(inspector.model, card=ProductCard(name="plate", defects=defects, knowledge=knowledge), alpha=ALPHA)
    made: list[Inspection] = [
        inspector.inspect(as_photo(good("plate", 300), "good.png"), lot="Lot 7"),
        inspector.inspect(as_photo(defective("plate", "stain", 1), EVIL), lot="Lot 7"),
        inspector.inspect(as_photo(defective("plate", "scratch", 2), "#set page(fill: red).png"), lot="Lot 7"),
    ]
    refusal = RefusedPhoto(
        lot="Lot 7",
        product="plate",
        name="torn.png",
        sha256="0" * 64,
        code="truncated",
        message="torn.png is truncated",
        remedy="copy it again",
        inspected_at="2026-01-01T00:00:00",
    )
    return [*(m.record for m in made), refusal], {k: data for m in made for k, (_, data) in m.pictures.items()}


def test_html_stands_alone_and_escapes(lot: tuple[list[Entry], dict[str, bytes]], tmp_path: Path) -> None:
    entries, pictures = lot
    page = write_report(entries, pictures.get, tmp_path / "lot.html", head="abc123").read_text()
    assert "<script>window.hacked" not in page
    assert "http://" not in page and "https://" not in page
    assert 'src="data:image/jpeg' in page
    for said in ("Lot 7", "abc123", "torn.png is truncated", "Maximum Feret diameter", "Nearest good photo, same place", "K-1"):
        assert said in page, said


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium")
@pytest.mark.slow
def test_the_page_filters_and_sorts_in_a_real_browser(lot: tuple[list[Entry], dict[str, bytes]], tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    entries, pictures = lot
    path = write_report(entries, pictures.get, tmp_path / "lot.html")
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
        )
        page = browser.new_page()
        asked = list[str]()
        problems = list[str]()
        page.on("request", lambda r: asked.append(r.url))
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.goto(path.as_uri())
        assert page.evaluate("window.hacked") is None
        assert page.locator(".thumb:visible").count() == 4
        page.click("button[data-filter=fail]")
        assert page.locator(".thumb:visible").count() == 2
        assert page.locator("section.part:visible").count() == 2
        page.click("button[data-filter=all]")
        page.fill("#find", "set page")
        assert page.locator(".thumb:visible").count() == 1
        page.fill("#find", "")
        page.select_option("#sort", "number")
        assert page.locator(".thumb .name").first.inner_text() == "good.png"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert [u for u in asked if not u.startswith(("file:", "data:"))] == []
        assert problems == []
        browser.close()


@pytest.mark.slow
def test_pdf_is_tagged_archival_and_repeatable(lot: tuple[list[Entry], dict[str, bytes]], tmp_path: Path) -> None:
    entries, pictures = lot
    first = write_report(entries, pictures.get, tmp_path / "a.pdf", head="abc123").read_bytes()
    time.sleep(1.1)  # the hour of printing must not be in it
    assert first == write_report(entries, pictures.get, tmp_path / "b.pdf", head="abc123").read_bytes()
    reader = PdfReader(tmp_path / "a.pdf")
    said = "".join(page.extract_text() for page in reader.pages)
    assert "Lot 7" in said and "torn.png" in said and "window.hacked" in said
    assert "set page(fill: red)" in said  # shown, not obeyed
    metadata = reader.trailer["/Root"]["/Metadata"].get_data().decode()
    assert "pdfaid:part" in metadata and "pdfuaid:part" in metadata
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]


def test_csv_is_defused_and_json_is_the_record(lot: tuple[list[Entry], dict[str, bytes]], tmp_path: Path) -> None:
    entries, pictures = lot
    raw = write_report(entries, pictures.get, tmp_path / "lot.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(raw)))
    assert {r["photo"] for r in rows} >= {"'" + EVIL, "good.png", "torn.png"}
    assert not any(v.startswith(("=", "+", "@")) for r in rows for v in r.values())
    assert [defused(v) for v in ("-1", "\tx", "a=b", -1, None)] == ["'-1", "'\tx", "a=b", -1, None]
    data = json.loads(write_report(entries, pictures.get, tmp_path / "lot.json").read_text())
    assert InspectionRecord.model_validate(data["entries"][1]) == entries[1]


def test_a_report_without_pictures_says_so(lot: tuple[list[Entry], dict[str, bytes]], tmp_path: Path) -> None:
    page = write_report(lot[0], lambda _: None, tmp_path / "bare.html").read_text()
    assert "not kept" in page
    assert "data:image" not in page


def test_wrong_formats_and_empty_lots_are_refused(tmp_path: Path, lot: tuple[list[Entry], dict[str, bytes]]) -> None:
    with pytest.raises(UnknownName, match="did you mean 'html'"):
        write_report(lot[0], lot[1].get, tmp_path / "lot.htm")
    with pytest.raises(BadData, match="no entry"):
        write_report([], lot[1].get, tmp_path / "lot.html")


def test_every_sentence_of_a_record_can_be_said_again_from_key_and_values(lot: tuple[list[Entry], dict[str, bytes]]) -> None:
    def sentences(node: object) -> list[dict[str, object]]:
        if isinstance(node, dict):
            own = [node] if {"key", "params", "text"} <= set(node) else []
            return own + [s for v in node.values() for s in sentences(v)]
        return [s for v in node for s in sentences(v)] if isinstance(node, list | tuple) else []

    found = [s for e in lot[0] for s in sentences(e.model_dump(mode="json"))]
    assert len(found) > 20
    for said in found:
        assert text(str(said["key"]), **said["params"]) == said["text"]  # type: ignore[arg-type]
    assert set(catalogue("en")) >= {str(s["key"]) for s in found}
    with pytest.raises(UnknownName, match="language"):
        catalogue("tlh")
