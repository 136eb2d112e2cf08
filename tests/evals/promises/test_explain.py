"""The figures of a served VLM, from a real HTTP server that always says the same."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from tests.helpers.photos import SMALL
from tests.helpers.servers import GOOD, kind_of, obedient, speaking

from seewhy.agent.api.learn import fit
from seewhy.evals.promises.explain import main


@pytest.mark.slow
def test_figures_of_a_served_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seewhy.evals.promises.cases.fit", partial(fit, settings={"patchcore": SMALL}))
    monkeypatch.setattr("seewhy.evals.promises.cases.FITTED_ON", 20)
    pit = GOOD | {"type": "pit", "form": "spot", "confidence": "low", "appearance": "a dark dot"}
    with speaking(lambda r, s: pit if kind_of(r) == "describe" else obedient(r, s)) as (url, _):
        main(url, tmp_path / "explain.json", per_kind=1)
    found = json.loads((tmp_path / "explain.json").read_text())
    assert found["detected"]["found"] >= 12
    assert found["weights"] == "scripted"
    assert found["types"]["accuracy"] == 0.25  # it calls everything a pit
    assert found["types_embedded"]["accuracy"] > 0.5
    assert found["hallucination"]["not_called_no"] == 1.0
    assert found["contradicted"]["shown"] == 0
    assert found["contradicted"]["parts_with_a_contradiction"] >= 0.25  # of four kinds, at least the scratches are no spots
    assert found["faithfulness"]["faithfulness"] == 0.0
    assert found["languages"]["enums_equal"] == 1.0
    assert found["json"]["at_first"] == 1.0
