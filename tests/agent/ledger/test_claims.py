"""One run at a time has a lot; a run that is gone holds nobody up, and one that lost its lot writes nothing more."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.helpers import TESTS
from tests.helpers.ledgers import refusal

from seewhy.agent.ledger import claims
from seewhy.agent.ledger.claims import claimed
from seewhy.agent.ledger.store import Ledger
from seewhy.errors import LedgerError, LotClaimed

HOLDER = """
import sys, time
from pathlib import Path
from seewhy.agent.ledger.claims import claimed
from seewhy.agent.ledger.store import Ledger
with Ledger(Path(sys.argv[1])) as ledger, claimed(ledger, "A"):
    print("held", flush=True)
    time.sleep(600)
"""


def changed(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement)


def test_a_lot_is_claimed_by_one_run_and_freed_when_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    with Ledger(path) as first, Ledger(path) as second:
        with claimed(first, "A") as token:
            with pytest.raises(LotClaimed, match=r"'A' .*process \d+ on .* since"), claimed(second, "A"):
                pass
            with claimed(second, "B"):  # another lot of the same ledger
                second.append(refusal("b.png", "B"))
            first.append(refusal("a.png", "A"), claim=token)
        with claimed(second, "A"):
            pass
        assert first.verify().intact
        assert first.head[0] == 2


def test_a_run_that_was_killed_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], cwd=TESTS.parent, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with Ledger(path) as ledger:
        with pytest.raises(LotClaimed, match=f"process {holder.pid} "), claimed(ledger, "A"):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
        with claimed(ledger, "A") as token:
            ledger.append(refusal("a.png", "A"), claim=token)


def test_another_machines_claim_ends_when_its_heart_stops(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    with Ledger(path) as ledger:
        with claimed(ledger, "A"):
            changed(path, "UPDATE claims SET host = 'elsewhere', token = 'theirs'")
        with pytest.raises(LotClaimed, match="elsewhere"), claimed(ledger, "A"):
            pass
        changed(path, f"UPDATE claims SET seen = seen - {claims.LEASE_S + 1}")
        with claimed(ledger, "A"):
            pass


def test_who_lost_a_lot_writes_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    with Ledger(path) as asleep, claimed(asleep, "A") as token:
        asleep.append(refusal("1.png", "A"), claim=token)
        changed(path, f"UPDATE claims SET seen = seen - {claims.LEASE_S + 1}")  # a lid was closed
        with Ledger(path) as other, claimed(other, "A") as taken:
            other.append(refusal("2.png", "A"), claim=taken)
            with pytest.raises(LedgerError, match="another run has taken over"):
                asleep.append(refusal("2.png", "A"), claim=token)
        with pytest.raises(LedgerError, match="another run"):
            asleep.append(refusal("2.png", "A"), claim=token)
        assert asleep.head[0] == 2


def test_a_heart_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "BEAT_S", 0.02)
    path = tmp_path / "l.sqlite"
    with Ledger(path) as ledger, claimed(ledger, "A"):
        changed(path, "UPDATE claims SET seen = 0")
        for _ in range(500):
            with closing(sqlite3.connect(path)) as db:
                (seen,) = db.execute("SELECT seen FROM claims").fetchone()
            if seen > 0:
                return
    raise AssertionError("no beat")
