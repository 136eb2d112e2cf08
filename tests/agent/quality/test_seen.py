"""What tables and charts count of a photo's findings."""

from __future__ import annotations

import json

from tests.helpers.ledgers import GOLDEN

from seewhy.agent.ledger.chain import Stored
from seewhy.agent.quality.seen import _seen
from seewhy.record import InspectionRecord
from seewhy.reports.view import lot_view


def test_what_is_also_unusual_is_counted_when_a_person_names_it() -> None:
    golden = next(one["record"] for one in GOLDEN["patchcore"] if one["record"]["findings"])
    finding = golden["findings"][0] | {"p_value": {"value": 0.4, "source": "measured", "status": "unverified", "evidence": []}}
    body = golden | {"findings": [finding]}
    seen = _seen(Stored(1, "inspection", "2026-01-01", "L", "a.png", None, json.dumps(body), "", "h"))
    assert (len(seen.spots), seen.counted) == (1, ())
    seen.spots[0].confirmed = True
    assert seen.counted == seen.spots
    counted = _seen(Stored(1, "inspection", "2026-01-01", "L", "a.png", None, json.dumps(golden), "", "h")).counted
    assert len(counted) == len(golden["findings"])
    record = InspectionRecord.model_validate(body)
    assert lot_view([record], lambda _: None, "")["pareto"] == []
    assert lot_view([InspectionRecord.model_validate(golden)], lambda _: None, "")["pareto"]
