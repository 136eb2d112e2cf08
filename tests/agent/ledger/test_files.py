"""A ledger is one file at every entry; who only reads it writes nothing; what isn't a ledger is left as it is."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.helpers import TESTS
from tests.helpers.ledgers import old_ledger, refusal, write_protected

from seewhy.agent.ledger import files
from seewhy.agent.ledger.backup import backup
from seewhy.agent.ledger.store import Ledger, verify
from seewhy.errors import LedgerDamaged, LedgerError, NotWritten

KILLS = 8
WRITER = """
import sys, hashlib
from pathlib import Path
from seewhy.agent.ledger.store import Ledger
from tests.helpers.ledgers import refusal
print("ready", flush=True)
with Ledger(Path(sys.argv[1])) as ledger:
    for i in range(100000):
        picture = hashlib.sha256(b"%d" % ledger.head[0]).digest() * 3000
        own = ledger.append(refusal(f"{i}.png"), {hashlib.sha256(picture).hexdigest(): ("image/png", picture)})
        print(own, flush=True)
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "a book #1?.sqlite"
    with Ledger(path) as ledger:
        for i in range(5):
            ledger.append(refusal(f"{i}.png"))
    return path


def names(path: Path) -> list[str]:
    with Ledger(path, read_only=True) as ledger:
        return [row.entry.name for row in ledger.rows() if row.entry.kind == "refusal"]


def around(path: Path) -> dict[str, bytes]:
    """Everything in the ledger's folder, byte for byte."""
    return {p.name: p.read_bytes() for p in sorted(path.parent.iterdir())}


def test_a_copy_of_the_file_alone_holds_every_entry(tmp_path: Path) -> None:
    path, copy = tmp_path / "l.sqlite", tmp_path / "copies" / "l.sqlite"
    copy.parent.mkdir()
    with Ledger(path) as ledger:
        for i in range(12):
            own = ledger.append(refusal(f"{i}.png"))
            shutil.copy(path, copy)
            found = verify(copy)
            assert (found.intact, found.entries, found.head) == (True, i + 1, own)
    assert list(around(copy)) == ["l.sqlite"]


@pytest.mark.slow
def test_kill_9_while_entries_are_written_keeps_each_that_was_reported(tmp_path: Path) -> None:
    path, chance, reported = tmp_path / "l.sqlite", random.Random(3), list[str]()
    for _ in range(KILLS):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=TESTS.parent, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        reported += [writer.stdout.readline().strip() for _ in range(chance.randint(1, 6))]
        time.sleep(chance.uniform(0.0, 0.05))
        writer.send_signal(signal.SIGKILL)
        reported += [line.strip() for line in writer.communicate()[0].splitlines() if len(line) == 65 or len(line) == 64]
        with Ledger(path) as ledger:
            assert ledger.verify().intact
            written = [row.hash for row in ledger.rows()]
        assert set(reported) <= set(written)
        assert len(written) <= len(reported) + KILLS  # at most the one that was on its way
    assert len(reported) > KILLS


def test_reading_writes_nothing(book: Path) -> None:
    before = around(book)
    assert verify(book).intact
    assert len(names(book)) == 5
    with Ledger(book, read_only=True) as ledger, pytest.raises(LedgerError, match=r"could not be written, because .*readonly"):
        ledger.append(refusal("x.png"))
    assert around(book) == before


@pytest.mark.parametrize("version", [1, 2])
def test_a_write_protected_place_can_be_read(book: Path, version: int) -> None:
    if version == 1:
        old_ledger(book, 5).close()
    with write_protected(book) as path:
        found = verify(path)
        assert (found.intact, found.entries, found.notes) == (True, 5, ())
        with pytest.raises(LedgerError, match="could not be written, because"):
            Ledger(path)
        assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_what_may_not_be_read_is_not_called_damaged(book: Path) -> None:
    with write_protected(book, 0o000) as path, pytest.raises(LedgerError, match="could not be read, because") as caught:
        verify(path)
    assert not isinstance(caught.value, LedgerDamaged)


