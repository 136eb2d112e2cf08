"""Somebody else's regions through the flow that exists: measured, described, ruled on, recorded, reported."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.photos import as_photo
from tests.helpers.servers import kind_of, obedient, speaking

import seewhy
from seewhy.agent.detections.reading import detection_of
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.reading import entries
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.photos.images import Photo
from seewhy.agent.proof.replay import replay
from seewhy.card import ProductCard
from seewhy.errors import BadData, UnknownName
from seewhy.evals.synthetic.surfaces import Drawn, defective, good
from seewhy.record import Explanation, InspectionRecord


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return defective("plate", "stain", 1)


@pytest.fixture(scope="module")
def found(drawn: Drawn) -> seewhy.Inspection:
    return seewhy.explain(drawn.pixels, drawn.mask, reference=good("plate", 7).pixels, detector="mine", version="3")


def test_what_was_not_given_is_missing_and_the_policy_alone_rules(found: seewhy.Inspection, drawn: Drawn) -> None:
    record = found.record
    decision, (finding,) = record.decision, record.findings
    assert [s.status for s in (decision.score, decision.threshold, decision.p_value)] == ["missing"] * 3
    assert (decision.alpha, decision.calibration, decision.anomalous) == (None, "external", True)
    assert record.reasons[1].key == "reason.external"
    assert record.provenance.external is not None
    assert (record.provenance.external.name, record.provenance.external.version, record.provenance.model_sha256) == ("mine", "3", "")
    assert [d.because.text for d in record.detectors] == ["mine 3 gave 1 regions; it is not seewhy's."]
    size = finding.measured.size
    assert (size.area.value, size.area.uncertainty, size.area.evidence) == (drawn.mask.sum(), None, ("mask-1",))
    assert finding.measured.strength.peak.status == "missing"
    assert finding.measured.strength.peak.source == "external"
    assert (finding.ruling.rule, finding.ruling.because.key) == ("clear", "rule.needs_strength")
    assert isinstance(finding.explanation, Explanation)
    assert {e.name for e in record.evidence} == {"photo", "crop-1", "mask-1", "reference-1"}
    named = {name for stated in (finding.explanation.type, *finding.explanation.appearance) for name in stated.evidence}
    assert named <= {e.name for e in record.evidence}


def test_scores_are_kept_with_their_meaning(drawn: Drawn) -> None:
    heat = drawn.mask * np.float32(4) + 1
    found = seewhy.explain(drawn.pixels, heat, threshold=2.0, meaning="distance in units of the good parts' spread").record
    (finding,) = found.findings
    assert (finding.measured.strength.peak.value, finding.measured.strength.threshold.value) == (5.0, 2.0)
    assert (finding.ruling.rule, finding.ruling.verdict.value) == ("clear", "fail")
    assert "map" in {e.name for e in found.evidence}
    region = detection_of(drawn.mask, as_photo(drawn)).regions
    given = seewhy.Detection(region, ("mask",), "x", score=3.0, threshold=2.5, p_value=0.01, meaning="conformal, 200 good parts")
    record = seewhy.explain(drawn.pixels, given).record
    assert [(s.value, s.source) for s in (record.decision.score, record.decision.p_value)] == [(3.0, "external"), (0.01, "external")]
    assert any("conformal, 200 good parts" in m.because.text for m in record.missing)
    with pytest.raises(BadData, match="between 0 and 1"):
        seewhy.Detection(region, ("mask",), p_value=2.0, meaning="m")


def test_equal_calls_make_equal_records_and_the_ledger_takes_them(found: seewhy.Inspection, drawn: Drawn, tmp_path: Path) -> None:
    again = seewhy.explain(drawn.pixels, drawn.mask, reference=good("plate", 7).pixels, detector="mine", version="3")
    assert again.record.content_sha256 == found.record.content_sha256
    ledger = Ledger(tmp_path / "book.sqlite")
    ledger.append(found.record, found.pictures | found.documents)
    (entry,) = entries(ledger)
    assert isinstance(entry, InspectionRecord)
    assert entry.content_sha256 == found.record.content_sha256
    assert ledger.verify().intact
    with pytest.raises(BadData, match="were given by 'mine'"):
        replay(ledger, "1", tmp_path, tmp_path)


def test_both_languages_and_every_report(found: seewhy.Inspection, drawn: Drawn, tmp_path: Path) -> None:
    assert found.text.startswith("Review by a person. The regions were given")
    korean = seewhy.explain(drawn.pixels, drawn.mask, language="ko")
    assert "정책만을" in korean.text
    for ending in ("html", "json", "csv", "pdf"):
        assert korean.report(tmp_path / f"part.{ending}").stat().st_size > 500
    page = (tmp_path / "part.html").read_text(encoding="utf-8")
    assert "외부에서 주어진 영역" in page
    assert '<div class="gauge">' not in page
    with pytest.raises(UnknownName, match="no language is called 'xx'"):
        seewhy.explain(drawn.pixels, drawn.mask, language="xx")


def test_what_seewhy_wrote_can_be_explained_again(found: seewhy.Inspection, drawn: Drawn, tmp_path: Path) -> None:
    box = found.regions[0].box
    exact = [found, tmp_path / "coco.json"]
    exact[1].write_text(json.dumps(found.to_coco()))  # type: ignore[union-attr]
    for given in exact:
        (region,) = seewhy.explain(drawn.pixels, given).regions
        assert (region.box, region.mask.sum()) == (box, drawn.mask.sum())
    boxed = [found.record, found.report(tmp_path / "r.json"), found.report(tmp_path / "r.csv")]
    photo = as_photo(drawn, found.record.photo.name)
    for given in boxed:
        assert [r.box for r in seewhy.explain(photo, given).regions] == [box]


def test_an_inspector_compares_with_its_own_good_photos(inspector: Inspector, drawn: Drawn) -> None:
    photo = as_photo(drawn, "stain.png")
    found = inspector.explain(photo, drawn.mask, detector="yolo", lot="L7").record
    assert found.provenance.reference_sha256 in inspector.model.references.sha256
    assert found.provenance.model_sha256 == inspector.model.sha256
    assert (found.lot, found.product, found.provenance.detector) == ("L7", inspector.card.name, "yolo")
    assert found.decision.threshold.status == "missing"
    assert found.findings[0].measured.size.feret_mm.value is not None  # the card's scale
    assert "reference-1" in {e.name for e in found.evidence}


def test_photos_in_flight_with_a_vlm_come_back_in_order_and_ask_no_more_than_inspect(inspector: Inspector) -> None:
    photos: list[Photo] = [as_photo(defective("plate", "stain", i), f"{i}.png") for i in (2, 3, 4)]
    with speaking(lambda request, _: obedient(request)) as (url, asked):
        words = seewhy.vlm(url, in_flight=4, timeout_s=20)
        seen = Inspector(inspector.model, card=inspector.card, alpha=0.05, explainer=words).inspect(photos[0])
        by_inspect = [kind_of(request) for request in asked.requests]
        asked.requests.clear()
        first = seewhy.explain(photos[0], seen, explainer=words, card=inspector.card)
        assert len(first.record.findings) == len(seen.record.findings)
        assert sorted(kind_of(request) for request in asked.requests) == sorted(by_inspect)
        many = list(seewhy.explain_all([(p, [(20, 20, 80, 60)]) for p in photos], explainer=words, card=inspector.card))
    assert [m.record.photo.name for m in many] == ["2.png", "3.png", "4.png"]
    said = many[0].record.findings[0].explanation
    assert isinstance(said, Explanation)
    assert said.explainer == "vlm"
    assert {c.because.key for c in said.claims if c.name == "visible"} == {"check.marked"}


def test_photos_come_as_files_pixels_and_pictures(tmp_path: Path, drawn: Drawn) -> None:
    from PIL import Image

    Image.fromarray(drawn.pixels).save(tmp_path / "part.png")
    records = [
        seewhy.explain(given, [(9, 9, 40, 40)]).record
        for given in (tmp_path / "part.png", str(tmp_path / "part.png"), drawn.pixels, Image.fromarray(drawn.pixels), drawn.pixels[..., 0])
    ]
    assert len({r.findings[0].measured.size.area.value for r in records}) == 1
    assert records[0].photo.sha256 == records[1].photo.sha256
    with pytest.raises(seewhy.SeewhyError, match="8 bits"):
        seewhy.explain(drawn.pixels.astype(float), [(9, 9, 40, 40)])


def test_a_policy_with_the_cards_types_rules_on_a_name_that_was_given(tmp_path: Path, drawn: Drawn) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "name: p\nversion: '1'\nrules:\n- {id: dent, when: {type: [dent]}, severity: major, verdict: fail, because: 'a dent.'}\n"
        "- {id: rest, when: {}, severity: minor, verdict: pass, because: 'small.', catch_all: true}\n"
    )
    card = ProductCard(name="plate", defects=({"name": "dent"},))  # type: ignore[arg-type]
    region = detection_of(drawn.mask, as_photo(drawn)).regions[0]
    from dataclasses import replace

    given = seewhy.Detection((replace(region, label="dent"),), ("mask",), "yolo")
    plain = seewhy.explain(drawn.pixels, drawn.mask, card=card, policy=policy).record
    named = seewhy.explain(drawn.pixels, given, card=card, policy=policy).record
    assert plain.verdict.value == "pass"  # the policy alone says so
    assert named.verdict.value == "review"  # nobody verified the name
