"""Frozen encoders: a batch of photos in, feature maps of several layers out, through one door."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from seewhy.detectors.parts.backbones import Backbone, backbone
from seewhy.detectors.weights import store
from seewhy.errors import WeightsMismatch


def fitted_state(row: Backbone, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`state` under timm's names; EfficientNet-lite0's file has the same tensors in the same order under others."""
    expected = row.build().state_dict()
    if set(state) == set(expected):
        return dict(state)
    return dict(zip(expected, state.values(), strict=True))


def check_state(row: Backbone, state: Mapping[str, Tensor], file: Path) -> None:
    """Refuse weights of another architecture.

    Raises:
        WeightsMismatch: names or shapes differ.
    """
    expected = row.build().state_dict()
    same_names = set(state) == set(expected)
    shapes = [tuple(t.shape) for t in state.values()]
    same_shapes = (
        shapes == [tuple(t.shape) for t in expected.values()]
        if not same_names
        else all(state[k].shape == expected[k].shape for k in expected)
    )
    if not same_shapes:
        raise WeightsMismatch(f"{file} holds weights of another architecture than {row.architecture}; get the file of {row.weights!r}")


class Encoder:
    """A frozen backbone that stops after the last layer asked for.

    Args:
        name: a row of `BACKBONES`.
        layers: which feature maps to return; default the row's.
        device: "cpu", "cuda", ….
        dtype: of weights and arithmetic; the maps come back as float32.
    """

    def __init__(
        self, name: str, *, layers: tuple[int, ...] | None = None, device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        self.row = backbone(name)
        self.layers = layers or self.row.layers
        self.device, self.dtype = torch.device(device), dtype
        state, self.weights = store.load(self.row.weights)
        net = self.row.build()
        net.load_state_dict(fitted_state(self.row, state))
        net.eval().requires_grad_(False)
        self.net = net.to(self.device, dtype).to(memory_format=torch.channels_last)
        self._mean = torch.tensor(self.row.mean, device=self.device).view(1, 3, 1, 1)
        self._std = torch.tensor(self.row.std, device=self.device).view(1, 3, 1, 1)

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> list[Tensor]:
        """Feature maps of `images` (B, 3, H, W) in 0..1: one (B, C, h, w) float32 per layer, finest first."""
        return self.maps(images)

    def maps(self, images: Tensor) -> list[Tensor]:
        """The same, also where torch traces or differentiates."""
        x = (images.to(self.device) - self._mean) / self._std
        x = x.to(self.dtype, memory_format=torch.channels_last)
        return [f.float() for f in self._maps(x)]

    def _maps(self, x: Tensor) -> list[Tensor]:
        net: Any = self.net
        if self.row.architecture.startswith("vit_"):
            maps: list[Tensor] = net.forward_intermediates(x, indices=list(self.layers), intermediates_only=True, norm=True)
            return maps
        if self.row.architecture.startswith("wide_resnet"):
            x = net.maxpool(net.act1(net.bn1(net.conv1(x))))
            stages = [net.layer1, net.layer2, net.layer3, net.layer4]
            return self._walk(x, stages, first=1)
        x = net.bn1(net.conv_stem(x))
        return self._walk(x, list(net.blocks.children()), first=0)

    def _walk(self, x: Tensor, stages: list[nn.Module], first: int) -> list[Tensor]:
        out = []
        for number, stage in enumerate(stages[: max(self.layers) - first + 1], start=first):
            x = stage(x)
            if number in self.layers:
                out.append(x)
        return out
