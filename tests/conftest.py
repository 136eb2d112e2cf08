"""Fixtures: one small model for all tests, fitted on synthetic photos."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import Photo, decode
from seewhy.card import DefectType, Knowledge, Part, ProductCard, Scale
from seewhy.detectors.patchcore import PatchCore, PatchCoreSettings
from seewhy.evals.synthetic.surfaces import Drawn, defective, good
from seewhy.types import Pixels

SMALL = PatchCoreSettings(input_px=192, bank_rows=600, candidate_rows=4000)
ALPHA = 0.05

torch.set_num_threads(2)


def png(pixels: Pixels) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def as_photo(drawn: Drawn, name: str = "part.png") -> Photo:
    return decode(png(drawn.pixels), name)


@pytest.fixture(scope="session")
def card() -> ProductCard:
    return ProductCard(
        name="plate",
        defects=(DefectType(name="scratch", shape=("line",)), DefectType(name="pit", shape=("spot",), tone=("darker",))),
        parts=(Part(name="left half", box=(0, 0, 0.5, 1)),),
        scale=Scale(mm_per_px=0.05, uncertainty=0.001),
        knowledge=(Knowledge(id="K-1", applies_to=("scratch",), cause="a hard edge", check="look at grippers", source="test"),),
    )


@pytest.fixture(scope="session")
def good_plates() -> list[Photo]:
    return [as_photo(good("plate", i), f"{i}.png") for i in range(24)]


@pytest.fixture(scope="session")
def model_folder(good_plates: list[Photo], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "plate"
    ProductModel.fit(good_plates, PatchCore(SMALL), product="plate", alpha=ALPHA).save(folder)
    return folder


@pytest.fixture(scope="session")
def inspector(model_folder: Path, card: ProductCard) -> Inspector:
    return Inspector(ProductModel.load(model_folder), card=card, alpha=ALPHA)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of six photos: four good, a stain, a scratch."""
    folder = tmp_path / "lot"
    folder.mkdir()
    for i in range(4):
        Image.fromarray(good("plate", 100 + i).pixels).save(folder / f"good-{i}.png")
    Image.fromarray(defective("plate", "stain", 1).pixels).save(folder / "stain.png")
    Image.fromarray(defective("plate", "scratch", 2).pixels).save(folder / "scratch.png")
    return folder


@pytest.fixture
def tampered(model_folder: Path, tmp_path: Path) -> Path:
    """A copy of the model to change."""
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
