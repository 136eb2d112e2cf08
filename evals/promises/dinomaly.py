"""One Dinomaly for many products beside PatchCore on the same photos and encoder, and what each of its parts is worth.

`python -m seewhy.evals.promises.dinomaly products DATA OUT.json` trains on the good photos of every product under DATA and tests on all
of their test photos; `... grow OUT.json` shows how model and time grow with the number of products, on synthetic ones;
`... add DATA OUT.json` leaves one product out, adds it afterwards, and measures what that cost the others; `... bank DATA OUT.json` gives
PatchCore what this Dinomaly sees, to tell the decoder's part in the difference from the photo's size.

The encoder is EfficientNet-lite0: figures are of `dinomaly/efficientnet-lite0`, not of the paper's Dinomaly.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.agent.models.family import Family
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import Photo, decode
from seewhy.agent.photos.layouts import Sample, good_photos, read_layout
from seewhy.agent.photos.lazy import LazyPhotos
from seewhy.detectors.dinomaly.detector import SIDES, Dinomaly, DinomalySettings
from seewhy.detectors.patchcore import PatchCore, PatchCoreSettings
from seewhy.evals.detect import hardware, tested
from seewhy.evals.promises.faults import as_png
from seewhy.evals.synthetic.surfaces import PRODUCTS, good

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


def products(data: Path, out: Path, settings: DinomalySettings = SETTINGS) -> None:
    """One model for all, its controls, one model per product, and PatchCore; written after each."""
    train, test = split(data)
    facts = facts_of(settings)
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        made, seconds = _timed(lambda: Family.fit(train, Dinomaly(settings), alpha=ALPHA, cache=cache))
        facts["one model for all"] = _rows(made, test) | {
            "fit_seconds": seconds,
            "losses": made.detector.learned["training"]["losses"][::10],
        }
        write(out, facts)
        facts["patchcore"] = _patchcore(train, test, PatchCoreSettings())
        facts["image_auroc_to_patchcore"] = round(facts["one model for all"]["image_auroc"] - facts["patchcore"]["image_auroc"], 4)
        write(out, facts)
        few = {name: samples[::SPARSE] for name, samples in test.items()}
        facts["on every fourth test photo"] = controls = {"one model for all": _rows(made, few)}
        for name, changes in CONTROLS.items():
            made, seconds = _timed(lambda c=changes: Family.fit(train, Dinomaly(replace(settings, **c)), alpha=ALPHA, cache=cache))
            controls[name] = _rows(made, few) | {"fit_seconds": seconds}
            write(out, facts)
        own = replace(settings, steps=settings.steps // len(train))  # as many steps in all
        singles: dict[str, Any] = {"fit_seconds": 0.0, "steps_each": own.steps, "products": {}}
        for product, photos in train.items():
            made, seconds = _timed(lambda p=product, g=photos: Family.fit({p: g}, Dinomaly(own), alpha=ALPHA, cache=cache))
            singles["products"] |= _rows(made, few)["products"]
            singles["fit_seconds"] += seconds
        controls["one model per product"] = singles | _means(singles["products"])
    facts["peak_memory_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    write(out, facts)


def grow(out: Path) -> None:
    """Bytes of the model and seconds per photo with more products, beside PatchCore's banks."""
    facts = facts_of(SETTINGS) | {"synthetic": True, "good_photos_each": GOOD_EACH, "rows": []}
    with tempfile.TemporaryDirectory() as where:
        folder = Path(where)
        for count in COUNTS:
            train = {f"product {i:02}": _drawn(i) for i in range(count)}
            family = Family.fit(train, Dinomaly(replace(SETTINGS, steps=2)), alpha=ALPHA, cache=folder / "cache").save(folder / f"d{count}")
            banks = [
                ProductModel.fit(photos, PatchCore(), product=name, alpha=ALPHA).save(folder / f"p{count}-{i}")
                for i, (name, photos) in enumerate(train.items())
            ]
            asked = [photos[0] for photos in train.values()][:4]
            facts["rows"].append(
                {
                    "products": count,
                    "dinomaly_network_bytes": _bytes(folder / f"d{count}" / "detector"),
                    "dinomaly_folder_bytes": _bytes(folder / f"d{count}"),
                    "dinomaly_seconds_per_photo": _per_photo(family.detector, asked),
                    "patchcore_bank_bytes": sum(_bytes(folder / f"p{count}-{i}" / "detector") for i in range(len(banks))),
                    "patchcore_seconds_per_photo": _per_photo(banks[0].detector, asked),
                }
            )
            write(out, facts)


