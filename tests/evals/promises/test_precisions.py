"""Two precisions beside each other: which verdicts differ, and how near the line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.samples import Sample
from seewhy.evals.promises.precisions import Scored, beside, crossed

LINES = {"passes_up_to": 5.0, "anomalous_above": 6.0}


def test_the_line_between_two_verdicts_is_named_with_the_distance_from_it() -> None:
    assert crossed(LINES, 6.03, {"passes_up_to": 4.0, "anomalous_above": 5.0}, 5.1) is None  # each by its own line
    found = crossed(LINES, 6.03, {"passes_up_to": 5.1, "anomalous_above": 6.2}, 6.1)
    assert found is not None
    assert (found["verdicts"], found["line"], found["near"]) == (["anomalous", "asked"], "anomalous_above", True)
    assert found["percent_above"] == pytest.approx([0.5, -1.613], abs=1e-3)
    both = crossed(LINES, 6.03, LINES, 4.0)  # past two lines: the one that it was farther from
    assert both is not None
    assert (both["verdicts"], both["line"], both["near"]) == (["anomalous", "passes"], "passes_up_to", False)
    assert crossed({"passes_up_to": None, "anomalous_above": None}, 9.0, LINES, 5.5) is None  # both ask a person


def test_a_model_beside_itself_changes_nothing_and_moved_scores_do(model_folder: Path) -> None:
    model = ProductModel.load(model_folder)
    model = replace(model, scored=tuple(model.calibration.scores))
    passes, line = model.calibration.threshold(0.1), model.calibration.threshold(0.05)
    assert passes is not None
    assert line is not None
    assert passes < line
    samples = [
        Sample(Path(name), Path(), name, "plate", kind=kind) for name, kind in (("a.png", "good"), ("b.png", "pit"), ("c.png", "pit"))
    ]
    first = Scored(model, np.array([0.5 * line, 1.005 * line, 2 * line]))
    same = beside(first, first, samples)
    assert (same["kendall_tau"], same["verdicts_changed"], same["score_difference_percent"]["largest"]) == (1.0, 0, 0.0)
    found = beside(first, Scored(model, np.array([0.5 * line, (passes + line) / 2, 0.5 * line])), samples)
    assert [one["photo"] for one in found["changed"]] == ["b.png", "c.png"]
    assert (found["verdicts_changed"], found["of_them_not_near_the_line"]) == (2, 1)
    assert found["score_difference_percent"]["largest"] == 75.0
