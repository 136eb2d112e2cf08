"""Photos and settings that are small enough for tests."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from seewhy.agent.photos.images import Photo, decode
from seewhy.detectors.patchcore import PatchCoreSettings
from seewhy.evals.synthetic.surfaces import Drawn
from seewhy.types import Pixels

SMALL = PatchCoreSettings(input_px=192, bank_rows=600, candidate_rows=4000)
ALPHA = 0.05


def png(pixels: Pixels) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def as_photo(drawn: Drawn, name: str = "part.png") -> Photo:
    return decode(png(drawn.pixels), name)


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
