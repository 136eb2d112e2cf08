from __future__ import annotations

from importlib import import_module

import pytest
from tests.helpers.photos import as_photo

from seewhy.agent.inspection.inspector import Inspector
from seewhy.evals.synthetic.surfaces import defective
from seewhy.explainers import EXPLAINERS, RegionView
from seewhy.explainers.measured import MeasuredWords
from seewhy.record import Explanation, Source


class Acme:
    """A plug-in: it computes its own words."""

    name = "acme"
    source: Source = "measured"
    in_flight = 1

    def explain(self, view: RegionView, _until: float | None = None, /) -> Explanation:
        return MeasuredWords().explain(view).model_copy(update={"explainer": self.name})


@pytest.mark.parametrize("name", sorted(EXPLAINERS.table))
def test_every_explainer_says_whose_words_its_are(name: str) -> None:
    module, _, made = EXPLAINERS.table[name].target.partition(":")
    assert getattr(import_module(module), made).source == name


def test_a_third_explainer_is_recorded_as_itself(inspector: Inspector) -> None:
    record = (
        Inspector(inspector.model, card=inspector.card, alpha=inspector.alpha, explainer=Acme())
        .inspect(as_photo(defective("plate", "stain", 1)))
        .record
    )
    assert {f.explanation.explainer for f in record.findings} == {"acme"}
    assert [f.unexplained for f in record.findings] == [None]
    assert [m.because.text for m in record.missing if m.what == "vlm"] == [
        "Description by a vision language model: none is configured; the explainer acme spoke."
    ]
