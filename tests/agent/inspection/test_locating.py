"""What is outlined is the defect: finer than the map, whole, parted where there are several; and always a mask, whatever comes."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from tests.helpers.photos import as_photo

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.locating.cutting import Evidence, cut, guided
from seewhy.agent.inspection.locating.doubt import half_width
from seewhy.agent.inspection.locating.stage import located
from seewhy.agent.inspection.regions import regions
from seewhy.agent.models.calibration import Calibration
from seewhy.agent.models.product import ProductModel
from seewhy.agent.models.sharp import Sharp
from seewhy.evals.overlap import mask_iou, patches
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.types import Box, Map, Mask, Pixels, Region, ScoreMap

CELL = 3.0
SIZE = (120, 160)


def blot(at: tuple[float, float], sigma: float, size: tuple[int, int] = SIZE) -> Map:
    y, x = np.mgrid[: size[0], : size[1]]
    made: Map = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * sigma**2)).astype(np.float32)
    return made


def drawn(*boxes: tuple[int, int, int, int], size: tuple[int, int] = SIZE) -> Mask:
    mask = np.zeros(size, bool)
    for box in boxes:
        mask[Box(*box).slices] = True
    return mask


def coarse(values: Map, resolution_px: float = 20.0) -> tuple[Region, ...]:
    return regions(ScoreMap(values, float(values.max()), resolution_px, "test"), seed=0.3, floor=0.1, background=0.0)


def evidence(values: Map, shown: Mask, level: float = 200) -> Evidence:
    pixels = np.full((*values.shape, 3), level, np.uint8)
    pixels[shown] = 60
    return Evidence(values, values * shown, pixels, CELL)


def whole(found: tuple[Region, ...], shape: tuple[int, int]) -> None:
    for region in found:
        x0, y0, x1, y1 = region.box
        assert 0 <= x0 < x1 <= shape[1]
        assert 0 <= y0 < y1 <= shape[0]
        assert region.mask.shape == (y1 - y0, x1 - x0)
        assert region.mask.any(0)[[0, -1]].all()
        assert region.mask.any(1)[[0, -1]].all()
        assert region.peak is not None
        assert np.isfinite(region.peak)


def test_a_wide_blot_becomes_the_small_defect_in_it() -> None:
    shown = drawn((76, 52, 86, 60))
    values = blot((80, 60), 15)
    (before,), (after,) = coarse(values), cut(coarse(values), evidence(values, shown))
    (truth,) = patches(shown)
    assert mask_iou(before, truth) < 0.2
    assert mask_iou(after, truth) > 0.6
    assert after.outline == "fine"
    assert after.peak == pytest.approx(float(values[shown].max()))


def test_pieces_of_one_defect_are_one_finding_and_two_defects_are_two() -> None:
    values = blot((80, 60), 25)
    near = cut(coarse(values, 28.0), evidence(values, drawn((70, 58, 78, 62), (82, 58, 90, 62))))
    far = cut(coarse(values, 28.0), evidence(values, drawn((62, 56, 70, 64), (90, 56, 98, 64))))
    assert len(near) == 1
    assert len(far) == 2


def test_a_defect_that_the_map_has_twice_is_one_finding() -> None:
    values = np.maximum(blot((62, 60), 10), blot((90, 60), 10) * 0.9)
    assert len(coarse(values, 10)) == 2
    assert len(cut(coarse(values, 10), evidence(values, drawn((50, 58, 110, 62))))) == 1


def test_crumbs_of_a_texture_are_no_fifty_findings() -> None:
    values = blot((80, 60), 25)
    crumbs = drawn(*[(x, y, x + 3, y + 3) for x in range(50, 110, 14) for y in range(35, 90, 14)])
    assert 1 <= len(cut(coarse(values), evidence(values, crumbs))) <= 3


def test_where_the_fine_evidence_is_silent_the_outline_of_the_map_stays() -> None:
    values = blot((80, 60), 15)
    before = coarse(values)
    assert cut(before, evidence(values, drawn())) == before


def test_a_guided_map_follows_the_photos_edge() -> None:
    light = np.where(drawn((40, 0, 160, 120)), np.float32(0.8), np.float32(0.2))
    soft = cv2.GaussianBlur(drawn((40, 0, 160, 120)).astype(np.float32), (0, 0), 4)
    sharper = guided(soft, light, 8)
    assert np.abs(np.diff(sharper[60])).max() > 3 * np.abs(np.diff(soft[60])).max()
    flat = guided(soft, np.full_like(light, 0.5), 2)
    assert np.abs(flat - soft).max() < 0.3


BAD: dict[str, tuple[Map, Mask]] = {
    "at the border": (blot((0, 0), 10), drawn((0, 0, 5, 4))),
    "larger than half of the photo": (blot((80, 60), 80), drawn((10, 10, 150, 110))),
    "of one pixel": (blot((80, 60), 0.3), drawn((80, 60, 81, 61))),
    "a plateau": (drawn((40, 30, 120, 90)).astype(np.float32), drawn((60, 50, 70, 60))),
    "a plateau from border to border": (np.ones(SIZE, np.float32), drawn((60, 50, 70, 60))),
    "fifty": (
        np.maximum.reduce([blot((8 + 16 * (i % 10), 12 + 24 * (i // 10)), 3) for i in range(50)]),
        drawn(*[(6 + 16 * (i % 10), 10 + 24 * (i // 10), 10 + 16 * (i % 10), 14 + 24 * (i // 10)) for i in range(50)]),
    ),
}


@pytest.mark.parametrize("name", sorted(BAD))
@pytest.mark.parametrize("level", [200, 60])  # 60: the photo is flat
def test_whatever_the_map_is_like_a_region_is_a_mask(name: str, level: int) -> None:
    values, shown = BAD[name]
    before = coarse(values) or (Region(Box(0, 0, SIZE[1], SIZE[0]), np.ones(SIZE, bool), 1.0, 1.0, (0, 0), 20.0),)
    after = cut(before, evidence(values, shown, level))
    assert after
    whole(after, SIZE)


def test_a_large_photo_is_cut_no_finer_than_its_evidence_and_to_its_border() -> None:
    shown = drawn((0, 100, 60, 160), size=(401, 603))
    values = blot((30, 130), 60, (401, 603))
    pixels = np.where(shown[..., None], np.uint8(60), np.uint8(200)).repeat(3, 2)
    (truth,) = patches(shown)
    (found,) = cut(coarse(values, 120.0), Evidence(values, values * shown, pixels, 16.0))
    assert Evidence(values, values, pixels, 16.0).step == 6
    assert found.box.x0 == 0
    assert mask_iou(found, truth) > 0.8


def test_a_size_is_doubtful_where_the_evidence_falls_off_slowly() -> None:
    sharp, slow = drawn((70, 50, 90, 70)).astype(np.float32), blot((80, 60), 12)
    pixels = np.full((*SIZE, 3), 200, np.uint8)
    clear, vague = (Evidence(slow, values, pixels, CELL) for values in (sharp, slow))
    region = replace(coarse(slow)[0], outline="fine")
    square = replace(region, box=Box(70, 50, 90, 70), mask=np.ones((20, 20), bool))
    known, unknown = half_width(square, clear), half_width(region, vague)
    assert known is not None
    assert unknown is not None
    assert known / 28 < 0.8 * unknown / 29  # of their lengths
    assert half_width(replace(square, outline="photo"), clear) < known  # type: ignore[operator]
    assert half_width(replace(square, outline="map"), clear) is None


@pytest.fixture(scope="module")
def model(model_folder: object) -> ProductModel:
    return ProductModel.load(model_folder)  # type: ignore[arg-type]


def scored(model: ProductModel, pixels: Pixels) -> ScoreMap:
    return model.detector.score(pixels)


@pytest.mark.parametrize("kind", ["stain", "chip", "scratch"])
def test_findings_lie_on_the_defect(kind: str, inspector: Inspector) -> None:
    """The small test model's map is far coarser than its fine evidence."""
    drawn_ = defective("plate", kind, 3)  # type: ignore[arg-type]
    seen = inspector.examine(as_photo(drawn_))
    truth = max(patches(drawn_.mask), key=lambda r: int(r.mask.sum()))
    assert max(mask_iou(region, truth) for region in seen.regions) > 0.5


