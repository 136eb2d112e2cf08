"""Patch features of a photo, from feature maps of an encoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def joined(maps: Sequence[Tensor], input_rows: int, *, pool: int, grid_px: int = 0, unit_length: bool = True) -> Tensor:
    """Layers averaged over a neighbourhood, laid on the finest grid, put side by side (PatchCore; Roth et al., CVPR 2022, sec. 3.1).

    Args:
        maps: (1, C, h, w) of each layer, the finest first.
        input_rows: height of the network's input.
        pool: side of the neighbourhood, in cells of each layer; 1: none.
        grid_px: interpolate to cells of about this many input pixels; 0: the finest layer as it is.
        unit_length: bring each layer's features to length 1.

    Returns:
        (rows, cols, D) float32, D the sum of the layers' channels.
    """
    if pool > 1:
        maps = [functional.avg_pool2d(m, pool, 1, pool // 2, count_include_pad=False) for m in maps]
    rows, cols = maps[0].shape[-2:]
    finer = max(1, input_rows // rows // grid_px) if grid_px else 1
    finest = (rows * finer, cols * finer)
    if unit_length:
        maps = [functional.normalize(m, dim=1) for m in maps]
    maps = [m if m.shape[-2:] == finest else functional.interpolate(m, finest, mode="bilinear", align_corners=False) for m in maps]
    return torch.cat(list(maps), 1)[0].permute(1, 2, 0)
