"""Whether what is outlined is the defect, its size the defect's, its severity that of a perfect outline: real photos and drawn defects."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from seewhy.agent.api.learn import fit
from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.policy import load_policy
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.layouts import Layout, Sample, learned_and_tested, surveyed
from seewhy.agent.photos.lazy import LazyPhotos
from seewhy.errors import BadData
from seewhy.evals.promises.outlined import inspected, of_photos, of_sample, pixels_of_photos
from seewhy.evals.run import LITE, measuring
from seewhy.evals.synthetic.surfaces import KINDS, defective, good, write_dataset
from seewhy.evals.synthetic.views import as_photo

ALPHA = 0.05  # of the real products
SYNTHETIC = ("plate", "brick", "cast", "brushed", "woven")
CONTRASTS = (1.0, 0.6, 0.35)
FIRST_SEED = 60_000


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
            inspector = fitted(models / f"{product}-{count}", partial(drawn_set, Path(name), product, count))
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
    some = replace(layout, samples=tuple(evenly(learned, good_photos)))
    inspector = fitted(models / f"{data.name}-{good_photos}", lambda: some, ALPHA)
    wanted = [*evenly(test, per_kind)]
    photos = [p for sample, photo in zip(wanted, LazyPhotos(wanted), strict=True) if (p := of_sample(inspector, sample, photo))]
    defective_ones = [p for p in photos if p.kind != "good"]
    if not defective_ones:
        raise BadData(f"no defective photo of {data.name} has a mask")
    kinds = sorted({p.kind for p in defective_ones})
    by_kind = {kind: of_photos([p for p in defective_ones if p.kind == kind]) for kind in kinds} if len(kinds) > 1 else {}
    good_ones = [p for p in photos if p.kind == "good"]
    return {
        "fitted_on": inspector.model.good_photos,
        **of_photos(defective_ones),
        **pixels_of_photos(photos),
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
    return of_photos(photos) | pixels_of_photos(photos) | {"kinds": kinds}


def false_findings(inspector: Inspector, drawn: Iterable[Any]) -> dict[str, Any]:
    """Of unseen good photos, how many are said to have a defect of some severity."""
    photos = [inspected(inspector, as_photo(one.pixels, f"{i}.png"), one.mask, "good") for i, one in enumerate(drawn)]
    return {
        "good_photos": len(photos),
        "with_a_region": sum(bool(p.outlined.seen.findings) for p in photos),
        "with_a_finding": sum(bool(p.outlined.judged) for p in photos),
    }


def evenly(samples: Sequence[Sample], per_kind: int) -> Iterator[Sample]:
    """So many photos of each kind, evenly from first to last; all where `per_kind` is 0."""
    for kind in sorted({s.kind for s in samples}):
        own = [s for s in samples if s.kind == kind]
        step = len(own) / per_kind if 0 < per_kind < len(own) else 1.0
        yield from (own[int(i * step)] for i in range(min(len(own), per_kind or len(own))))


def drawn_set(folder: Path, product: str, count: int) -> Path:
    """A synthetic product's good photos, in a folder."""
    return write_dataset(folder / product, product, good_train=count, good_test=0, per_kind=0)
