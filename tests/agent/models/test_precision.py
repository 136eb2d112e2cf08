"""The precision that is left open becomes the fastest one that judges good photos as f32 does, and the manifest says what was measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tests.helpers.photos import ALPHA, SMALL
from typer.testing import CliRunner

from seewhy.agent.models.candidates import unfitted
from seewhy.agent.models.family import Family
from seewhy.agent.models.options import settings_for
from seewhy.agent.models.precision import agreement, in_fastest_precision
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import Photo
from seewhy.cli import app
from seewhy.detectors.catalogue import row_of
from seewhy.detectors.dinomaly.detector import Dinomaly
from seewhy.detectors.dinomaly.settings import DinomalySettings
from seewhy.detectors.ensemble import Ensemble
from seewhy.detectors.mutual import Mutual, MutualSettings
from seewhy.detectors.parts.frozen import frozen
from seewhy.detectors.parts.network import faster_here, multiplies_in_bf16
from seewhy.detectors.patchcore import PatchCore
from seewhy.detectors.template.detector import Template
from seewhy.errors import BadData, BadModel, UnknownName
from seewhy.evals.synthetic.surfaces import good
from seewhy.types import Pixels

TINY = replace(SMALL, bank_rows=200, candidate_rows=1000, whitened_rows=0, precision="auto")


@pytest.fixture(scope="module")
def photos(good_plates: list[Photo]) -> list[Photo]:
    return good_plates[:8]


@pytest.fixture(scope="module")
def fitted(photos: list[Photo]) -> ProductModel:
    return ProductModel.fit(photos, PatchCore(TINY), alpha=ALPHA)


def chosen(first: ProductModel, rival: ProductModel, pixels: Pixels) -> ProductModel:
    return in_fastest_precision(Family({"plate": first}), {"bf16": Family({"plate": rival})}, pixels, (ALPHA,)).members["plate"]


def test_scores_that_rank_alike_agree_and_others_do_not(fitted: ProductModel) -> None:
    assert len(fitted.scored) == len(fitted.calibration)
    assert sorted(fitted.scored) == fitted.calibration.scores.tolist()
    assert agreement(fitted, fitted, (ALPHA, 0.3)) == {"kendall_tau": 1.0, "verdicts_changed": 0}
    turned = replace(fitted, scored=fitted.scored[::-1])
    found = agreement(fitted, turned, (ALPHA, 0.3))
    assert found["kendall_tau"] < 0.99
    assert found["verdicts_changed"] > 0


@pytest.mark.slow
def test_a_faster_one_is_taken_where_it_agrees_and_left_where_it_does_not(fitted: ProductModel, photos: list[Photo]) -> None:
    slow = ProductModel.fit(photos, PatchCore(replace(TINY, input_px=512)), alpha=ALPHA)
    pixels = photos[0].pixels
    same_order = replace(fitted, scored=slow.scored, calibration=slow.calibration)
    taken = chosen(slow, same_order, pixels)
    assert taken is same_order
    assert taken.detector.learned["precision"]["taken"] == "bf16"
    assert taken.detector.learned["precision"]["tried"]["bf16"]["times_as_fast"] > 1
    other_order = replace(fitted, scored=slow.scored[::-1])
    assert chosen(slow, other_order, pixels) is slow
    assert chosen(fitted, replace(slow, scored=fitted.scored), pixels) is fitted


SMALL_ONES = {
    "patchcore": ["--option", "input_px=96", "--option", "bank_rows=100"],
    "dinomaly": ["--encoder", "efficientnet-lite0", "--input-px", "128", "--steps", "2", "--option", "depth=2"],
}


@pytest.mark.parametrize("name", ["patchcore", pytest.param("dinomaly", marks=pytest.mark.slow)])
def test_a_fit_writes_down_what_it_chose_and_the_model_keeps_it(name: str, tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    for number in range(4):
        Image.fromarray(good("plate", number).pixels[:128, :128]).save(tmp_path / "good" / f"{number}.png")
    model, small = tmp_path / "model", SMALL_ONES[name]
    words = ["fit", str(tmp_path / "good"), "-o", str(model), "--detector", name, *small]
    said = CliRunner().invoke(app, [*words, "--precision", "auto", "--json"]).stdout
    learned = json.loads((model / "manifest.json").read_text(encoding="utf-8"))["learned"]
    assert set(learned["precision"]["tried"]) == set(faster_here())
    assert learned["precision"]["taken"] == learned["network"]["precision"]
    assert json.loads(said)["precision"] == learned["precision"]
    assert ProductModel.load(model).detector.learned["precision"] == learned["precision"]
    assert isinstance(CliRunner().invoke(app, [*words[:4], "--detector", "template", "--precision", "auto"]).exception, UnknownName)


@pytest.mark.slow
def test_a_trained_decoder_runs_in_each_precision_and_is_trained_once(photos: list[Photo]) -> None:
    quick = DinomalySettings(encoder="efficientnet-lite0", input_px=128, depth=2, steps=2, batch=2, precision="auto")
    rate = 0.25  # for which three photos are set aside
    products = {"plate": photos, "other": photos[::-1]}
    family = Family.fit(products, Dinomaly(quick), alpha=rate)
    detector = family.detector
    assert isinstance(detector, Dinomaly)
    assert detector._network is not None
    rivals = detector.rivals()
    assert rivals is not None
    assert set(rivals) == set(faster_here())
    again = Family.calibrated(products, detector._run_by(frozen(detector._network.exported, detector._network.weights)), alpha=rate)
    for product, model in family.members.items():
        assert again.members[product].scored == model.scored
    taken = in_fastest_precision(family, {"bf16": again}, photos[0].pixels, (rate,))
    assert taken in (family, again)
    facts = taken.detector.learned["precision"]
    assert {name: facts["tried"]["bf16"][name] for name in ("kendall_tau", "verdicts_changed")} == {"kendall_tau": 1, "verdicts_changed": 0}
    turned = {name: replace(model, scored=model.scored[::-1]) for name, model in again.members.items()}
    mixed = Family({"plate": again.members["plate"], "other": turned["other"]})  # one product that ranks otherwise is enough
    assert in_fastest_precision(family, {"bf16": mixed}, photos[0].pixels, (rate,)) is family


BY_NAME = {"patchcore": {}, "dinomaly": {"encoder": "efficientnet-lite0"}, "mutual": {}}


@pytest.mark.parametrize("name", BY_NAME)
def test_a_precision_that_cannot_be_is_one_clear_error(name: str) -> None:
    def made(**settings: str) -> None:
        row = row_of(name)
        unfitted(name, settings=replace(row.settings_from(BY_NAME[name]), **settings))

    assert row_of(name).settings_from({}).precision == "f32"  # of models from before
    told = "the precisions are f32, bf16 and auto, not int8, which needs OpenVINO's quantiser"
    with pytest.raises(BadData, match=told):
        settings_for(name, options=["precision=int8"])
    with pytest.raises(BadData, match=told):
        made(precision="int8")
    with pytest.raises(BadData, match="OpenVINO's, which wouldn't run this network here; torch has --dtype bfloat16"):
        made(precision="bf16", engine="torch")
    if not multiplies_in_bf16():
        with pytest.raises(BadModel, match="this processor doesn't multiply in bf16"):
            made(precision="bf16")


def test_a_precision_is_left_open_only_where_good_photos_can_decide() -> None:
    with pytest.raises(BadData, match="nobody knows which photos of a lot are good; give --precision f32 or bf16"):
        Mutual(MutualSettings(precision="auto"))
    with pytest.raises(BadData, match="can't be left open where detectors speak as one"):
        Ensemble([PatchCore(TINY), Template()]).fit([good("plate", i).pixels for i in range(3)])
