from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.helpers.photos import as_photo

from seewhy.agent.inspection.inspector import Inspection, Inspector
from seewhy.agent.ledger.chain import Stored, hash_of
from seewhy.agent.ledger.past import past_defects
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger, verify
from seewhy.agent.people.acts import confirm
from seewhy.agent.people.roles import Who
from seewhy.canonical import sha256_json
from seewhy.errors import LedgerDamaged, LedgerError
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.record import RefusedPhoto
from seewhy.reports import write_report


@pytest.fixture(scope="session")
def inspections(inspector: Inspector) -> list[Inspection]:
    drawn = [good("plate", 300), defective("plate", "stain", 1), defective("plate", "chip", 2), good("plate", 301)]
    return [inspector.inspect(as_photo(d, f"{i}.png"), lot="L1") for i, d in enumerate(drawn)]


@pytest.fixture(scope="session")
def written(inspections: list[Inspection], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("ledger") / "l.sqlite"
    with Ledger(path) as ledger:
        for inspection in inspections:
            ledger.append(inspection.record, inspection.pictures | inspection.documents)
        assert ledger.verify().intact
    return path.read_bytes()


@pytest.fixture
def ledger_file(written: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "l.sqlite"
    path.write_bytes(written)
    return path


def forced(path: Path, *statements: str) -> None:
    """What somebody with the file and SQL could do: the triggers are dropped first, and put back."""
    db = sqlite3.connect(path)
    triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        db.execute(statement)
    for _, sql in triggers:
        db.execute(sql)
    db.commit()
    db.close()


def test_records_come_back_as_they_were(ledger_file: Path, inspections: list[Inspection]) -> None:
    with Ledger(ledger_file) as ledger:
        rows = list(ledger.rows("L1"))
        assert [r.entry for r in rows] == [i.record for i in inspections]
        assert ledger.head == (4, rows[-1].hash)
        assert ledger.lots() == ["L1"]
        for digest, (_, data) in inspections[1].pictures.items():
            assert ledger.evidence(digest) == data


@pytest.mark.parametrize(
    ("statement", "first_bad"),
    [
        ("UPDATE entries SET body = replace(body, '\"fail\"', '\"pass\"') WHERE seq = 2", 2),
        ("UPDATE entries SET body = body || ' ' WHERE seq = 3", 3),
        ("UPDATE entries SET at = '2020-01-01' WHERE seq = 1", 1),
        ("UPDATE entries SET lot = 'L2' WHERE seq = 4", 4),
        ("UPDATE entries SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE seq = 2", 2),
        ("UPDATE entries SET photo_sha256 = NULL WHERE seq = 2", 2),
        ("DELETE FROM entries WHERE seq = 2", 2),
        ("DELETE FROM entries WHERE seq = 1", 1),
        ("DELETE FROM entries WHERE seq = 4", 4),
        ("INSERT INTO entries SELECT 5, kind, at, lot, photo, photo_sha256, body, prev, hash || 'x' FROM entries WHERE seq = 4", 5),
        ("DELETE FROM evidence WHERE sha256 = (SELECT json_extract(body, '$.evidence[0].sha256') FROM entries WHERE seq = 3)", 3),
        (
            "UPDATE evidence SET bytes = x'' WHERE sha256 = (SELECT body ->> '$.evidence[1].sha256' FROM entries WHERE seq = 2)",
            2,
        ),
        ("UPDATE evidence SET bytes = x'7b7d' WHERE sha256 = (SELECT body ->> '$.provenance.card_sha256' FROM entries WHERE seq = 1)", 1),
        ("UPDATE evidence SET bytes = x'7b7d' WHERE sha256 = (SELECT body ->> '$.provenance.policy_sha256' FROM entries WHERE seq = 1)", 1),
    ],
)
def test_verify_names_the_first_bad_entry(ledger_file: Path, statement: str, first_bad: int) -> None:
    forced(ledger_file, statement)
    with Ledger(ledger_file) as ledger:
        found = ledger.verify()
    assert not found.intact
    assert found.bad_seq == first_bad


def test_two_entries_that_change_places_are_found(ledger_file: Path) -> None:
    forced(
        ledger_file,
        "UPDATE entries SET seq = 99 WHERE seq = 2",
        "UPDATE entries SET seq = 2 WHERE seq = 3",
        "UPDATE entries SET seq = 3 WHERE seq = 99",
        "UPDATE sqlite_sequence SET seq = 4",
    )
    with Ledger(ledger_file) as ledger:
        assert ledger.verify().bad_seq == 2


def test_a_thorough_forger_who_cuts_the_tail_needs_the_noted_head(ledger_file: Path) -> None:
    with Ledger(ledger_file) as ledger:
        noted = ledger.head[1]
    forced(
        ledger_file,
        "DELETE FROM entries WHERE seq = 4",
        "DELETE FROM tree WHERE (level, place) IN ((1, 1), (2, 0))",
        "UPDATE sqlite_sequence SET seq = 3",
        "UPDATE head SET entries = 3, hash = (SELECT hash FROM entries WHERE seq = 3)",
    )
    with Ledger(ledger_file) as ledger:
        assert ledger.verify().intact  # within itself: nothing shows
        assert "noted head" in ledger.verify(noted).problem


def test_triggers_forbid_change(ledger_file: Path) -> None:
    db = sqlite3.connect(ledger_file)
    for statement in (
        "UPDATE entries SET body = ''",
        "DELETE FROM entries",
        "UPDATE evidence SET bytes = x''",
        "DELETE FROM evidence",
        "DELETE FROM head",
        "INSERT OR REPLACE INTO entries SELECT seq, kind, at, lot, photo, photo_sha256, 'other', prev, hash FROM entries WHERE seq = 2",
        "INSERT OR REPLACE INTO entries SELECT 5, kind, at, lot, photo, photo_sha256, body, (SELECT hash FROM head), hash FROM entries",
        "INSERT OR REPLACE INTO entries SELECT 6, kind, at, lot, photo, photo_sha256, body, hash, 'x' FROM entries WHERE seq = 4",
        "INSERT OR REPLACE INTO entries SELECT 5, kind, at, lot, photo, photo_sha256, body, prev, 'x' FROM entries WHERE seq = 4",
        "INSERT OR REPLACE INTO evidence SELECT sha256, media_type, x'' FROM evidence",
        "REPLACE INTO head VALUES (1, 5, 'x')",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(statement)
    db.close()
    assert verify(ledger_file).intact


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE entries SET body = replace(body, '\"fail\"', '\"pass\"') WHERE seq = 2", "entry 2"),
        ("DELETE FROM entries WHERE seq = 3", "entry 3"),
        ("DELETE FROM entries WHERE seq = 4", "entry 4"),
        ("UPDATE evidence SET bytes = x'00' WHERE sha256 = (SELECT body ->> '$.evidence[1].sha256' FROM entries WHERE seq = 3)", "entry 3"),
    ],
)
def test_reports_and_learning_read_nothing_that_was_changed(ledger_file: Path, statement: str, named: str, tmp_path: Path) -> None:
    with Ledger(ledger_file) as ledger:
        confirm(ledger, "2.png", 1, "chip", Who("Kim", ""))
    forced(ledger_file, statement)
    with Ledger(ledger_file, read_only=True) as ledger, pytest.raises(LedgerDamaged, match=named):
        write_report(list(entries(ledger, "L1")), ledger.evidence, tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()
    with pytest.raises(LedgerDamaged, match=named):
        forced(ledger_file, "UPDATE evidence SET bytes = x'00'")
        past_defects(ledger_file)


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.text(st.characters(codec="utf-8"))] * 6), st.one_of(st.none(), st.text("0123456789abcdef")))
def test_an_entrys_hash_is_over_canonical_json(texts: tuple[str, ...], digest: str | None) -> None:
    kind, at, lot, photo, body, prev = texts
    columns = {"seq": 7, "kind": kind, "at": at, "lot": lot, "photo": photo, "photo_sha256": digest, "body": body, "prev": prev}
    assert hash_of(Stored(7, kind, at, lot, photo, digest, body, prev, "")) == sha256_json(columns)


