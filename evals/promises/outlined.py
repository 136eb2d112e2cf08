"""Photos with known defects, as they are inspected: their findings beside the defects, by fine evidence and by the map alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot
from typing import Any

from seewhy.agent.inspection.facts import measure
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.policy import facts_of, first_match
from seewhy.agent.photos.images import Photo
from seewhy.agent.photos.layouts import Sample
from seewhy.evals.detect import known_mask, pixel_figures, small_map, small_mask
from seewhy.evals.metrics import share
from seewhy.evals.overlap import Seen, figures, median, patches
from seewhy.evals.promises.outlining import ms_per_finding, sharpened_everywhere
from seewhy.record import Finding
from seewhy.types import Map, Mask, Region

WITHIN = 0.2  # of a size


@dataclass(frozen=True, slots=True)
class Sized:
    """A finding that touches a defect, against the same defect with a perfect outline."""

    feret_px: float
    uncertainty_px: float
    true_feret_px: float
    same_severity: bool

    @property
    def error(self) -> float:
        """Of the Feret diameter, as a share of the true one."""
        return abs(self.feret_px - self.true_feret_px) / self.true_feret_px


@dataclass(frozen=True, slots=True, eq=False)
class Inspected:
    """One photo with known defects, as it was inspected."""

    kind: str
    outlined: Outlined
    by_map: Outlined  # the same without fine evidence
    ms_per_finding: float | None
    map: Map  # small, see `small_map`
    sharp: Map  # likewise
    mask: Mask


@dataclass(frozen=True, slots=True, eq=False)
class Outlined:
    """A photo's findings beside its defects."""

    seen: Seen
    sized: tuple[Sized, ...]
    judged: int  # findings that carry a severity


def of_photos(photos: Sequence[Inspected]) -> dict[str, Any]:
    """Overlap, sizes and severities of photos with a defect."""
    times = [p.ms_per_finding for p in photos if p.ms_per_finding is not None]
    own = _figures([p.outlined for p in photos])
    return own | {"processor_ms_per_finding": median(times), "map": _figures([p.by_map for p in photos])}


def _figures(photos: Sequence[Outlined]) -> dict[str, Any]:
    sized = [s for p in photos for s in p.sized]
    return {
        **figures([p.seen for p in photos]),
        "feret_error": median(s.error for s in sized),
        "feret_within_a_fifth": share(s.error <= WITHIN for s in sized),
        "feret_inside": share(abs(s.feret_px - s.true_feret_px) <= s.uncertainty_px for s in sized),
        "half_width": median(s.uncertainty_px / s.feret_px for s in sized),
        "same_severity": share(s.same_severity for s in sized),
    }


def pixels_of_photos(photos: Sequence[Inspected]) -> dict[str, Any]:
    """Of the sharpened map and of the detector's own."""
    masks = [p.mask for p in photos]
    by_map = pixel_figures([p.map for p in photos], masks)
    return pixel_figures([p.sharp for p in photos], masks) | {f"map_{name}": value for name, value in by_map.items()}


def inspected(inspector: Inspector, photo: Photo, mask: Mask, kind: str) -> Inspected:
    """One photo through the whole flow, and its map.

    Args:
        inspector: of the product.
        photo: decoded.
        mask: (H, W) its defects.
        kind: of defect.
    """
    model = inspector.model
    own = _outlined(inspector, photo, mask)
    by_map = _outlined(Inspector(replace(model, sharp=None), card=inspector.card, policy=inspector.policy), photo, mask)
    scored = model.detector.score(photo.pixels)
    values = scored.values
    sharp = sharpened_everywhere(model, photo.pixels, values)
    return Inspected(kind, own, by_map, ms_per_finding(inspector, photo, scored), small_map(values), small_map(sharp), small_mask(mask))


def _outlined(inspector: Inspector, photo: Photo, mask: Mask) -> Outlined:
    """A photo's findings beside its defects."""
    e = inspector.examine(photo)
    record = inspector.conclude(e).record
    seen, size = Seen(e.regions, patches(mask)), (photo.width, photo.height)
    sized = tuple(s for f, r in zip(record.findings, e.regions, strict=True) if (s := _sized(inspector, f, r, seen, size)))
    judged = sum(f.ruling.severity.value is not None for f in record.findings)
    return Outlined(seen, sized, judged)


def _sized(inspector: Inspector, finding: Finding, region: Region, seen: Seen, size: tuple[int, int]) -> Sized | None:
    """The finding against the defect that it shares the most pixels with; None where it touches none."""
    on = max(seen.defects, key=lambda d: region.shared(d), default=None)
    if on is None or not region.shared(on):
        return None
    perfect = measure(
        replace(region, box=on.box, mask=on.mask, outline="mask"), inspector.card, *size, finding.measured.strength.threshold.value
    )
    severity = first_match(inspector.policy, facts_of(perfect, len(seen.findings), hypot(*size)), None).severity.value
    feret = finding.measured.size.feret
    return Sized(feret.value or 0.0, feret.uncertainty or 0.0, perfect.size.feret.value or 0.0, severity == finding.ruling.severity.value)


def of_sample(inspector: Inspector, sample: Sample, photo: Photo) -> Inspected | None:
    """A photo of a data set; None where it is defective and has no mask."""
    mask = known_mask(sample, photo)
    return None if mask is None else inspected(inspector, photo, mask, "good" if sample.good else sample.kind)
