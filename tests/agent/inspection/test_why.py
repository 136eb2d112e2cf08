"""The chain of evidence behind a finding, and what would have to be otherwise."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.helpers.photos import as_photo
from tests.helpers.servers import speaking

import seewhy
from seewhy.agent.inspection.counterfactual import without_region
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.policy import first_match
from seewhy.agent.inspection.why import Why
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.explainers.client import Server
from seewhy.explainers.vlm import VlmWords


@pytest.fixture(scope="module")
def seen(inspector: Inspector) -> seewhy.Inspection:
    return inspector.inspect(as_photo(defective("plate", "stain", 2), "stain.png"))


def test_the_chain_names_patch_photo_threshold_rule_and_margins(seen: seewhy.Inspection, inspector: Inspector) -> None:
    finding = seen.findings[0]
    chain = finding.why()
    by = {step.what: step for step in reversed(chain.steps)}
    assert set(by) >= {"detected", "photo", "patch", "reference", "rule"}
    strength = finding.record.measured.strength
    assert (by["detected"].values["peak"], by["detected"].values["threshold"]) == (strength.peak.value, strength.threshold.value)
    patch = by["patch"].values
    assert patch["good_photo_sha256"] in inspector.model.references.sha256
    assert isinstance(patch["distance"], float)
    assert patch["distance"] > 0
    x0, y0, x1, y1 = patch["box_px"]  # type: ignore[misc]
    x, y = finding.region.peak_at
    assert abs((x0 + x1) / 2 - x) <= x1 - x0
    assert abs((y0 + y1) / 2 - y) <= y1 - y0
    rule = next(r for r in seen.policy.rules if r.id == finding.record.ruling.rule)
    assert {step.values.get("fact") for step in chain.steps if "margin" in step.values} == {n[:-4] for n in rule.when.conditions()}
    assert Why.model_validate_json(json.dumps(chain.model_dump(mode="json"))) == chain


def test_both_languages(seen: seewhy.Inspection) -> None:
    chain, other = seen.findings[0].why(), seen.findings[0].counterfactual()
    for said in (chain, other):
        assert said.text() != said.text("ko")
        assert "{" not in said.text("ko")
    assert "임계값" in chain.text("ko")


def test_claims_stand_in_the_chain_with_their_checks(inspector: Inspector) -> None:
    with speaking() as (url, _):
        words = VlmWords(Server(url=url, timeout_s=10))
        found = Inspector(inspector.model, card=inspector.card, alpha=0.05, explainer=words).explain(
            as_photo(defective("plate", "stain", 2)), [(40, 40, 90, 80)]
        )
    claims = [step for step in found.findings[0].why().steps if step.what == "claim"]
    assert {c.values["name"] for c in claims} >= {"visible", "form", "tone", "type"}
    assert {c.status for c in claims} <= {"supported", "contradicted", "unverified"}


def test_the_smallest_change_changes_the_ruling_and_a_smaller_one_does_not() -> None:
    drawn = defective("plate", "stain", 1)
    found = seewhy.explain(drawn.pixels, drawn.mask * np.float32(4), threshold=2.0)
    finding = found.findings[0].record
    change = found.findings[0].counterfactual().change
    assert change is not None
    facts = {"area_percent": finding.measured.size.area_share.value, "strength": 2.0, "count": 1.0, "touches_border": 0.0}
    facts |= {"feret_percent": 100 * (finding.measured.size.feret.value or 0) / float(np.hypot(*drawn.mask.shape))}
    before = first_match(found.policy, facts, None)
    after = first_match(found.policy, facts | {change.fact: change.becomes}, None)
    assert (before.verdict.value, before.severity.value) != (after.verdict.value, after.severity.value)
    assert (after.verdict.value, after.severity.value, after.rule) == (change.verdict, change.severity, change.rule)
    for share in (0.5, 0.99):
        between = change.value + share * (change.becomes - change.value)
        same = first_match(found.policy, facts | {change.fact: between}, None)
        assert (same.verdict.value, same.severity.value) == (before.verdict.value, before.severity.value)


def test_the_alarm_goes_with_the_region_and_stays_without_it(seen: seewhy.Inspection) -> None:
    painted = seen.findings[0].counterfactual().painted
    assert painted is not None
    assert painted.painted_with == "reference"
    assert (painted.alarm_before, painted.alarm_after) == (True, False)
    assert painted.sentence.key == "why.painted_gone"
    given = seewhy.explain(seen.pixels, [(0, 0, 9, 9)]).findings[0].counterfactual()
    assert given.painted is None  # no detector is there to ask


def test_painting_changes_the_region_and_nothing_far_from_it() -> None:
    drawn, clean = defective("plate", "stain", 1), good("plate", 1)
    region = seewhy.explain(drawn.pixels, drawn.mask).regions[0]
    for beside in (clean.pixels, None):
        far = np.ones(drawn.mask.shape, bool)
        far[region.box.grown(40, *drawn.mask.shape[::-1]).slices] = False
        ways = list(without_region(drawn.pixels, region, beside))
        assert len(ways) == (1 if beside is None else 2)
        for painted in ways:
            assert np.array_equal(painted[far], drawn.pixels[far])
            assert np.abs(painted[drawn.mask].astype(int) - clean.pixels[drawn.mask]).mean() < 12