def test_a_locked_ledger_is_read_or_could_not_be_read_and_is_never_called_damaged(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "WAIT_S", 0.1)
    other = sqlite3.connect(book, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert verify(book).intact
    other.execute("ROLLBACK")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(LedgerError, match="could not be read, because another program is writing") as caught:
        verify(book)
    assert not isinstance(caught.value, LedgerDamaged)
    with pytest.raises(LedgerError, match="could not be written, because another program"):
        Ledger(book)
    other.close()
    assert verify(book).intact


def test_an_empty_file_is_no_ledger_and_stays_empty(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    path.touch()
    for attempt in (lambda: Ledger(path), lambda: Ledger(path, create=False), lambda: verify(path), lambda: backup(path, tmp_path / "b")):
        with pytest.raises(LedgerError, match="is empty"):
            attempt()
    assert around(path) == {"l.sqlite": b""}


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_somebody_elses_database_is_left_as_it_is(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "other.sqlite"
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA journal_mode = {mode}")
    db.execute("CREATE TABLE t (a)")
    db.close()
    before = around(path)
    for attempt in (lambda: Ledger(path), lambda: Ledger(path, create=False), lambda: verify(path), lambda: backup(path, tmp_path / "b")):
        with pytest.raises(LedgerError, match="not a seewhy ledger"):
            attempt()
    assert around(path) == before


def test_two_runs_that_begin_a_ledger_begin_one(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"

    def write(name: str) -> None:
        with Ledger(path) as ledger:
            ledger.append(refusal(name))

    threads = [threading.Thread(target=write, args=(f"{i}.png",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names(path)) == [f"{i}.png" for i in range(6)]
    assert list(around(path)) == ["l.sqlite"]


# What an interrupted writer leaves


def cut_off(book: Path, to: Path) -> Path:
    """The file and its -journal as they are when a writer is cut off in the middle of its sixth entry."""
    db = sqlite3.connect(book, isolation_level=None)
    db.execute("PRAGMA cache_size = 1")  # pages go into the file before the end
    db.execute("BEGIN IMMEDIATE")
    db.execute("DROP TRIGGER entries_keep")
    db.execute("UPDATE entries SET body = body || 'half'")
    db.executemany("INSERT INTO evidence VALUES (?, 'image/png', zeroblob(9000))", [(str(i),) for i in range(20)])
    to.mkdir(exist_ok=True)
    for ending in ("", "-journal"):
        shutil.copy(f"{book}{ending}", to / f"{book.name}{ending}")
    db.execute("ROLLBACK")
    db.close()
    return to / book.name


def test_half_an_entry_is_told_and_taken_back_by_the_next_writer(book: Path, tmp_path: Path) -> None:
    half = cut_off(book, tmp_path / "cut")
    before = around(half)
    with pytest.raises(LedgerError, match=r"could not be read, because .*cut off.*-journal.*run the command .* again"):
        verify(half)
    assert around(half) == before
    alone = tmp_path / "alone.sqlite"
    shutil.copy(half, alone)
    assert not verify(alone).intact  # half an entry without its journal is never taken for whole
    with Ledger(half) as ledger:
        ledger.append(refusal("5.png"))
    assert names(half) == [f"{i}.png" for i in range(6)]
    assert list(around(half)) == [book.name]
    assert verify(half).intact


@pytest.mark.slow
def test_a_bit_in_a_left_over_journal_never_makes_fewer_entries_intact(book: Path, tmp_path: Path) -> None:
    half = cut_off(book, tmp_path / "cut")
    journal = half.with_name(f"{half.name}-journal")
    file, log, chance = half.read_bytes(), journal.read_bytes(), random.Random(1)
    for at in (*range(28), *(chance.randrange(len(log)) for _ in range(120))):
        half.write_bytes(file)
        journal.write_bytes(log[:at] + bytes([log[at] ^ 1 << at % 8]) + log[at + 1 :])
        try:
            with Ledger(half) as ledger:
                found = ledger.verify()
        except LedgerError:
            continue
        assert not found.intact or found.entries == 5, at


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Path]:
    """A ledger of version 1 whose writer was killed: the entries are in the -wal."""
    working, left = tmp_path / "working.sqlite", tmp_path / "left" / "l.sqlite"
    db = old_ledger(working, 4)
    left.parent.mkdir()
    for ending in ("", "-wal"):
        shutil.copy(f"{working}{ending}", f"{left}{ending}")
    yield left
    db.close()


def test_an_old_ledger_with_its_log_is_read_and_becomes_one_file(old: Path) -> None:
    found = verify(old)
    assert (found.intact, found.entries) == (True, 4)
    assert "l.sqlite-wal" in found.notes[0]
    with Ledger(old) as ledger:
        ledger.append(refusal("5.png"))
    assert list(around(old)) == ["l.sqlite"]
    found = verify(old)
    assert (found.intact, found.entries, found.notes) == (True, 5, ())
    with sqlite3.connect(old) as db, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("INSERT OR REPLACE INTO entries SELECT seq, kind, at, lot, photo, photo_sha256, '', prev, hash FROM entries")
    db.close()


@pytest.mark.slow
def test_a_bit_in_a_left_over_log_never_makes_fewer_entries_intact(old: Path) -> None:
    wal = old.with_name(f"{old.name}-wal")
    file, log, chance = old.read_bytes(), wal.read_bytes(), random.Random(2)
    frames = range(32, len(log), 24 + 4096)
    for at in (*range(32), *(frame + i for frame in frames for i in range(24)), *(chance.randrange(len(log)) for _ in range(100))):
        old.write_bytes(file)
        old.with_name(f"{old.name}-shm").unlink(missing_ok=True)
        wal.write_bytes(log[:at] + bytes([log[at] ^ 1 << at % 8]) + log[at + 1 :])
        found = verify(old)
        assert not found.intact or found.entries == 4, at
        if not found.intact:
            with pytest.raises(LedgerError):
                Ledger(old)


def test_a_log_that_was_cut_off_in_the_middle_of_a_page_or_used_before_is_whole(old: Path, tmp_path: Path) -> None:
    wal = old.with_name(f"{old.name}-wal")
    wal.write_bytes(wal.read_bytes()[:-1000])  # the last entry was never reported
    assert verify(old).entries == 3
    again = tmp_path / "again.sqlite"
    db = old_ledger(again, 6)
    db.execute("PRAGMA wal_checkpoint(RESTART)")
    db.execute("BEGIN")
    db.execute("UPDATE sqlite_sequence SET seq = seq")
    db.execute("COMMIT")  # the log is written from its start; old pages follow
    assert verify(again).entries == 6
    db.close()


# Backups


def test_a_backup_is_whole_while_the_ledger_grows(book: Path, tmp_path: Path) -> None:
    stop, made = threading.Event(), list[int]()

    def write() -> None:
        with Ledger(book) as ledger:
            while not stop.is_set():
                ledger.append(refusal("more.png"), {"ab": ("image/png", b"picture")})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for i in range(5):
            found = backup(book, tmp_path / f"{i}.sqlite")
            assert found.intact
            made.append(found.entries)
    finally:
        stop.set()
        writer.join()
    assert made == sorted(made)
    with Ledger(tmp_path / "4.sqlite") as ledger:  # it goes on like any other
        ledger.append(refusal("x.png"))


def test_a_backup_takes_nobodys_place(book: Path, tmp_path: Path) -> None:
    other = tmp_path / "mine.txt"
    other.write_text("mine")
    with pytest.raises(NotWritten, match="is there"):
        backup(book, other)
    assert other.read_text() == "mine"
    with pytest.raises(LedgerError, match="could not be written, because"):
        backup(book, tmp_path / "no folder" / "b.sqlite")
    with pytest.raises(LedgerError, match="there is no ledger"):
        backup(tmp_path / "none.sqlite", tmp_path / "b.sqlite")
    assert sorted(p.name for p in tmp_path.iterdir()) == [book.name, "mine.txt"]
