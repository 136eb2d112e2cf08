"""EfficientNet-lite0 drawn from its weights is the network that timm makes of them, and neither torch nor timm is needed for a fit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.helpers.photos import noise

from seewhy.detectors.parts.lite import NAME, lite_network
from seewhy.detectors.parts.network import Network
from seewhy.detectors.parts.patches import patches
from seewhy.detectors.parts.ways import Spec, Way
from seewhy.detectors.weights import store
from seewhy.detectors.weights.pth import read_pth
from seewhy.errors import WeightsMismatch
from seewhy.evals.synthetic.surfaces import good

SPECS = (
    Spec(NAME, (Way((4, 5), pool=3, unit_length=True), Way((4, 5, 6), pool=3), Way((3, 4, 5, 6)))),
    Spec(NAME, (Way((1, 2)),)),
    Spec(NAME, (Way((2, 4), pool=3, unit_length=True), Way((0,))), grid_px=4),
)


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: str(spec.ways[0].layers))
def test_it_describes_patches_as_torch_does(spec: Spec) -> None:
    by_torch, drawn = patches(spec, engine="torch"), patches(spec, engine="openvino")
    for photo in (good("cast", 3).pixels[:192, :256], noise(64, 96, 1)):
        for one, other in zip(by_torch(photo), drawn(photo), strict=True):
            assert one.shape == other.shape
            assert np.allclose(one, other, atol=1e-5 * float(np.abs(one).max()))
    assert by_torch.weights == drawn.weights


@pytest.mark.slow
def test_random_weights_are_drawn_as_they_are() -> None:
    state, _ = store.packaged(NAME) or ({}, None)
    rng = np.random.default_rng(0)
    other = {name: np.abs(rng.normal(0.1, 0.1, array.shape)).astype(array.dtype) for name, array in state.items()}
    photo = noise(64, 96)
    (own,), (changed,) = (Network(lite_network(SPECS[1], arrays))(photo) for arrays in (state, other))
    assert own.shape == changed.shape
    assert not np.allclose(own, changed)


def test_a_file_of_weights_reads_as_torch_reads_it() -> None:
    by_torch, file = store.load(NAME)
    arrays, same = store.packaged(NAME) or ({}, None)
    assert same == file
    assert list(arrays) == list(by_torch)
    assert all(np.array_equal(arrays[name], tensor.numpy()) for name, tensor in by_torch.items())


def test_other_files_are_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2, 3)}, tmp_path / "new.pth")
    torch.save({"a": torch.zeros(2, 3)}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    torch.save({"a": np.zeros(3)}, tmp_path / "array.pth", _use_new_zipfile_serialization=False)
    whole = (tmp_path / "old.pth").read_bytes()
    assert np.array_equal(read_pth(whole)["a"], np.zeros((2, 3), np.float32))
    for data in ((tmp_path / "new.pth").read_bytes(), (tmp_path / "array.pth").read_bytes(), whole[:-4], whole[:200], b""):
        with pytest.raises(WeightsMismatch, match="no state dict"):
            read_pth(data)


def test_a_tensor_may_lie_in_its_storage_in_any_order(tmp_path: Path) -> None:
    tensor = torch.arange(24, dtype=torch.float32).view(2, 3, 4).permute(2, 0, 1)
    torch.save({"a": tensor, "b": tensor[1:]}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    arrays = read_pth((tmp_path / "old.pth").read_bytes())
    assert np.array_equal(arrays["a"], tensor.numpy())
    assert np.array_equal(arrays["b"], tensor[1:].numpy())


@pytest.mark.slow
def test_a_fit_needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; import numpy as np; from seewhy.detectors.patchcore import PatchCore;"
        "detector = PatchCore(); photos = list(np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), np.uint8));"
        "detector.fit(photos); detector.without(1).score(photos[1]);"
        "assert not {'torch', 'timm', 'torchvision'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
