"""The pictures that the page shows: made from the ledger's evidence, from a model's good photos, or anew from a photo of the workspace."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from seewhy.agent.chat.gallery import entry_now
from seewhy.agent.chat.problems import Told
from seewhy.agent.chat.workspace import ProductFolder, photos_in
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.photos.images import read_photo
from seewhy.pictures import Picture, decoded, jpeg, smaller
from seewhy.record import Entry, InspectionRecord
from seewhy.types import Map, Pixels

VIEW_PX, THUMBNAIL_PX = 1600, 320  # longest sides
QUALITY = 88
HEAT_TIMES = 3  # thresholds at which the heat map is hottest
HEAT_FROM = 0.6  # thresholds below which nothing is shown


def file_picture(folder: Path, name: str, longest: int, white_level: int) -> bytes:
    """A photo of a folder as JPEG, upright; whatever the file holds besides its pixels stays behind.

    Raises:
        BadData: the folder has no such photo.
        BadImage: it can't be read any more.
    """
    path = _found(folder, name)
    return _encoded(path, path.stat().st_mtime_ns, longest, white_level)


def pixels_in(folder: Path, name: str, longest: int, white_level: int) -> Pixels:
    """A photo of a folder, (H, W, 3), its longer side no longer than `longest`.

    Raises:
        BadData: the folder has no such photo.
        BadImage: it can't be read any more.
    """
    return smaller(read_photo(_found(folder, name), root=folder, white_level=white_level).pixels, longest)


def _found(folder: Path, name: str) -> Path:
    path = next((path for path in photos_in(folder) if path.name == name), None)
    if path is None:
        raise Told("no_photo", name=name[:60])
    return path


@lru_cache(maxsize=512)
def _encoded(path: Path, _changed: int, longest: int, white_level: int) -> bytes:
    return jpeg(pixels_in(path.parent, path.name, longest, white_level), QUALITY)


def heat_picture(product: ProductFolder, lot: str, name: str) -> bytes:
    """The score map as a transparent picture that lies over the photo: nothing where all is usual, yellow at `HEAT_TIMES` thresholds.

    Raises:
        BadData: the entry keeps none.
    """
    with Ledger(product.ledger, read_only=True) as ledger:
        _, entry = entry_now(ledger, lot, name)
        map_ = evidence_of(entry, "map", ledger)
    if map_ is None or not isinstance(entry, InspectionRecord):
        raise Told("not_kept")
    return heat_over(map_.astype(np.float32) / np.float32(65535) * np.float32(_times_threshold(entry)))


def heat_over(level: Map) -> bytes:
    """A map as a transparent picture that lies over its photo.

    Args:
        level: (H, W) in thresholds.
    """
    share = np.clip(level / HEAT_TIMES, 0, 1)
    colours = cv2.applyColorMap((255 * share).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    alpha = np.clip((level - HEAT_FROM) / (1 - HEAT_FROM), 0, 1)
    rgba = np.dstack([colours, (255 * alpha).astype(np.uint8)])
    return bytes(cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))[1].tobytes())


def good_picture(inspector: Inspector, sha256: str) -> bytes:
    """A good photo that the model keeps, by the SHA-256 of its file.

    Raises:
        BadData: the model keeps none of it.
    """
    kept = inspector.model.references
    if sha256 not in kept.sha256:
        raise Told("not_kept")
    return kept.jpegs[kept.sha256.index(sha256)]


def evidence_of(entry: Entry, name: str, ledger: Ledger) -> Picture | None:
    """A kept picture of an entry, decoded; None where none was kept or it was erased."""
    found = next((e for e in entry.evidence if e.name == name), None) if isinstance(entry, InspectionRecord) else None
    data = None if found is None else ledger.evidence(found.sha256)
    return None if data is None else decoded(data)


def _times_threshold(record: InspectionRecord) -> float:
    """The map's largest value in thresholds of a map; 1 where there is no threshold to hold it against."""
    strengths = [f.measured.strength for f in record.findings]
    tops = [s.peak.value / s.threshold.value for s in strengths if s.peak.value is not None and s.threshold.value]
    score, line = record.decision.score.value, record.decision.threshold.value
    return max(tops, default=(score or 0.0) / line if line else 1.0)
