"""Heat maps have one scale: what is twice as far above the threshold looks so."""

from __future__ import annotations

import cv2
import numpy as np
from tests.helpers.photos import as_photo

from seewhy.agent.inspection.inspector import Inspection, Inspector
from seewhy.drawing import heat_colours, heat_over
from seewhy.evals.synthetic.surfaces import defective
from seewhy.record import InspectionRecord, Stated
from seewhy.reports.figures import HEAT_TIMES, Figures
from seewhy.reports.part import part_view
from seewhy.types import Pixels


def times_threshold(made: Inspection, times: float) -> InspectionRecord:
    """The record as if its map's peak were so many thresholds."""
    finding = made.record.findings[0]
    peak = Stated[float](value=times * (finding.measured.strength.threshold.value or 0.0), source="measured")
    strength = finding.measured.strength.model_copy(update={"peak": peak})
    found = finding.model_copy(update={"measured": finding.measured.model_copy(update={"strength": strength})})
    return made.record.model_copy(update={"findings": (found,)})


def heat(made: Inspection, record: InspectionRecord) -> Pixels:
    data = Figures(record, lambda digest: made.pictures[digest][1]).heat()
    assert data is not None
    return np.ascontiguousarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1])


def test_a_photo_just_above_the_threshold_does_not_glow_like_one_far_above(inspector: Inspector) -> None:
    made = inspector.inspect(as_photo(defective("plate", "stain", 1)))
    faint, strong = (heat(made, times_threshold(made, t)).astype(int) for t in (1.1, 2.6))
    y, x = np.unravel_index(strong.sum(2).argmax(), strong.shape[:2])
    hot = np.s_[max(0, y - 5) : y + 6, max(0, x - 5) : x + 6]
    assert strong[hot][..., 0].mean() > faint[hot][..., 0].mean() + 60  # red, which the colours gain with the level


def test_the_threshold_is_drawn_where_the_map_crosses_it() -> None:
    level = np.tile(np.linspace(0, 1, 300, dtype=np.float32), (90, 1))
    grey = np.full((90, 300, 3), 60, np.uint8)
    drawn = heat_over(grey, level, line=1 / HEAT_TIMES)
    white = np.flatnonzero((drawn[45] > 200).all(1))
    assert {100} <= set(white) <= {99, 100, 101, 299}
    assert not (heat_over(grey, level)[45, :290] > 200).all(1).any()


def test_the_legend_has_the_maps_own_colours_and_says_where_the_threshold_is(inspector: Inspector) -> None:
    made = inspector.inspect(as_photo(defective("plate", "stain", 1)))
    view = part_view(1, 1, made.record, lambda digest: made.pictures[digest][1], "en")
    assert [(t["at"], t["text"]) for t in view["heat_ticks"]] == [(0.0, "0"), (33.3, "1 (threshold)"), (66.7, "2"), (100.0, "≥ 3")]
    colours = heat_colours(3)
    black = np.zeros((4, 4, 3), np.uint8)
    for level, colour in zip((0.0, 0.5, 1.0), colours, strict=True):
        seen = heat_over(black, np.full((4, 4), level, np.float32))[0, 0]
        wanted = [int(colour[i : i + 2], 16) * (0.35 + 0.5 * level) for i in (1, 3, 5)]
        assert np.abs(seen - wanted).max() <= 3


def test_without_a_threshold_the_scale_is_the_photos_own_and_says_so(inspector: Inspector) -> None:
    made = inspector.inspect(as_photo(defective("plate", "stain", 1)))
    missing = Stated[float](value=None, source="measured", status="missing")
    record = made.record.model_copy(update={"decision": made.record.decision.model_copy(update={"threshold": missing})})
    view = part_view(1, 1, record, lambda digest: made.pictures[digest][1], "en")
    assert [t["text"] for t in view["heat_ticks"]] == ["weakest", "strongest"]
    assert "without a threshold" in view["heat_caption"]
    assert view["heat"] is not None
