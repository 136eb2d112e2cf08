"""Merged p-values, and which detectors are asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.helpers.photos import SMALL, noise, png

from seewhy.agent.api.learn import fit
from seewhy.agent.api.load import load
from seewhy.agent.inspection.chain import engine_of
from seewhy.agent.models.choice import choose
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import decode
from seewhy.card import ProductCard
from seewhy.detectors.catalogue import rows
from seewhy.detectors.dinomaly.detector import Dinomaly
from seewhy.detectors.dinomaly.settings import DinomalySettings
from seewhy.detectors.ensemble import Ensemble, EnsembleSettings, Merge, Ranks
from seewhy.detectors.mutual import Mutual, MutualSettings
from seewhy.detectors.patchcore import PatchCore, PatchCoreSettings
from seewhy.detectors.template.detector import Template
from seewhy.errors import BadData, BadModel
from seewhy.evals.synthetic.boards import board, broken
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.prompts import say

pytestmark = pytest.mark.slow


COARSE = PatchCoreSettings(input_px=96, bank_rows=300, candidate_rows=2000)


def test_a_number_becomes_its_conformal_p_value() -> None:
    ranks = Ranks(np.sort([3.0, 1.0, 4.0, 1.0, 5.0]))
    inside = [0.0, 1.0, 2.0, 4.0, 5.0]
    expected = [(1 + sum(k >= v for k in ranks.known)) / 6 for v in inside]
    assert np.exp(-ranks.nats(inside)) == pytest.approx(expected)
    beyond = ranks.nats([5.5, 6.0, 6.5, 60.0])
    assert (np.diff(beyond) > 0).all()
    assert [ranks.p(v) for v in (4.0, 5.5, 60.0)] == pytest.approx([3 / 6, 1 / 6, 1 / 6])
    assert beyond[2] - beyond[1] == pytest.approx(beyond[1] - beyond[0])
    assert np.isfinite(Ranks(np.zeros(4)).nats([0.0, 1.0])).all()


@pytest.mark.parametrize("dependence", [0.0, 0.9, 1.0])
def test_bonferroni_holds_however_the_members_depend(dependence: float) -> None:
    """Good parts are rejected at most as often as asked, over many lots of calibration photos."""
    rng, alpha, rejected = np.random.default_rng(5), 0.1, list[float]()
    merged = Ensemble([PatchCore(SMALL), PatchCore(COARSE)])
    for _ in range(60):
        common = rng.normal(size=(2000 + 99, 1))
        scores = dependence * common + (1 - dependence) * rng.normal(size=(2000 + 99, 2))
        nats = np.stack([Ranks(np.sort(scores[:99, i])).nats(scores[99:, i]) for i in range(2)])
        rejected.append(float((merged._merged(nats) >= -np.log(alpha)).mean()))
    assert np.mean(rejected) <= alpha + 3 * np.std(rejected) / np.sqrt(len(rejected))


@pytest.mark.parametrize("merge", ["bonferroni", "fisher"])
def test_two_detectors_speak_as_one(merge: Merge, tmp_path: Path) -> None:
    photos = [decode(png(good("cast", i).pixels), f"{i}.png") for i in range(8)]
    made = Ensemble(
        [PatchCore(SMALL), Dinomaly(DinomalySettings(encoder="efficientnet-lite0", input_px=96, depth=2, steps=20, batch=4, at_once=4))],
        EnsembleSettings(merge),
    )
    assert made.calibrates == "held_out"
    model = ProductModel.fit(photos, made, product="part", alpha=0.5).save(tmp_path / "model")
    bad = defective("cast", "stain", 4)
    inspection = load(tmp_path / "model", alpha=0.5).inspect(decode(png(bad.pixels), "bad.png"))
    spoke, first, second = inspection.record.detectors
    assert spoke.name == "patchcore+dinomaly/efficientnet-lite0"
    assert ("Bonferroni" if merge == "bonferroni" else "Fisher") in spoke.because.text
    assert [first.name, second.name] == ["patchcore", "dinomaly/efficientnet-lite0"]
    assert "says p = " in first.because.text
    engine = inspection.record.provenance.engine
    assert engine is not None
    by = "OpenVINO in f32, the network that was exported at the fit"
    assert engine.text == f"patchcore: {by}; dinomaly/efficientnet-lite0: {by}"
    assert say(engine, "ko").startswith("patchcore: OpenVINO(f32), ")
    assert engine_of(Ensemble([Template(), Template()])) is None
    assert inspection.record.verdict.value in ("fail", "review")
    before, after = model.detector.score(bad.pixels), ProductModel.load(tmp_path / "model").detector.score(bad.pixels)
    assert after.score == pytest.approx(before.score, rel=1e-5)
    assert before.score > model.detector.score(good("cast", 51).pixels).score
    y, x = np.unravel_index(before.values.argmax(), before.values.shape)
    ys, xs = np.nonzero(bad.mask)
    assert abs(x - xs.mean()) < max(before.resolution_px, bad.feret_px)
    assert abs(y - ys.mean()) < max(before.resolution_px, bad.feret_px)


def test_a_photo_left_out_is_left_out_of_every_member_and_of_its_calibration() -> None:
    photos = [noise(90, 120, i) for i in range(4)]
    made = Ensemble([PatchCore(SMALL), PatchCore(COARSE)])
    made.fit(photos)
    assert made.calibrates == "left_out"
    alone = PatchCore(COARSE)
    alone.fit(photos)
    left = made.without(2)
    member = left._members[1]
    assert member.numbers == (0, 1, 3)
    assert member.detector.score(photos[2]).score == pytest.approx(alone.without(2).score(photos[2]).score, rel=1e-5)
    assert len(made._members[1].scores) == 4
    matrix = np.array(made.learned["correlation"])
    assert matrix.shape == (2, 2)
    assert np.allclose(np.diag(matrix), 1)


def test_with_golden_photos_copies_calibrate_the_ensemble() -> None:
    photos = [decode(png(board(p)), f"{p}.png") for p in range(4)]
    made = Ensemble([Template(), PatchCore(COARSE)])
    assert made.calibrates == "disturbed_copies"
    model = ProductModel.fit(photos, made, product="board", alpha=0.2)
    assert model.calibration.method == "disturbed_copies"
    wrong = broken(1, "extra", copy=1)
    scored = model.detector.score(wrong.pixels)
    assert scored.change is not None
    assert scored.votes[0].detector == "template"
    assert scored.score > model.detector.score(board(2, copy=1)).score


def test_what_can_t_be_merged_is_refused() -> None:
    with pytest.raises(BadData, match="two or more"):
        Ensemble([PatchCore(SMALL)])
    with pytest.raises(BadData, match="mutual learns from a lot"):
        Ensemble([PatchCore(SMALL), Mutual(MutualSettings(input_px=96))])
    with pytest.raises(BadData, match="bonferroni or fisher"):
        Ensemble([PatchCore(SMALL), PatchCore(COARSE)], EnsembleSettings("mean"))  # type: ignore[arg-type]
    with pytest.raises(BadData, match="at least 3 good photos"):
        Ensemble([PatchCore(SMALL), PatchCore(COARSE)]).fit([noise(64, 64)])
    with pytest.raises(BadModel, match="call fit first"):
        Ensemble([PatchCore(SMALL), PatchCore(COARSE)]).score(noise(64, 64))
    with pytest.raises(BadData, match="members' names"):
        Ensemble.from_card(None)


def test_the_chain_is_chosen_by_card_and_photos() -> None:
    def able(card: ProductCard | None, good: int, *, lot: bool = False, device: str = "cpu") -> list[str]:
        return [c.name for c in choose(card, good=good, lot=lot, device=device) if c.why_not is None]

    board_card = ProductCard(name="board", material="light")
    assert able(None, 40) == ["patchcore"]
    assert able(board_card, 40) == ["template", "patchcore"]
    assert able(board_card, 40, lot=True) == ["mutual"]
    assert able(None, 0) == []
    reasons = {c.name: c.why_not.text for c in choose(None, good=40) if c.why_not}
    assert reasons["dinomaly"].endswith("for which it wants 100 good photos; there are 40.")
    assert "no words" in reasons["winclip"]
    assert "no printed" in reasons["template"]
    assert "good photos are known" in reasons["mutual"]
    worded = {c.name: c.why_not.text for c in choose(ProductCard(name="p", description="a bracket"), good=2) if c.why_not}
    assert "what it needs is not here" in worded["winclip"]
    trained = {c.name: c.why_not.text if c.why_not else "" for c in choose(None, good=400, device="cuda")}
    lacks = next(row for row in rows() if row.name == "dinomaly").lacks()
    assert trained["dinomaly"] == (f"dinomaly did not speak: what it needs is not here ({lacks})." if lacks else "")


def test_the_record_says_why_each_detector_was_or_was_not_asked(tmp_path: Path) -> None:
    folder = tmp_path / "good"
    folder.mkdir()
    for i in range(4):
        (folder / f"{i}.png").write_bytes(png(noise(64, 64, i)))
    inspector = fit(folder, save=tmp_path / "model", settings={"patchcore": SMALL}, alpha=0.2)
    record = load(tmp_path / "model", alpha=0.2).inspect(folder / "0.png").record
    assert inspector.model.detector.name == "patchcore"
    assert {note.name: note.spoke for note in record.detectors} == {
        "template": False,
        "dinomaly": False,
        "winclip": False,
        "mutual": False,
        "patchcore": True,
    }
    lot = fit(lot=folder, settings={"mutual": MutualSettings(input_px=96)}, alpha=0.2)
    assert (lot.model.detector.name, lot.model.calibration.method) == ("mutual", "lot")
    with pytest.raises(BadData, match="not both"):
        fit(folder, lot=folder)
    merged = fit(folder, detector="patchcore+template", settings={"patchcore": SMALL}, merge="fisher", alpha=0.2)
    assert merged.model.detector.name == "patchcore+template"
