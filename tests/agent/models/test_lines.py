"""What passes of known defects at each line, and a line that keeps a promise about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import seewhy
from seewhy.agent.api.lines import Line, highest
from seewhy.agent.models.product import ProductModel
from seewhy.agent.quality.bounds import Share
from seewhy.cli import app
from seewhy.errors import BadData
from seewhy.evals.synthetic.surfaces import defective


@pytest.fixture(scope="module")
def defects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six stains, one of them twice."""
    folder = tmp_path_factory.mktemp("defects")
    for i in (*range(6), 3):
        Image.fromarray(defective("plate", "stain", i).pixels).save(folder / f"{len(list(folder.iterdir()))}.png")
    return folder


def test_known_defects_are_counted_below_each_line(model_folder: Path, defects: Path) -> None:
    found = seewhy.lines(model_folder, defects)
    model = ProductModel.load(model_folder)
    assert (found.defects, found.good) == (6, len(model.calibration))  # a copy counts once
    assert [row.rate for row in found.rows] == sorted(row.rate for row in found.rows)
    assert all(model.calibration.supports(row.rate) for row in found.rows)
    assert [row.value for row in found.rows] == [model.calibration.threshold(row.rate) for row in found.rows]
    assert [row.passed.count for row in found.rows] == sorted((row.passed.count for row in found.rows), reverse=True)
    assert (found.chosen, found.needed) == (None, 59)  # (1 - .05)^59 < .05
    wide = seewhy.lines(model, defects, escapes=0.45)
    assert wide.chosen is not None
    assert wide.chosen.passed.upper <= 0.45


def test_the_promise_holds_though_the_line_is_chosen_on_the_same_defects() -> None:
    rng, kept, chosen = np.random.default_rng(0), 0, 0
    values = np.linspace(3, -2, 40)[::-1]  # the lowest first
    for _ in range(400):
        scores = rng.normal(2, 1, 80)
        steps = [Line(0.5, float(v), Share(int((scores <= v).sum()), len(scores))) for v in values]
        line = highest(steps, 0.1, 0.95)
        if line is not None:
            chosen += 1
            truth = float((np.random.default_rng(1).normal(2, 1, 100_000) <= line.value).mean())
            kept += truth <= 0.1
    assert chosen > 350
    assert kept / chosen > 0.93
    assert highest([Line(0.5, 0.0, Share(9, 80))], 0.1, 0.95) is None


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_command_says_which_line(model_folder: Path, defects: Path, language: str) -> None:
    words = ["lines", str(model_folder), "--defects", str(defects), "--language", language]
    few = CliRunner().invoke(app, words)
    assert few.exit_code == 0, few.output
    assert "59" in few.output
    said = CliRunner().invoke(app, [*words, "--escapes", "0.45"]).output
    assert "--alpha" in said
    assert ("임계값" in said) == (language == "ko")


def test_what_is_no_defect_is_refused(model_folder: Path, defects: Path, tmp_path: Path) -> None:
    good = tmp_path / "good"
    good.mkdir()
    Image.fromarray(defective("plate", "stain", 0).pixels).save(good / "a.png")
    with pytest.raises(BadData, match="no photo of a defective part"):
        seewhy.lines(model_folder, tmp_path)
    with pytest.raises(BadData, match="between 0 and 1"):
        seewhy.lines(model_folder, defects, escapes=1)
    learned = seewhy.fit(
        defects, detector="patchcore", settings={"input_px": 96, "bank_rows": 200, "candidate_rows": 1000, "whitened_rows": 0}
    )
    with pytest.raises(BadData, match="among the good photos that the model learned"):
        seewhy.lines(learned.model, defects)