def contents(path: Path) -> object:
    with closing(sqlite3.connect(path)) as db:
        return [db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in ("entries", "evidence", "head")]


@pytest.mark.slow
def test_a_bit_in_the_text_that_makes_the_tables(written: bytes, tmp_path: Path, ledger_file: Path) -> None:
    """The first page holds it; a bit that makes it no text at all is found like any other, or changes nothing."""
    begins, page = written.index(b"CREATE"), int.from_bytes(written[16:18], "big")
    path = tmp_path / "flipped.sqlite"
    for at in range(begins, page, 7):
        path.write_bytes(written[:at] + bytes([written[at] ^ 0x80]) + written[at + 1 :])
        try:
            with Ledger(path, create=False) as ledger:
                intact = ledger.verify().intact
        except LedgerError:
            continue
        assert not intact or contents(path) == contents(ledger_file), at


def test_a_changed_media_type_and_a_dropped_trigger_are_found(ledger_file: Path) -> None:
    copy = ledger_file.with_name("copy.sqlite")
    copy.write_bytes(ledger_file.read_bytes())
    forced(ledger_file, "UPDATE evidence SET media_type = 'text/html'")
    with Ledger(ledger_file) as ledger:
        assert "was changed" in ledger.verify().problem
    db = sqlite3.connect(copy)
    db.execute("DROP TRIGGER entries_stay")
    db.commit()
    db.close()
    assert "triggers" in verify(copy).problem
    with pytest.raises(LedgerDamaged, match="triggers"):  # nothing is added to it
        Ledger(copy)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found_or_changes_nothing(written: bytes, tmp_path: Path, where: float, bit: int) -> None:
    """Somewhere in the whole file: verify fails, or every entry and picture still reads as it was written."""
    path, whole = tmp_path / "flipped.sqlite", tmp_path / "whole.sqlite"
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    whole.write_bytes(written)
    data = bytearray(written)
    data[int(where * len(data))] ^= 1 << bit
    path.write_bytes(data)
    try:
        with Ledger(path, create=False) as ledger:
            intact = ledger.verify().intact
    except LedgerError:
        return
    if intact:
        assert contents(path) == contents(whole)


