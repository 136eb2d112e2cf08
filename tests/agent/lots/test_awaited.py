"""Verdicts stand in the ledger before words are waited for, and a lot that is stopped goes on."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.helpers.servers import hung, models_then, obedient, raw_server, speaking
from tests.helpers.vlm import asking, saying, verdicts

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.lots.owed import explain_missing
from seewhy.agent.photos.layouts import read_layout
from seewhy.errors import LedgerError
from seewhy.explainers.client import Server
from seewhy.explainers.vlm import VlmWords
from seewhy.record import InspectionRecord, LaterWords

HURRIED = "import seewhy.agent.lots.awaited as a; a.GRACE_S = 0.2; from seewhy.cli import main; main()"


def kinds(ledger: Ledger) -> list[str]:
    return [row.entry.kind for row in ledger.rows()]


def records(ledger: Ledger) -> dict[str, InspectionRecord]:
    return {e.photo.name: e for e in entries(ledger) if isinstance(e, InspectionRecord)}


def test_words_that_come_in_time_stand_in_the_record(inspector: Inspector, photos: Path, tmp_path: Path) -> None:
    with speaking(hung(0.2)) as (url, _), Ledger(tmp_path / "l.sqlite") as ledger:
        tally = run_batch(asking(inspector, url), read_layout(photos), ledger, lot="A")
        assert kinds(ledger) == ["inspection"] * 6
    assert (tally.failed, tally.unexplained) == (2, 0)


def test_slow_words_follow_their_verdict(inspector: Inspector, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seewhy.agent.lots.awaited.GRACE_S", 0.1)
    with speaking(hung(1.0)) as (url, _), Ledger(tmp_path / "slow.sqlite") as ledger:
        tally = run_batch(asking(inspector, url), read_layout(photos), ledger, lot="A")
        written = kinds(ledger)
        assert sorted(written) == ["explanation"] * 2 + ["inspection"] * 6
        slow = records(ledger)
        first = {r.entry.photo.name: r.entry for r in ledger.rows() if isinstance(r.entry, InspectionRecord)}
        later = [r.entry for r in ledger.rows() if isinstance(r.entry, LaterWords)]
        assert ledger.verify().intact
    assert list(first) == [sample.name for sample in read_layout(photos)]
    assert {words.name for words in later} == {"stain.png", "scratch.png"}
    assert {f.unexplained.reason for r in first.values() for f in r.findings if f.unexplained} == {"timeout"}
    assert (tally.failed, tally.unexplained) == (2, 0)
    with speaking(obedient) as (url, _), Ledger(tmp_path / "fast.sqlite") as ledger:
        run_batch(asking(inspector, url), read_layout(photos), ledger, lot="A")
        fast = records(ledger)
    for name, record in fast.items():
        assert verdicts(slow[name]) == verdicts(record)
        assert [f.explanation for f in slow[name].findings] == [f.explanation for f in record.findings]
        assert slow[name].missing == record.missing


@contextmanager
def silent_lot(model: Path, photos: Path, ledger: Path) -> Iterator[subprocess.Popen[str]]:
    """`seewhy batch` with a VLM that lists its model and then never answers, once all photos are in the ledger."""
    with raw_server(models_then(lambda connection: connection.recv(1))) as url:
        command = ["batch", str(photos), "-m", str(model), "-l", str(ledger), "--lot", "A", "--vlm", url, "--vlm-timeout", "300"]
        with subprocess.Popen(
            [sys.executable, "-c", HURRIED, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_hears
        ) as program:
            deadline = time.monotonic() + 120
            while entries_in(ledger) < 6:
                assert program.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield program
            program.kill()


def _hears() -> None:
    """Let a program that whoever runs the tests has put into the background hear Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def entries_in(path: Path) -> int:
    with suppress(LedgerError), Ledger(path, read_only=True) as ledger:
        return ledger.head[0]
    return 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_lot_that_is_ended_while_a_vlm_is_silent_has_its_verdicts(
    number: signal.Signals, model_folder: Path, photos: Path, tmp_path: Path
) -> None:
    path = tmp_path / "l.sqlite"
    with silent_lot(model_folder, photos, path) as program:
        began = time.monotonic()
        program.send_signal(number)
        _, said = program.communicate(timeout=30)
        spent = time.monotonic() - began
    with Ledger(path) as ledger:
        assert ledger.verify().intact
        before = records(ledger)
        assert len(before) == 6
        assert [r.verdict.value for r in before.values()].count("fail") == 2
        if number is not signal.SIGKILL:
            assert spent < 1.0 + 3.0  # three are for a machine under load
            assert program.returncode == 128 + number
            assert re.match(rf"stopped at lot A, [56] of 6: what was inspected stands in {path}; the same command", said.splitlines()[-1])
        with speaking(saying(type="other")) as (url, _):
            filled = explain_missing(ledger, VlmWords(Server(url=url)))
        assert filled.explained == filled.findings > 0
        assert all(f.unexplained is None for r in records(ledger).values() for f in r.findings)
        assert {name: verdicts(r)[:2] for name, r in records(ledger).items()} == {name: verdicts(r)[:2] for name, r in before.items()}
