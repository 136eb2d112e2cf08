from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.helpers.photos import png

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.lots.batch import run_batch
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import Photo, decode
from seewhy.agent.photos.layouts import read_layout
from seewhy.card import ProductCard
from seewhy.detectors.template.align import SURE, align
from seewhy.detectors.template.detector import Template, TemplateSettings
from seewhy.detectors.template.places import GRAPH_FROM
from seewhy.errors import BadData, BadImage, BadModel
from seewhy.evals.promises.template import iou, matches
from seewhy.evals.synthetic.boards import board, broken
from seewhy.record import Explanation, RefusedPhoto
from seewhy.types import Box, Pixels

PLACES = range(24)
ALPHA = 0.05
COPPER = ProductCard(name="board", material="dark")


def photo_of(pixels: Pixels, name: str = "board.png") -> Photo:
    return decode(png(pixels), name)


def fitted(photos: Sequence[Pixels], folder: Path, card: ProductCard = COPPER) -> Inspector:
    golden = [photo_of(p, f"{i}.png") for i, p in enumerate(photos)]
    return Inspector(ProductModel.fit(golden, Template(), product="board", alpha=ALPHA).save(folder), card=card, alpha=ALPHA)


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    """One golden photo of each place."""
    return fitted([board(p) for p in PLACES], tmp_path_factory.mktemp("models") / "boards")


@pytest.mark.slow
def test_good_boards_pass_and_the_record_says_what_calibrated_it(boards: Inspector) -> None:
    for place in PLACES:
        record = boards.inspect(photo_of(board(place, copy=1))).record
        assert record.verdict.value == "pass", (place, record.decision.score)
    assert record.decision.calibration_method == "disturbed_copies"
    assert any(m.what == "second good photos" for m in record.missing)
    assert record.detectors[0].because.params["views"] == 24


@pytest.mark.parametrize("kind", ["missing", "extra"])
@pytest.mark.slow
def test_what_is_missing_or_extra_is_found_and_told(boards: Inspector, kind: str) -> None:
    for place in PLACES:
        drawn = broken(place, kind, copy=2)  # type: ignore[arg-type]
        record = boards.inspect(photo_of(drawn.pixels)).record
        assert record.verdict.value == "fail", place  # any change beyond tolerance is far above a threshold of 0
        ys, xs = np.nonzero(drawn.mask)
        first = record.findings[0]
        x0, y0, x1, y1 = first.measured.location.box_px.value or (0, 0, 0, 0)
        assert x0 - 6 <= xs.mean() <= x1 + 6, place
        assert y0 - 6 <= ys.mean() <= y1 + 6, place
        assert first.measured.material is not None
        assert first.measured.material.value == kind, place
        assert isinstance(first.explanation, Explanation)
        assert any(s.value and s.value.key == f"material.{kind}" for s in first.explanation.appearance)
    assert record.provenance.reference_sha256


@pytest.mark.slow
def test_material_is_told_by_the_tone_that_the_card_names(tmp_path: Path) -> None:
    drawn = broken(0, "missing")
    for tone, said in (("light", "extra"), (None, None)):
        inspector = fitted([board(0), board(1)], tmp_path / str(tone), ProductCard(name="board", material=tone))  # type: ignore[arg-type]
        material = inspector.inspect(photo_of(drawn.pixels)).record.findings[0].measured.material
        assert (material and material.value) == said


@pytest.mark.slow
def test_a_turned_photo_is_laid_over_by_its_features(boards: Inspector) -> None:
    matrix = cv2.getRotationMatrix2D((160, 160), 4.0, 1.03)
    turned = cv2.warpAffine(board(3, copy=1), matrix, (320, 320), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)
    grey = cv2.cvtColor(turned, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    golden = cv2.cvtColor(board(3), cv2.COLOR_RGB2GRAY).astype(np.uint8)
    found = align(grey, golden)
    assert found.how == "homography"
    assert found.agreement > SURE
    assert boards.model.detector.score(turned).score < 0.3


@pytest.mark.slow
def test_what_shows_no_known_place_is_refused_and_nothing_is_lost(boards: Inspector, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (320, 320, 3)).astype(np.uint8)
    wide = np.zeros((100, 320, 3), np.uint8)
    for pixels, why in ((noise, "agrees to"), (board(900), "agrees to"), (wide, "no golden photo has its shape")):
        with pytest.raises(BadImage, match=why):
            boards.model.detector.score(pixels)
    folder = tmp_path / "lot"
    folder.mkdir()
    (folder / "a.png").write_bytes(png(board(0, copy=1)))
    (folder / "b.png").write_bytes(png(noise))
    with Ledger(tmp_path / "l.sqlite") as ledger:
        tally = run_batch(boards, read_layout(folder), ledger, lot="A")
        refused = [r.entry for r in ledger.rows() if isinstance(r.entry, RefusedPhoto)]
    assert (tally.passed, tally.refused) == (1, 1)
    assert refused[0].code == "not_aligned"
    assert "golden photo" in refused[0].remedy


def test_many_photos_of_one_view_become_a_median_that_can_do_without_one() -> None:
    same = [board(7, copy=i) for i in range(12)]
    detector = Template()
    detector.fit(same)
    assert detector.learned["views"] == 1
    assert detector.calibrates == "left_out"
    assert detector.without(3).score(same[3]).score < 0.2
    faint = same[0].astype(np.int16)
    faint[150:170, 150:170] += np.where(faint[150:170, 150:170] > 128, -45, 45)  # a quarter of the contrast
    faint = np.clip(faint, 0, 255).astype(np.uint8)
    single = Template()
    single.fit([board(7)])
    assert single.calibrates == "disturbed_copies"
    assert single.score(faint).score == 0.0  # within the tolerance of one golden photo
    assert detector.score(faint).score > 0.05  # and beyond what many of them differ by
    with pytest.raises(BadModel, match="golden one"):
        single.without(0)
    with pytest.raises(BadModel, match="just fitted"):
        Template.from_files(single.settings, single.learned, single.files()).without(0)


@pytest.mark.slow
def test_many_golden_photos_are_found_by_a_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seewhy.detectors.template.places.GRAPH_FROM", 30)
    assert GRAPH_FROM > 30
    golden = [board(p, side=160) for p in range(60)]
    detector = Template()
    detector.fit(golden)
    loaded = Template.from_files(detector.settings, detector.learned, detector.files())
    assert loaded._fitted().kind == "IndexHNSWFlat"
    for place in range(0, 60, 7):
        scored = loaded.score(board(place, copy=1, side=160))
        assert scored.score < 0.2
        assert scored.reference is not None


def test_colour_counts_where_the_golden_photo_has_colour() -> None:
    golden = board(2)
    golden[40:120, 40:120] = (200, 60, 40)
    detector = Template()
    detector.fit([golden])
    other = golden.copy()
    other[60:90, 60:90] = (40, 110, 180)
    assert detector.score(golden).score == 0.0
    assert detector.score(other).score > 0.1


def test_bad_input_is_told() -> None:
    with pytest.raises(BadData, match="golden"):
        Template().fit([])
    with pytest.raises(BadData, match="photo 2 is even"):
        Template().fit([board(0), np.full((320, 320, 3), 90, np.uint8)])
    with pytest.raises(BadModel, match="not fitted"):
        Template(TemplateSettings()).score(board(0))


def test_boxes_are_matched_once_each() -> None:
    a, b = Box(0, 0, 10, 10), Box(2, 0, 12, 10)
    assert iou(a, b) == pytest.approx(80 / 120)
    assert matches([a, b], [a]) == [(0, 0)]
    assert matches([Box(50, 50, 60, 60)], [a]) == []
