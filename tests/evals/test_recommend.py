from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from seewhy.cli import app
from seewhy.detectors.patchcore import PatchCoreSettings
from seewhy.errors import BadData, UnknownName
from seewhy.evals.candidate import Candidate
from seewhy.evals.recommend import Margin, chosen, recommend
from seewhy.evals.synthetic.boards import board
from seewhy.evals.synthetic.surfaces import good
from seewhy.types import Pixels

pytestmark = pytest.mark.slow


SMALL = PatchCoreSettings(input_px=192, bank_rows=600, candidate_rows=4000)


def folder_of(photos: list[Pixels], folder: Path) -> Path:
    folder.mkdir()
    for i, pixels in enumerate(photos):
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
    return folder


def test_each_product_gets_the_detector_that_suits_it(tmp_path: Path) -> None:
    wanted = {"patchcore": SMALL, "template": None, "winclip": None}
    surface = recommend(folder_of([good("cast", i).pixels for i in range(16)], tmp_path / "cast"), candidates=wanted)
    assert surface.best == "patchcore"
    assert "golden photo" in next(c for c in surface.candidates if c.detector == "template").why_not
    assert "not on this machine" in next(c for c in surface.candidates if c.detector == "winclip").why_not
    assert surface.picture is not None
    told = surface.to_json()
    assert (told["candidates"][0]["escapes"], told["margin"]) == (surface.candidates[0].stopped.count(False), None)
    assert "2 of 15" in told["weak"]
    boards = recommend(folder_of([board(i) for i in range(16)], tmp_path / "boards"), golden=True, candidates=wanted)
    assert boards.best == "template"
    assert "synthetic" in boards.to_json()["made_by"]


def test_the_command_says_what_made_it(tmp_path: Path) -> None:
    folder = folder_of([board(i) for i in range(8)], tmp_path / "boards")
    said = CliRunner().invoke(
        app, ["recommend", "--data", str(folder), "--golden", "--only", "template", "--picture", str(tmp_path / "p.png")]
    )
    assert said.exit_code == 0, said.output
    assert "template" in said.output
    assert "synthetic" in said.output
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.size[0] == 640
    wrong = CliRunner().invoke(app, ["recommend", "--data", str(folder), "--only", "templat"])
    assert isinstance(wrong.exception, UnknownName)


def test_the_margin_is_by_the_defects_that_one_alone_stops() -> None:
    one = Candidate("a", escapes=2, image_auroc=0.9, pixel_auroc=0.9, ms_per_photo=9, stopped=(*[True] * 10, False, False))
    other = Candidate("b", escapes=9, image_auroc=0.95, pixel_auroc=0.9, ms_per_photo=9, stopped=(*[True] * 2, *[False] * 9, True))
    assert Margin.between(one, other) == Margin("b", 8, 1, 0.0391)  # 2 * (1 + 9) / 2^9
    assert Margin.between(one, one).p_value == 1
    best, because, margin = chosen([one, other])
    assert (best, margin) == ("a", Margin("b", 8, 1, 0.0391))  # a better AUROC doesn't make up for what escapes
    assert "lets 2 of 12 drawn defects through" in because
    near = replace(other, escapes=3, stopped=(*[True] * 9, False, False, False))
    assert chosen([one, near])[0] == "b"  # level by chance
    assert chosen([Candidate("c", why_not="no weights")])[0] == ""


def test_too_few_photos_are_told(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="at least 6 good photos"):
        recommend(folder_of([board(0)], tmp_path / "one"))
