"""From map to facts: calibration, regions, shape, outline, policy, words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers.photos import ALPHA, SMALL, as_photo

from seewhy.agent.inspection.facts import measure
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.policy import Policy, Rule, load_policy
from seewhy.agent.inspection.regions import regions
from seewhy.agent.inspection.registration import registered
from seewhy.agent.inspection.ruling import rule_on
from seewhy.agent.inspection.shape import measure_shape
from seewhy.agent.models.calibration import Calibration, needed
from seewhy.agent.models.product import CalibrationWay, ProductModel
from seewhy.agent.photos.images import Photo
from seewhy.card import DefectType, ProductCard, Scale, load_card
from seewhy.detectors.patchcore import PatchCore
from seewhy.errors import BadData
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.explainers import RegionView
from seewhy.explainers.measured import MeasuredWords
from seewhy.record import Explanation, Measured, Ruling, Sentence, Source, Stated, Unexplained
from seewhy.types import Box, Region, ScoreMap


def calibration(scores: list[float]) -> Calibration:
    ordered = np.sort(np.array(scores, np.float64))
    return Calibration(ordered, ordered, 0.0, 0.0, "held_out")


@given(st.lists(st.floats(0, 10), min_size=1, max_size=60), st.floats(0, 10), st.sampled_from([0.01, 0.05, 0.1, 0.5]))
def test_the_threshold_is_where_the_p_value_crosses_alpha(scores: list[float], score: float, alpha: float) -> None:
    c = calibration(scores)
    assert c.p_value(score) == (1 + sum(s >= score for s in scores)) / (len(scores) + 1)
    line = c.threshold(alpha)
    assert line is not None
    if c.supports(alpha):
        assert (score > line) == (c.p_value(score) <= alpha + 1e-12)
    else:
        assert line == max(scores)


def test_false_rejects_stay_at_alpha_on_exchangeable_scores() -> None:
    """Over many lots, the share of good parts above the threshold is alpha to within its own spread."""
    rng = np.random.default_rng(0)
    for alpha in (0.01, 0.05):
        rates = []
        for _ in range(400):
            line = calibration(rng.normal(size=199).tolist()).threshold(alpha)
            rates.append(float((rng.normal(size=400) > (line or 0)).mean()))
        assert np.mean(rates) <= alpha * 1.05 + 1e-3
        assert np.mean(rates) >= alpha * 0.8


def test_how_many_photos_an_alpha_needs() -> None:
    assert [needed(a) for a in (0.5, 0.1, 0.05, 0.01, 0.001)] == [1, 9, 19, 99, 999]
    assert not calibration([1.0] * 98).supports(0.01)
    assert calibration([1.0] * 99).supports(0.01)
    assert calibration([]).threshold(0.05) is None
    for bad in (0, 1, -1, 1.5):
        with pytest.raises(BadData, match="between 0 and 1"):
            needed(bad)


@pytest.mark.parametrize(
    ("way", "method", "photos"), [("auto", "left_out", 24), ("leave-one-out", "left_out", 24), ("split", "held_out", 4)]
)
@pytest.mark.slow
def test_the_ways_of_calibration(way: CalibrationWay, method: str, photos: int, good_plates: list[Photo]) -> None:
    model = ProductModel.fit(good_plates, PatchCore(SMALL), alpha=ALPHA, calibration=way)
    assert (model.calibration.method, len(model.calibration)) == (method, photos)
    assert model.references.jpegs


@pytest.mark.slow
def test_the_way_of_calibration_does_not_hang_on_the_rate(good_plates: list[Photo]) -> None:
    """A model's lines for all rates rest on the same scores."""
    scores = [ProductModel.fit(good_plates, PatchCore(SMALL), alpha=a, calibration="auto").calibration.scores for a in (0.01, 0.5)]
    assert np.array_equal(*scores)


