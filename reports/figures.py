"""Figures of a report, drawn from a record's evidence."""

from __future__ import annotations

import cv2
import numpy as np

from seewhy.drawing import heat_over, label, outline
from seewhy.pictures import Picture, decoded, jpeg, scaled
from seewhy.record import Evidence, Finding, InspectionRecord
from seewhy.reports import PictureBytes
from seewhy.types import Mask, Pixels

FIGURE_PX = 1100  # longest side of the marked photo
THUMBNAIL_PX = 200
HEAT_TIMES = 3  # the threshold: where the scale of score maps ends
QUALITY = 86  # of JPEG files


class Figures:
    """All figures of one record; each is None where its evidence was not kept."""

    def __init__(self, record: InspectionRecord, pictures: PictureBytes) -> None:
        self._record, self._pictures = record, pictures
        self._named = {e.name: e for e in record.evidence}
        self.times_threshold = _times_threshold(record)

    def marked(self) -> bytes | None:
        """The photo with a numbered contour around each finding; grey around what is also unusual."""
        photo = self._read("photo")
        if photo is None:
            return None
        canvas, scale = _sized(photo, FIGURE_PX, self._record.photo.width_px)
        quiet_first = sorted(self._record.findings, key=lambda finding: not finding.also_unusual)
        for finding in quiet_first:
            self._outline(canvas, finding, scale)
        for finding in quiet_first:
            box = finding.measured.location.box_px.value or (0, 0, 1, 1)
            label(canvas, str(finding.number), round(box[0] * scale), round(box[1] * scale), quiet=finding.also_unusual)
        return jpeg(canvas, QUALITY)

    def heat(self) -> bytes | None:
        """The score map over the photo in grey, on one scale for all photos: it ends at `HEAT_TIMES` the threshold, which is drawn.

        Where there is no threshold the scale is this photo's own.
        """
        photo, map_ = self._read("photo"), self._read("map")
        if photo is None or map_ is None:
            return None
        canvas, _ = _sized(photo, FIGURE_PX, self._record.photo.width_px)
        level = map_.astype(np.float32) / np.float32(65535)
        if self.times_threshold is None:
            return jpeg(heat_over(canvas, level), QUALITY)
        return jpeg(heat_over(canvas, level * np.float32(self.times_threshold / HEAT_TIMES), line=1 / HEAT_TIMES), QUALITY)

    def crop(self, number: int) -> bytes | None:
        """A finding's crop with its contour."""
        crop = self._read(f"crop-{number}")
        if crop is None:
            return None
        large = _enlarged(crop)
        mask = self._read(f"mask-{number}")
        if mask is not None:
            quiet = any(f.number == number and f.also_unusual for f in self._record.findings)
            outline(large, cv2.resize(mask, large.shape[1::-1], interpolation=cv2.INTER_LINEAR) > 127, quiet=quiet)
        return jpeg(large, QUALITY)

    def plain(self, name: str) -> bytes | None:
        """A crop as it was kept, enlarged like its neighbour."""
        picture = self._read(name)
        return None if picture is None else jpeg(_enlarged(picture), QUALITY)

    def thumbnail(self) -> bytes | None:
        """The photo, small, with contours of its findings; of what is also unusual only where there is nothing else."""
        photo = self._read("photo")
        if photo is None:
            return None
        canvas, scale = _sized(photo, THUMBNAIL_PX, self._record.photo.width_px)
        findings = self._record.findings
        for finding in [f for f in findings if not f.also_unusual] or findings:
            self._outline(canvas, finding, scale)
        return jpeg(canvas, quality=78)

    def _read(self, name: str) -> Picture | None:
        item = self._named.get(name)
        data = None if item is None else self._pictures(item.sha256)
        return None if data is None else decoded(data)

    def _outline(self, canvas: Pixels, finding: Finding, scale: float) -> None:
        name = f"mask-{finding.number}"
        mask, item = self._read(name), self._named.get(name)
        if mask is not None and item is not None:
            outline(canvas, _placed(mask, item, canvas.shape[:2], scale), quiet=finding.also_unusual)


def _times_threshold(record: InspectionRecord) -> float | None:
    """The score map's largest value in thresholds; None where there is none. The record keeps the map scaled to that value."""
    if not record.decision.threshold.value:
        return None
    strengths = [f.measured.strength for f in record.findings]
    tops = [s.peak.value / s.threshold.value for s in strengths if s.peak.value is not None and s.threshold.value]
    return max(tops, default=(record.decision.score.value or 0.0) / record.decision.threshold.value)


def _placed(mask: Picture, item: Evidence, shape: tuple[int, int], scale: float) -> Mask:
    """A crop's mask where it belongs in a canvas that is `scale` times the photo."""
    x0, y0, x1, y1 = (round(v * scale) for v in item.box_px)
    x1, y1 = min(max(x1, x0 + 1), shape[1]), min(max(y1, y0 + 1), shape[0])
    out = np.zeros(shape, bool)
    if x1 > x0 and y1 > y0:
        out[y0:y1, x0:x1] = cv2.resize(mask, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR) > 127
    return out


def _sized(photo: Pixels, longest: int, photo_width: int) -> tuple[Pixels, float]:
    """The photo at figure size, enlarged where it is small, and figure pixels per photo pixel."""
    figure = scaled(photo, longest / max(photo.shape[:2]))
    return figure, figure.shape[1] / photo_width


def _enlarged(picture: Pixels, longest: int = 420) -> Pixels:
    return scaled(picture, longest / max(picture.shape[:2]))
