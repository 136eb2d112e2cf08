"""Machine and person side by side."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from pypdf import PdfReader
from tests.helpers.korean import texts_of
from tests.helpers.ledgers import golden_record, refusal

from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.people import acts, releases
from seewhy.agent.people.roles import Who
from seewhy.record import Entry
from seewhy.reports import write_report

KIM = Who("Kim", "water, wiped off", "quality")


@pytest.fixture(scope="module")
def lot(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    with Ledger(tmp_path_factory.mktemp("people") / "l.sqlite") as book:
        for name in ("good-1.png", "stain.png", "burr.png"):
            book.append(golden_record(name))
        book.append(refusal("torn.png"))
        acts.review(book, "stain.png", "pass", KIM)
        acts.dispose(book, "burr.png", "use_as_is", KIM, concession="C-12")
        acts.sign(book, "burr.png", "approval", KIM)
        acts.review(book, "torn.png", "pass", KIM)
        slip = acts.comment(book, "good-1.png", Who("Kim", "a slip of the pen"))
        acts.withdraw(book, slip.hash, KIM)
        releases.complain(book, "C-9", ["good-1.png"], Who("Lee", "a dent"), customer="Acme")
        return list(entries(book, "L"))


@pytest.mark.parametrize("ending", ["html", "pdf"])
@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            (
                "Machine: fail",
                "People: pass",
                "Kim (quality) overrules the machine's verdict (fail): pass. Reason: water, wiped off",
                "use as is by concession, concession C-12",
                "Kim (quality) signs: approval.",
                "Lee notes the complaint C-9 (Acme). Reason: a dent",
            ),
        ),
        (
            "ko",
            (
                "기계 판정: 불합격",
                "사람 판정: 합격",
                "Kim(quality) 검토: 기계 판정(불합격)을 합격으로 변경. 사유: water, wiped off",
                "특채 승인 C-12",
                "Kim(quality) 서명: 승인.",
                "Lee 고객 불만 C-9 접수(Acme). 사유: a dent",
            ),
        ),
    ],
)
def test_a_report_shows_machine_and_people(lot: list[Entry], tmp_path: Path, ending: str, language: str, said: tuple[str, ...]) -> None:
    path = write_report(lot, lambda _: None, tmp_path / f"l.{ending}", language=language)
    text = texts_of(path.read_text()) if ending == "html" else " ".join(p.extract_text() for p in PdfReader(path).pages)
    flat = " ".join(text.split())
    for words in said:
        assert words.lower() in flat.lower(), words
    assert "slip of the pen" not in flat


def test_several_photos_of_a_part_have_one_document_with_the_worst_verdict(tmp_path: Path) -> None:
    photos: list[Entry] = [golden_record("good-left.png", serial="S-7"), golden_record("right.png", serial="S-7")]
    page = texts_of(write_report(photos, lambda _: None, tmp_path / "p.html").read_text())
    assert "part S-7: fail" in page and "Serial number S-7" in page
    others: list[Entry] = [*photos, golden_record("good-8.png", serial="S-8")]
    assert "2 parts (passed 1, failed 1)" in texts_of(write_report(others, lambda _: None, tmp_path / "l.html").read_text())
    rows = list(csv.DictReader(io.StringIO(write_report(photos, lambda _: None, tmp_path / "p.csv").read_bytes().decode("utf-8-sig"))))
    assert [r["serial"] for r in rows] == ["S-7", "S-7"]


def test_a_table_has_peoples_words_too(lot: list[Entry], tmp_path: Path) -> None:
    path = write_report(lot, lambda _: None, tmp_path / "l.csv")
    rows = {r["photo"]: r for r in csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig")))}
    told = {name: (r["verdict"], r["people_verdict"], r["disposition"], r["approved_by"]) for name, r in rows.items()}
    assert told == {
        "good-1.png": ("pass", "", "", ""),
        "stain.png": ("fail", "pass", "", ""),
        "burr.png": ("fail", "", "use_as_is", "Kim"),
        "torn.png": ("refused", "pass", "", ""),
    }
