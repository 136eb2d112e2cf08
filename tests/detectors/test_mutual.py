from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.helpers.photos import as_photo, png

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.layouts import read_layout
from seewhy.detectors.mutual import Mutual, MutualSettings
from seewhy.errors import BadData, BadModel
from seewhy.evals.metrics import auroc
from seewhy.evals.synthetic.surfaces import KINDS, defective, good
from seewhy.record import InspectionRecord

pytestmark = pytest.mark.slow


SMALL = MutualSettings(input_px=192)


def lot(photos: int, bad: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Photos of one product, the first `bad` of them with defects, and which those are."""
    made = [defective("cast", KINDS[i % len(KINDS)], 300 + i).pixels for i in range(bad)]
    made += [good("cast", 300 + i).pixels for i in range(photos - bad)]
    return made, np.arange(photos) < bad


def test_a_lot_of_which_a_third_is_bad_judges_itself() -> None:
    photos, bad = lot(24, 7)
    detector = Mutual(SMALL)
    detector.fit(photos)
    scores = np.array([detector.score(p).score for p in photos])
    assert (auroc(bad, scores) or 0) > 0.9


def test_scores_are_what_the_paper_says() -> None:
    """Against the formula written out: nearest patch of each other photo, mean of the lowest interval, mean over pools."""
    photos, _ = lot(6, 2)
    settings = MutualSettings(input_px=96, pools=(1, 3), smoothing=0.0, top_share=0.0, kin=2)
    detector, alone = Mutual(settings), Mutual(replace(settings, kin=0))
    detector.fit(photos)
    alone.fit(photos)
    features = [[f.reshape(-1, f.shape[-1]) for f in detector._features(p)] for p in photos]
    maps = []
    for pool in range(2):
        each = torch.stack([torch.cdist(features[0][pool], features[j][pool].half().float()).amin(1) for j in range(1, 6)])
        maps.append(each.sort(0).values[:2].mean(0))  # 30 % of five photos, rounded
    expected = torch.stack(maps).mean(0).max()
    own = [alone.score(p).score for p in photos]
    assert own[0] == pytest.approx(float(expected), rel=1e-3)
    wholes = torch.stack([f[0].mean(0) for f in features])
    wholes = wholes - wholes.mean(0)
    alike = torch.cosine_similarity(wholes[1:], wholes[:1]).clamp(min=0)
    kin = alike.argsort(descending=True)[:2]
    weighted = (own[0] + sum(float(alike[k]) * own[1 + int(k)] for k in kin)) / (1 + float(alike[kin].sum()))
    assert detector.score(photos[0]).score == pytest.approx(weighted, rel=1e-3)
    assert np.array_equal(detector.score(photos[0]).values, alone.score(photos[0]).values)


def test_a_photo_does_not_judge_itself_and_judges_are_bounded() -> None:
    photos, _ = lot(12, 2)
    detector = Mutual(MutualSettings(input_px=96, peers=5))
    detector.fit(photos)
    assert len(detector.learned["judges"]) == 5
    assert detector.learned["lot"] == 12
    assert all(p.shape[0] == 5 for p in detector._peers)
    for pixels in photos:
        assert detector.score(pixels).score > 0.01  # its own patches would be at distance 0
    assert detector.without(3) is detector


def test_nothing_passes_by_itself_and_the_record_says_why(tmp_path: Path) -> None:
    photos, bad = lot(16, 3)
    folder = tmp_path / "lot"
    folder.mkdir()
    for i, pixels in enumerate(photos):
        (folder / f"{i:02}.png").write_bytes(png(pixels))
    model = ProductModel.fit(
        [as_photo(good("cast", 300 + i), f"{i}.png") for i in range(13)]
        + [as_photo(defective("cast", KINDS[i], 300 + i), f"b{i}.png") for i in range(3)],
        Mutual(SMALL),
        product="cast",
    ).save(tmp_path / "model")
    assert model.calibration.method == "lot"
    assert not model.calibration.supports(0.5)
    with Ledger(tmp_path / "l.sqlite") as ledger:
        tally = run_batch(Inspector(model, alpha=0.05), read_layout(folder), ledger, lot="A")
        records = [r.entry for r in ledger.rows() if isinstance(r.entry, InspectionRecord)]
    assert tally.passed == 0
    assert all(r.provenance.reference_sha256 is None for r in records)  # a photo of the lot is not shown as a good one
    assert all(any(m.what == "calibration" and m.because.key == "missing.lot" for m in r.missing) for r in records)
    strange = [r.decision.anomalous for r in records]
    assert sum(strange[i] for i in range(3)) >= 2
    assert sum(strange[3:]) <= 2
    assert bad.sum() == 3


def test_bad_input_is_told() -> None:
    with pytest.raises(BadData, match="at least 3 photos"):
        Mutual(SMALL).fit(lot(2, 0)[0])
    with pytest.raises(BadModel, match="no lot"):
        Mutual(SMALL).score(good("cast", 1).pixels)


def test_openvino_judges_as_torch_does_and_models_without_a_network_stay_with_torch() -> None:
    photos, _ = lot(5, 1)
    by_torch, exported = (Mutual(replace(SMALL, engine=engine)) for engine in ("torch", "openvino"))
    for detector in (by_torch, exported):
        detector.fit(photos)
    assert exported.learned["network"]["openvino"]
    assert "network" not in by_torch.learned
    for photo in photos:
        assert exported.score(photo).score == pytest.approx(by_torch.score(photo).score, rel=1e-3)
    again = Mutual.from_files(exported.settings, exported.learned, exported.files())
    assert again.score(photos[0]).score == exported.score(photos[0]).score
    before = Mutual.from_files(SMALL, by_torch.learned, by_torch.files())  # its settings had no engine
    assert before.settings.engine == "torch"
    assert before.score(photos[0]).score == by_torch.score(photos[0]).score