def scored(values: np.ndarray, resolution: float = 3.0) -> ScoreMap:  # type: ignore[type-arg]
    return ScoreMap(values.astype(np.float32), float(values.max()), resolution, "test")


def test_regions_are_8_connected_need_a_seed_and_are_cut_at_half_height() -> None:
    values = np.zeros((60, 80))
    for i in range(8):
        values[10 + i, 10 + i] = 4.0  # a diagonal: 4-connected it would be eight
    values[40:46, 60:70] = 3.0
    values[42, 64] = 5.0
    values[30, 5] = 1.5  # over the floor, but no seed
    found = regions(scored(values), seed=2.5, floor=1.0, background=0.0)
    assert [r.box for r in found] == [Box(60, 40, 70, 46), Box(10, 10, 18, 18)]
    assert found[0].peak == 5.0
    assert found[0].peak_at == (64, 42)
    assert found[0].mask.sum() == 60
    assert regions(scored(values), seed=9.0, floor=1.0, background=0.0) == ()


def test_two_defects_on_one_bridge_are_two_regions() -> None:
    x = np.arange(200)
    row = 8 * np.exp(-(((x - 50) / 8) ** 2)) + 4 * np.exp(-(((x - 140) / 8) ** 2)) + 1.2
    found = regions(scored(np.tile(row, (9, 1)), resolution=10), seed=3.0, floor=1.0, background=1.0)
    assert len(found) == 2
    assert abs(found[0].peak_at[0] - 50) <= 1
    assert abs(found[1].peak_at[0] - 140) <= 1


def region(mask: np.ndarray, at: tuple[int, int] = (0, 0), resolution: float = 2.0) -> Region:  # type: ignore[type-arg]
    box = Box(at[0], at[1], at[0] + mask.shape[1], at[1] + mask.shape[0])
    return Region(box, mask.astype(bool), 2.0, 1.5, at, resolution, "photo")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_feret_and_centroid_match_brute_force(seed: int) -> None:
    mask = np.random.default_rng(seed).random((9, 12)) < 0.3
    mask[4, :] = True
    mask[:, 5] = True
    ys, xs = np.nonzero(mask)
    corners = np.array([(x + dx, y + dy) for x, y in zip(xs, ys, strict=True) for dx in (0, 1) for dy in (0, 1)], float)
    shape = measure_shape(region(mask, (30, 40)))
    assert shape.feret_px == pytest.approx(np.linalg.norm(corners[:, None] - corners[None], axis=2).max(), rel=1e-6)
    assert shape.centroid == pytest.approx((30 + xs.mean() + 0.5, 40 + ys.mean() + 0.5))
    assert shape.area_px == mask.sum()


def test_a_bar_has_its_length_width_and_angle() -> None:
    shape = measure_shape(region(np.ones((4, 30), bool)))
    assert (shape.length_px, shape.width_px, shape.orientation_deg) == pytest.approx((30, 4, 0), abs=1e-3)
    upright = measure_shape(region(np.ones((30, 4), bool)))
    assert upright.orientation_deg == pytest.approx(90)
    rising = measure_shape(region(np.eye(40, dtype=bool)[::-1]))
    assert rising.orientation_deg == pytest.approx(45, abs=1)


@pytest.mark.parametrize(("length", "width", "word"), [(100, 50, "line"), (300, 110, "patch"), (300, 60, "line"), (400, 120, "line")])
def test_a_wide_patch_of_a_blurred_map_is_no_line(length: int, width: int, word: str) -> None:
    """Of a map that can't tell 45 px apart: a scratch is as wide as the blur; what is clearly wider must be three times as long."""
    blurred = replace(region(np.ones((width, length), bool), (20, 20), 45.0), outline="map")
    assert measure(blurred, ProductCard(), 1000, 1000, 1.0).shape.value == word


def facts(mask_shape: tuple[int, int] = (10, 10), card: ProductCard | None = None, at: tuple[int, int] = (20, 20)) -> Measured:
    return measure(region(np.ones(mask_shape, bool), at), card or ProductCard(), 300, 200, 1.0)


