"""What outlining costs, and the map that outlines are cut from, looked at everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from time import process_time

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.locating.stage import located
from seewhy.agent.inspection.regions import regions_of
from seewhy.agent.inspection.registration import registered
from seewhy.agent.models.product import ProductModel
from seewhy.agent.models.sharp import sharpened
from seewhy.agent.photos.images import Photo
from seewhy.errors import BadData
from seewhy.types import Map, Pixels, Region, ScoreMap


def regions_beside(inspector: Inspector, pixels: Pixels, scored: ScoreMap) -> tuple[Sequence[Region], Pixels | None]:
    """A map's regions, before they are outlined, and the nearest good photo laid over the photo."""
    model, calibration = inspector.model, inspector.model.calibration
    seed = calibration.peak_threshold(inspector.alpha)
    nearest = model.references.nearest(scored.descriptor)
    good = None if nearest is None else registered(model.references.pixels(nearest), pixels)
    return regions_of(scored, calibration, seed) if seed is not None and float(scored.values.max()) > seed else (), good


def ms_per_finding(inspector: Inspector, photo: Photo, scored: ScoreMap) -> float | None:
    """Processor time of outlining, once the networks are compiled for this photo's size, beside the nearest good photo."""
    found, good = regions_beside(inspector, photo.pixels, scored)
    if not located(found, scored, photo.pixels, good, inspector.model):
        return None
    began = process_time()
    count = len(located(found, scored, photo.pixels, good, inspector.model))
    return 1000 * (process_time() - began) / count


def sharpened_everywhere(model: ProductModel, pixels: Pixels, values: Map) -> Map:
    """The detector's map (H, W) times the fine evidence, not only where regions are.

    Raises:
        BadData: the model has no fine evidence.
    """
    if model.sharp is None:
        raise BadData(f"{model.product} was fitted without fine evidence; fit it again")
    return sharpened(values, model.calibration.median, model.sharp.fine.map(pixels))
