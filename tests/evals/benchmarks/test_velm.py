"""VELM's files, small: read, asked as an inspection asks, scored strictly and as the benchmark does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from sklearn.metrics import cohen_kappa_score, f1_score
from tests.helpers.servers import GOOD, speaking

from seewhy.errors import BadData
from seewhy.evals.benchmarks.velm import ask, official, read_classes, strict
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.explainers.client import Server
from seewhy.explainers.vlm import VlmSettings, VlmWords

CLASSES = {"metal_nut": {"normal": ["is even"], "deep_cut": ["deep cut", "a line"], "color": ["stain", "another colour"]}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for kind, drawn in (("scratch", "deep_cut"), ("stain", "color")):
        for i in range(2):
            made = defective("plate", kind, i)  # type: ignore[arg-type]
            for where, pixels in (
                (f"test/{drawn}/{i:03}.png", made.pixels),
                (f"ground_truth/{drawn}/{i:03}_mask.png", made.mask),
                (f"train/good/{i:03}.png", good("plate", i).pixels),
            ):
                path = tmp_path / "metal_nut" / where
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)
    (tmp_path / "classes.json").write_text(json.dumps(CLASSES))
    return tmp_path


def test_photos_are_asked_about_and_scored(folder: Path) -> None:
    classes = read_classes(folder / "classes.json")
    with speaking(lambda _r, _s: GOOD | {"type": "deep cut"}) as (url, server):
        words = VlmWords(Server(url=url), VlmSettings(second_look=False))
        said = ask(folder, classes, words, folder / "answers.json")
        assert ask(folder, classes, words, folder / "answers.json") == said
        assert len(server.requests) == 4
        assert '"deep cut": "a line"' in server.requests[0]["messages"][1]["content"][0]["text"]
    assert set(said) == {f"metal_nut_{kind}_00{i}" for kind in ("deep_cut", "color") for i in range(2)}
    assert strict(folder, classes, said) == {"products": {"metal_nut": 0.5}, "accuracy": 0.5, "photos": 4}
    assert strict(folder, classes, {})["accuracy"] == 0.0


def test_the_official_figures_are_scikit_learns() -> None:
    said = {"metal_nut_color_000": "Stain", "metal_nut_color_001": "deep cut", "metal_nut_deep_cut_000": "deep cut"}
    said |= {"metal_nut_deep_cut_001": "something", "metal_nut_color_002": "good"}
    truth, named = ["color", "color", "deep_cut", "deep_cut", "color"], ["color", "deep_cut", "deep_cut", "Unknown class", "good"]
    names = sorted({*truth, *named})
    made = official(CLASSES, said)["products"]["metal_nut"]
    assert made["accuracy"] == 0.4
    assert made["macro_f1"] == pytest.approx(f1_score(truth, named, average="macro", labels=names, zero_division=0), abs=1e-4)
    assert made["cohen_kappa"] == pytest.approx(cohen_kappa_score(truth, named, labels=names), abs=1e-4)


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="does not exist"):
        read_classes(tmp_path / "none.json")
    (tmp_path / "classes.json").write_text('{"a": {"b": ["c"]}}')
    with pytest.raises(BadData, match="not as VELM writes it"):
        read_classes(tmp_path / "classes.json")
    with pytest.raises(BadData, match="no PRODUCT"):
        ask(tmp_path, CLASSES, VlmWords(Server(url="http://x")), tmp_path / "a.json")
