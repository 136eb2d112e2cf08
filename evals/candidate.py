"""One detector on trial: what it tells of drawn defects, how long it takes, and how its map looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from seewhy.detectors.protocol import Detector
from seewhy.drawing import heat_over, outline
from seewhy.errors import SeewhyError
from seewhy.evals.detect import image_figures, pixel_figures
from seewhy.evals.run import timed
from seewhy.evals.synthetic.surfaces import Drawn
from seewhy.pictures import mask_at, smaller
from seewhy.types import Map, Mask, Pixels, silent

PICTURE_PX = 320
ALPHA = 0.05  # of good photos, above the line; with fewer than 39 of them none is


@dataclass(frozen=True, slots=True)
class Candidate:
    """What became of one detector."""

    detector: str
    weights: str = ""
    image_auroc: float | None = None
    pixel_auroc: float | None = None
    fit_seconds: float | None = None
    ms_per_photo: float | None = None
    model_mib: float | None = None
    escapes: int | None = None  # drawn defects that lie at or below the line at which `ALPHA` of the other good photos are stopped
    why_not: str = ""  # where it could not be tried
    stopped: tuple[bool, ...] = ()  # of each drawn defect


def tried(
    name: str, make: Callable[[], Detector], known: Sequence[Pixels], asked: Sequence[Pixels], drawn: Sequence[Drawn]
) -> tuple[Candidate, Pixels | None]:
    """What becomes of a detector, and the first drawn defect under its map; no picture where it can't be tried.

    Args:
        name: of the detector.
        make: gives it, unfitted.
        known: good photos to learn, (H, W, 3) each.
        asked: other good photos.
        drawn: photos with a defect.
    """
    try:
        detector = make()
        _, fit_s = timed(detector.fit, known, silent)
        scores, maps, masks, spent = list[float](), list[Map](), list[Mask | None](), list[float]()
        for pixels, mask in [*((p, np.zeros(p.shape[:2], bool)) for p in asked), *((d.pixels, d.mask) for d in drawn)]:
            scored, seconds = timed(detector.score, pixels)
            spent.append(seconds)
            scores.append(scored.score)
            size = mask.shape[1] // 2, mask.shape[0] // 2
            maps.append(cv2.resize(scored.values, size, interpolation=cv2.INTER_AREA))
            masks.append(mask_at(mask, size))
            if pixels is drawn[0].pixels:
                shown = heat_over(_sized(pixels), cv2.resize(_unit(scored.values), _sized(pixels).shape[1::-1]))
    except SeewhyError as error:
        return Candidate(name, why_not=str(error)), None
    line = np.sort(scores[: len(asked)])[-max(1, int(ALPHA * (len(asked) + 1)))]
    stopped = tuple(score > line for score in scores[len(asked) :])
    figures = image_figures(np.arange(len(scores)) >= len(asked), np.array(scores)) | pixel_figures(maps, masks)
    row = Candidate(
        name,
        ", ".join(w.name for w in detector.weights) or "none",
        figures["image_auroc"],
        figures["pixel_auroc"],
        round(fit_s, 1),
        round(1000 * float(np.median(spent)), 1),
        round(sum(len(f) for f in detector.files().values()) / 2**20, 1),
        stopped.count(False),
        stopped=stopped,
    )
    return row, shown


def _sized(pixels: Pixels) -> Pixels:
    made: Pixels = cv2.resize(smaller(pixels, PICTURE_PX), (PICTURE_PX, round(PICTURE_PX * pixels.shape[0] / pixels.shape[1])))
    return made


def marked(drawn: Drawn) -> Pixels:
    """A photo with its defect outlined, as large as the pictures of maps."""
    canvas = _sized(drawn.pixels).copy()
    outline(canvas, mask_at(drawn.mask, canvas.shape[1::-1]))
    return canvas


def _unit(values: Map) -> Map:
    low, high = float(values.min()), float(values.max())
    made: Map = ((values - low) / max(high - low, 1e-9)).astype(np.float32)
    return made
