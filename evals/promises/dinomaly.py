"""One Dinomaly for many products beside PatchCore on the same photos and encoder, and what each of its parts is worth.

The encoder is EfficientNet-lite0: figures are of `dinomaly/efficientnet-lite0`, not of the paper's Dinomaly.
"""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.agent.models.family import Family
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import Photo
from seewhy.agent.photos.layouts import Sample, good_photos, read_layout
from seewhy.agent.photos.lazy import LazyPhotos
from seewhy.detectors.dinomaly.detector import Dinomaly
from seewhy.detectors.dinomaly.settings import DinomalySettings
from seewhy.detectors.patchcore import PatchCore, PatchCoreSettings
from seewhy.evals.detect import tested
from seewhy.evals.run import LITE, measuring, timed
from seewhy.evals.synthetic.surfaces import PRODUCTS, good
from seewhy.evals.synthetic.views import as_photo

SETTINGS = DinomalySettings(encoder="efficientnet-lite0", depth=4, steps=600)
ADDED = replace(SETTINGS, steps=300)  # of the model that a product is added to, which then trains a quarter more
SPARSE = 4  # controls are tested on every fourth photo, and the model that they are controls of once more on the same ones
ALPHA = 0.01
CONTROLS: Mapping[str, dict[str, Any]] = {
    "without noise": {"dropout": 0.0},
    "with softmax attention": {"attention": "softmax"},
}
COUNTS = (1, 4, 16)  # products
GOOD_EACH = 8
FEW = "on every fourth test photo"


