"""Every claim of a model is held against mask, photo and card; what is contradicted is shown nowhere."""

from __future__ import annotations

import pytest
from tests.helpers.vlm import first, saying

from seewhy.agent.inspection.inspector import Inspector


@pytest.mark.parametrize(
    ("said", "claim", "status"),
    [
        ({"form": "line"}, "form", "contradicted"),
        ({"form": "edge"}, "form", "contradicted"),
        ({"form": "patch"}, "form", "supported"),
        ({"tone": "lighter"}, "tone", "contradicted"),
        ({"type": "scratch"}, "type", "contradicted"),  # the card says a line
        ({"type": "leak"}, "type", "contradicted"),  # the card allows it in a zone alone
        ({"type": "other"}, "type", "unverified"),
        ({"visible": "no", "confidence": "low"}, "visible", "contradicted"),
        ({"appearance": "a bright shiny blot"}, "appearance", "contradicted"),
        ({"appearance": "a dark blot"}, "appearance", "supported"),
        ({"appearance": "a blot along the edge"}, "appearance", "contradicted"),
        ({"appearance": "a blot of 3 mm"}, "appearance", "missing"),
        ({"appearance": "a critical blot"}, "appearance", "missing"),
        ({"appearance": "a blot at the top"}, "appearance", "missing"),
        ({"appearance": ""}, "appearance", "missing"),
        ({"difference": "it is brighter there"}, "difference", "contradicted"),
    ],
)
def test_claims_are_checked(said: dict[str, str], claim: str, status: str, inspector: Inspector) -> None:
    words = first(inspector, saying(**said)).explanation
    found = next(c for c in words.claims if c.name == claim)
    assert (found.value, found.status) == (said[claim], status)
    shown = " ".join(a.value.text for a in words.appearance) + words.sentence.text + str(words.type.value)
    if status in ("contradicted", "missing") and claim in ("appearance", "difference", "type") and said[claim]:
        assert said[claim] not in shown
