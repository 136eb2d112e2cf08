"""A scene that is there several times counts once; a threshold that would let everything pass is refused."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.helpers.photos import SMALL, as_photo, png

import seewhy
from seewhy.agent.models.calibration import Calibration
from seewhy.agent.models.distinct import distinct
from seewhy.agent.models.gross import check_gross, gross_defect
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import Photo, decode
from seewhy.errors import BadData
from seewhy.evals.synthetic.surfaces import PRODUCTS, good
from seewhy.types import Pixels

pytestmark = pytest.mark.slow


def saved_again(pixels: Pixels, kind: str, seed: int) -> Photo:
    """The same scene in another file."""
    rng = np.random.default_rng(seed)
    picture, out = Image.fromarray(pixels), io.BytesIO()
    if kind == "jpeg":
        picture.save(out, "JPEG", quality=80)
    elif kind == "half":
        picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX).save(out, "PNG")
    elif kind == "burst":
        Image.fromarray(np.clip(np.rint(pixels + rng.normal(0, 2, pixels.shape)), 0, 255).astype(np.uint8)).save(out, "PNG")
    else:
        picture.save(out, "PNG")
    return decode(out.getvalue(), f"{kind}-{seed}")


@pytest.mark.parametrize("kind", ["same", "jpeg", "half", "burst"])
def test_copies_are_found_and_named(kind: str) -> None:
    photos = [as_photo(good("brick" if i % 2 else "plate", i), f"{i}") for i in range(6)]
    copies = [saved_again(p.pixels, kind, i) for i, p in enumerate(photos)]
    found = distinct([*photos, *copies])
    assert found.kept == (0, 1, 2, 3, 4, 5)
    assert found.copies == tuple((copies[i].name, f"{i}") for i in range(6))


@pytest.mark.parametrize("product", sorted(PRODUCTS))
def test_other_parts_are_not_copies(product: str) -> None:
    assert len(distinct([as_photo(good(product, i), f"{i}") for i in range(24)]).kept) == 24


def test_photos_of_an_even_surface_are_of_their_own() -> None:
    rng = np.random.default_rng(0)
    flat = [decode(png(np.clip(128 + rng.normal(0, 2, (96, 128, 3)), 0, 255).astype(np.uint8)), f"{i}") for i in range(8)]
    assert len(distinct(flat).kept) == 8


def test_copies_dont_calibrate(tmp_path: Path) -> None:
    """Five photos four times are five photos."""
    for i in range(5):
        for k in range(4):
            Image.fromarray(good("plate", i).pixels).save(tmp_path / f"{i}-{k}.png")
    inspector = seewhy.fit(tmp_path, detector="patchcore", settings=SMALL, alpha=0.05)
    assert (inspector.model.good_photos, len(inspector.model.copies)) == (5, 15)
    record = inspector.inspect(tmp_path / "0-0.png").record
    assert (record.decision.calibration, record.verdict.value) == ("uncalibrated", "review")
    assert record.decision.threshold.value < 10  # type: ignore[operator]  # no distance was divided by nothing
    assert any(m.what == "distinct good photos" and "0-1.png = 0-0.png" in m.because.text for m in record.missing)


def test_a_gross_defect_is_seen(model_folder: Path, good_plates: list[Photo]) -> None:
    model, pixels = ProductModel.load(model_folder), [p.pixels for p in good_plates]
    check_gross(model, pixels, 0.05)
    odd = Calibration(np.full(24, 1e4), np.full(24, 1e4), 0.3, 0.4, "left_out")
    with pytest.raises(BadData, match="would let gross defects pass"):
        check_gross(replace(model, calibration=odd), pixels, 0.05)


def test_a_gross_defect_is_drawn_on_any_photo() -> None:
    for shape in ((1, 1, 3), (2, 900, 3), (64, 48, 3)):
        for level in (0, 255):
            photo = np.full(shape, level, np.uint8)
            assert (gross_defect(photo) != photo).any()
