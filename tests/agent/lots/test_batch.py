from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.photos.layouts import read_layout
from seewhy.errors import BadData
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.record import InspectionRecord, RefusedPhoto

KILLS = 20


def contents(path: Path) -> list[str]:
    with Ledger(path, create=False) as ledger:
        return [row.entry.content_sha256 for row in ledger.rows()]


def test_a_lot_with_bad_files_runs_to_its_end(inspector: Inspector, photos: Path, tmp_path: Path) -> None:
    (photos / "empty.png").touch()
    (photos / "text.png").write_text("no picture")
    outside = tmp_path / "outside.png"
    outside.write_bytes((photos / "stain.png").read_bytes())
    (photos / "zlink.png").symlink_to(outside)
    with Ledger(tmp_path / "l.sqlite") as ledger:
        tally = run_batch(inspector, read_layout(photos), ledger, lot="A")
        refused = {r.entry.name: r.entry.code for r in ledger.rows() if isinstance(r.entry, RefusedPhoto)}
        assert refused == {"empty.png": "empty", "text.png": "not_an_image", "zlink.png": "link_out"}
        assert (tally.passed, tally.failed, tally.refused, tally.exit_code) == (4, 2, 3, 1)
        again = run_batch(inspector, read_layout(photos), ledger, lot="A")
        assert again.skipped == 9
        assert again.failed == 2
        assert ledger.head[0] == 9
        (photos / "stain.png").write_bytes((photos / "good-0.png").read_bytes())
        run_batch(inspector, read_layout(photos), ledger, lot="A")
        assert ledger.head[0] == 10  # a changed file is another photo
        assert ledger.verify().intact


def test_workers_change_neither_order_nor_records(inspector: Inspector, photos: Path, tmp_path: Path) -> None:
    for workers in (1, 3):
        with Ledger(tmp_path / f"{workers}.sqlite") as ledger:
            run_batch(inspector, read_layout(photos), ledger, lot="A", workers=workers)

    def told(path: Path) -> list[tuple[str, str | None, list[object]]]:
        with Ledger(path) as ledger:
            records = [r.entry for r in ledger.rows() if isinstance(r.entry, InspectionRecord)]
        return [(r.photo.name, r.verdict.value, [f.measured.location.box_px.value for f in r.findings]) for r in records]

    assert told(tmp_path / "1.sqlite") == told(tmp_path / "3.sqlite")
    with Ledger(tmp_path / "0.sqlite") as ledger, pytest.raises(BadData, match="workers"):
        run_batch(inspector, read_layout(photos), ledger, lot="A", workers=0)


def test_kill_9_at_any_moment_loses_and_repeats_nothing(model_folder: Path, tmp_path: Path) -> None:
    """The batch command is killed 20 times at random moments and started again; the ledger equals that of an unbroken run."""
    lot = tmp_path / "lot"
    lot.mkdir()
    for i in range(60):
        drawn = defective("plate", "stain", i) if i % 7 == 0 else good("plate", 400 + i)
        Image.fromarray(drawn.pixels).save(lot / f"{i:03}.png")
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}

    def command(ledger: Path) -> list[str]:
        return [sys.executable, "-m", "seewhy", "batch", str(lot), "-m", str(model_folder), "-l", str(ledger), "--alpha", "0.05"]

    began = time.monotonic()
    whole = subprocess.run(command(tmp_path / "whole.sqlite"), env=environment, capture_output=True, check=False)
    full_seconds = time.monotonic() - began
    assert whole.returncode == 1, whole.stderr.decode()
    chance, broken, reached = random.Random(5), tmp_path / "broken.sqlite", set[int]()
    for _ in range(KILLS):
        process = subprocess.Popen(command(broken), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # most of a run is start-up; aim so that kills fall before, into and between photos
        time.sleep(chance.uniform(0.3, 1.0) * min(full_seconds, 0.62 * full_seconds + 0.6))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if broken.is_file():
            with Ledger(broken) as ledger:
                assert ledger.verify().intact
                reached.add(ledger.head[0])
    assert len(reached) >= 2, "no kill fell between photos"
    last = subprocess.run(command(broken), env=environment, capture_output=True, check=False)
    assert last.returncode == 1, last.stderr.decode()
    assert contents(broken) == contents(tmp_path / "whole.sqlite")
    with Ledger(broken) as ledger:
        assert ledger.verify().intact
        names = [r.entry.photo.name for r in ledger.rows() if isinstance(r.entry, InspectionRecord)]
    assert names == [f"{i:03}.png" for i in range(60)]
