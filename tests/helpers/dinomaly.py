"""A small Dinomaly with weights and tokens drawn from a seed: what the golden numbers and the peers are computed from."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from seewhy.detectors.dinomaly.net import NetShape, Restorer

SHAPE = NetShape(dim=48, heads=4)
PREFIX, SIDE, BATCH, LAYERS = 5, 6, 2, 8
INPUT_PX = 84


def restorer(seed: int = 1, shape: NetShape = SHAPE) -> Restorer:
    rng, net = np.random.default_rng(seed), Restorer(shape).eval()
    with torch.no_grad():
        for _, p in sorted(net.named_parameters()):
            p.copy_(torch.from_numpy(rng.normal(0, 0.15, tuple(p.shape)).astype(np.float32)))
    return net


def layers(seed: int = 2, dim: int = SHAPE.dim) -> list[Tensor]:
    """(BATCH, PREFIX + SIDE², dim) of each of the encoder's eight layers."""
    rng = np.random.default_rng(seed)
    return [torch.from_numpy(rng.normal(0, 1, (BATCH, PREFIX + SIDE**2, dim)).astype(np.float32)) for _ in range(LAYERS)]


def groups(maps: list[Tensor]) -> list[Tensor]:
    return [torch.stack(maps[:4]).mean(0), torch.stack(maps[4:]).mean(0)]


class Random:
    """Features of eight photos that need no encoder."""

    prefix = 1

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.maps = [torch.from_numpy(rng.normal(0, 1, (8, 1 + 9, 16)).astype(np.float32)) for _ in range(2)]

    def __len__(self) -> int:
        return 8

    def __call__(self, rows: Any) -> list[Tensor]:
        return [m[list(rows)] for m in self.maps]
