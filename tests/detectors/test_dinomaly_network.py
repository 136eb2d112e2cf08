"""Dinomaly by OpenVINO: the scores that torch gives, without torch; what can't be exported is told."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.helpers.photos import ALPHA, as_photo, noise, png
from torch import Tensor

from seewhy.agent.inspection.chain import engine_of
from seewhy.agent.models.family import Family
from seewhy.agent.models.product import ProductModel
from seewhy.detectors.dinomaly.detector import Dinomaly
from seewhy.detectors.dinomaly.encoders import VITS, VitRow
from seewhy.detectors.dinomaly.net import Restorer
from seewhy.detectors.dinomaly.settings import DinomalySettings
from seewhy.detectors.dinomaly.tokens import vit
from seewhy.detectors.weights import store
from seewhy.errors import BadData, BadModel
from seewhy.evals.synthetic.surfaces import defective, good
from seewhy.types import ScoreMap

pytestmark = pytest.mark.slow

QUICK = DinomalySettings(encoder="efficientnet-lite0", input_px=128, depth=3, steps=4, batch=2, at_once=2)
TOLERANCE = 1e-4
VIT = {"num_hidden_layers": 9, "num_attention_heads": 2, "hidden_size": 32, "num_register_tokens": 4}
TINY = {
    "dinov2": VitRow("tiny", "dinov2", tuple(range(8)), VIT | {"image_size": 518, "patch_size": 14}),
    "dinov3": VitRow("tiny", "dinov3", tuple(range(8)), VIT | {"intermediate_size": 64, "patch_size": 16}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    photos = {"plate": [as_photo(good("plate", i), f"{i}.png") for i in range(6)]}
    model = tmp_path_factory.mktemp("models") / "model"
    Family.fit(photos, Dinomaly(QUICK), alpha=ALPHA).save(model)
    return model


@pytest.fixture(scope="module")
def fitted(folder: Path) -> Dinomaly:
    detector = ProductModel.load(folder).detector
    assert isinstance(detector, Dinomaly)
    return detector


def by_torch(detector: Dinomaly) -> Dinomaly:
    """The same as a model from before would have kept it."""
    learned = {name: value for name, value in detector.learned.items() if name != "network"}
    return Dinomaly.from_files(detector.settings, learned, {"restorer.safetensors": detector.files()["restorer.safetensors"]})


def apart(one: ScoreMap, other: ScoreMap) -> float:
    assert one.descriptor is not None
    assert other.descriptor is not None
    pairs = ((one.values, other.values), (one.descriptor, other.descriptor), (np.array(one.score), np.array(other.score)))
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def test_scores_are_torchs_and_the_kept_model_gives_them_again(fitted: Dinomaly) -> None:
    before = by_torch(fitted)
    again = Dinomaly.from_files(fitted.settings, fitted.learned, fitted.files())
    assert fitted.learned["network"]["openvino"]
    for pixels in (defective("plate", "stain", 3).pixels, good("plate", 9, (90, 300)).pixels):
        own, other = fitted.score(pixels), before.score(pixels)
        assert apart(own, other) < TOLERANCE
        assert own.resolution_px == other.resolution_px
        assert apart(again.score(pixels), own) == 0
    assert again.files() == fitted.files()
    assert again.weights == fitted.weights == before.weights


def test_a_model_from_before_stays_with_torch_and_torch_can_be_asked_for(fitted: Dinomaly) -> None:
    before = by_torch(fitted)
    assert before.settings.engine == "torch"
    assert engine_of(before) is None
    assert before.learned.keys() == {"resolution_cells", "training"}
    asked = Dinomaly(replace(QUICK, engine="torch", steps=1))
    asked.fit([good("plate", 0).pixels])
    assert asked.files().keys() == {"restorer.safetensors"}
    told = engine_of(Dinomaly.from_files(asked.settings, asked.learned, asked.files()))
    assert told is not None
    assert told.text == "torch, as it was asked for"


def test_a_model_is_trained_on_from_the_decoder_that_is_kept_beside_the_network(fitted: Dinomaly) -> None:
    more = Dinomaly.from_files(fitted.settings, fitted.learned, fitted.files())
    more.fit_products({"plate": [good("plate", i).pixels for i in range(4)]}, start=fitted)
    kept = fitted.trained.decoder().state_dict()
    far = [float((value - kept[name]).abs().max()) for name, value in more.trained.decoder().state_dict().items()]
    assert 0 < max(far) < 0.05
    assert more.files()["restorer.safetensors"] != fitted.files()["restorer.safetensors"]


def test_a_damaged_network_is_one_clear_error(fitted: Dinomaly, folder: Path, tmp_path: Path) -> None:
    cut = fitted.files()
    cut["network.bin"] = cut["network.bin"][: len(cut["network.bin"]) // 2]
    with pytest.raises(BadModel, match="can't read the model's network; fit the model again here"):
        Dinomaly.from_files(fitted.settings, fitted.learned, cut)
    shutil.copytree(folder, tmp_path / "other")
    file = next((tmp_path / "other").rglob("detector/network.bin"))
    file.write_bytes(file.read_bytes()[::-1])  # whole, and another one
    with pytest.raises(BadModel, match=r"network\.bin was changed after the model was saved"):
        ProductModel.load(tmp_path / "other")


def test_an_inspection_needs_neither_torch_nor_the_encoders_weights(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "part.png").write_bytes(png(good("plate", 7).pixels))
    code = (
        "import sys, seewhy; entry = seewhy.load(sys.argv[1]).inspect('part.png'); print(entry.record.provenance.engine.text);"
        "assert not {'torch', 'timm', 'transformers'} & set(sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert ran.stdout.startswith("OpenVINO in f32")


@pytest.mark.parametrize(("kind", "recentre"), [("dinov2", False), ("dinov3", True)])
def test_a_vit_and_its_decoder_are_exported_too(kind: str, recentre: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    net = vit(TINY[kind])
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.1)
    monkeypatch.setitem(VITS, "tiny", TINY[kind])  # type: ignore[arg-type]
    monkeypatch.setattr(store, "load", lambda _: (net.state_dict(), store.WeightsFile("tiny", "random", "0" * 64, "none", "test")))
    side = 8 * TINY[kind].config["patch_size"]
    settings = DinomalySettings("tiny", side, depth=2, recentre=recentre, attention="softmax" if recentre else "linear")
    detector = Dinomaly(settings)
    detector.trained.net = Restorer(detector.trained.shape())
    photo = noise(side, side)
    for own, other in zip(detector.trained.exported()(photo), detector.trained(photo), strict=True):
        assert own.shape == other.shape
        assert float(np.abs(own - other).max()) < TOLERANCE


class Odd(Restorer):
    """A decoder with an operation that OpenVINO doesn't know."""

    def forward(self, seen: list[Tensor]) -> list[Tensor]:  # type: ignore[override]
        return [torch.special.bessel_j0(restored) for restored in super().forward(seen)]


def test_what_cannot_be_exported_runs_by_torch_and_is_told() -> None:
    for engine in ("auto", "openvino"):
        detector = Dinomaly(replace(QUICK, engine=engine))
        detector.trained.net = Odd(detector.trained.shape())
        if engine == "openvino":
            with pytest.raises(BadModel, match="OpenVINO can't run this network"):
                detector.settle()
            continue
        detector.settle()
        told = engine_of(detector)
        assert told is not None
        assert told.text.startswith("torch, because the network can't be exported: OpenVINO can't run this network")
        assert detector.score(noise(128, 128)).values.shape == (128, 128)
        assert detector.files().keys() == {"restorer.safetensors"}


def test_an_engine_that_cannot_be_is_refused() -> None:
    with pytest.raises(BadData, match="not on cpu in bfloat16; choose the engine auto or torch"):
        Dinomaly(replace(QUICK, engine="openvino", dtype="bfloat16"))
