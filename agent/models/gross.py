"""A last look before a model is saved: would it stop what nobody could miss?"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from seewhy.agent.models.product import ProductModel
from seewhy.detectors.protocol import over_photos
from seewhy.prompts.telling import Told
from seewhy.types import Pixels

LOOKED_AT = 3  # good photos on which a gross defect is drawn
SHARE = 0.25  # of the shorter side, across


def gross_defect(pixels: Pixels) -> Pixels:
    """The photo with a hole in its middle, as dark as it is light there or the other way round, a quarter of its side across.

    Args:
        pixels: (H, W, 3).
    """
    height, width = pixels.shape[:2]
    middle, radius = (width // 2, height // 2), max(1, round(SHARE * min(height, width) / 2))
    level = float(np.median(pixels[height // 4 : height - height // 4 or 1, width // 4 : width - width // 4 or 1]))
    tone = 10 if level > 127 else 245
    drawn = pixels.copy()
    cv2.circle(drawn, middle, radius, (tone, tone, tone), -1, cv2.LINE_AA)
    return drawn


def check_gross(model: ProductModel, photos: Sequence[Pixels], alpha: float) -> None:
    """Refuse a threshold that lies above what a gross defect scores: it would let everything pass.

    Args:
        model: calibrated.
        photos: good ones.
        alpha: false-reject rate that was asked for.

    Raises:
        BadData: drawn on good photos, most gross defects stay below the threshold.
    """
    threshold = model.calibration.threshold(alpha)
    if threshold is None or not model.calibration.supports(alpha) or not len(photos):
        return
    chosen = sorted({round(float(i)) for i in np.linspace(0, len(photos) - 1, min(len(photos), LOOKED_AT))})
    scores = list(over_photos(lambda i: model.detector.score(gross_defect(photos[i])).score, photos, chosen))
    middle = float(np.median(scores))
    if middle <= threshold:
        line, count = f"{threshold:.4g}", len(model.calibration)
        raise Told("learning.gross", detector=model.detector.name, score=f"{middle:.4g}", threshold=line, count=count)