def test_a_reference_of_another_pose_and_a_flat_photo_do_no_harm(model: ProductModel) -> None:
    pixels = defective("plate", "stain", 1).pixels
    turned = np.ascontiguousarray(np.rot90(pixels, 2))
    flat = np.full_like(pixels, 128)
    for photo, reference in ((pixels, turned), (pixels, None), (flat, pixels), (flat, flat)):
        values = scored(model, photo)
        found = regions(values, seed=float(values.values.mean()), floor=0.0, background=0.0)
        after = located(found, values, photo, reference, model)
        assert after
        whole(after, photo.shape[:2])


def test_the_photos_outline_of_something_else_than_the_evidence_shows_is_not_taken(model: ProductModel) -> None:
    """A wide bright band that every good photo has, and a small mark beside it that none has."""
    photo = good("plate", 5).pixels.copy()
    cv2.circle(photo, (200, 100), 5, (20, 20, 20), -1)
    truth = np.zeros(photo.shape[:2], np.uint8)
    cv2.circle(truth, (200, 100), 5, 1, -1)
    values = blot((200, 110), 30, photo.shape[:2])
    found = located(coarse(values, 60.0), ScoreMap(values, 1.0, 60.0, "test"), photo, None, replace(model, calibration=_silent(model)))
    slot = drawn((140, 140, 260, 180), size=photo.shape[:2])
    best = max(found, key=lambda region: region.shared(patches(truth > 0)[0]))
    assert mask_iou(best, patches(truth > 0)[0]) > 0.3
    assert best.shared(patches(slot)[0]) == 0