def products(data: Path, out: Path) -> None:
    """One model for all products under DATA, its controls, one model per product, and PatchCore."""
    train, test = split(data)
    few = {name: samples[::SPARSE] for name, samples in test.items()}
    with measuring(out, facts_of(SETTINGS, data)) as table, tempfile.TemporaryDirectory() as folder:

        def fitted(product: str = "", **changes: Any) -> tuple[Family, float]:
            photos = {product: train[product]} if product else train
            return timed(Family.fit, photos, Dinomaly(replace(SETTINGS, **changes)), alpha=ALPHA, cache=Path(folder))

        whole = cache(fitted)

        def one_each(steps: int) -> dict[str, Any]:
            singles = [fitted(product, steps=steps) for product in train]
            rows = {name: row for family, _ in singles for name, row in _rows(family, few)["products"].items()}
            return {"fit_seconds": sum(seconds for _, seconds in singles), "steps_each": steps, "products": rows} | _means(rows)

        def all_figures() -> dict[str, Any]:
            return _fit_rows(*whole(), test) | {"losses": whole()[0].detector.learned["training"]["losses"][::10]}

        ours = table.row("one model for all", all_figures)
        bank = table.row("patchcore", _patchcore, train, test, PatchCoreSettings())
        table.figures["image_auroc_to_patchcore"] = round(ours["image_auroc"] - bank["image_auroc"], 4)
        table.row((FEW, "one model for all"), lambda: _rows(whole()[0], few))
        for name, changes in CONTROLS.items():
            table.row((FEW, name), lambda asked: _fit_rows(*fitted(**asked), few), changes)
        table.row((FEW, "one model per product"), one_each, SETTINGS.steps // len(train))  # as many steps in all
        table.row("peak_memory_mib", lambda: round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def grow(out: Path) -> None:
    """Bytes of the model and seconds per photo with more products, synthetic ones, beside PatchCore's banks."""
    with measuring(out, facts_of(SETTINGS) | {"good_photos_each": GOOD_EACH}) as table:
        for count in COUNTS:
            table.row(f"{count} products", _grown, count)


def bank(data: Path, out: Path) -> None:
    """PatchCore with what this Dinomaly sees: its input, no turned copies, no distances scaled by density."""
    plain = PatchCoreSettings(input_px=SETTINGS.whole().input_px, turns="no", density=0)
    with measuring(out, facts_of(SETTINGS, data) | {"patchcore_settings": asdict(plain)}) as table:
        table.row("patchcore", _patchcore, *split(data), plain)


def add(data: Path, out: Path) -> None:
    """Training without the last product under DATA, then adding it: what that costs the others, on every fourth test photo."""
    train, test = split(data)
    test = {name: samples[::SPARSE] for name, samples in test.items()}
    new = sorted(train)[-1]
    old = {name: photos for name, photos in train.items() if name != new}
    more = replace(ADDED, steps=ADDED.steps // 4, rate=ADDED.rate / 4)
    with measuring(out, facts_of(ADDED, data) | {"added": new}) as table, tempfile.TemporaryDirectory() as folder:

        @cache
        def fitted() -> tuple[Family, float]:
            return timed(Family.fit, old, Dinomaly(ADDED), alpha=ALPHA, cache=Path(folder))

        def added() -> tuple[Family, float]:
            return timed(Family.fit, train, Dinomaly(more), alpha=ALPHA, cache=Path(folder), start=fitted()[0])

        before = table.row("before", lambda: _fit_rows(*fitted(), test))["products"]
        after = table.row("after", lambda: _fit_rows(*added(), test) | {"steps": more.steps})["products"]
        change = {name: round(after[name]["image_auroc"] - row["image_auroc"], 4) for name, row in before.items()}
        table.figures["change_of_image_auroc"] = change


def split(data: Path) -> tuple[dict[str, LazyPhotos], dict[str, list[Sample]]]:
    """Good training photos and test photos by product."""
    samples = read_layout(data)
    names = sorted({s.product for s in samples})
    train = {n: LazyPhotos([s for s in good_photos(samples) if s.product == n]) for n in names}
    return train, {n: [s for s in samples if s.product == n and s.split == "test"] for n in names}


def _rows(family: Family, test: Mapping[str, Sequence[Sample]]) -> dict[str, Any]:
    rows = {name: tested(member, test[name], ALPHA) for name, member in family.members.items()}
    return {"products": rows} | _means(rows)


def _fit_rows(family: Family, seconds: float, test: Mapping[str, Sequence[Sample]]) -> dict[str, Any]:
    return _rows(family, test) | {"fit_seconds": round(seconds, 1)}


def _patchcore(train: Mapping[str, LazyPhotos], test: Mapping[str, Sequence[Sample]], settings: PatchCoreSettings) -> dict[str, Any]:
    rows, spent = {}, 0.0
    for name, photos in train.items():
        model, seconds = timed(ProductModel.fit, photos, PatchCore(settings), product=name, alpha=ALPHA)
        rows[name] = tested(model, test[name], ALPHA)
        spent += seconds
    return {"fit_seconds": round(spent, 1), "products": rows} | _means(rows)


def _means(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    return {key: round(float(np.mean([row[key] for row in rows.values()])), 4) for key in ("image_auroc", "pixel_auroc", "aupro")}


def facts_of(settings: DinomalySettings, data: Path | None = None) -> dict[str, Any]:
    """What a table of Dinomaly's says of itself; `data` None where the photos are synthetic."""
    detector = "dinomaly/efficientnet-lite0, not the paper's encoder"
    return {"data": "synthetic" if data is None else data.name, "detector": detector, "weights": LITE, "settings": asdict(settings)}


def _grown(count: int) -> dict[str, Any]:
    train = {f"product {i:02}": _drawn(i) for i in range(count)}
    asked = [photos[0] for photos in train.values()][:4]
    with tempfile.TemporaryDirectory() as where:
        folder = Path(where)
        family = Family.fit(train, Dinomaly(replace(SETTINGS, steps=2)), alpha=ALPHA, cache=folder / "cache").save(folder / "family")
        banks = [
            ProductModel.fit(photos, PatchCore(), product=name, alpha=ALPHA).save(folder / f"bank-{name}") for name, photos in train.items()
        ]
        return {
            "dinomaly_network_bytes": _bytes(folder / "family" / "detector"),
            "dinomaly_folder_bytes": _bytes(folder / "family"),
            "dinomaly_seconds_per_photo": _per_photo(family.detector, asked),
            "patchcore_bank_bytes": sum(_bytes(folder / f"bank-{name}" / "detector") for name in train),
            "patchcore_seconds_per_photo": _per_photo(banks[0].detector, asked),
        }


def _drawn(number: int) -> list[Photo]:
    product = sorted(PRODUCTS)[number % len(PRODUCTS)]
    return [as_photo(good(product, 1000 * number + i).pixels, f"{i}.png") for i in range(GOOD_EACH)]


def _per_photo(detector: Any, photos: Sequence[Photo], turns: int = 5) -> float:
    detector.score(photos[0].pixels)
    return round(float(np.median([timed(detector.score, p.pixels)[1] for _ in range(turns) for p in photos])), 4)


def _bytes(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
