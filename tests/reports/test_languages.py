from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import pytest
from pypdf import PdfReader
from tests.helpers import TESTS
from tests.helpers.korean import english_left, texts_of
from tests.helpers.photos import as_photo

from seewhy.agent.inspection.inspector import Inspection, Inspector
from seewhy.agent.ledger.reading import entries as entries_of
from seewhy.agent.ledger.store import Ledger
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.prompts import sentence
from seewhy.record import Entry, InspectionRecord, Missing, RefusedPhoto, Sentence, Unexplained
from seewhy.reports import PictureBytes, write_report

Lot = tuple[list[Entry], PictureBytes]


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Lot]:
    """Lots A (words of a VLM that came later) and B (a type that a person named) of a ledger that an earlier version wrote."""
    path = Path(shutil.copy(TESTS / "golden" / "schema1" / "ledger.sqlite", tmp_path_factory.mktemp("golden")))
    with Ledger(path, create=False) as book:
        lots = {lot: list(entries_of(book, lot)) for lot in ("A", "B")}
        pictures = {
            e.sha256: book.evidence(e.sha256) for es in lots.values() for r in es if isinstance(r, InspectionRecord) for e in r.evidence
        }
    return {lot: (es, pictures.get) for lot, es in lots.items()}


@pytest.fixture(scope="module")
def uncalibrated(inspector: Inspector) -> Lot:
    """Parts that nothing passes, for several reasons, a refusal, and a finding that a VLM owes its words for."""
    strict = Inspector(inspector.model, card=inspector.card, alpha=0.001)
    made: list[Inspection] = [
        strict.inspect(as_photo(good("plate", 300), "good.png"), lot="로트 7"),
        strict.inspect(as_photo(defective("plate", "stain", 1), "부품 1.png"), lot="로트 7"),
    ]
    good_one, stained = (m.record for m in made)
    owed = Unexplained(explainer="vlm", reason="timeout", detail="no answer in 30 s")
    finding = stained.findings[0].model_copy(update={"unexplained": owed})
    noted = good_one.photo.model_copy(update={"notes": (stained.missing[0].because,)})
    records: list[Entry] = [
        good_one.model_copy(update={"photo": noted}),
        stained.model_copy(update={"findings": (finding, *stained.findings[1:])}),
        RefusedPhoto(
            lot="로트 7",
            product="plate",
            name="빈 사진.png",
            sha256=None,
            code="empty",
            message="빈 사진.png is empty (0 bytes)",
            remedy="copy it again from the camera",
            inspected_at="2026-01-01T00:00:00",
        ),
    ]
    pictures = {k: data for m in made for k, (_, data) in m.pictures.items()}
    return records, pictures.get


@pytest.mark.parametrize("ending", ["html", "pdf"])
@pytest.mark.slow
def test_a_korean_report_holds_no_english_word(golden: dict[str, Lot], uncalibrated: Lot, ending: str, tmp_path: Path) -> None:
    for number, (entries, pictures) in enumerate([*golden.values(), uncalibrated]):
        path = write_report(entries, pictures, tmp_path / f"{number}.{ending}", head="0" * 64, language="ko")
        text = texts_of(path.read_text()) if ending == "html" else "\n".join(p.extract_text() for p in PdfReader(path).pages)
        assert "검사 성적서" in text
        flat = " ".join(text.split())
        assert english_left(flat, entries) == []


def test_the_test_of_korean_sees_english(golden: dict[str, Lot], tmp_path: Path) -> None:
    entries, pictures = golden["A"]
    page = write_report(entries, pictures, tmp_path / "a.html", language="en").read_text()
    assert {"Inspection", "Severity", "passed", "measured"} <= set(english_left(texts_of(page), entries))


