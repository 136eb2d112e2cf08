"""A network that OpenVINO runs gives what torch gives, for photos of any size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.helpers.photos import noise
from torch import Tensor, nn

from seewhy.detectors.parts.network import Exported, Network, exported, multiplies_in_bf16
from seewhy.detectors.parts.patches import patches
from seewhy.detectors.parts.ways import Spec, Way
from seewhy.errors import BadModel
from seewhy.evals.synthetic.surfaces import good
from seewhy.threads import side_by_side


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fine, self.coarse = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 5, 3, 2, 1)

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        fine = self.fine(photo.permute(0, 3, 1, 2).float() / 255)
        coarse = nn.functional.interpolate(self.coarse(fine.relu()), fine.shape[-2:], mode="bilinear", align_corners=False)
        return fine[0].permute(1, 2, 0), torch.cat([fine, coarse], 1)[0].permute(1, 2, 0)


@pytest.fixture(scope="module")
def files() -> Exported:
    return exported(Small(), 64, 96)


def test_it_gives_what_torch_gives_at_every_size(files: Exported) -> None:
    network = Network(files)
    for height, width in ((64, 96), (96, 64), (32, 32), (64, 96), (128, 32), (32, 160), (64, 64)):
        photo = noise(height, width, height)
        with torch.no_grad():
            expected = Small()(torch.from_numpy(photo[None].copy()))
        found = network(photo)
        assert [f.dtype for f in found] == [np.float32, np.float32]
        for own, other in zip(found, expected, strict=True):
            assert np.allclose(own, other.numpy(), atol=1e-5)


def test_what_it_gave_is_not_overwritten_by_the_next_photo(files: Exported) -> None:
    network = Network(files)
    first = network(noise(64, 96, 1))
    kept = [f.copy() for f in first]
    network(noise(64, 96, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, kept, strict=True))


def test_threads_side_by_side_give_what_one_gives(files: Exported) -> None:
    network, photos = Network(files), [noise(64, 96, i) for i in range(12)]
    one = [network(photo) for photo in photos]
    several = list(side_by_side(network, photos, 3))
    assert all(np.allclose(a, b, atol=1e-6) for own, other in zip(one, several, strict=True) for a, b in zip(own, other, strict=True))


def test_a_precision_that_the_processor_lacks_is_refused(files: Exported) -> None:
    if multiplies_in_bf16():
        assert np.allclose(Network(files, "bf16")(noise(64, 96))[0], Network(files)(noise(64, 96))[0], atol=0.05)
    else:
        with pytest.raises(BadModel, match="doesn't multiply in bf16"):
            Network(files, "bf16")


@pytest.mark.parametrize("part", ["structure", "values"])
def test_a_damaged_file_is_refused(files: Exported, part: str) -> None:
    whole = {"structure": files.structure, "values": files.values}
    with pytest.raises(BadModel, match="can't read the model's network"):
        Network(Exported(**(whole | {part: whole[part][: len(whole[part]) // 2]})))


def test_what_openvino_does_not_know_is_told() -> None:
    class Odd(nn.Module):
        def forward(self, photo: Tensor) -> tuple[Tensor]:
            return (torch.special.bessel_j0(photo.float()),)

    with pytest.raises(BadModel, match=r"OpenVINO can't run this network .*torch"):
        Network(exported(Odd(), 32, 32))


SPEC = Spec("efficientnet-lite0", (Way((4, 5), pool=3, unit_length=True), Way((3, 4, 5, 6))))


@pytest.mark.slow
def test_patches_are_the_same_by_torch_and_by_openvino() -> None:
    torch_, openvino = patches(SPEC, engine="torch"), patches(SPEC, engine="openvino")
    for height, width in ((192, 256), (256, 192), (320, 320), (32, 64)):
        photo = good("cast", 3).pixels[:height, :width] if height <= 256 else noise(height, width)
        for one, other in zip(torch_(photo), openvino(photo), strict=True):
            assert one.shape == other.shape
            assert np.allclose(one, other, atol=1e-3 * float(np.abs(one).max()))
    assert torch_.weights == openvino.weights


@pytest.mark.slow
def test_a_kept_network_describes_patches_as_before_without_torch(tmp_path: Path) -> None:
    own = patches(SPEC, engine="openvino")
    photo = good("cast", 3).pixels[:192, :256]
    for name, data in own.files().items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "learned.json").write_text(json.dumps(own.learned()), encoding="utf-8")
    np.save(tmp_path / "photo.npy", photo)
    code = (
        "import json, sys, numpy as np; from pathlib import Path; from seewhy.detectors.parts.frozen import kept_network;"
        "folder = Path('.'); files = {p.name: p.read_bytes() for p in folder.glob('network.*')};"
        "found = kept_network(json.loads(Path('learned.json').read_text()), files)(np.load('photo.npy'));"
        "np.savez('found.npz', *found); assert 'torch' not in sys.modules and 'timm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    with np.load(tmp_path / "found.npz") as found:
        assert all(np.array_equal(found[f"arr_{i}"], one) for i, one in enumerate(own(photo)))
