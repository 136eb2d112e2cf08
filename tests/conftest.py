"""Fixtures: one small model for all tests, fitted on synthetic photos."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import Photo
from seewhy.card import DefectType, Knowledge, Part, ProductCard, Scale
from seewhy.detectors.patchcore import PatchCore
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.nearest import faiss
from tests.helpers import TESTS
from tests.helpers.photos import ALPHA, SMALL, as_photo

os.environ["OMP_NUM_THREADS"] = "1"  # of the programs that tests start: files run side by side, a process for each core
torch.set_num_threads(1)
faiss.omp_set_num_threads(1)

# Files of a minute and more, the longest first: begun last, one of them would keep a single core busy at the end.
LONG = (
    *("detectors/test_anomalib.py", "test_real_server.py", "test_docs.py", "detectors/test_dinomaly.py", "agent/chat/test_page.py"),
    *("test_packaging.py", "detectors/test_detectors.py", "test_house.py", "evals/promises/test_explain.py"),
)

ALL_SLOW = re.compile(r"^pytestmark = \[?\s*pytest\.mark\.slow\b", re.MULTILINE)  # a file of slow tests alone


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where slow tests are left out, files of nothing else aren't imported: some bring libraries of seconds."""
    chosen: str = config.option.markexpr
    if collection_path.suffix != ".py" or "not slow" not in chosen or " or " in chosen:
        return None
    return bool(ALL_SLOW.search(collection_path.read_text(encoding="utf-8"))) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files for several processes; within a file nothing moves."""
    place = {TESTS / name: number for number, name in enumerate(LONG)}
    assert all(path.is_file() for path in place)
    items.sort(key=lambda item: place.get(item.path, len(LONG)))


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_to_later_files() -> Iterator[None]:
    """A file's tests leave the process as they found it: a later file's, and the programs that they start, must not know who ran before."""
    before = surroundings()
    yield
    assert surroundings() == before


def surroundings() -> dict[str, str]:
    """The folder, and of the environment what steers programs; other libraries set variables of their own when they are imported."""
    steering = ("PYTHON", "SEEWHY", "XDG_", "OMP_", "VLLM", "HOME", "PATH", "TMPDIR")
    return {name: value for name, value in os.environ.items() if name.startswith(steering)} | {"folder": str(Path.cwd())}


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
def photos(six_photos: Path, tmp_path: Path) -> Path:
    """A folder of six photos, to change: four good, a stain, a scratch."""
    return Path(shutil.copytree(six_photos, tmp_path / "lot"))


@pytest.fixture(scope="session")
def six_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for i in range(4):
        Image.fromarray(good("plate", 100 + i).pixels).save(folder / f"good-{i}.png")
    Image.fromarray(defective("plate", "stain", 1).pixels).save(folder / "stain.png")
    Image.fromarray(defective("plate", "scratch", 2).pixels).save(folder / "scratch.png")
    return folder


@pytest.fixture
def tampered(model_folder: Path, tmp_path: Path) -> Path:
    """A copy of the model to change."""
    return Path(shutil.copytree(model_folder, tmp_path / "model"))
