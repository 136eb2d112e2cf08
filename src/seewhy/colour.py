"""Colour as people see it."""

from __future__ import annotations

import cv2
import numpy as np

from seewhy.types import Lab, Pixels


def to_lab(pixels: Pixels) -> Lab:
    """CIE L*a*b* (D65) of RGB pixels (H, W, 3): float32, L* in 0..100."""
    made: Lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return made
