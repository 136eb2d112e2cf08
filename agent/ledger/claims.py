"""A lot is inspected by one run at a time: a claim in the ledger's own file, outside the chain. It is no evidence of anything.

A claim is renewed by a heartbeat and ends when its run ends, when its process is seen to be gone, or `LEASE_S` after the last beat.
Nothing rests on clocks: each entry of a lot is written only while the writer's claim holds, in the same transaction.
"""

from __future__ import annotations

import os
import platform
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from seewhy.agent.ledger.store import Ledger
from seewhy.errors import LedgerError, LotClaimed

LEASE_S, BEAT_S = 60.0, 15.0
PATIENCE_S = 600.0  # for whoever reads the whole file at once, for a check or a backup
_OWN = set[str]()  # tokens of this process's claims: a number of a process says nothing of one that had it earlier


@contextmanager
def claimed(ledger: Ledger, lot: str) -> Iterator[str]:
    """Claim a lot until the end of the block.

    Args:
        ledger: open to write; it waits longer than usual for others from here on.
        lot: its name.

    Yields:
        The claim's token, for `Ledger.append`.

    Raises:
        LotClaimed: another run has it.
        LedgerError: the file can't be written.
    """
    token = secrets.token_hex(8)
    _take(ledger, lot, token)
    _OWN.add(token)
    done = threading.Event()
    heart = threading.Thread(target=_beat, args=(ledger.path, lot, token, done), daemon=True)
    heart.start()
    try:
        yield token
    finally:
        done.set()
        heart.join()
        _OWN.discard(token)
        with suppress(LedgerError), ledger.writing() as db:  # a claim that stays behind ends by itself
            db.execute("DELETE FROM claims WHERE lot = ? AND token = ?", (lot, token))


def _take(ledger: Ledger, lot: str, token: str) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with ledger.writing() as db:
        holder = db.execute("SELECT token, host, process, seen, since FROM claims WHERE lot = ?", (lot,)).fetchone()
        if holder is not None and _alive(*holder[:4]):
            _, host, process, _, since = holder
            raise LotClaimed(
                f"the lot {lot!r} of {ledger.path} is being inspected by process {process} on {host} since {since}; "
                f"run this again when that has ended (if it was cut off: in {LEASE_S:.0f} s), or give the lot another name"
            )
        db.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?, ?)", (lot, token, platform.node(), os.getpid(), now, time.time()))
    ledger.wait_for_others(PATIENCE_S)


def _alive(token: str, host: str, process: int, seen: float) -> bool:
    """Whether a claim's run may still be at work."""
    if time.time() - seen > LEASE_S:
        return False
    if host != platform.node() or os.name != "posix":
        return True
    if process == os.getpid():
        return token in _OWN
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it lives and is somebody else's
        pass
    return True


def _beat(path: Path, lot: str, token: str, done: threading.Event) -> None:
    while not done.wait(BEAT_S):
        # a beat that is missed costs nothing yet; should another run take the lot over, the next entry is refused
        with suppress(LedgerError, sqlite3.Error), Ledger(path, create=False) as ledger, ledger.writing() as db:
            db.execute("UPDATE claims SET seen = ? WHERE lot = ? AND token = ?", (time.time(), lot, token))
