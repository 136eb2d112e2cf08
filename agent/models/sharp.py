"""Where a detector's map is strange and the fine evidence is too: good photos' strongest such places, and a part's beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from seewhy.agent.models.calibration import LOT, rarity
from seewhy.detectors.fine import Fine
from seewhy.types import Map, Mask, Pixels, Progress, ScoreMap, silent

LOOKED_AT = 0.5  # of a map's height over its background: only where it is higher is a good photo's strongest place looked for


@dataclass(frozen=True, slots=True, eq=False)
class Sharp:
    """Fine evidence of a product, and how strong the sharpened map gets on its good photos."""

    fine: Fine
    peaks: npt.NDArray[np.float64]  # (n,) sorted: the largest value of the sharpened map of each good photo that calibrates

    def p_value(self, peak: float) -> float:
        """How rarely the strongest place of a good photo is as strong; see `Calibration.peak_p_value`."""
        return rarity(peak, self.peaks)

    def facts(self) -> dict[str, Any]:
        """Plain data for the model's manifest, beside `fine.files()`."""
        return {"fine": self.fine.facts(), "squared_peaks": self.peaks.tolist()}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """What gave `facts` and the files.

        Raises:
            BadModel: the files can't be read here.
        """
        return cls(Fine.from_files(facts["fine"], files), np.array(facts["squared_peaks"], np.float64))


def sharpened(values: Map, background: float, fine: Map) -> Map:
    """The square of a detector's map over its background times the fine evidence: high where both are. (H, W) each.

    Squared, since the map's slopes reach far beyond a defect, and there fine evidence of nothing, such as an edge, would be as high.
    """
    product: Map = np.square(np.maximum(values - np.float32(background), 0)) * fine
    return product


class Watching:
    """Looks at the good photos that calibrate a detector while they are scored, so that none is scored twice.

    Args:
        photos: all good photos, (H, W, 3) each.
        fine: what was learned from some of them; None where nothing is known to be good, and then it doesn't look.
    """

    def __init__(self, photos: Sequence[Pixels], fine: Fine | None) -> None:
        self._photos, self._fine, self._peaks = photos, fine, list[float]()

    def __call__(self, number: int, scored: ScoreMap) -> None:
        """Look at a photo and its map; in any order, several at a time."""
        if self._fine is not None:
            self._peaks.append(_strongest(self._fine.without(number), self._photos[number], scored))

    @property
    def sharp(self) -> Sharp | None:
        """What was seen."""
        return None if self._fine is None else Sharp(self._fine, np.sort(np.array(self._peaks, np.float64)))


def watching_of(photos: Sequence[Pixels], learned: Sequence[int], way: str, progress: Progress[Any] = silent) -> Watching:
    """Of the photos that calibrate a detector.

    Args:
        photos: all of them, (H, W, 3) each.
        learned: numbers of those that may be learned from.
        way: how the detector calibrates; of a "lot" nobody knows what is good.
        progress: wraps the loop.
    """
    if way == LOT or not len(learned):
        return Watching(photos, None)
    fine = Fine()
    fine.fit(photos, learned, progress)
    return Watching(photos, fine)


def _strongest(fine: Fine, pixels: Pixels, scored: ScoreMap) -> float:
    """The largest value of the sharpened map of a good photo."""
    background, highest = float(np.median(scored.values)), float(scored.values.max())
    where: Mask = scored.values >= background + LOOKED_AT * (highest - background)
    return float(sharpened(scored.values, background, fine.map(pixels, where)).max())
