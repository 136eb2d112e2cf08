"""The measurement of `explain`."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.evals.promises.explaining import counterfactual, elsewhere_than, explain_ms, together
from seewhy.types import Box, Region


def test_time_is_taken_with_and_without_a_good_photo() -> None:
    figures = explain_ms(2)
    assert set(figures) == {"alone", "beside_a_good_photo"}
    assert all(0 < row["median"] <= row["p95"] for row in figures.values())


@pytest.mark.slow
def test_alarms_are_counted_with_their_region_and_with_another_painted_over() -> None:
    row = counterfactual("plate", 1, 12)
    assert row["alarms"] + row["without_one_region"] == 4
    assert max(row["gone"], row["elsewhere"]) <= row["alarms"]


def test_shares_are_of_all_products() -> None:
    rows = [
        {"alarms": 3, "gone": 3, "elsewhere": 0, "without_one_region": 1},
        {"alarms": 1, "gone": 0, "elsewhere": 1, "without_one_region": 0},
    ]
    assert together(rows) == {"alarms": 4, "gone": 0.75, "elsewhere": 0.25}


def test_a_region_moves_where_it_does_not_touch_itself() -> None:
    for box in (Box(0, 0, 10, 10), Box(80, 60, 100, 75)):
        moved = elsewhere_than(Region(box, np.ones((box.height, box.width), bool), None, None, (box.x0, box.y0)), 100, 80).box
        assert (moved.width, moved.height) == (box.width, box.height)
        assert moved.x1 <= box.x0 or box.x1 <= moved.x0
