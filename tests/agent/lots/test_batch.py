from __future__ import annotations

import errno
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.helpers.photos import ALPHA, png

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.lots.tally import Tally
from seewhy.agent.photos.layouts import read_layout
from seewhy.canonical import sha256_bytes
from seewhy.errors import BadData, BadModel, LotClaimed
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.record import InspectionRecord, RefusedPhoto

PHOTOS = 40
KILLS = 6  # the ledger alone is killed more often, in tests/agent/ledger


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


def batch(inspector: Inspector, photos: Path, path: Path, **more: Any) -> Tally:
    with Ledger(path) as ledger:
        return run_batch(inspector, read_layout(photos), ledger, lot="A", **more)


def verdicts(path: Path) -> dict[str, str]:
    with Ledger(path, read_only=True) as ledger:
        assert ledger.verify().intact
        found = list(entries(ledger, "A"))
    told = {e.name: e.code for e in found if isinstance(e, RefusedPhoto)}
    told |= {e.photo.name: e.verdict.value or "" for e in found if isinstance(e, InspectionRecord)}
    assert len(told) == len(found), "a photo counts twice"
    return told


def written(path: Path) -> int:
    with Ledger(path, read_only=True) as ledger:
        return ledger.head[0]


def test_a_photo_that_comes_back_is_inspected(inspector: Inspector, photos: Path, tmp_path: Path) -> None:
    path, names = tmp_path / "l.sqlite", tmp_path / "lot.csv"
    away = photos / "stain.png"
    names.write_text("path\nlot/good-0.png\nlot/stain.png\nlot/scratch.png\n")
    away.rename(tmp_path / "away.png")
    (photos / "scratch.png").write_bytes((photos / "scratch.png").read_bytes()[:300])
    assert batch(inspector, names, path).refused == 2
    assert batch(inspector, names, path) == Tally(passed=1, refused=2, skipped=3)
    assert written(path) == 3  # what is refused for the same reason again is not written again
    (tmp_path / "away.png").rename(away)
    assert batch(inspector, names, path) == Tally(passed=1, failed=1, refused=1, skipped=2)
    assert verdicts(path) == {"lot/good-0.png": "pass", "lot/stain.png": "fail", "lot/scratch.png": "truncated"}
    away.unlink()  # it was inspected: that it is gone now makes no difference
    assert batch(inspector, names, path) == Tally(passed=1, failed=1, refused=1, skipped=3)
    assert written(path) == 4


def test_a_refusal_carries_the_hash_of_the_bytes_that_were_decoded(inspector: Inspector, tmp_path: Path) -> None:
    """A copy that is still under way when it is read: what is there afterwards is another file."""
    lot = tmp_path / "lot"
    lot.mkdir()
    whole, half = png(defective("plate", "stain", 1).pixels), lot / "1.png"
    half.write_bytes(whole[:2000])

    class Slow(Inspector):
        def examine(self, photo: Any, **more: Any) -> Any:
            try:
                return super().examine(photo, **more)
            finally:
                half.write_bytes(whole)

    slow = Slow(inspector.model, card=inspector.card, alpha=ALPHA)
    assert batch(slow, lot, tmp_path / "l.sqlite").refused == 1
    with Ledger(tmp_path / "l.sqlite", read_only=True) as ledger:
        (refusal,) = entries(ledger)
        assert isinstance(refusal, RefusedPhoto)
        assert refusal.sha256 == sha256_bytes(whole[:2000])
    assert batch(inspector, lot, tmp_path / "l.sqlite").failed == 1


class Fragile(Inspector):
    """Meets what nobody foresaw."""

    fault: Exception = ZeroDivisionError("division by zero")

    def examine(self, photo: Any, **more: Any) -> Any:
        if "good-1" in str(photo):
            raise self.fault
        return super().examine(photo, **more)

    def recorded(self, examined: Any, said: Any) -> Any:
        if "good-2" in examined.photo.name:
            raise self.fault
        return super().recorded(examined, said)


