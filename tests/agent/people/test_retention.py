"""Pictures that are deleted by an entry: what stays, what is held, and that nothing else can be deleted."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from tests.helpers import TESTS

from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger, verify
from seewhy.agent.people import retention
from seewhy.agent.people.roles import Who
from seewhy.agent.proof.bundle import bundle
from seewhy.agent.proof.checking import check_bundle
from seewhy.errors import BadData
from seewhy.people import Erasure, Hold
from seewhy.record import InspectionRecord
from seewhy.reports import write_report

KIM = Who("Kim", "retention policy 4.2", "quality")


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return Path(shutil.copy(TESTS / "golden" / "schema1" / "ledger.sqlite", tmp_path))


def pictures(book: Ledger) -> dict[str, list[bool]]:
    """Whether each picture is there, by photo."""
    records = [row.entry for row in book.rows() if isinstance(row.entry, InspectionRecord)]
    return {f"{r.lot}/{r.photo.name}": [book.evidence(e.sha256) is not None for e in r.evidence] for r in records}


def test_pictures_go_and_records_stay_provable(ledger: Path, tmp_path: Path) -> None:
    with Ledger(ledger) as book:
        before = [r for r in book.rows() if isinstance(r.entry, InspectionRecord)]
        data = next(book.evidence(e.sha256) for e in before[1].entry.evidence)  # type: ignore[union-attr]
        row = retention.erase(book, KIM, older_than_days=0)
        assert row is not None and isinstance(row.entry, Erasure)
        assert not any(kept for one in pictures(book).values() for kept in one)
        assert [r for r in book.rows() if isinstance(r.entry, InspectionRecord)] == before
        assert book.verify().intact
        assert retention.erase(book, KIM, older_than_days=0) is None
        page = write_report(list(entries(book, "A")), book.evidence, tmp_path / "a.html").read_text()
        assert "not kept" in page
        bundle(book, tmp_path / "b.zip", lot="A")
    found = check_bundle(tmp_path / "b.zip")
    assert found.intact, found.problem
    assert data is not None and data[200:400] not in ledger.read_bytes()  # nor in a page that is free now


def test_what_is_on_hold_stays_until_the_hold_is_lifted(ledger: Path) -> None:
    with Ledger(ledger) as book:
        held = retention.hold(book, Who("Lee", "case 7", "legal"), lot="A", part="stain.png")
        assert isinstance(held.entry, Hold)
        assert retention.erase(book, KIM, older_than_days=0) is not None
        kept = pictures(book)
        assert all(kept["A/stain.png"])
        assert not any(kept["A/scratch.png"])
        retention.lift(book, held.hash, Who("Lee", "case closed", "legal"))
        retention.erase(book, KIM, older_than_days=0)
        assert not any(pictures(book)["A/stain.png"])
        with pytest.raises(BadData, match="no hold that stands"):
            retention.lift(book, held.hash, KIM)
        assert book.verify().intact


def test_young_pictures_and_other_lots_stay(ledger: Path) -> None:
    with Ledger(ledger) as book:
        assert retention.erase(book, KIM, older_than_days=100_000) is None
        with pytest.raises(BadData, match="needs the role"):
            retention.erase(book, Who("Kim", "why"), older_than_days=0)
        retention.hold(book, KIM, lot="B")
        retention.erase(book, KIM, older_than_days=0, lot="A")
        kept = pictures(book)
        assert all(all(there) for name, there in kept.items() if name.startswith("B/"))
        with pytest.raises(BadData, match="0 days or more"):
            retention.erase(book, KIM, older_than_days=-1)
        with pytest.raises(BadData, match="holds no lot 'X'"):
            retention.hold(book, KIM, lot="X")


def test_a_picture_that_no_entry_names_as_erased_can_not_go_unseen(ledger: Path) -> None:
    with Ledger(ledger) as book:
        assert book.verify().intact
    db = sqlite3.connect(ledger)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("DELETE FROM evidence WHERE media_type = 'image/jpeg'")
    db.execute("INSERT INTO erased SELECT sha256, 1 FROM evidence WHERE media_type = 'image/jpeg'")
    db.execute("DELETE FROM evidence WHERE media_type = 'image/jpeg'")
    db.commit()
    db.close()
    assert "is missing" in verify(ledger).problem
