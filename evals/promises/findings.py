"""Whether what is outlined is the defect, its size the defect's, its severity that of a perfect outline: real photos and drawn defects."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import hypot
from pathlib import Path
from typing import Any

from seewhy.agent.api.learn import fit
from seewhy.agent.inspection.facts import measure
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.policy import facts_of, first_match, load_policy
from seewhy.agent.models.product import ProductModel
from seewhy.agent.models.sharp import sharpened
from seewhy.agent.photos.images import Photo
from seewhy.agent.photos.layouts import Layout, Sample, learned_and_tested, surveyed
from seewhy.agent.photos.lazy import LazyPhotos
from seewhy.errors import BadData
from seewhy.evals.detect import known_mask, pixel_figures, small_map, small_mask
from seewhy.evals.metrics import share
from seewhy.evals.overlap import Seen, figures, median, patches, shared
from seewhy.evals.run import LITE, measuring
from seewhy.evals.synthetic.surfaces import KINDS, defective, good, write_dataset
from seewhy.evals.synthetic.views import as_photo
from seewhy.record import Finding
from seewhy.types import Map, Mask, Region

ALPHA = 0.05  # of the real products
SYNTHETIC = ("plate", "brick", "cast", "brushed", "woven")
CONTRASTS = (1.0, 0.6, 0.35)
FIRST_SEED = 60_000
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


def main(
    out: Path,
    data: Path | None = None,
    work: Path | None = None,
    per_kind: int = 0,
    good_photos: int = 0,
    drawn: int = 12,
    unseen: int = 100,
    products: str = "",
) -> None:
    """Where findings lie and how large they are said to be, against masks: on real photos and on drawn defects of three contrasts.

    Each figure is given twice, from the same fitted model: as it outlines, and as it would without its fine evidence ("map").

    Args:
        out: where the figures go.
        data: a folder of products in a layout that seewhy reads; without it only drawn defects are measured.
        work: folder in which fitted models are kept for the next run.
        per_kind: of the real products, photos of each kind of defect; 0: all.
        good_photos: that each product is fitted on; 0: all of a real one, 100 of a synthetic one.
        drawn: defects of each kind, synthetic product and contrast.
        unseen: good synthetic photos on which false findings are counted.
        products: names with commas, to measure only these.

    Raises:
        BadData: `data` holds no product with masks.
    """
    facts = {"weights": f"{LITE} (PatchCore)", "alpha": ALPHA, "per_kind": per_kind, "good_photos": good_photos, "drawn": drawn}
    with measuring(out, facts | {"unseen": unseen}, "openvino") as table, tempfile.TemporaryDirectory() as name:
        models, wanted = Path(work or name), [w for w in products.split(",") if w]
        for product in sorted(p.name for p in data.iterdir() if p.is_dir()) if data else ():
            if not wanted or product in wanted:
                table.row(("real", product), real, (data or Path()) / product, models, per_kind, good_photos)
        for product in [p for p in SYNTHETIC if not wanted or p in wanted]:
            count = good_photos or 100
            inspector = fitted(models / f"{product}-{count}", partial(_drawn_set, Path(name), product, count))
            for contrast in CONTRASTS:
                table.row(("synthetic", product, f"contrast {contrast:g}"), synthetic, inspector, product, contrast, drawn)
            table.row(("synthetic", product, "good"), false_findings, inspector, (good(product, FIRST_SEED + i) for i in range(unseen)))


def fitted(folder: Path, source: Callable[[], Path | Layout], alpha: float | None = None) -> Inspector:
    """The model that an earlier run left in `folder`, or one fitted as `seewhy.fit` does where it is asked for nothing.

    Args:
        folder: of the model.
        source: gives the folder of photos.
        alpha: false-reject rate; the default one where None.
    """
    if (folder / "manifest.json").is_file():
        return Inspector(ProductModel.load(folder), policy=load_policy())
    return fit(source(), save=folder, alpha=alpha)


def real(data: Path, models: Path, per_kind: int, good_photos: int) -> dict[str, Any]:
    """Figures of one product of real photos, all defects and by kind.

    Raises:
        BadData: no photo of it has a mask.
    """
    layout = surveyed(data)
    learned, test = learned_and_tested(layout.samples)
    some = replace(layout, samples=tuple(_some(learned, good_photos)))
    inspector = fitted(models / f"{data.name}-{good_photos}", lambda: some, ALPHA)
    wanted = [*_some(test, per_kind)]
    photos = [p for sample, photo in zip(wanted, LazyPhotos(wanted), strict=True) if (p := _real_photo(inspector, sample, photo))]
    defective_ones = [p for p in photos if p.kind != "good"]
    if not defective_ones:
        raise BadData(f"no defective photo of {data.name} has a mask")
    kinds = sorted({p.kind for p in defective_ones})
    by_kind = {kind: of_photos([p for p in defective_ones if p.kind == kind]) for kind in kinds} if len(kinds) > 1 else {}
    good_ones = [p for p in photos if p.kind == "good"]
    return {
        "fitted_on": inspector.model.good_photos,
        **of_photos(defective_ones),
        **_pixels(photos),
        "good_photos": len(good_ones),
        "good_photos_with_a_finding": sum(bool(p.outlined.judged) for p in good_ones),
        "kinds": by_kind,
    }


def synthetic(inspector: Inspector, product: str, contrast: float, count: int) -> dict[str, Any]:
    """Figures of drawn defects of one contrast, all kinds and each."""
    photos = []
    for kind in KINDS:
        for i in range(count):
            one = defective(product, kind, FIRST_SEED + i, contrast=contrast)
            photos.append(inspected(inspector, as_photo(one.pixels, f"{kind}-{i}.png"), one.mask, kind))
    kinds = {kind: of_photos([p for p in photos if p.kind == kind]) for kind in KINDS}
    return of_photos(photos) | _pixels(photos) | {"kinds": kinds}


def false_findings(inspector: Inspector, drawn: Iterable[Any]) -> dict[str, Any]:
    """Of unseen good photos, how many are said to have a defect of some severity."""
    photos = [inspected(inspector, as_photo(one.pixels, f"{i}.png"), one.mask, "good") for i, one in enumerate(drawn)]
    return {
        "good_photos": len(photos),
        "with_a_region": sum(bool(p.outlined.seen.findings) for p in photos),
        "with_a_finding": sum(bool(p.outlined.judged) for p in photos),
    }


def of_photos(photos: Sequence[Inspected]) -> dict[str, Any]:
    """Overlap, sizes and severities of photos with a defect."""
    times = [p.ms_per_finding for p in photos if p.ms_per_finding is not None]
    own = _figures([p.outlined for p in photos])
    return own | {"ms_per_finding": median(times), "map": _figures([p.by_map for p in photos])}


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


def _pixels(photos: Sequence[Inspected]) -> dict[str, Any]:
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
    own, spent = _outlined(inspector, photo, mask)
    by_map, _ = _outlined(Inspector(replace(model, sharp=None), card=inspector.card, policy=inspector.policy), photo, mask)
    values = model.detector.score(photo.pixels).values
    if model.sharp is None:
        raise BadData(f"{model.product} was fitted without fine evidence; fit it again")
    sharp = sharpened(values, model.calibration.median, model.sharp.fine.map(photo.pixels))
    per_finding = spent / len(own.seen.findings) if own.seen.findings else None
    return Inspected(kind, own, by_map, per_finding, small_map(values), small_map(sharp), small_mask(mask))


def _outlined(inspector: Inspector, photo: Photo, mask: Mask) -> tuple[Outlined, float]:
    """A photo's findings beside its defects, and the milliseconds that cutting and outlining took."""
    e = inspector.examine(photo)
    record = inspector.conclude(e).record
    seen, size = Seen(e.regions, patches(mask)), (photo.width, photo.height)
    sized = tuple(s for f, r in zip(record.findings, e.regions, strict=True) if (s := _sized(inspector, f, r, seen, size)))
    judged = sum(f.ruling.severity.value is not None for f in record.findings)
    return Outlined(seen, sized, judged), record.timings_ms.get("locate", 0.0)


