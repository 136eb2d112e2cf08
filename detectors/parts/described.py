"""An encoder and what becomes of its feature maps, as one network of torch: from a photo's pixels to the features of its patches."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seewhy.detectors.parts.backbones import backbone
from seewhy.detectors.parts.devices import prepare_torch
from seewhy.detectors.parts.encoder import Encoder
from seewhy.detectors.parts.features import joined
from seewhy.detectors.parts.network import Exported, exported
from seewhy.detectors.parts.ways import Spec
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import BadModel
from seewhy.types import Features, Pixels

EXAMPLE_PX = 320  # a side of the photo with which the network is written down; a multiple of every stride


class Described(nn.Module):
    """One pass of an encoder, and the features that each way makes of its maps."""

    def __init__(self, spec: Spec, *, device: str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        layers = tuple(sorted({layer for way in spec.ways for layer in way.layers}))
        self.encoder = Encoder(spec.backbone, layers=layers, device=device, dtype=dtype)
        self.net = self.encoder.net  # its parameters are this module's
        self._spec = spec

    def forward(self, photo: Tensor) -> tuple[Tensor, ...]:
        """(1, h, w, 3) uint8 in RGB to (rows, cols, D) float32 for each way."""
        maps = dict(zip(self.encoder.layers, self.encoder.maps(photo.permute(0, 3, 1, 2).float() / 255), strict=True))
        return tuple(
            joined(
                [maps[layer] for layer in way.layers],
                photo.shape[1],
                pool=way.pool,
                grid_px=self._spec.grid_px,
                unit_length=way.unit_length,
            )
            for way in self._spec.ways
        )


class TorchPatches:
    """By torch, from the weights' own file."""

    def __init__(self, spec: Spec, *, device: str = "cpu", dtype: str = "float32") -> None:
        prepare_torch(device)
        self._module = Described(spec, device=device, dtype=getattr(torch, dtype)).eval()
        self.weights: WeightsFile = self._module.encoder.weights

    @torch.inference_mode()
    def __call__(self, pixels: Pixels, /) -> list[Features]:
        """See `Patches`."""
        photo = torch.from_numpy(np.ascontiguousarray(pixels[None]))
        return [np.ascontiguousarray(features.cpu().numpy()) for features in self._module(photo)]

    def files(self) -> dict[str, bytes]:
        """None."""
        return {}

    def learned(self) -> dict[str, Any]:
        """Nothing."""
        return {}


def exported_from(spec: Spec) -> tuple[Exported, WeightsFile]:
    """The network for OpenVINO, and the weights that are in it.

    Raises:
        MissingWeights: the encoder's weights aren't on this machine.
        BadModel: OpenVINO can't run it for photos of any size.
    """
    if not backbone(spec.backbone).any_size:
        raise BadModel(f"{spec.backbone} can't be exported for photos of any size; choose the engine torch")
    module = Described(spec)
    return exported(module, EXAMPLE_PX, EXAMPLE_PX), module.encoder.weights
