"""Frozen networks by ONNX Runtime: the numbers that OpenVINO gives, on devices that OpenVINO doesn't know; what can't be used is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops
from tests.helpers.photos import ALPHA, as_photo, noise

from seewhy.agent.inspection.chain import engine_of
from seewhy.agent.inspection.terms import check_device
from seewhy.agent.machine.speed import measure
from seewhy.agent.models.candidates import unfitted
from seewhy.agent.models.product import ProductModel
from seewhy.detectors.dinomaly.detector import Dinomaly
from seewhy.detectors.dinomaly.net import Restorer
from seewhy.detectors.dinomaly.settings import DinomalySettings
from seewhy.detectors.parts.accelerated import network_on
from seewhy.detectors.parts.devices import can_run_on, lacking, providers_here, torch_beside
from seewhy.detectors.parts.frozen import kept_network
from seewhy.detectors.parts.network import Network, written
from seewhy.detectors.parts.onnx_graph import as_onnx
from seewhy.detectors.parts.patches import patches
from seewhy.detectors.parts.ways import Spec, Way
from seewhy.detectors.patchcore import PatchCore, PatchCoreSettings
from seewhy.errors import BadData, BadModel
from seewhy.evals.synthetic.surfaces import defective, good

SPEC = Spec("efficientnet-lite0", (Way((4, 5), pool=3, unit_length=True), Way((3, 4, 5, 6))))
SMALL = PatchCoreSettings(input_px=160, bank_rows=200, candidate_rows=1000, whitened_rows=100, engine="onnxruntime")
ABSENT = [device for device in ("cuda", "directml", "coreml") if not can_run_on(device)]


def test_patches_are_those_of_openvino_for_photos_of_any_size() -> None:
    own, other = patches(SPEC, engine="openvino"), patches(SPEC, engine="onnxruntime")
    for height, width in ((192, 256), (256, 192), (32, 64)):
        photo = noise(height, width)
        for one, same in zip(own(photo), other(photo), strict=True):
            assert one.shape == same.shape
            assert np.allclose(one, same, atol=1e-5 * float(np.abs(one).max()))
    assert own.files() == other.files()
    assert other.learned().pop("runs")["by"].startswith("ONNX Runtime 1.")
    assert own.learned() == {name: value for name, value in other.learned().items() if name != "runs"}


@pytest.mark.slow
def test_a_model_says_in_its_record_that_onnx_runtime_ran_it_and_scores_alike(tmp_path: Path) -> None:
    photos = [as_photo(good("plate", i), f"{i}.png") for i in range(6)]
    model = ProductModel.fit(photos, PatchCore(SMALL), product="plate", alpha=ALPHA)
    model.save(tmp_path / "model")
    again = ProductModel.load(tmp_path / "model").detector
    engine = engine_of(again)
    assert engine is not None
    assert engine.text.startswith("ONNX Runtime 1.")
    assert engine.text.endswith("on CPU in f32, the network that was exported at the fit")
    assert isinstance(again, PatchCore)
    by_openvino = PatchCore.from_files(replace(SMALL, engine="auto"), again.learned, again.files())
    shown = defective("plate", "stain", 3).pixels
    for one, other in ((again, model.detector), (again, by_openvino)):  # the loaded one also searches there
        mine, same = one.score(shown), other.score(shown)
        assert mine.score == pytest.approx(same.score, rel=1e-5)
        assert np.allclose(mine.values, same.values, atol=1e-4 * float(same.values.max()))
        assert mine.descriptor is not None
        assert same.descriptor is not None
        assert np.allclose(mine.descriptor, same.descriptor, atol=1e-5)
    assert "runs" not in by_openvino.learned["network"]


@pytest.mark.slow
@pytest.mark.parametrize("changed", [{"neighbours": 3}, {"whitened_rows": 0}, {"max_shrink": 1.0}])
def test_what_the_accelerator_does_not_search_is_searched_as_ever(changed: dict[str, Any]) -> None:
    """Tiles are looked at one by one; a re-weighted score wants rows of the bank, which only the CPU has."""
    settings = replace(SMALL, **changed)
    fitted = PatchCore(settings)
    fitted.fit([good("plate", i).pixels for i in range(4)])
    loaded = PatchCore.from_files(fitted.settings, fitted.learned, fitted.files())
    shown = defective("plate", "stain", 3).pixels
    assert loaded.score(shown).score == pytest.approx(fitted.score(shown).score, rel=1e-5)


@pytest.mark.slow
def test_dinomaly_scores_alike() -> None:
    detector = Dinomaly(DinomalySettings(encoder="efficientnet-lite0", input_px=128, depth=3, engine="onnxruntime"))
    detector.trained.net = Restorer(detector.trained.shape())
    detector.settle()
    told = engine_of(detector)
    assert told is not None
    assert "ONNX Runtime" in told.text
    photo = noise(128, 128)
    one = detector.score(photo)
    other = Dinomaly.from_files(replace(detector.settings, engine="auto"), detector.learned, detector.files()).score(photo)
    assert one.score == pytest.approx(other.score, rel=1e-4)
    assert np.allclose(one.values, other.values, atol=1e-5)


def graph_of(*nodes: openvino.Node, photo: openvino.Node) -> openvino.Model:
    for number, node in enumerate(nodes):
        node.output(0).set_names({f"out{number}"})
    return openvino.Model([node.output(0) for node in nodes], [photo], "tried")


def test_operations_of_transformers_are_translated_with_their_meaning() -> None:
    photo = ops.parameter([1, 8, 8, 3], np.uint8, name="photo")
    values = ops.convert(photo, np.float32)
    rows = ops.divide(ops.reshape(values, np.array([1, 1, 64, 3]), special_zero=False), np.float32(64))
    centred = ops.subtract(rows, np.float32(2))
    padded = ops.pad(values, np.array([0, 1, 2, 0]), np.array([0, 2, 1, 0]), "reflect")
    attended = ops.scaled_dot_product_attention(centred, rows, centred)
    masked = ops.scaled_dot_product_attention(centred, rows, centred, np.full((64, 64), -0.5, np.float32), np.float32(0.3))
    standard = ops.mvn(centred, np.array([-1]), normalize_variance=True, eps=1e-6, eps_mode="inside_sqrt")
    parts = ops.split(centred, np.int64(3), 3)
    swapped = ops.concat([parts.output(2), parts.output(0)], 3)
    cut = ops.slice(centred, np.array([1]), np.array([60]), np.array([3]), np.array([2]))
    larger = ops.interpolate(
        ops.transpose(values, np.array([0, 3, 1, 2])),
        np.array([17, 5]),
        "linear_onnx",
        "sizes",
        coordinate_transformation_mode="align_corners",
        axes=np.array([2, 3]),
    )
    wide = ops.broadcast(ops.reduce_l2(centred, np.array([3]), keep_dims=True), np.array([1, 1, 64, 5]), broadcast_spec="bidirectional")
    graph = graph_of(
        padded, attended, masked, standard, swapped, cut, larger, wide, ops.gelu(centred, "erf"), ops.exp(centred), photo=photo
    )
    seen = noise(8, 8)
    own, other = Network(written(graph))(seen), network_on(written(graph), "cpu")(seen)
    assert len(own) == len(other) == 10
    for one, same in zip(own, other, strict=True):
        assert one.shape == same.shape
        assert np.allclose(one, same, atol=1e-5 * max(1.0, float(np.abs(one).max())))


def test_what_onnx_cannot_say_is_refused() -> None:
    photo = ops.parameter([1, 8, 8, 3], np.uint8, name="photo")
    values = ops.convert(photo, np.float32)
    refused = {
        "approximate GELU": ops.gelu(values, "tanh"),
        "padding by symmetric": ops.pad(values, np.array([0, 1, 1, 0]), np.array([0, 1, 1, 0]), "symmetric"),
        "over other than the last axis": ops.mvn(values, np.array([1, 2]), normalize_variance=True, eps=1e-6, eps_mode="inside_sqrt"),
        "causal attention": ops.scaled_dot_product_attention(values, values, values, causal=True),
    }
    for why, node in refused.items():
        with pytest.raises(BadModel, match=why):
            as_onnx(graph_of(node, photo=photo))


@pytest.mark.parametrize("device", ABSENT)
def test_a_device_that_is_not_here_is_one_clear_error_with_its_remedy(device: str) -> None:
    remedy = rf"on '{device}' a model's network is run by ONNX Runtime, .* pip install 'seewhy\[\w+\]', or leave --device out"
    kept = patches(SPEC, engine="openvino")
    with pytest.raises(BadData, match=remedy):
        kept_network(kept.learned(), kept.files(), device=device)
    with pytest.raises(BadData, match=remedy):
        patches(SPEC, engine="onnxruntime", device=device)
    with pytest.raises(BadData, match=remedy if device != "cuda" else "there is no GPU for 'cuda'"):
        check_device(device)


def test_what_the_line_rests_on_is_not_swapped_for_other_arithmetic() -> None:
    kept = patches(SPEC, engine="openvino")
    with pytest.raises(BadModel, match="the line rests on bf16 by OpenVINO, and ONNX Runtime computes in f32"):
        kept_network(kept.learned() | {"precision": "bf16"}, kept.files(), engine="onnxruntime")
    assert not can_run_on("cpu:first")
    with pytest.raises(BadData, match="no device is called 'cuda:first'"):
        check_device("cuda:first")
    with pytest.raises(BadData, match="OpenVINO runs networks on the CPU, not on cuda"):
        kept_network(kept.learned(), kept.files(), device="cuda", engine="openvino")


def test_a_detector_that_torch_runs_refuses_devices_that_torch_does_not_know() -> None:
    with pytest.raises(BadData, match=r"winclip is run by torch, which doesn't know the device 'directml'; use cpu or cuda"):
        unfitted("winclip", device="directml")
    assert unfitted("template", device="directml").kind == "template"  # it has no network
    assert [torch_beside(device) for device in ("cpu", "cuda:1", "directml", "coreml")] == ["cpu", "cuda:1", "cpu", "cpu"]


def test_the_device_for_which_a_wheel_is_missing_is_told() -> None:
    assert "cpu" in providers_here()
    assert "pip uninstall onnxruntime" in lacking("directml")
    assert "pip uninstall" not in lacking("coreml")


@pytest.mark.slow
def test_doctor_measures_the_accelerators_that_are_here() -> None:
    told = [check.what for check in measure(0.05) if "ONNX Runtime" in check.what]
    assert len(told) == len([kind for kind in providers_here() if kind != "cpu"])
