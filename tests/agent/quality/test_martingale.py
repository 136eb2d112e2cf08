"""A drift is called where good parts no longer score as the calibration's did, and hardly ever where they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import floor, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.stats import kstest
from tests.helpers.ledgers import GOLDEN
from tests.helpers.photos import ALPHA

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.models.calibration import Calibration
from seewhy.agent.photos.layouts import read_layout
from seewhy.agent.proof.replay import replay
from seewhy.agent.quality.drifting import Watches
from seewhy.agent.quality.martingale import LEVEL, Jumpers, Key, Passed, Watch, watched
from seewhy.evals.synthetic.surfaces import good
from seewhy.prompts import say
from seewhy.record import Decision, InspectionRecord, Stated

MODEL, PHOTOS, RATE = "m" * 64, 100, 0.06
PARTS = 16
CALIBRATION = np.sort(np.random.default_rng(7).gamma(9.0, size=PHOTOS))
LINES = Calibration(CALIBRATION, CALIBRATION, 0.0, 0.0, "held_out")


def measured(value: float | None) -> Stated[float]:
    return Stated(value=value, source="measured")


def decision(score: float, **other: Any) -> Decision:
    fields: dict[str, Any] = {
        "score": measured(score),
        "threshold": measured(LINES.threshold(0.01)),
        "p_value": measured(round(LINES.p_value(score), 6)),
        "alpha": 0.01,
        "calibration": "calibrated",
        "calibration_method": "held_out",
        "calibration_photos": PHOTOS,
        "calibration_needed": 99,
        "anomalous": False,
        "review_rate": 0.05,
        "review_threshold": measured(LINES.threshold(RATE)),
    }
    return Decision(**fields | other)


def records(scores: Sequence[float]) -> list[InspectionRecord]:
    """Records of passing parts with these scores."""
    whole = InspectionRecord.model_validate(GOLDEN["patchcore"][0]["record"])
    provenance = whole.provenance.model_copy(update={"model_sha256": MODEL})
    return [
        whole.model_copy(
            update={
                "decision": decision(score),
                "provenance": provenance,
                "findings": (),
                "photo": whole.photo.model_copy(update={"name": f"{i}.png", "sha256": f"{i:064x}"}),
                "verdict": Stated(value="pass", source="rule"),
            }
        )
        for i, score in enumerate(scores)
    ]


def test_streams_where_nothing_changes_raise_hardly_any_alarm() -> None:
    rng, jumpers, highest = np.random.default_rng(0), Jumpers(500), np.zeros(500)
    for _ in range(1000):
        jumpers.bet(rng.random(500))
        highest = np.maximum(highest, jumpers.log_capital)
    assert (highest >= log(LEVEL)).mean() <= 1 / LEVEL
    assert (highest >= log(20)).mean() <= 1 / 20
    assert highest.max() > 1  # it does bet


def test_capital_stays_one_on_average() -> None:
    jumpers = Jumpers(100_000)
    rng = np.random.default_rng(1)
    for _ in range(3):
        jumpers.bet(rng.random(100_000))
    assert np.exp(jumpers.log_capital).mean() == pytest.approx(1, abs=0.01)


def test_p_values_are_uniform_also_after_a_small_calibration() -> None:
    """They are ranks among all that came before; held against the calibration alone, those of a small one never are."""
    rng, found = np.random.default_rng(3), list[float]()
    for stream in range(60):
        known = np.sort(rng.gamma(9.0, size=20))
        key = Key(str(stream), "p", 20, floor(RATE * 21))
        watch, line = Watch(key), known[-key.above]
        for number, score in enumerate(rng.gamma(9.0, size=60)):
            if score <= line:
                found.append(watch.p_value(Passed(score, int((known >= score).sum()) - key.above, str(number), "", "")))
    assert kstest(found, "uniform").pvalue > 0.01


@pytest.mark.parametrize(("change", "way"), [(1.5, "higher"), (0.7, "lower")])
def test_a_change_is_found_either_way_and_dated(change: float, way: str) -> None:
    scores = np.random.default_rng(4).gamma(9.0, size=300)
    scores[100:] *= change
    watch, key = Watch(Key(MODEL, "p", PHOTOS, 6)), 6
    for number, score in enumerate(scores):
        if score <= LINES.scores[-key]:
            watch.see(Passed(score, int((LINES.scores >= score).sum()) - key, f"{number}", f"{number}", "L"))
    assert watch.drift is not None
    assert watch.drift.way == way
    assert int(watch.drift.since) <= int(watch.drift.alarm)
    assert 100 < int(watch.drift.alarm) < 200


def test_only_what_could_pass_is_watched() -> None:
    line = LINES.threshold(RATE) or 0.0
    assert watched(decision(line)) == (PHOTOS, 6, 0)
    assert watched(decision(0.0)) == (PHOTOS, 6, PHOTOS - 6)
    assert watched(decision(line + 0.001)) is None
    assert watched(decision(1.0, calibration_method="lot")) is None
    assert watched(decision(1.0, calibration_photos=10)) is None
    unsure = Stated[float](value=line, source="measured", status="unverified")
    assert watched(decision(1.0, review_threshold=unsure)) is None


@pytest.mark.slow
def test_what_was_seen_is_read_from_the_ledger_again(tmp_path: Path) -> None:
    """Wherever a run is cut off, the next one knows all that was written; a photo counts once, and none that was learned."""
    scores = np.minimum(np.random.default_rng(5).gamma(9.0, size=120) * 1.2, LINES.threshold(RATE) or 0.0)
    made, learned = records([float(s) for s in scores]), {MODEL: frozenset({f"{3:064x}"})}
    whole, cut = [], []
    with Ledger(tmp_path / "one.sqlite") as ledger:
        watches = Watches(ledger, learned)
        for record in made:
            whole.append(watches.after(record))
            ledger.append(whole[-1])
            watches.catch_up()
    with Ledger(tmp_path / "cut.sqlite") as ledger:
        for record in [*made[:40], *made[:20], *made[40:]]:
            after = Watches(ledger, learned).after(record)
            ledger.append(after)
            if record not in made[:20] or record not in [c for c, _ in cut]:
                cut.append((record, after))
    assert [after.content_sha256 for _, after in cut] == [one.content_sha256 for one in whole]
    verdicts = [one.verdict.value for one in whole]
    first = verdicts.index("review")
    assert set(verdicts[:first]) == {"pass"}
    assert set(verdicts[first:]) == {"review"}
    drift = whole[first].decision.drift
    assert drift is not None
    assert (drift.alarm, drift.way, drift.photos) == (f"{first}.png", "higher", first)  # 3.png was learned
    (reason,) = [r for r in whole[first].reasons if r.key == "reason.drift"]
    assert drift.since in reason.text
    assert "높습니다" in say(reason, "ko")
    assert whole[0] == made[0]  # no record says more where nothing is wrong


@pytest.mark.slow
def test_a_lot_unlike_the_calibration_is_asked_about_from_some_photo_on(inspector: Inspector, tmp_path: Path) -> None:
    lot, known = tmp_path / "lot", inspector.model.calibration
    lot.mkdir()
    for i in range(PARTS):
        Image.fromarray(good("plate", 300 + i).pixels).save(lot / f"{i:02}.png")
    samples = read_layout(lot)
    far = replace(known, scores=2 * known.scores, peaks=2 * known.peaks)  # good parts score half of what they did
    other = Inspector(replace(inspector.model, calibration=far).save(tmp_path / "model"), card=inspector.card, alpha=ALPHA)
    with Ledger(tmp_path / "a.sqlite") as whole, Ledger(tmp_path / "b.sqlite") as cut:
        tally = run_batch(other, samples, whole, lot="A")
        run_batch(other, samples[:6], cut, lot="A")
        assert run_batch(other, samples, cut, lot="A").review == tally.review
        found = [row.entry for row in whole.rows() if isinstance(row.entry, InspectionRecord)]
        assert [row.entry.content_sha256 for row in cut.rows()] == [one.content_sha256 for one in found]  # type: ignore[union-attr]
        alarmed = [i for i, one in enumerate(found) if one.decision.drift]
        assert alarmed == list(range(alarmed[0], PARTS))
        assert (tally.passed, tally.review) == (alarmed[0], PARTS - alarmed[0])
        assert found[-1].decision.drift is not None
        assert found[-1].decision.drift.way == "lower"
        assert replay(whole, str(alarmed[0] + 1), tmp_path / "model", lot).result == "equal"
    with Ledger(tmp_path / "c.sqlite") as ledger:
        assert run_batch(other, samples[:2], ledger, lot="A", watch=False).passed == 2
        (row,) = ledger.found("seq = 2")
        assert isinstance(row.entry, InspectionRecord)
        assert [m.what for m in row.entry.missing].count("drift") == 1
        assert replay(ledger, "2", tmp_path / "model", lot).result == "equal"
