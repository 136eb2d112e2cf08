"""A document says when it was changed; with its ledger, also where."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from pypdf import PdfReader
from tests.helpers import TESTS
from tests.helpers.ledgers import refusal

from seewhy.agent.ledger.reading import entries, latest
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.proof.documents import check_document
from seewhy.errors import BadData
from seewhy.reports import write_report
from seewhy.reports.seal import EMPTY, SEAL, sealed


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return Path(shutil.copy(TESTS / "golden" / "schema1" / "ledger.sqlite", tmp_path))


def written(ledger: Path, ending: str, language: str = "en") -> Path:
    with Ledger(ledger, read_only=True) as book:
        return write_report(list(entries(book, "A")), book.evidence, ledger.with_name(f"a.{ending}"), head=book.head[1], language=language)


def resealed(path: Path, old: bytes, new: bytes) -> None:
    """What somebody can do who knows how a seal is made."""
    data = path.read_bytes()
    assert old in data
    found = SEAL.search(data)
    assert found is not None
    path.write_bytes(sealed(data.replace(old, new).replace(found[0], EMPTY.encode())))


@pytest.mark.parametrize(
    ("ending", "language"), [("html", "ko"), ("pdf", "en"), pytest.param("pdf", "ko", marks=pytest.mark.slow), ("json", "en")]
)
def test_a_document_carries_its_seal_and_the_ledgers_head(ledger: Path, ending: str, language: str) -> None:
    document = written(ledger, ending, language)
    with Ledger(ledger, read_only=True) as book:
        head = book.head[1]
    assert (check_document(document).intact, check_document(document).head) == (True, head)
    found = check_document(document, ledger)
    assert (found.intact, found.changes, found.notes) == (True, (), ())
    whole, chance = document.read_bytes(), random.Random(3)
    for _ in range(25):
        at, data = chance.randrange(len(whole)), bytearray(whole)
        data[at] ^= 1 << chance.randrange(8)
        document.write_bytes(data)
        assert not check_document(document).intact, at


def test_a_document_names_every_entry_by_its_hash(ledger: Path) -> None:
    with Ledger(ledger, read_only=True) as book:
        hashes = [row.hash for row, _ in latest(book, "A")]
    assert len(hashes) > 2
    for ending in ("html", "json", "csv"):
        text = written(ledger, ending).read_text(encoding="utf-8-sig")
        assert [digest for digest in hashes if digest not in text] == []
    pages = "".join("".join(page.extract_text().split()) for page in PdfReader(written(ledger, "pdf")).pages)
    assert [digest for digest in hashes if digest not in pages] == []


def test_the_ledger_says_what_was_changed(ledger: Path) -> None:
    document = written(ledger, "html")
    resealed(document, b"fail</span>", b"pass</span>")
    assert check_document(document).intact  # by itself it looks whole
    found = check_document(document, ledger)
    assert "its seal fits, and the ledger says otherwise" in found.problem
    assert any(line.startswith("-") and "fail</span>" in line for line in found.changes)
    assert any(line.startswith("+") and "pass</span>" in line for line in found.changes)


@pytest.mark.parametrize(
    ("ending", "old", "new"), [("html", b"44.65 px across", b"44.66 px across"), ("json", b'"centroid_px"', b'"centroid_py"')]
)
def test_the_photo_that_was_changed_is_named(ledger: Path, ending: str, old: bytes, new: bytes) -> None:
    document = written(ledger, ending)
    data = document.read_bytes()
    assert old in data
    document.write_bytes(data.replace(old, new, 1))
    found = check_document(document)  # by the document alone
    assert (found.intact, found.place, found.entry) == (False, "photo scratch.png", None)
    with Ledger(ledger, read_only=True) as book:
        entry = next(row.seq for row in book.found_stored("lot = 'A' AND photo = 'scratch.png' AND kind = 'inspection'"))
    found = check_document(document, ledger)
    assert (found.place, found.entry) == ("photo scratch.png", entry)
    document.write_bytes(data)
    resealed(document, old, new)  # with the index made anew: only the ledger's own document tells
    assert check_document(document).intact
    found = check_document(document, ledger)
    assert (found.place, found.entry) == ("photo scratch.png", entry)
    with Ledger(ledger) as book:
        book.append(refusal("scratch.png", lot="C"))
    document.write_bytes(data.replace(old, new, 1))
    grown = check_document(document, ledger)
    assert (grown.place, grown.entry) == ("photo scratch.png", None)  # several lots have such a photo: it isn't guessed at


@pytest.mark.parametrize("ending", ["html", "json"])
def test_every_flip_is_placed_where_it_is(ledger: Path, ending: str) -> None:
    document = written(ledger, ending)
    whole, chance = document.read_bytes(), random.Random(8)
    photos = [b"scratch.png", b"stain.png"]
    starts = (
        [whole.index(b'id="part-%d"' % number) for number in (3, 4)]
        if ending == "html"
        else [whole.index(b'"%b"' % name) for name in photos]
    )
    end = whole.index(b"<footer") if ending == "html" else len(whole)
    for (start, stop), name in zip(((starts[0], starts[1] - 200), (starts[1], end)), photos, strict=True):
        for at in chance.sample(range(start, stop), 20):
            data = bytearray(whole)
            data[at] ^= 1 << chance.randrange(8)
            document.write_bytes(data)
            assert check_document(document).place == f"photo {name.decode()}", at
    seal = SEAL.search(whole)
    assert seal is not None
    for at, new in (
        (seal.end() - 3, "0"),
        (seal.end() + 30, "0"),
        (seal.end() + 101, "!"),
        (seal.end() + 200, "0"),
    ):  # a digit of the seal, the index
        data = bytearray(whole)
        data[at] = ord(new) if data[at] != ord(new) else ord("1")
        document.write_bytes(data)
        assert check_document(document).place == "section seal and index"


def test_a_table_has_no_seal_and_is_compared_with_the_ledger(ledger: Path) -> None:
    document = written(ledger, "csv")
    assert "has no seal" in check_document(document).problem
    document.write_bytes(document.read_bytes().replace(b"fail", b"pass", 1))
    assert any("pass" in line for line in check_document(document, ledger).changes)


def test_a_document_of_another_ledger_and_an_older_one(ledger: Path, tmp_path: Path) -> None:
    document, other = written(ledger, "html"), tmp_path / "other.sqlite"
    with Ledger(other) as book:
        book.append(refusal("1.png"))
    assert "doesn't hold the document's head" in check_document(document, other).problem
    with Ledger(ledger) as book:
        book.append(refusal("1.png"))
    found = check_document(document, ledger)
    assert found.intact and "the ledger has grown since" in found.notes[0]
    with pytest.raises(BadData, match="can't be read"):
        check_document(tmp_path / "none.html")


def test_the_qr_code_is_the_ledgers_head() -> None:
    import cv2
    import numpy as np

    from seewhy.reports.seal import qr

    head = "ab" * 32
    modules = np.array([[255 * (cell == "0") for cell in row] for row in qr(head)], np.uint8)
    picture = cv2.resize(np.pad(modules, 4, constant_values=255), None, fx=8, fy=8, interpolation=cv2.INTER_NEAREST)
    assert cv2.QRCodeDetector().detectAndDecode(picture)[0] == f"seewhy-head:{head}"
    assert qr("") == []
