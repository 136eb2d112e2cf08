"""Defects on good photos of any product: drawn marks, and pieces of the photo pasted in elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seewhy.agent.models.pasted import pasted
from seewhy.detectors.template.detector import disturbed
from seewhy.evals.synthetic.surfaces import DEFECTS, KINDS, Drawn, Kind
from seewhy.types import Pixels

FAINT = 0.6  # of the drawn defects' usual strength: easier ones tell no detectors apart
USUAL_CONTRAST = 100.0  # grey levels between a photo's darkest and lightest, for which that strength is meant


def defect_on(pixels: Pixels, number: int, *, pattern: bool) -> Drawn:
    """A defect on a good photo: a drawn mark, as strong as the photo's own contrast, or a piece of another place pasted in.

    Of a printed `pattern`, always the latter: a defect there is a change of the pattern.
    """
    if pattern or number % 2:
        return Drawn(*pasted(pixels, number), "pasted")
    made = draw_on(pixels, KINDS[number // 2 % len(KINDS)], number)
    low, high = np.percentile(pixels[::4, ::4], (2, 98))
    strength = FAINT * max(1.0, float(high - low) / USUAL_CONTRAST)
    changed = pixels + strength * (made.pixels.astype(np.float32) - pixels)
    return Drawn(np.clip(np.rint(changed), 0, 255).astype(np.uint8), made.mask, made.kind)


def draw_on(pixels: Pixels, kind: Kind, seed: int) -> Drawn:
    """Draw a defect on any good photo (real or synthetic)."""
    height, width = pixels.shape[:2]
    rng = np.random.default_rng([11, seed])
    cover = DEFECTS[kind](rng, (width, height))
    depth = {"scratch": 60.0, "pit": 70.0, "stain": 35.0, "chip": 80.0}[kind] * (1 if rng.random() < 0.5 else -1)
    changed = pixels + depth * cover[..., None] * (1 + 0.15 * rng.standard_normal((height, width, 1)))
    return Drawn(np.clip(changed, 0, 255).astype(np.uint8), cover >= 0.5, kind)


def taken_again(good: Sequence[Pixels], defective: Sequence[Drawn]) -> tuple[list[Pixels], list[Drawn]]:
    """The same photos as another day would take them: shifted, lit otherwise, with noise."""
    again = [Drawn(disturbed(d.pixels, i), d.mask, d.kind) for i, d in enumerate(defective)]
    return [disturbed(p, i) for i, p in enumerate(good)], again