def test_old_records_are_said_from_their_findings(golden: dict[str, Lot], tmp_path: Path) -> None:
    entries, pictures = golden["B"]
    text = texts_of(write_report(entries, pictures, tmp_path / "b.html", language="ko").read_text())
    assert "검출 부위 1: 왼쪽 아래의 scratch" in text
    assert "심각도 치명결함, 규칙 long에 따라 불합격" in text
    assert "길이가 사진 대각선의 15 % 이상입니다." in text


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_report_names_who_named_a_type_and_what_they_remarked(golden: dict[str, Lot], language: str, tmp_path: Path) -> None:
    entries, pictures = golden["B"]
    page = texts_of(write_report(entries, pictures, tmp_path / "b.html", language=language).read_text())
    pdf = "\n".join(p.extract_text() for p in PdfReader(write_report(entries, pictures, tmp_path / "b.pdf", language=language)).pages)
    for text in (page, pdf):
        assert {"en": "Kim named it oil stain (2026-11-25).", "ko": "Kim 확인: oil stain(2026-11-25)."}[language] in text
        assert "seen before" in text
    rows = list(csv.DictReader(io.StringIO(write_report(entries, pictures, tmp_path / "b.csv").read_bytes().decode("utf-8-sig"))))
    assert [(r["type"], r["type_source"], r["confirmed_by"], r["comment"]) for r in rows if r["confirmed_by"]] == [
        ("oil stain", "human", "Kim", "seen before")
    ]


def test_a_callout_gives_the_records_own_reason(uncalibrated: Lot, tmp_path: Path) -> None:
    entries, pictures = uncalibrated
    records = [e for e in entries if isinstance(e, InspectionRecord)]
    unfamiliar = [
        r.model_copy(update={"reasons": (*r.reasons[:-1], s)})
        for r, s in zip(records, (records[0].reasons[-1], sentence("reason.unfamiliar")), strict=True)
    ]
    page = texts_of(write_report(unfamiliar, pictures, tmp_path / "u.html").read_text())
    assert "1 of 2 photos. Uncalibrated: a false-reject rate of 0.001 needs 999 held-out good photos" in page
    assert "1 of 2 photos. As a whole the photo is unlike all good photos of the product" in page
    lot = [r.model_copy(update={"reasons": (*r.reasons[:-1], sentence("reason.lot"))}) for r in records]
    page = texts_of(write_report(lot, pictures, tmp_path / "l.html").read_text())
    assert "2 of 2 photos. No photo is known to be good" in page
    assert "too few" not in page


@pytest.mark.parametrize("language", ["en", "ko"])
def test_notes_of_passing_parts_are_shown(inspector: Inspector, language: str, tmp_path: Path) -> None:
    passing = inspector.inspect(as_photo(good("plate", 300), "grey.tif"), lot="7").record
    assert passing.verdict.value == "pass"
    noted = passing.model_copy(update={"photo": passing.photo.model_copy(update={"notes": (sentence("note.16_bit_to_8"),)})})
    said = {"en": "16-bit values were scaled", "ko": "16비트 값을"}[language]
    entries: list[Entry] = [noted, passing.model_copy(update={"photo": passing.photo.model_copy(update={"name": "other.png"})})]
    page = texts_of(write_report(entries, lambda _: None, tmp_path / "n.html", language=language).read_text())
    pdf = PdfReader(write_report(entries, lambda _: None, tmp_path / "n.pdf", language=language)).pages[0].extract_text()
    assert said in page and said in pdf and "grey.tif" in pdf
    rows = list(csv.DictReader(io.StringIO(write_report(entries, lambda _: None, tmp_path / "n.csv").read_bytes().decode("utf-8-sig"))))
    assert [r["notes"] for r in rows] == ["16_bit_to_8", ""]


def test_an_unknown_missing_thing_is_said_as_it_was_recorded(uncalibrated: Lot, tmp_path: Path) -> None:
    entries, pictures = uncalibrated
    stained = entries[1]
    assert isinstance(stained, InspectionRecord)
    later = stained.model_copy(
        update={"missing": (Missing(what="later", because=Sentence(key="missing.later", text="of a later version")),)}
    )
    assert "of a later version" in write_report([later], pictures, tmp_path / "m.html", language="ko").read_text()
