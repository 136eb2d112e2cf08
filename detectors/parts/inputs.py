"""From a photo to what a network takes: its size, a tensor, and the device on which torch takes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from seewhy.detectors.parts.devices import prepare_torch, torch_beside
from seewhy.types import Pixels

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["as_batch", "prepare_torch", "resized", "squared", "torch_beside"]


def resized(pixels: Pixels, width_px: int, height_px: int, *, shrinks: bool) -> Pixels:
    """(height_px, width_px, 3): by areas where the photo shrinks, by cubic interpolation where it grows."""
    made: Pixels = cv2.resize(pixels, (width_px, height_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return made


def squared(pixels: Pixels, side_px: int) -> Pixels:
    """(side_px, side_px, 3): the whole photo, whatever its aspect ratio; a centre crop would lose its border."""
    return resized(pixels, side_px, side_px, shrinks=side_px < max(pixels.shape[:2]))


def as_batch(photos: Sequence[Pixels]) -> Tensor:
    """(B, 3, h, w) float32 in 0..1, from photos of one size, (h, w, 3) each."""
    import torch

    return torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2).float() / 255
