"""A ledger's file: begun whole, looked at before anything is written, opened to read or to write; SQLite's errors in plain words."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from seewhy.agent.ledger.nodes import plant
from seewhy.agent.ledger.schema import APPLICATION_ID, SCHEMAS, VERSION, empty_ledger, expected_tables, renew, tables_of
from seewhy.agent.ledger.wal import unreadable_pages
from seewhy.disk import new_file
from seewhy.errors import LedgerDamaged, LedgerError

WAIT_S = 30.0  # for another program that is writing
OUTSIDE = {  # SQLite's primary result codes that say nothing about what is in the file
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOLFS,
    sqlite3.SQLITE_AUTH,
}


@contextmanager
def guarded(path: Path, doing: str) -> Iterator[None]:
    """Turn SQLite's and the system's errors into ours, with what to do.

    Args:
        path: the ledger's.
        doing: "read" or "written".

    Raises:
        LedgerDamaged: what was read is not what a ledger holds.
        LedgerError: it could not be read or written.
    """
    try:
        yield
    except sqlite3.ProgrammingError:  # of the caller
        raise
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter: SQLite quotes bytes that are no text
        raise _in_plain_words(error, path, doing) from error
    except OSError as error:
        raise LedgerError(f"{path} could not be {doing}, because of the disk or its permissions ({error.strerror or error})") from error


def _in_plain_words(error: sqlite3.Error | UnicodeDecodeError, path: Path, doing: str) -> LedgerError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    if code & 0xFF == sqlite3.SQLITE_FULL:
        return LedgerError(f"the disk of {path} is full; free space and run the same command again: it goes on where it stopped")
    if code & 0xFF == sqlite3.SQLITE_NOTADB:
        return LedgerError(f"{path} is not a ledger ({error}); give another file")
    if code & 0xFF not in OUTSIDE:
        return LedgerDamaged(f"{path} is damaged ({error}); run `seewhy verify`, restore a copy")
    if code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        why, remedy = f"another program is writing to it ({error})", "wait until it has finished"
    elif doing == "read" and beside(path, "-journal"):
        why = "a program was cut off in the middle of an entry, and its -journal still lies beside the file"
        remedy = "run the command that was cut off again: it takes the half entry back and goes on"
    else:
        why, remedy = str(error), "check the path, its permissions and the disk"
    return LedgerError(f"{path} could not be {doing}, because {why}; {remedy}")


def beside(path: Path, ending: str) -> int:
    """Bytes of what lies beside a ledger ("-wal", "-journal"), 0 where nothing does."""
    try:
        return path.with_name(path.name + ending).stat().st_size
    except OSError:
        return 0


def open_to_read(path: Path) -> tuple[sqlite3.Connection, int]:
    """A connection that can't write, also where nobody may; and the ledger's version.

    Raises:
        LedgerError: see `guarded`; it isn't a ledger; or another program's log beside it can't be read.
    """
    version = _version(path)
    _whole_log(path)
    # a ledger of version 1 says of itself that a log belongs to it; SQLite would make one, so it is told that there is none
    alone = version == 1 and not beside(path, "-wal")
    return _connected(path, "mode=ro&immutable=1" if alone else "mode=ro"), version


def open_to_write(path: Path) -> tuple[sqlite3.Connection, int]:
    """A connection whose every entry is in the one file, and on the disk, once it is written; older ledgers are renewed.

    Raises:
        LedgerError: see `open_to_read`.
    """
    _version(path)
    _whole_log(path)
    db = _connected(path, "mode=rw")
    try:
        with guarded(path, "written"):
            if db.execute("PRAGMA journal_mode = DELETE").fetchone() != ("delete",):
                raise LedgerError(f"{path} could not be made one file again; close whatever else has it open")
            db.execute("PRAGMA synchronous = EXTRA")
            db.execute("BEGIN IMMEDIATE")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version not in SCHEMAS or tables_of(db) != expected_tables(version):
                raise LedgerDamaged(f"the tables or triggers of {path} are not those of a ledger: they were changed; run `seewhy verify`")
            if version < VERSION:
                renew(db, version)
                plant(db)
            db.execute(
                "DELETE FROM claims WHERE 0"
            )  # SQLite opens a file that it may only read without a word, and tells at the first write
            db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db, VERSION


def begin(path: Path) -> None:
    """Make an empty ledger, there whole or not at all; one that another run makes in the same moment is left.

    Raises:
        NotWritten: it can't be.
    """
    with suppress(FileExistsError), new_file(path) as fresh:
        fresh.write_bytes(empty_ledger())


def _connected(path: Path, how: str) -> sqlite3.Connection:
    with guarded(path, "written" if how == "mode=rw" else "read"):
        return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None, timeout=WAIT_S)


def _version(path: Path) -> int:
    """The ledger's version, found without writing a byte into whatever the file is."""
    with guarded(path, "read"):
        if path.stat().st_size == 0:
            raise LedgerError(f"{path} is empty (0 bytes) and no ledger; delete it to begin one of that name, or restore a copy")
        application, version = _in_log(path) if beside(path, "-wal") else _in_header(path)
    if application != APPLICATION_ID:
        raise LedgerError(f"{path} is not a seewhy ledger and was left as it is; give another file")
    if version not in SCHEMAS:
        raise LedgerError(f"{path} is a ledger of version {version}, which this seewhy doesn't know; use a newer one")
    return version


def _in_log(path: Path) -> tuple[int, int]:
    """Application id and version, of which the newest may stand in the log beside the file."""
    with closing(_connected(path, "mode=ro")) as db:
        return int(db.execute("PRAGMA application_id").fetchone()[0]), int(db.execute("PRAGMA user_version").fetchone()[0])


def _in_header(path: Path) -> tuple[int, int]:
    """Application id and version, from the file's first 100 bytes (sqlite.org/fileformat2.html, section 1.3).

    SQLite itself can't say: what a writer that was cut off left behind is malformed until its journal is rolled back, which writes.
    """
    with path.open("rb") as file:
        header = file.read(100)
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise LedgerError(f"{path} is not a ledger (it is no SQLite database); give another file")
    return struct.unpack(">I", header[68:72])[0], struct.unpack(">I", header[60:64])[0]


def _whole_log(path: Path) -> None:
    with guarded(path, "read"):
        lost = unreadable_pages(path.with_name(path.name + "-wal")) if beside(path, "-wal") else 0
    if lost:
        raise LedgerDamaged(
            f"{lost} pages of {path.name}-wal beside {path} can't be read, so the entries written last may be missing; compare the head "
            "with one noted elsewhere, or move the -wal away to go on without them"
        )