def bank(data: Path, out: Path) -> None:
    """PatchCore at Dinomaly's input, without what it has beyond the paper: turned copies and distances scaled by density."""
    train, test = split(data)
    plain = PatchCoreSettings(input_px=SIDES[SETTINGS.encoder], turns="no", density=0)
    write(out, facts_of(SETTINGS) | {"patchcore_settings": asdict(plain), "patchcore": _patchcore(train, test, plain)})


def add(data: Path, out: Path, settings: DinomalySettings = ADDED) -> None:
    """Train without the last product, add it with replay of the others' features, and measure before and after; every fourth photo."""
    train, test = split(data)
    test = {name: samples[::SPARSE] for name, samples in test.items()}
    new = sorted(train)[-1]
    old = {name: photos for name, photos in train.items() if name != new}
    facts = facts_of(settings) | {"added": new}
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        before, seconds = _timed(lambda: Family.fit(old, Dinomaly(settings), alpha=ALPHA, cache=cache))
        facts["before"] = _rows(before, test) | {"fit_seconds": seconds}
        more = replace(settings, steps=settings.steps // 4, rate=settings.rate / 4)
        after, seconds = _timed(lambda: Family.fit(train, Dinomaly(more), alpha=ALPHA, cache=cache, start=before))
        facts["after"] = _rows(after, test) | {"fit_seconds": seconds, "steps": more.steps}
        facts["change_of_image_auroc"] = {
            name: round(facts["after"]["products"][name]["image_auroc"] - row["image_auroc"], 4)
            for name, row in facts["before"]["products"].items()
        }
    write(out, facts)


def split(data: Path) -> tuple[dict[str, LazyPhotos], dict[str, list[Sample]]]:
    """Good training photos and test photos by product."""
    samples = read_layout(data)
    names = sorted({s.product for s in samples})
    train = {n: LazyPhotos([s for s in good_photos(samples) if s.product == n]) for n in names}
    return train, {n: [s for s in samples if s.product == n and s.split == "test"] for n in names}


def _rows(family: Family, test: Mapping[str, Sequence[Sample]]) -> dict[str, Any]:
    rows = {name: tested(member, test[name], ALPHA) for name, member in family.members.items()}
    return {"products": rows} | _means(rows)


def _patchcore(train: Mapping[str, LazyPhotos], test: Mapping[str, Sequence[Sample]], settings: PatchCoreSettings) -> dict[str, Any]:
    rows, spent = {}, 0.0
    for name, photos in train.items():
        model, seconds = _timed(lambda p=photos, n=name: ProductModel.fit(p, PatchCore(settings), product=n, alpha=ALPHA))
        rows[name] = tested(model, test[name], ALPHA)
        spent += seconds
    return {"fit_seconds": round(spent, 1), "products": rows} | _means(rows)


def _means(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    return {key: round(float(np.mean([row[key] for row in rows.values()])), 4) for key in ("image_auroc", "pixel_auroc", "aupro")}


def facts_of(settings: DinomalySettings) -> dict[str, Any]:
    """What made a table."""
    return {
        "detector": "dinomaly/efficientnet-lite0, not the paper's encoder",
        "weights": "efficientnet-lite0 57934424",
        "settings": asdict(settings),
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": hardware(),
    }


def _drawn(number: int) -> list[Photo]:
    product = sorted(PRODUCTS)[number % len(PRODUCTS)]
    return [decode(as_png(good(product, 1000 * number + i).pixels), f"{i}.png") for i in range(GOOD_EACH)]


def _per_photo(detector: Any, photos: Sequence[Photo], turns: int = 5) -> float:
    detector.score(photos[0].pixels)
    return round(float(np.median([_timed(lambda p=p: detector.score(p.pixels))[1] for _ in range(turns) for p in photos])), 4)


def _bytes(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def _timed(action: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    made = action()
    return made, round(time.perf_counter() - began, 4)


def write(out: Path, facts: dict[str, Any]) -> None:
    """What is known so far."""
    out.write_text(json.dumps(facts, indent=1), encoding="utf-8")


if __name__ == "__main__":
    {"products": products, "grow": grow, "add": add, "bank": bank}[sys.argv[1]](*map(Path, sys.argv[2:]))  # type: ignore[operator]
