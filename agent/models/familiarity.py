"""Whether a photo shows a product that the model knows: the whole photo's description against those of its good photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seewhy.types import Descriptor

FAR = 2.0  # times the farthest good photo that was set aside: beyond it a photo is of another product


@dataclass(frozen=True, slots=True, eq=False)
class Familiarity:
    """What good photos of one product look like as wholes, in as many numbers however many photos there were."""

    middle: Descriptor
    spread: Descriptor
    distances: npt.NDArray[np.float64]  # (n,) sorted, of good photos that were set aside

    @classmethod
    def of(cls, learned: Sequence[Descriptor], aside: Sequence[Descriptor]) -> Familiarity | None:
        """From good photos that were learned from and others that were not; None where there are too few to tell."""
        if len(learned) < 2 or not len(aside):
            return None
        known = np.stack(list(learned))
        spread = known.std(0)
        made = cls(known.mean(0).astype(np.float32), np.maximum(spread, np.median(spread) + 1e-9).astype(np.float32), np.zeros(0))
        return cls(made.middle, made.spread, np.sort(np.array([made.distance(d) for d in aside])))

    def distance(self, whole: Descriptor) -> float:
        """Root mean square of the deviations from the middle, each in units of its spread."""
        return float(np.sqrt((((whole - self.middle) / self.spread) ** 2).mean()))

    def p_value(self, whole: Descriptor) -> float:
        """How rare a photo this far off is among good ones: (1 + #{good photos as far off}) / (n + 1)."""
        nearer = int(np.searchsorted(self.distances, self.distance(whole), side="left"))
        return (1 + len(self.distances) - nearer) / (len(self.distances) + 1)

    def knows(self, whole: Descriptor) -> bool:
        """Whether the photo is not far beyond all good ones; a defect moves a photo less than another product does."""
        return self.distance(whole) <= FAR * float(self.distances[-1])

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model's manifest."""
        middle, spread = ([float(f"{v:.6g}") for v in values] for values in (self.middle, self.spread))
        return {"middle": middle, "spread": spread, "distances": self.distances.tolist()}

    @classmethod
    def from_json(cls, data: dict[str, Any] | None) -> Familiarity | None:
        """What `to_json` wrote."""
        if data is None:
            return None
        return cls(np.array(data["middle"], np.float32), np.array(data["spread"], np.float32), np.array(data["distances"], np.float64))
