"""A model that is exported as one graph judges as the model does, and what can't be exported, or was changed, is refused."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import openvino
import pytest
from tests.helpers import ROOT
from tests.helpers.photos import SMALL, noise
from typer.testing import CliRunner

from seewhy.agent.api.export import export as export_
from seewhy.agent.api.validate import validate
from seewhy.agent.models.exported import Export, read_export, write_export
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import Photo
from seewhy.cli import app
from seewhy.detectors.parts.network import Network, exported
from seewhy.detectors.parts.onnx_graph import as_onnx
from seewhy.detectors.parts.whole import separated, shares
from seewhy.detectors.patchcore import PatchCore
from seewhy.detectors.template.detector import Template
from seewhy.errors import BadData, BadModel
from seewhy.evals.synthetic.surfaces import good

EXAMPLE = ROOT / "examples" / "onnx_runtime.py"


@pytest.fixture(scope="module")
def export(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Export:
    return export_(model_folder, tmp_path_factory.mktemp("exports") / "plate")


@pytest.fixture
def changed(export: Export, tmp_path: Path) -> Path:
    """A copy of the export to change."""
    return Path(shutil.copytree(export.folder, tmp_path / "export"))


@pytest.mark.parametrize("to", ["onnx", "openvino"])
def test_it_judges_as_the_model_does(to: str, model_folder: Path, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "export"
    runner = CliRunner()
    assert runner.invoke(app, ["export", str(model_folder), str(out), "--to", to]).exit_code == 0
    done = runner.invoke(app, ["validate", str(out), str(model_folder), "--data", str(photos)])
    record = json.loads((out / "validation.json").read_text(encoding="utf-8"))
    assert (done.exit_code, record["equal"], record["photos"], record["differ"]) == (0, True, 6, [])
    assert record["largest_score_difference"] < 1e-3
    assert {one["verdict"] for one in record["compared"]} >= {"passes", "anomalous"}
    assert record["model_sha256"] == ProductModel.load(model_folder).sha256


def test_what_differs_is_said(export: Export, model_folder: Path, photos: Path, tmp_path: Path) -> None:
    own = ProductModel.load(model_folder).detector
    assert isinstance(own, PatchCore)
    blurred = PatchCore.from_files(replace(own.settings, smoothing=4.0), own.learned, own.files())
    facts = {name: value for name, value in export.manifest.items() if name not in ("files", "manifest_sha256")}
    width, height = export.size
    other = write_export(tmp_path / "other", facts, {"detector.onnx": as_onnx(blurred.graph(width, height))}, "")
    done = CliRunner().invoke(app, ["validate", str(other.folder), str(model_folder), "--data", str(photos), "--json"])
    record = json.loads(done.stdout)
    assert (done.exit_code, record["equal"]) == (1, False)
    assert len(record["differ"]) == 6
    assert record["largest_score_difference"] == max(one["score_difference"] for one in record["differ"]) > record["tolerance"]


def test_photos_of_another_size_are_named(export: Export, model_folder: Path, photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "mixed")
    cv2.imwrite(str(tmp_path / "mixed" / "small.png"), noise(64, 64))
    assert [name for name, _ in validate(export.folder, model_folder, tmp_path / "mixed").left_out] == ["small.png"]
    (tmp_path / "alone").mkdir()
    shutil.move(tmp_path / "mixed" / "small.png", tmp_path / "alone")
    with pytest.raises(BadData, match=r"no photo .* can be compared"):
        validate(export.folder, model_folder, tmp_path / "alone")


@pytest.mark.slow
def test_the_example_needs_no_seewhy_and_says_what_the_model_says(export: Export, model_folder: Path, photos: Path) -> None:
    tree = ast.parse(EXAMPLE.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"json", "sys", "pathlib", "numpy", "onnxruntime", "PIL"}
    paths = sorted(photos.iterdir())
    done = subprocess.run([sys.executable, EXAMPLE, export.folder, *paths], capture_output=True, text=True, check=True)
    for line, one in zip(done.stdout.splitlines(), validate(export.folder, model_folder, photos).photos, strict=True):
        assert f"{one.photo}: {one.exported_verdict}, score {one.exported_score:.4f}" in line


@pytest.mark.slow
def test_a_photo_that_is_shrunk_is_shrunk_as_the_model_does() -> None:
    pictures = [cv2.resize(good("cast", i).pixels, (611, 457)) for i in range(5)]
    detector = PatchCore(SMALL)
    detector.fit(pictures[:4])
    found = openvino.Core().compile_model(detector.graph(611, 457), "CPU")([pictures[4]])
    expected = detector.score(pictures[4])
    assert np.isclose(found["score"], expected.score, rtol=1e-3)
    assert np.allclose(found["map"], expected.values, atol=1e-3 * expected.values.max())


@pytest.mark.slow
def test_what_no_graph_does_is_refused_with_what_to_do(model_folder: Path) -> None:
    own = ProductModel.load(model_folder).detector
    assert isinstance(own, PatchCore)
    with pytest.raises(BadData, match=r"cut into .* tiles.*max_shrink"):
        own.graph(5000, 4000)
    with pytest.raises(BadData, match="neighbours=1"):
        PatchCore.from_files(replace(own.settings, neighbours=3), own.learned, own.files()).graph(320, 240)
    by_torch = {name: value for name, value in own.learned.items() if name != "network"}
    with pytest.raises(BadModel, match="engine=openvino"):
        PatchCore.from_files(own.settings, by_torch, own.files()).graph(320, 240)


def test_other_detectors_are_refused(good_plates: list[Photo], tmp_path: Path) -> None:
    ProductModel.fit(good_plates[:3], Template()).save(tmp_path / "model")
    with pytest.raises(BadData, match="--detector patchcore"):
        export_(tmp_path / "model", tmp_path / "export")


def test_an_export_never_takes_the_place_of_something_else(export: Export, model_folder: Path) -> None:
    with pytest.raises(BadData, match="is there already"):
        export_(model_folder, export.folder)
    done = CliRunner().invoke(app, ["export", str(model_folder), "new", "--size", "wide"])
    assert isinstance(done.exception, BadData)


def test_an_export_that_was_changed_or_cut_off_is_refused(changed: Path) -> None:
    graph, manifest = changed / "detector.onnx", changed / "manifest.json"
    whole, said = graph.read_bytes(), manifest.read_text(encoding="utf-8")
    graph.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadModel, match="cut off or changed"):
        read_export(changed)
    graph.write_bytes(whole)
    for other in (
        said.replace('"alpha": 0.05', '"alpha": 0.5'),
        said[:-20],
        "[]",
        said.replace('"schema_version": "1"', '"schema_version": "9"'),
    ):
        manifest.write_text(other, encoding="utf-8")
        with pytest.raises(BadModel, match="export"):
            read_export(changed)


def test_an_export_of_another_model_is_refused(export: Export, model_folder: Path, photos: Path, tmp_path: Path) -> None:
    replace(ProductModel.load(model_folder), alpha=0.2).save(tmp_path / "model")
    with pytest.raises(BadModel, match="another model"):
        validate(export.folder, tmp_path / "model", photos)


def test_a_graph_that_cannot_be_read_here_is_told(export: Export, tmp_path: Path) -> None:
    facts = {name: value for name, value in export.manifest.items() if name not in ("files", "manifest_sha256")}
    with pytest.raises(BadModel, match="can't read"):
        write_export(tmp_path / "export", facts, {"detector.onnx": b"no graph"}, "").opened()


def test_a_traced_network_becomes_onnx_too() -> None:
    import onnxruntime
    from tests.detectors.test_network import Small

    files = exported(Small(), 64, 96)
    graph = openvino.Core().read_model(files.structure, files.values)
    graph.reshape([1, 64, 96, 3])
    for number, port in enumerate(graph.outputs):
        port.set_names({f"out{number}"})
    graph.input(0).set_names({"photo"})
    photo = noise(64, 96)
    found = onnxruntime.InferenceSession(as_onnx(graph)).run(None, {"photo": photo[None]})
    for one, other in zip(found, Network(files)(photo), strict=True):
        assert np.allclose(one, other, atol=1e-5)


def test_a_side_is_shrunk_by_the_sums_of_opencv() -> None:
    picture = noise(57, 91)[..., 0].astype(np.float32)
    shrunk = picture
    for axis, wanted in ((1, 40), (0, 23)):
        numbers, weights = shares(picture.shape[axis], wanted)
        weights = weights[:, None] if axis else weights[..., None]
        shrunk = np.add.reduce([np.take(shrunk, at, axis) * by for at, by in zip(numbers, weights, strict=True)])
    assert np.array_equal(shrunk, cv2.resize(picture, (40, 23), interpolation=cv2.INTER_AREA))


def test_what_is_linear_is_read_off_as_matrices() -> None:
    picture = noise(20, 30)[..., 0].astype(np.float32)
    for operation in (lambda g: cv2.GaussianBlur(g, (0, 0), 1.5), lambda g: cv2.resize(g, (47, 11), interpolation=cv2.INTER_CUBIC)):
        down, across = separated(operation, 20, 30)
        assert np.allclose(down @ picture @ across.T, operation(picture), atol=1e-3)