def test_a_full_disk_loses_nothing_that_was_written(tmp_path: Path, inspections: list[Inspection]) -> None:
    path = tmp_path / "l.sqlite"
    with Ledger(path) as ledger:
        ledger.append(inspections[0].record, inspections[0].pictures)
        (pages,) = ledger._db.execute("PRAGMA page_count").fetchone()
        ledger._db.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(LedgerError, match=r"disk .* is full"):
            ledger.append(inspections[1].record, inspections[1].pictures)
        assert ledger.verify().intact
        assert ledger.head[0] == 1
        ledger._db.execute("PRAGMA max_page_count = 100000")
        ledger.append(inspections[1].record, inspections[1].pictures)
        assert ledger.verify().entries == 2


def test_other_files_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but long enough to be taken for one" * 40)
    with pytest.raises(LedgerError, match="not a ledger"):
        Ledger(text)
    other = tmp_path / "other.sqlite"
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE t (a)")
    db.commit()
    db.close()
    with pytest.raises(LedgerError, match="not a seewhy ledger"):
        Ledger(other)
    with pytest.raises(LedgerError, match="there is no ledger"):
        Ledger(tmp_path / "none.sqlite", create=False)


def test_a_refusal_is_an_entry_too(tmp_path: Path) -> None:
    refusal = RefusedPhoto(
        lot="L", product="p", name="a.png", sha256=None, code="folder", message="m", remedy="r", inspected_at="2026-01-01T00:00:00"
    )
    with Ledger(tmp_path / "l.sqlite") as ledger:
        ledger.append(refusal)
        assert [r.entry for r in ledger.rows()] == [refusal]
        assert ledger.verify().intact
