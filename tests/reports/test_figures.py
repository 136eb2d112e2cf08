"""A place that is only also unusual is drawn so, and not where it would look like a finding."""

from __future__ import annotations

import cv2
import numpy as np
from tests.helpers.photos import as_photo

from seewhy.agent.inspection.inspector import Inspection, Inspector
from seewhy.drawing import CONTOUR_RGB
from seewhy.evals.synthetic.surfaces import defective
from seewhy.record import InspectionRecord, Stated
from seewhy.reports.figures import Figures


def reddest(made: Inspection, record: InspectionRecord, figure: str) -> float:
    """How near a figure's reddest pixel comes to the contours' colour, as a distance."""
    data = getattr(Figures(record, lambda digest: made.pictures[digest][1]), figure)()
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)
    return float(np.abs(shown - CONTOUR_RGB).max(2).min())


def test_what_is_also_unusual_is_drawn_in_grey_and_not_in_a_thumbnail_of_findings(inspector: Inspector) -> None:
    made = inspector.inspect(as_photo(defective("plate", "stain", 1)))
    (finding, *_) = made.record.findings
    quiet = finding.model_copy(update={"p_value": Stated[float](value=0.4, source="rule", status="unverified")})
    alone = made.record.model_copy(update={"findings": (quiet,)})
    for figure in ("marked", "thumbnail"):
        assert reddest(made, made.record, figure) < 60
        assert reddest(made, alone, figure) > 90

    def thumbnail(record: InspectionRecord) -> bytes | None:
        return Figures(record, lambda digest: made.pictures[digest][1]).thumbnail()

    both = made.record.model_copy(update={"findings": (*made.record.findings, quiet.model_copy(update={"number": 9, "evidence": ()}))})
    assert thumbnail(both) == thumbnail(made.record) != thumbnail(alone)
