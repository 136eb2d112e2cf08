"""Grey level and local contrast of each place, against those of good photos: simple statistics, no network, no weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

from seewhy.detectors.catalogue import Row
from seewhy.detectors.protocol import Calibrates, Single
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import BadData, BadModel
from seewhy.prompts import sentence
from seewhy.record import Sentence
from seewhy.types import Pixels, Progress, ScoreMap, silent

LONGEST_PX = 256  # side to which photos are brought


@dataclass(frozen=True, slots=True)
class ContrastSettings:
    """What can be chosen."""

    window_px: int = 7  # side of the neighbourhood, in pixels of the reduced photo
    top_share: float = 0.01  # the photo's score is the mean of this share of its strangest places


class Contrast(Single):
    """How many standard deviations a place's grey level or local contrast lies from that of good photos."""

    kind = name = "contrast"
    calibrates: Calibrates = "left_out"
    weights: tuple[WeightsFile, ...] = ()
    row = Row(
        name="contrast",
        settings="seewhy_contrast.detector:ContrastSettings",
        paradigm="statistics of pixels",
        paper="classical",
        needs="a few good photos of an even surface",
        candidate={},  # `seewhy recommend` tries it, with these settings
    )

    def __init__(self, settings: ContrastSettings | None = None, *, device: str = "cpu") -> None:
        del device  # it computes with NumPy
        self._settings = settings or ContrastSettings()
        self._moments: npt.NDArray[np.float64] = np.zeros((0, 2, 2))  # (photos, mean and mean square, features)

    def introduce(self, product: str, good_photos: int) -> Sentence:
        """What it knows of the product."""
        return sentence("detector.spoke", name=self.name, photos=good_photos, product=product)

    @property
    def settings(self) -> ContrastSettings:
        """As asked."""
        return self._settings

    @property
    def learned(self) -> dict[str, Any]:
        """Nothing beside its file."""
        return {}

    def fit(self, photos: Sequence[Pixels], progress: Progress[Any] = silent) -> None:
        """Measure good photos, (H, W, 3) each."""
        if not len(photos):
            raise BadData("contrast needs at least one good photo; give more photos")
        looks = (self._look(photos[i]) for i in progress(range(len(photos)), "measuring good photos", len(photos)))
        self._moments = np.stack([[look.mean((0, 1)), (look**2).mean((0, 1))] for look in looks])

    def without(self, held_out: int) -> Self:
        """The same detector without what that photo taught it."""
        other = copy(self)
        other._moments = np.delete(self._moments, held_out, axis=0)
        return other

    def score(self, pixels: Pixels) -> ScoreMap:
        """Score one photo (H, W, 3)."""
        if not len(self._moments):
            raise BadModel("contrast was not fitted; call fit first or load a model")
        mean, square = self._moments.mean(0)  # (2,) each
        look = self._look(pixels)
        far = (np.abs(look - mean) / np.sqrt(np.maximum(square - mean**2, 1e-6))).max(2).astype(np.float32)  # (h, w)
        height, width = pixels.shape[:2]
        strangest = np.sort(far.ravel())[-max(1, round(self._settings.top_share * far.size)) :]
        resolution = self._settings.window_px * width / far.shape[1]
        values = cv2.resize(far, (width, height), interpolation=cv2.INTER_LINEAR)
        return ScoreMap(values, float(strangest.mean()), resolution, self.name, look.mean((0, 1)).astype(np.float32))

    def files(self) -> dict[str, bytes]:
        """The moments of each good photo."""
        return {"moments.safetensors": save({"moments": self._moments})}

    @classmethod
    def from_files(cls, settings: ContrastSettings, _learned: Mapping[str, Any], files: Mapping[str, bytes], device: str = "cpu") -> Self:
        """The detector that was saved."""
        detector = cls(settings, device=device)
        detector._moments = load(files["moments.safetensors"])["moments"]
        return detector

    def _look(self, pixels: Pixels) -> npt.NDArray[np.float64]:
        """(h, w, 2) grey level and local contrast of the reduced photo."""
        share = min(1.0, LONGEST_PX / max(pixels.shape[:2]))
        size = max(1, round(pixels.shape[1] * share)), max(1, round(pixels.shape[0] * share))
        grey = cv2.cvtColor(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY).astype(np.float64)
        window = (self._settings.window_px,) * 2
        level = cv2.blur(grey, window)
        contrast = np.sqrt(np.maximum(cv2.blur(grey**2, window) - level**2, 0))
        return np.stack([level, contrast], 2)
