"""The precision that is left open becomes the fastest one that judges good photos as f32 does, and the manifest says what was measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tests.helpers.photos import ALPHA, SMALL
from typer.testing import CliRunner

from seewhy.agent.models.precision import agreement, in_fastest_precision
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import Photo
from seewhy.cli import app
from seewhy.detectors.parts.network import faster_here
from seewhy.detectors.patchcore import PatchCore
from seewhy.errors import UnknownName
from seewhy.evals.synthetic.surfaces import good

TINY = replace(SMALL, bank_rows=200, candidate_rows=1000, whitened_rows=0, precision="auto")


@pytest.fixture(scope="module")
def photos(good_plates: list[Photo]) -> list[Photo]:
    return good_plates[:8]


@pytest.fixture(scope="module")
def fitted(photos: list[Photo]) -> ProductModel:
    return ProductModel.fit(photos, PatchCore(TINY), alpha=ALPHA)


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
    taken = in_fastest_precision(slow, {"bf16": same_order}, pixels, (ALPHA,))
    assert taken is same_order
    assert taken.detector.learned["precision"]["taken"] == "bf16"
    assert taken.detector.learned["precision"]["tried"]["bf16"]["times_as_fast"] > 1
    other_order = replace(fitted, scored=slow.scored[::-1])
    assert in_fastest_precision(slow, {"bf16": other_order}, pixels, (ALPHA,)) is slow
    assert in_fastest_precision(fitted, {"bf16": replace(slow, scored=fitted.scored)}, pixels, (ALPHA,)) is fitted


def test_a_fit_writes_down_what_it_chose_and_the_model_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    for number in range(4):
        Image.fromarray(good("plate", number).pixels[:128, :128]).save(tmp_path / "good" / f"{number}.png")
    model, small = tmp_path / "model", ["--option", "input_px=96", "--option", "bank_rows=100"]
    words = ["fit", str(tmp_path / "good"), "-o", str(model), "--detector", "patchcore", *small]
    said = CliRunner().invoke(app, [*words, "--precision", "auto", "--json"]).stdout
    learned = json.loads((model / "manifest.json").read_text(encoding="utf-8"))["learned"]
    assert set(learned["precision"]["tried"]) == set(faster_here())
    assert learned["precision"]["taken"] == learned["network"]["precision"]
    assert json.loads(said)["precision"] == learned["precision"]
    assert ProductModel.load(model).detector.learned["precision"] == learned["precision"]
    assert isinstance(CliRunner().invoke(app, [*words[:4], "--detector", "template", "--precision", "auto"]).exception, UnknownName)