@pytest.mark.slow  # a second or two
def test_a_photo_of_40_megapixels_costs_its_regions_alone(model: ProductModel) -> None:
    pixels = np.full((5000, 8000, 3), 150, np.uint8)
    cv2.circle(pixels, (6000, 3000), 60, (30, 30, 30), -1)
    small = blot((600, 300), 30, (500, 800))
    values = cv2.resize(small, (8000, 5000), interpolation=cv2.INTER_LINEAR)
    scores = ScoreMap(values, 1.0, 600.0, "test")
    found = located(regions(scores, seed=0.5, floor=0.1, background=0.0), scores, pixels, None, replace(model, calibration=_silent(model)))
    whole(found, (5000, 8000))
    assert max(max(region.box.width, region.box.height) for region in found) < 1000
    assert any(region.box.x0 <= 6000 < region.box.x1 and region.box.y0 <= 3000 < region.box.y1 for region in found)


def test_a_finding_has_its_own_p_value_and_what_good_photos_have_too_has_no_severity(inspector: Inspector) -> None:
    asked = {"card": inspector.card, "alpha": 0.1}  # 24 good photos can say that much
    stained = Inspector(inspector.model, **asked).inspect(as_photo(defective("plate", "stain", 1))).record  # type: ignore[arg-type]
    first = stained.findings[0]
    assert first.p_value is not None
    assert first.p_value.status == "supported"
    assert first.ruling.severity.value is not None
    sharp, calibration = inspector.model.sharp, inspector.model.calibration
    assert sharp is not None
    higher = replace(inspector.model, sharp=Sharp(sharp.fine, sharp.peaks + 1e6), calibration=_with_peaks(calibration, calibration.noise))
    usual = Inspector(higher, **asked).inspect(as_photo(defective("plate", "stain", 1))).record
    assert usual.findings
    assert all(f.also_unusual and f.ruling.severity.value is None for f in usual.findings)
    assert (usual.counted, usual.severity.value, usual.verdict.value) == (0, None, "review")


def _silent(model: ProductModel) -> Calibration:
    """Of a map whose background is 0."""
    return replace(model.calibration, median=0.0)


def _with_peaks(calibration: Calibration, below: float) -> Calibration:
    """One good photo in which something is stronger than anything, and others that are quiet: all is seen, and nothing is rare."""
    return replace(calibration, peaks=np.concatenate([np.full(len(calibration.peaks) - 1, below), np.full(1, 1e9)]))


def test_what_a_defect_raises_on_the_map_at_an_intact_border_is_no_finding_of_its_own(model: ProductModel) -> None:
    photo = defective("plate", "stain", 1).pixels
    values = scored(model, photo).values
    above = float(model.calibration.peaks[-1])
    y, x = (int(v) for v in np.unravel_index(values.argmax(), values.shape))
    strong = max(2 * above, float(values.max()))
    halo = np.maximum(values * 0, np.maximum(blot((x, y), 15, values.shape) * strong, blot((399, 20), 12, values.shape) * above * 1.02))
    found = regions(ScoreMap(halo, strong, 30.0, "test"), seed=above, floor=above / 10, background=0.0)
    assert len(found) == 2
    first, second = located(found, ScoreMap(halo, strong, 30.0, "test"), photo, None, model)
    rarest = 1 / (len(model.calibration.peaks) + 1)
    assert first.p_value == pytest.approx(2 * rarest)
    assert model.calibration.peak_p_value(second.peak or 0.0) == pytest.approx(rarest)  # on the map alone it is as rare
    assert second.p_value is not None
    assert second.p_value > 0.3


def test_models_from_before_have_no_fine_evidence_and_outline_as_they_did(model: ProductModel) -> None:
    photo = as_photo(defective("plate", "stain", 1))
    old = Inspector(replace(model, sharp=None)).inspect(photo).record
    assert {f.measured.outline.value for f in old.findings} <= {"map", "photo"}
    assert all(f.p_value is None for f in old.findings)
    assert "p_value" not in old.findings[0].model_dump(mode="json")


def test_the_model_keeps_its_fine_evidence(model: ProductModel, tmp_path: object) -> None:
    photo = as_photo(defective("plate", "scratch", 2))
    again = ProductModel.load(model.save(tmp_path / "again").sha256 and tmp_path / "again")  # type: ignore[operator]
    assert again.sharp is not None
    assert model.sharp is not None
    assert np.array_equal(again.sharp.peaks, model.sharp.peaks)
    same = [Inspector(m).inspect(photo).record.findings for m in (model, again)]
    assert same[0] == same[1]


def test_good_photos_cost_nothing_more(inspector: Inspector) -> None:
    passed = inspector.inspect(as_photo(good("plate", 777))).record
    assert passed.findings == ()
    assert passed.timings_ms["locate"] < 1.0
