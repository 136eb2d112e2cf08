"""A few good photos hold the line: they are named, and a person, not a score, leaves one out."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from tests.helpers.photos import ALPHA
from typer.testing import CliRunner

import seewhy
from seewhy.agent.api.oddest import without
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.models.looks import look_of, odd_signs, unlike
from seewhy.agent.models.product import ProductModel
from seewhy.agent.people.good import judge, left_out
from seewhy.agent.people.roles import Who
from seewhy.cli import app
from seewhy.detectors.patchcore import PatchCoreSettings
from seewhy.errors import BadData
from seewhy.evals.synthetic.surfaces import good
from seewhy.prompts.people import told
from seewhy.types import Pixels

TINY = PatchCoreSettings(input_px=96, bank_rows=200, candidate_rows=1000, whitened_rows=100)
pytestmark = pytest.mark.slow
KIM = Who("Kim", "the lens was touched")


def blurred(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 3.0), np.uint8)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plates")
    for i in range(10):
        pixels = good("plate", i).pixels
        Image.fromarray(blurred(pixels) if i == 5 else pixels).save(folder / f"{i:02}.png")
    return folder


@pytest.fixture(scope="module")
def model(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "plate"
    seewhy.fit(photos, save=folder, detector="patchcore", settings=TINY, alpha=ALPHA)
    return folder


def test_signs_say_in_what_a_photo_differs() -> None:
    plates = [good("plate", i).pixels for i in range(12)]
    plates[3] = blurred(plates[3])
    plates[4] = np.clip(plates[4] * 1.6, 0, 255).astype(np.uint8)
    plates[5] = (plates[5] * 0.6).astype(np.uint8)
    looks = dict(enumerate(map(look_of, plates)))
    assert odd_signs(looks) == {3: ["blurred"], 4: ["bright"], 5: ["dark"]}
    assert odd_signs({number: looks[number] for number in range(4)}) == {}
    rng = np.random.default_rng(0)
    described = {number: rng.normal(0, 1, 40).astype(np.float32) for number in range(12)}
    assert not unlike(described)
    assert list(unlike(described | {7: np.full(40, 6, np.float32)})) == [7]


def test_the_photos_that_hold_the_line_are_named_with_their_cost(photos: Path, model: Path) -> None:
    found = seewhy.oddest(model, photos)
    known = ProductModel.load(model)
    scores = known.calibration.scores
    assert [row.photo.score for row in found.rows] == sorted(scores, reverse=True)[: len(found.rows)]
    assert (found.rows[0].holds, found.rows[0].line) == (True, sorted(scores)[-2])
    assert not found.rows[-1].holds
    assert "blurred" in next(row.photo.signs for row in found.rows if row.photo.name.endswith("05.png"))
    assert found.drawn == 24
    assert found.rows[0].escaped is not None
    assert found.rows[0].escaped <= (found.escaped or 0)
    assert len(without(known.calibration, scores[3])) == len(scores) - 1
    assert seewhy.oddest(known).drawn == 0
    (photos.parent / "other").mkdir(exist_ok=True)
    Image.fromarray(good("plate", 99).pixels).save(photos.parent / "other" / "1.png")
    with pytest.raises(BadData, match="other good photos"):
        seewhy.oddest(model, photos.parent / "other")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_stands_alone(model: Path, tmp_path: Path, language: str) -> None:
    page = seewhy.oddest(model).report(tmp_path / "odd.html", language).read_text(encoding="utf-8")
    found = seewhy.oddest(model)
    assert page.count('src="data:image/jpeg;base64,') == 2 * len(found.rows)
    assert "://" not in page
    assert all(row.photo.name in page for row in found.rows)
    assert ("임계값" in page) == (language == "ko")


def test_no_photo_is_dropped_for_its_score(model: Path, tmp_path: Path) -> None:
    known = ProductModel.load(model)
    name = known.good.odd[0].name
    with Ledger(tmp_path / "l.sqlite") as ledger:
        with pytest.raises(BadData, match="a high score is no reason"):
            judge(ledger, known, name, "drop", KIM)
        with pytest.raises(BadData, match="a high score is no reason"):
            judge(ledger, known, name, "drop", Who("Kim", " "), "blurred")
        with pytest.raises(BadData, match="not among"):
            judge(ledger, known, "elsewhere.png", "keep", KIM)
        with pytest.raises(BadData, match="kept without"):
            judge(ledger, known, name, "keep", KIM, "blurred")
        assert ledger.head[0] == 0
        row = judge(ledger, known, name, "drop", KIM, "blurred")
        assert [(out.name, out.by, out.entry) for out in left_out(ledger, known.product)] == [(name, "Kim", row.hash)]
        assert told(row.entry) == f"Kim leaves {name} out of the good photos of {known.product}: the photo is blurred. Reason: {KIM.why}"
        assert left_out(ledger, "another") == ()
        judge(ledger, known, name, "keep", KIM)
        assert left_out(ledger, known.product) == ()


def test_the_next_fit_leaves_out_what_a_person_dropped_and_says_so(photos: Path, model: Path, tmp_path: Path) -> None:
    run, book = CliRunner(), tmp_path / "l.sqlite"
    name = next(one.name for one in ProductModel.load(model).good.odd if one.name.endswith("05.png"))
    words = ["good", str(book), str(model), name, "drop", "--cause", "blurred", "--by", "Kim", "--why", KIM.why]
    assert run.invoke(app, words).exit_code == 0
    inspector = seewhy.fit(photos, save=tmp_path / "m", detector="patchcore", settings=TINY, alpha=ALPHA, without=book)
    again = ProductModel.load(tmp_path / "m")
    assert again.good_photos == len(again.good.listed) == 9
    assert [(out.name, out.by, out.cause, out.why) for out in again.good.left_out] == [(name, "Kim", "blurred", KIM.why)]
    record = inspector.inspect(photos / "00.png").record
    assert any(name in missing.because.text and "Kim" in missing.because.text for missing in record.missing)
    shown = run.invoke(app, ["oddest", str(tmp_path / "m")]).stdout
    assert KIM.why in " ".join(shown.split())
