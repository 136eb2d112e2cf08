"""A copy of a ledger as it is at one moment, while others read and write it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from seewhy.agent.ledger.files import guarded
from seewhy.agent.ledger.store import Ledger, verify
from seewhy.agent.ledger.verification import Verification
from seewhy.disk import new_file
from seewhy.errors import NotWritten


def backup(ledger: Path, to: Path) -> Verification:
    """Copy a ledger by SQLite's own backup, check the copy, and give it its name when it is whole and on the disk.

    Args:
        ledger: the file.
        to: where the copy goes; nothing may be there.

    Returns:
        What `verify` finds in the copy: a damaged ledger is copied as it is, and this says so.

    Raises:
        LedgerError: there is no ledger, it can't be read, or the copy can't be written.
        NotWritten: something is at `to`.
    """
    try:
        with Ledger(ledger, read_only=True) as source, new_file(to) as fresh:
            with guarded(to, "written"), closing(sqlite3.connect(fresh)) as copy:
                source.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
            return verify(fresh)
    except FileExistsError as error:
        raise NotWritten(to, "something of that name is there, and was left as it is") from error
