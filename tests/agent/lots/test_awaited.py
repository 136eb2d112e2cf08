"""Verdicts stand in the ledger before words are waited for, and a lot that is stopped goes on."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.helpers.photos import png
from tests.helpers.programs import hears
from tests.helpers.servers import hung, models_then, obedient, raw_server, speaking
from tests.helpers.vlm import CARD, asking, saying, verdicts

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.lots.owed import explain_missing
from seewhy.agent.photos.layouts import read_layout
from seewhy.errors import LedgerError
from seewhy.evals.synthetic.surfaces import good
from seewhy.explainers.client import Server
from seewhy.explainers.vlm import VlmWords
from seewhy.record import InspectionRecord, LaterWords

pytestmark = pytest.mark.slow


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


def begun(*command: str) -> subprocess.Popen[str]:
    """A command of the command line, which waits 0.2 s for words."""
    program = [sys.executable, "-c", HURRIED, *command]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hears)


def wait_for(done: Callable[[], bool], program: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not done():
        assert program.poll() is None, program.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ended(program: subprocess.Popen[str], number: signal.Signals) -> str:
    """The last line of a program that a signal ends, in time and with the signal's code."""
    began = time.monotonic()
    program.send_signal(number)
    _, said = program.communicate(timeout=30)
    assert time.monotonic() - began < 1.0 + 3.0  # three are for a machine under load
    assert program.returncode == 128 + number
    assert "Traceback" not in said
    return said.splitlines()[-1]


@contextmanager
def silent() -> Iterator[tuple[str, list[bytes]]]:
    """URL of a VLM that lists its model and then never answers, and the questions that it was asked."""
    asked = list[bytes]()

    def answer(connection: socket.socket) -> None:
        asked.append(b"")
        connection.recv(1)

    with raw_server(models_then(answer)) as url:
        yield url, asked


def entries_in(path: Path) -> int:
    with suppress(LedgerError), Ledger(path, read_only=True) as ledger:
        return ledger.head[0]
    return 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_lot_that_is_ended_while_a_vlm_is_silent_has_its_verdicts(
    number: signal.Signals, model_folder: Path, photos: Path, tmp_path: Path
) -> None:
    path = tmp_path / "l.sqlite"
    lot = ["batch", str(photos), "-m", str(model_folder), "-l", str(path), "--lot", "A", "--vlm-timeout", "300"]
    with silent() as (url, _), begun(*lot, "--vlm", url) as program:
        wait_for(lambda: entries_in(path) == 6, program)
        if number is signal.SIGKILL:
            program.kill()
        else:
            assert re.match(rf"stopped at lot A, [56] of 6: what was inspected stands in {path}; the same", ended(program, number))
    with Ledger(path) as ledger:
        assert ledger.verify().intact
        before = records(ledger)
        assert len(before) == 6
        assert [r.verdict.value for r in before.values()].count("fail") == 2
        with speaking(saying(type="other")) as (url, _):
            filled = explain_missing(ledger, VlmWords(Server(url=url)))
        assert filled.explained == filled.findings > 0
        assert all(f.unexplained is None for r in records(ledger).values() for f in r.findings)
        assert {name: verdicts(r)[:2] for name, r in records(ledger).items()} == {name: verdicts(r)[:2] for name, r in before.items()}


def test_ctrl_c_ends_a_wait_for_words_that_are_missing(inspector: Inspector, photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    with speaking(lambda _r, _s: 500) as (url, _), Ledger(path) as ledger:
        run_batch(asking(inspector, url, retries=0), read_layout(photos), ledger, lot="A")
    card = tmp_path / "card.yaml"
    card.write_text(CARD.model_dump_json())
    with silent() as (url, asked), begun("explain", str(path), "--missing", "--vlm", url, "--card", str(card)) as program:
        wait_for(lambda: bool(asked), program)
        said = ended(program, signal.SIGINT)
    assert said == f"stopped at explain, 0 of 2: words that came stand in {path}; the same command goes on from there"
    assert entries_in(path) == 6


def test_a_fit_that_is_stopped_leaves_no_model(tmp_path: Path) -> None:
    good_photos, model = tmp_path / "good", tmp_path / "model"
    good_photos.mkdir()
    for i in range(24):
        (good_photos / f"{i}.png").write_bytes(png(good("plate", i).pixels))
    with begun("fit", str(good_photos), "-o", str(model), "--detector", "patchcore") as program:
        assert program.stderr is not None
        assert program.stderr.readline().startswith("taken: ")
        time.sleep(0.5)
        said = ended(program, signal.SIGTERM)
    assert "no model was saved; the same command begins anew" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good"]