def test_what_nobody_foresaw_costs_one_photo_and_is_tried_again(inspector: Inspector, photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    fragile = Fragile(inspector.model, card=inspector.card, alpha=ALPHA)
    assert batch(fragile, photos, path) == Tally(passed=2, failed=2, refused=2)
    assert verdicts(path)["good-1.png"] == verdicts(path)["good-2.png"] == "failed"
    with Ledger(path, read_only=True) as ledger:
        refusal = next(e for e in entries(ledger) if isinstance(e, RefusedPhoto))
    assert "ZeroDivisionError: division by zero" in refusal.message
    assert "l.sqlite.log" in refusal.remedy
    log = (tmp_path / "l.sqlite.log").read_text()
    assert log.count("Traceback") == 2
    assert "'good-1.png'" in log
    assert batch(fragile, photos, path).skipped == 6
    assert written(path) == 6
    assert batch(inspector, photos, path) == Tally(passed=4, failed=2, skipped=4)


@pytest.mark.parametrize("fault", [BadModel("the model was changed"), OSError(errno.ENOSPC, "No space left on device")])
def test_the_model_and_the_disk_stop_a_lot(fault: Exception, inspector: Inspector, photos: Path, tmp_path: Path) -> None:
    fragile = Fragile(inspector.model, card=inspector.card, alpha=ALPHA)
    fragile.fault = fault
    with pytest.raises(type(fault)):
        batch(fragile, photos, tmp_path / "l.sqlite")
    assert batch(inspector, photos, tmp_path / "l.sqlite").skipped == written(tmp_path / "l.sqlite") - 5 == 1


def test_two_runs_at_once_count_no_photo_twice(inspector: Inspector, photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"

    def another(items: Any, _title: str, _total: int | None = None) -> Iterator[Any]:
        for item in items:
            with pytest.raises(LotClaimed, match="is being inspected by process"):
                batch(inspector, photos, path)
            yield item

    batch(inspector, photos, path, progress=another)
    assert len(verdicts(path)) == written(path) == 6


@pytest.mark.slow
def test_anothers_verdicts_are_not_reported_as_ones_own(inspector: Inspector, photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    batch(inspector, photos, path)
    for other, what in (
        (Inspector(inspector.model, card=inspector.card, alpha=0.3), "another false-reject rate"),
        (Inspector(inspector.model, card=None, alpha=ALPHA), "another card"),
    ):
        with pytest.raises(BadData, match=rf"{what} \(6\).*--again"):
            batch(other, photos, path)
    assert written(path) == 6

    def broken(items: Any, _title: str, _total: int | None = None) -> Iterator[Any]:
        for number, item in enumerate(items):
            if number == 2:
                raise KeyboardInterrupt
            yield item

    lenient = Inspector(inspector.model, card=inspector.card, alpha=0.3)
    with pytest.raises(KeyboardInterrupt):
        batch(lenient, photos, path, again=True, progress=broken)
    assert written(path) == 10  # one says that the settings changed
    tally = batch(lenient, photos, path, again=True)
    assert written(path) == 13  # it goes on where it was broken off
    assert tally.passed + tally.failed + tally.review == len(verdicts(path)) == 6
    assert batch(lenient, photos, path).skipped == 6
    with Ledger(path, read_only=True) as ledger:
        assert {e.decision.alpha for e in entries(ledger) if isinstance(e, InspectionRecord)} == {0.3}


@pytest.mark.slow
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


def size_of(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_and_repeats_nothing(model_folder: Path, tmp_path: Path) -> None:
    """The batch command is killed at random moments and started again; the ledger equals that of an unbroken run."""
    lot = tmp_path / "lot"
    lot.mkdir()
    for i in range(PHOTOS):
        drawn = defective("plate", "stain", i) if i % 7 == 0 else good("plate", 400 + i)
        Image.fromarray(drawn.pixels).save(lot / f"{i:03}.png")

    def command(ledger: Path) -> list[str]:
        return [sys.executable, "-m", "seewhy", "batch", str(lot), "-m", str(model_folder), "-l", str(ledger), "--alpha", "0.05"]

    whole = subprocess.run(command(tmp_path / "whole.sqlite"), capture_output=True, check=False)
    assert whole.returncode == 1, whole.stderr.decode()
    chance, broken, before = random.Random(5), tmp_path / "broken.sqlite", 0
    for number in range(KILLS):
        process = subprocess.Popen(command(broken), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while number and process.poll() is None and size_of(broken) <= before:  # the first one is killed while it starts
            time.sleep(0.02)
        time.sleep(chance.uniform(0.0, 0.4))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if broken.is_file():
            with Ledger(broken) as ledger:
                assert ledger.verify().intact
                before = max(before, broken.stat().st_size)
    assert before > 0, "no kill fell between photos"
    last = subprocess.run(command(broken), capture_output=True, check=False)
    assert last.returncode == 1, last.stderr.decode()
    assert contents(broken) == contents(tmp_path / "whole.sqlite")
    with Ledger(broken) as ledger:
        assert ledger.verify().intact
        names = [r.entry.photo.name for r in ledger.rows() if isinstance(r.entry, InspectionRecord)]
    assert names == [f"{i:03}.png" for i in range(PHOTOS)]
