"""Every kind of document, in every language and format: made from the ledger alone, twice the same, checkable, and never silent."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pypdf import PdfReader
from tests.helpers.korean import CODES, texts_of
from tests.helpers.ledgers import golden_record, refusal
from tests.helpers.works import KIM, LEE, PRODUCT, works

from seewhy.agent.documents.forms import fill
from seewhy.agent.documents.kinds import DOCUMENTS, make
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.people import acts
from seewhy.agent.people.retention import erase
from seewhy.agent.people.roles import Who
from seewhy.agent.proof.documents import check_document
from seewhy.errors import BadData, UnknownName
from seewhy.reports.documents.document import FORMATS
from seewhy.reports.seal import EMPTY, SEAL, sealed

pytestmark = pytest.mark.slow  # the works are inspected, and each page is set


@pytest.fixture(scope="session")
def book(inspector: Inspector, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return works(tmp_path_factory.mktemp("works"), inspector)


def options(kind: str, month: str) -> dict[str, str]:
    return {
        "certificate": {"part": "19"},
        "lot-certificate": {"lot": "L-1"},
        "ncr": {"part": "19"},
        "8d": {"complaint": "C-1"},
        "study": {"protocol": "PQ-1"},
        "masters": {"product": PRODUCT},
        "monthly": {"month": month, "product": PRODUCT},
        "audit": {"part": "19"},
        "dossier": {"protocol": "PQ-1"},
    }.get(kind, {})


def made(path: Path, kind: str, format_: str, language: str = "en", **given: str) -> bytes:
    with Ledger(path, read_only=True) as ledger:
        month = ledger.found("seq = 1")[0].at[:7]
        return make(ledger, kind, format_, language=language, **(given or options(kind, month)))


TITLES = {
    "certificate": ("Inspection certificate", "부품 검사 성적서"),
    "lot-certificate": ("Lot certificate", "로트 성적서"),
    "ncr": ("Nonconformance report", "부적합 보고서"),
    "8d": ("8D report", "8D 보고서"),
    "study": ("Capability study", "검출 능력 시험 보고서"),
    "masters": ("Master part log", "마스터 부품 기록"),
    "monthly": ("Monthly review", "월간 품질 검토"),
    "audit": ("Audit trail", "감사 추적"),
    "dossier": ("Qualification dossier", "적격성 평가 문서"),
    "validation": ("Validation summary", "유효성 확인 요약"),
}
# Names of ours, of tools, standards and people that stay as they are in Korean.
OURS = re.compile(
    r"seewhy[ a-z-]*(?:FILE|LEDGER)?|--\w+|LEDGER|UTC|AIAG|MSA|ISO|IATF|CFR|EU AI Act|Art|GMP Annex|draft|Clopper|Pearson|Liu"
    r"|MIL-HDBK-1823A|ASTM|E2862"
    r"|RFC|AQL|OC|SHA|Kim|Lee|Park|Acme|plate|stain|scratch|pit|top|png|works|sqlite|trials|quality|inspector|manager|patchcore|pillow|numpy|faiss"
    r"|cpu|torch|python|opencv|headless|openvino|OpenVINO|simplejpeg|timm|clip|open|efficientnet|lite0|Apache|default|long|large|clear|reference|ratings"
    r"|by procedure 7|seen under the lamp|all of it read|start of the early shift|Stock is held|Nothing leaves|left half|a hard edge"
    r"|MONTHLY|STUDY|NCR|AUDIT|DOSSIER|MASTERS|VALIDATION|CERTIFICATE|LOT|look at grippers|test|winclip|dinomaly|mutual|template"
)


@pytest.mark.parametrize("kind", sorted(TITLES))
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_document_is_made_twice_the_same_in_every_format(book: Path, kind: str, language: str, tmp_path: Path) -> None:
    assert set(TITLES) == set(DOCUMENTS.table)
    title = TITLES[kind][language == "ko"]
    for format_ in FORMATS:
        data = made(book, kind, format_, language)
        assert data == made(book, kind, format_, language)
        path = tmp_path / f"d.{format_}"
        path.write_bytes(data)
        if format_ == "pdf":
            reader = PdfReader(path)
            text = "\n".join(page.extract_text() for page in reader.pages)
            assert "\ufffd" not in text and "\\u" not in text  # every glyph is there
            metadata = reader.trailer["/Root"]["/Metadata"].get_data().decode()
            assert "pdfaid:part" in metadata and "pdfuaid:part" in metadata
        else:
            text = data.decode()
        assert title in text
        assert check_document(path, book) == check_document(path, book)
        assert check_document(path, book).intact


@pytest.mark.parametrize("kind", sorted(TITLES))
def test_a_korean_document_holds_no_english_word(book: Path, kind: str) -> None:
    text = OURS.sub(" ", CODES.sub(" ", texts_of(made(book, kind, "html", "ko").decode())))
    assert re.findall(r"[A-Za-z][A-Za-z'’]{2,}", re.sub(r"\b[0-9a-f]{8,}\b|[0-9A-F]{8}", " ", text)) == []


def test_a_changed_document_is_found_even_with_a_new_seal(book: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.html"
    data = made(book, "certificate", "html")
    path.write_bytes(data.replace(b">Fail<", b">Pass<"))
    assert not check_document(path).intact
    forged = SEAL.sub(EMPTY.encode(), data.replace(b">Fail<", b">Pass<"))
    path.write_bytes(sealed(forged))
    found = check_document(path, book)
    assert not found.intact and any("Pass" in line for line in found.changes)


def test_data_stand_beside_the_pages(book: Path) -> None:
    told = json.loads(made(book, "certificate", "json"))
    assert told["data"]["verdict"] == "fail" and told["recipe"] == {"kind": "certificate", "part": "19"}
    assert [e["seq"] for e in told["data"]["entries"]] == sorted(e["seq"] for e in told["data"]["entries"])
    lot = json.loads(made(book, "lot-certificate", "json"))["data"]
    assert lot["sample"]["found"] == 0 and lot["sample"]["looked"] == len(lot["sample"]["photos"])


def test_figures_stand_with_their_bounds(book: Path) -> None:
    page = texts_of(made(book, "lot-certificate", "html").decode())
    assert "Accepted" in page and "ISO 2859-1:1999" in page and "third edition is in force" in page
    assert re.search(r"0 of \d+ = 0\.00 %; at most \d+\.\d\d %", page)  # no "0" without its bound
    assert "Escape. The machine passed" in texts_of(made(book, "8d", "html").decode())
    monthly = json.loads(made(book, "monthly", "json"))["data"]
    assert monthly["photos"] == 15  # neither master parts nor the parts of the agreement study


def test_the_formulas_of_a_person_dont_leave_their_text(book: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(book, tmp_path))
    evil = "#set page(fill: red)\n<script>window.hacked=1</script> " + "x" * 10_000
    with Ledger(path, create=False) as ledger:
        fill(ledger, "8d", "C-1", "D5", evil, LEE)
    page = made(path, "8d", "html").decode()
    assert "<script>" not in page and "#set page(fill: red)" in page
    (tmp_path / "d.pdf").write_bytes(made(path, "8d", "pdf"))
    assert "#set page(fill: red)" in "".join(p.extract_text() for p in PdfReader(tmp_path / "d.pdf").pages)


def test_pictures_that_retention_deleted_are_a_told_gap(book: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(book, tmp_path))
    with Ledger(path, create=False) as ledger:
        assert erase(ledger, Who("Park", "policy 4.2", "manager"), older_than_days=0) is not None
    for format_ in ("html", "pdf"):
        (tmp_path / f"d.{format_}").write_bytes(made(path, "certificate", format_))
    assert "picture deleted by retention" in (tmp_path / "d.html").read_text()
    assert "picture deleted by retention" in " ".join(PdfReader(tmp_path / "d.pdf").pages[0].extract_text().split())


BAD: list[tuple[str, dict[str, str], str]] = [
    ("certificate", {"kind_": ""}, "a document takes"),
    ("certificate", {"part": "none"}, "holds no photo or part 'none'"),
    ("certificate", {"lot": "L-1"}, "needs --part"),
    ("lot-certificate", {"lot": "none"}, "holds no lot 'none'"),
    ("lot-certificate", {"part": "19"}, "give a lot with --lot"),
    ("ncr", {"part": "10"}, "conforms as it stands"),
    ("8d", {"complaint": "none"}, "no complaint 'none'"),
    ("study", {"protocol": "none"}, "holds no such study"),
    ("study", {"entry": "1"}, "is no study"),
    ("masters", {"product": "none"}, "no such run"),
    ("monthly", {"month": "1999-01"}, "no photo that was inspected in 1999-01"),
    ("monthly", {"month": "January"}, "a month is YYYY-MM"),
    ("dossier", {"protocol": "none"}, "no criterion of the protocol 'none'"),
]


@pytest.mark.parametrize(("kind", "given", "said"), BAD)
def test_what_leads_to_nothing_is_one_clear_error(book: Path, kind: str, given: dict[str, str], said: str) -> None:
    with pytest.raises(BadData, match=re.escape(said)):
        made(book, kind, "html", **given)


def test_other_formats_and_kinds_are_refused(book: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"is \.html, \.pdf or \.json"):
        made(book, "certificate", "csv")
    with pytest.raises(UnknownName, match="no document is called 'certficate'; did you mean 'certificate'"):
        made(book, "certficate", "html", part="19")
    with Ledger(tmp_path / "empty.sqlite") as ledger, pytest.raises(BadData, match="holds no entry yet"):
        make(ledger, "validation", "html")


def ledger_of(path: Path, enter: Callable[[Ledger], None]) -> Path:
    with Ledger(path) as ledger:
        enter(ledger)
    return path


def test_a_lot_that_was_refused_as_a_whole_and_a_month_without_findings(tmp_path: Path) -> None:
    def enter(ledger: Ledger) -> None:
        ledger.append(refusal("torn.png"))
        ledger.append(golden_record("good-1.png", lot="M"))

    path = ledger_of(tmp_path / "l.sqlite", enter)
    page = texts_of(made(path, "lot-certificate", "html", lot="L").decode())
    assert "Open" in page and "Parts that wait for a person: 1" in page
    assert "No findings." in texts_of(made(path, "lot-certificate", "html", lot="M").decode())
    assert "No master part was run before this lot" in page


def test_a_part_whose_type_nobody_named_and_an_open_disposition(tmp_path: Path) -> None:
    path = ledger_of(tmp_path / "l.sqlite", lambda ledger: acts_on(ledger))
    page = texts_of(made(path, "ncr", "html", part="stain.png").decode())
    assert "Disposition open" in page and "Nobody has said yet what becomes of this part" in page
    assert "pictures were not kept" in page


def acts_on(ledger: Ledger) -> None:
    ledger.append(golden_record("stain.png"))
    acts.review(ledger, "stain.png", "fail", KIM)
