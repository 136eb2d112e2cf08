"""Small photos and small models of real and synthetic products, so that many models can be fitted in minutes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.agent.photos.images import read_photo
from seewhy.agent.photos.layouts import Sample, surveyed
from seewhy.canonical import sha256_bytes
from seewhy.detectors.parts.patches import Patches
from seewhy.detectors.patchcore import PatchCore, PatchCoreSettings
from seewhy.detectors.weights.store import WeightsFile
from seewhy.evals.synthetic.surfaces import KINDS, defective, good
from seewhy.pictures import smaller
from seewhy.types import Features, Pixels

SMALL = {"input_px": 160, "bank_rows": 1000, "candidate_rows": 8000, "whitened_rows": 300}
PHOTO_PX = 256  # longer side
SHARED = ("cookie", "magnetic_tile", "ball_screw")
SYNTHETIC = ("brushed", "cast", "woven", "plate", "brick")
CONTRAST = 0.5  # of drawn defects


class Remembered:
    """Patches' features of photos that were described before are remembered, as 16-bit numbers."""

    def __init__(self) -> None:
        self._patches: Patches = PatchCore(small_settings())._patches
        self._known = dict[str, list[np.ndarray[Any, Any]]]()

    @property
    def weights(self) -> WeightsFile:
        """The encoder's."""
        return self._patches.weights

    def __call__(self, pixels: Pixels, /) -> list[Features]:
        """See `seewhy.detectors.parts.patches.Patches`."""
        key = sha256_bytes(pixels.tobytes())
        if key not in self._known:
            self._known[key] = [look.astype(np.float16) for look in self._patches(pixels)]
        return [look.astype(np.float32) for look in self._known[key]]

    def files(self) -> dict[str, bytes]:
        """Nothing is kept."""
        return {}

    def learned(self) -> dict[str, Any]:
        """Likewise."""
        return {}


def small_settings() -> PatchCoreSettings:
    """PatchCore's defaults but for the sizes."""
    return PatchCoreSettings(**SMALL)  # type: ignore[arg-type]


def good_and_bad(data: Path, most_good: int, most_bad: int) -> Iterator[tuple[str, tuple[list[Pixels], list[Pixels]]]]:
    """Good and defective photos of each product, real ones first, in an order drawn once; at most so many of each."""
    for name in SHARED:
        samples, rng = surveyed(data / name).samples, np.random.default_rng(0)
        parts = [[s for s in samples if s.good is is_good] for is_good in (True, False)]
        chosen = [[part[i] for i in rng.permutation(len(part))[:most]] for part, most in zip(parts, (most_good, most_bad), strict=True)]
        yield name, ([_read(s) for s in chosen[0]], [_read(s) for s in chosen[1]])
    for name in SYNTHETIC:
        bad = [defective(name, KINDS[i % len(KINDS)], 1000 + i, contrast=CONTRAST).pixels for i in range(most_bad)]
        yield name, ([smaller(good(name, i).pixels, PHOTO_PX) for i in range(most_good)], [smaller(p, PHOTO_PX) for p in bad])


def _read(sample: Sample) -> Pixels:
    return smaller(read_photo(sample.path, name=sample.name, root=sample.root).pixels, PHOTO_PX)