def _sized(inspector: Inspector, finding: Finding, region: Region, seen: Seen, size: tuple[int, int]) -> Sized | None:
    """The finding against the defect that it shares the most pixels with; None where it touches none."""
    on = max(seen.defects, key=lambda d: shared(region, d), default=None)
    if on is None or not shared(region, on):
        return None
    perfect = measure(replace(region, box=on.box, mask=on.mask), inspector.card, *size, finding.measured.strength.threshold.value)
    severity = first_match(inspector.policy, facts_of(perfect, len(seen.findings), hypot(*size)), None).severity.value
    feret = finding.measured.size.feret
    return Sized(feret.value or 0.0, feret.uncertainty or 0.0, perfect.size.feret.value or 0.0, severity == finding.ruling.severity.value)


def _real_photo(inspector: Inspector, sample: Sample, photo: Photo) -> Inspected | None:
    mask = known_mask(sample, photo)
    return None if mask is None else inspected(inspector, photo, mask, "good" if sample.good else sample.kind)


def _some(samples: Sequence[Sample], per_kind: int) -> Iterator[Sample]:
    """Photos of each kind, evenly from first to last."""
    for kind in sorted({s.kind for s in samples}):
        own = [s for s in samples if s.kind == kind]
        step = len(own) / per_kind if 0 < per_kind < len(own) else 1.0
        yield from (own[int(i * step)] for i in range(min(len(own), per_kind or len(own))))


def _drawn_set(folder: Path, product: str, count: int) -> Path:
    return write_dataset(folder / product, product, good_train=count, good_test=0, per_kind=0)