def test_millimetres_only_with_a_scale_and_its_uncertainty_counts() -> None:
    without = facts()
    assert without.size.feret_mm.value is None
    assert without.size.feret_mm.status == "missing"
    sharp = facts(card=ProductCard(scale=Scale(mm_per_px=0.1)))
    vague = facts(card=ProductCard(scale=Scale(mm_per_px=0.1, uncertainty=0.02)))
    assert sharp.size.length_mm.value == pytest.approx(1.0)
    assert vague.size.length_mm.value == pytest.approx(1.0)
    assert sharp.size.length_mm.uncertainty is not None
    assert vague.size.length_mm.uncertainty is not None
    assert vague.size.length_mm.uncertainty == pytest.approx(np.hypot(sharp.size.length_mm.uncertainty, 1.0 * 0.2), rel=1e-4)


def test_shares_of_an_outline_and_border() -> None:
    half = ProductCard(outline=((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
    m = facts(card=half, at=(0, 20))
    assert m.size.area_share.value == pytest.approx(100 * 100 / 30_000, rel=1e-4)
    assert m.size.area_share_of == "outline"
    assert m.location.touches_border.value is True
    assert facts().location.touches_border.value is False


def words(type_: str | None) -> Explanation:
    said = Sentence(key="finding.summary", text="x")
    return Explanation(explainer="t", type=Stated(value=type_, source="vlm", status="unverified"), appearance=(), causes=(), sentence=said)


def rule(id_: str, verdict: str, severity: str = "minor", **when: object) -> Rule:
    everything = verdict == "pass" and not when
    return Rule.model_validate(
        {"id": id_, "when": when, "severity": severity, "verdict": verdict, "because": "so", "catch_all": everything}
    )


def ruled(policy_rules: tuple[Rule, ...], type_: str | None = None, **kwargs: object) -> Ruling:
    policy = Policy(name="t", version="1", rules=policy_rules)
    return rule_on(policy, facts(**kwargs), words(type_), count=1, diagonal_px=360.0)  # type: ignore[arg-type]


def test_the_first_matching_rule_wins_and_none_means_review() -> None:
    small, spots, any_ = rule("small", "pass", area_percent_max=1.0), rule("spots", "fail", shape=["spot"]), rule("any", "fail", "critical")
    assert ruled((small, spots, any_)).rule == "small"
    assert ruled((spots, small, any_)).rule == "spots"
    nothing = ruled((rule("big", "fail", area_percent_min=50.0),))
    assert (nothing.verdict.value, nothing.severity.value, nothing.rule) == ("review", None, "none")


def test_a_rule_in_millimetres_without_a_scale_is_undecided() -> None:
    asked = (rule("mm", "fail", feret_mm_min=1.0), rule("any", "pass"))
    assert ruled(asked).verdict.value == "review"
    assert ruled(asked, card=ProductCard(scale=Scale(mm_per_px=0.1))).rule == "mm"
    assert ruled(asked, card=ProductCard(scale=Scale(mm_per_px=0.001))).rule == "any"


@pytest.mark.parametrize(
    ("with_type", "without", "expected"),
    [
        ("pass", "fail", "fail"),
        ("pass", "review", "review"),
        ("fail", "pass", "review"),
        ("review", "pass", "review"),
        ("fail", "review", "review"),
    ],
)
def test_words_move_a_verdict_to_review_and_no_farther(with_type: str, without: str, expected: str) -> None:
    assert ruled((rule("typed", with_type, type=["crack"]), rule("any", without)), "crack").verdict.value == expected
    assert ruled((rule("typed", with_type, type=["crack"]), rule("any", without)), None).verdict.value == without


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({"zone": ["top left"]}, True),
        ({"zone": ["centre"]}, False),
        ({"shape": ["spot"]}, True),
        ({"touches_border": True}, False),
        ({"count_min": 2}, False),
        ({"strength_min": 1.9}, True),
        ({"length_px_min": 10, "length_px_max": 10}, True),
        ({"feret_percent_min": 10}, False),
    ],
)
def test_each_condition(when: dict[str, object], holds: bool) -> None:
    assert (ruled((rule("r", "fail", **when),)).rule == "r") == holds


def test_policy_and_card_files_say_which_field_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("name: x\nversion: '1'\nrules:\n  - {id: a, when: {sise: 1}, severity: minor, verdict: pass, because: b}\n")
    with pytest.raises(BadData, match=r"rules\.0\.when\.sise"):
        load_policy(file)
    file.write_text("name: [unclosed")
    with pytest.raises(BadData, match="YAML"):
        load_card(file)
    file.write_text("parts: [{name: a, box: [0.5, 0, 0.2, 1]}]")
    with pytest.raises(BadData, match="box"):
        load_card(file)
    (tmp_path / "k.yaml").write_text("entries: [{id: K1, applies_to: [a], cause: c, source: s}]")
    file.write_text("name: a\nknowledge: k.yaml\n")
    assert load_card(file).knowledge[0].id == "K1"
    assert load_policy().sha256 == load_policy().sha256


def view(kind: str, seed: int, card: ProductCard, shape: str) -> RegionView:
    drawn = defective("cast", kind, seed)  # type: ignore[arg-type]
    m = facts().model_copy(update={"shape": Stated(value=shape, source="measured")})
    names = ("crop-1", "mask-1", "reference-1")
    return RegionView(1, drawn.pixels, drawn.mask, good("cast", seed).pixels, m, card, names, drawn.pixels, drawn.mask)


def test_the_embedded_explainer_names_only_what_the_card_knows(card: ProductCard) -> None:
    explained = MeasuredWords().explain(view("pit", 3, card, "spot"))
    assert isinstance(explained, Explanation)
    assert (explained.type.value, explained.type.status, explained.type.source) == ("pit", "unverified", "rule")
    assert any("darker" in s.value.text for s in explained.appearance if s.value)
    assert explained.causes == ()  # the knowledge file names none for pits
    line = MeasuredWords().explain(view("scratch", 3, card, "line"))
    assert isinstance(line, Explanation)
    assert [c.id for c in line.causes] == ["K-1"]
    assert line.causes[0].label == "hypothesis"
    unknown = MeasuredWords().explain(view("stain", 3, card, "patch"))
    assert isinstance(unknown, Explanation)
    assert (unknown.type.value, unknown.causes) == ("patch", ())


def test_the_extent_of_a_type_tells_two_of_one_shape_apart() -> None:
    small = DefectType(name="chip", shape=("patch",), extent=("small",))
    wide = DefectType(name="fray", shape=("patch",), extent=("wide",))
    card = ProductCard(defects=(small, wide))
    assert MeasuredWords().explain(view("pit", 3, card, "patch")).type.value == "chip"
    seen = view("pit", 3, card, "patch")
    size = seen.measured.size
    tenth = size.model_copy(update={"area_share": size.area_share.model_copy(update={"value": 10.0})})
    wider = replace(seen, measured=seen.measured.model_copy(update={"size": tenth}))
    assert MeasuredWords().explain(wider).type.value == "fray"
    assert "extent" not in DefectType(name="chip").model_dump()  # so that cards from before keep their hash


def test_an_explainer_that_fails_loses_no_verdict(inspector: Inspector) -> None:
    class Broken:
        name = "broken"
        source: Source = "measured"
        in_flight = 1

        def explain(self, view: RegionView, _until: float | None = None, /) -> Explanation:
            raise RuntimeError(f"no words today for {view.number}")

    photo = as_photo(defective("plate", "stain", 1))
    told = inspector.inspect(photo).record
    untold = Inspector(inspector.model, card=inspector.card, alpha=inspector.alpha, explainer=Broken()).inspect(photo).record
    assert untold.verdict.value == told.verdict.value == "fail"
    lost = untold.findings[0].unexplained
    assert isinstance(lost, Unexplained)
    assert "no words today" in lost.detail
    assert untold.findings[0].explanation == told.findings[0].explanation


def test_uncalibrated_is_never_a_pass(inspector: Inspector) -> None:
    strict = Inspector(inspector.model, card=inspector.card, alpha=0.001)
    record = strict.inspect(as_photo(good("plate", 500))).record
    assert record.decision.calibration == "uncalibrated"
    assert record.decision.calibration_needed == 999
    assert record.verdict.value == "review"
    assert "calibration" in [m.what for m in record.missing]


@pytest.mark.parametrize("kind", ["scratch", "stain", "chip"])  # a pit is smaller than the small test model resolves
def test_each_defect_is_found_where_it_is(kind: str, inspector: Inspector) -> None:
    drawn = defective("plate", kind, 3)  # type: ignore[arg-type]
    record = inspector.inspect(as_photo(drawn)).record
    assert record.verdict.value == "fail"
    x0, y0, x1, y1 = record.findings[0].measured.location.box_px.value or (0, 0, 0, 0)
    ys, xs = np.nonzero(drawn.mask)
    assert x0 - 8 <= xs.mean() <= x1 + 8
    assert y0 - 8 <= ys.mean() <= y1 + 8


def test_good_parts_pass_and_every_field_has_a_source(inspector: Inspector) -> None:
    record = inspector.inspect(as_photo(good("plate", 777))).record
    assert record.verdict.value == "pass"
    assert record.findings == ()
    data = inspector.inspect(as_photo(defective("plate", "stain", 1))).record.model_dump(mode="json")

    def check(node: object, path: str = "") -> int:
        if isinstance(node, dict):
            stated = 0
            if "value" in node and "status" in node:
                assert node["source"] in ("measured", "vlm", "rule", "human"), path
                assert (node["value"] is None) == (node["status"] == "missing"), path
                stated = 1
            return stated + sum(check(v, f"{path}.{k}") for k, v in node.items())
        return sum(check(v, path) for v in node) if isinstance(node, list) else 0

    assert check(data) > 25


def test_equal_photos_give_equal_content(inspector: Inspector) -> None:
    photo = as_photo(defective("plate", "stain", 1))
    assert inspector.inspect(photo).record.content_sha256 == inspector.inspect(photo).record.content_sha256


def test_outside_the_outline_nothing_is_found(inspector: Inspector) -> None:
    drawn = defective("plate", "chip", 3)
    _, xs = np.nonzero(drawn.mask)
    left = xs.mean() < 200
    away = ((0.55, 0.05), (0.95, 0.05), (0.95, 0.95), (0.55, 0.95)) if left else ((0.05, 0.05), (0.45, 0.05), (0.45, 0.95), (0.05, 0.95))
    masked = Inspector(inspector.model, card=ProductCard(outline=away), alpha=inspector.alpha)
    for finding in masked.inspect(as_photo(drawn)).record.findings:
        x = (finding.measured.location.centroid_px.value or (0, 0))[0]
        assert (x > 200) == left


def test_a_good_photo_is_laid_onto_the_part() -> None:
    photo = good("plate", 3).pixels
    moved = np.roll(good("plate", 3).pixels, (9, -14), (0, 1))
    laid = registered(moved, photo)
    inner = (slice(20, -20), slice(20, -20))
    assert np.abs(laid[inner].astype(int) - photo[inner]).mean() < 0.2 * np.abs(moved[inner].astype(int) - photo[inner]).mean()
    half = cv2.resize(moved, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert registered(half, photo).shape == photo.shape
    other = good("cast", 5).pixels
    assert registered(other, photo) is other  # no place that the two share
