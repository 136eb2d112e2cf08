"""Good photos, the oddest first: what each scores by the others, where, and which of them are copies or look like another product.

Looked at once a model has learned them, and kept beside it (`models/001-good.json` and a folder of heat maps).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np

from seewhy.agent.chat.jobs import Job
from seewhy.agent.chat.pictures import THUMBNAIL_PX, heat_over
from seewhy.agent.chat.workspace import ProductFolder
from seewhy.agent.models.calibration import Calibration
from seewhy.agent.models.familiarity import Familiarity
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.lazy import Chosen, LazyPhotos, pixels_of, samples_by_product
from seewhy.detectors.protocol import scored_good
from seewhy.disk import write_file
from seewhy.types import Descriptor, Progress, ScoreMap

Flag: TypeAlias = Literal["copy", "other_product", "far"]
MOST = 300  # good photos that are looked at
FEWEST = 4  # others that say whether one is far from them
RARE = 0.01  # share of good parts that score beyond "far"


@dataclass(frozen=True, slots=True)
class Odd:
    """A good photo, and what is odd about it."""

    file: str
    score: float  # by the others; 0 for a copy, which was not learned
    flags: tuple[Flag, ...] = ()
    twin: str = ""  # of which it is a copy


def look_at_good(product: ProductFolder, model: ProductModel, folder: Path, job: Job) -> None:
    """Score every good photo by the others, and keep what comes of it beside the model.

    Args:
        product: whose good photos.
        model: just learned from them.
        folder: of the model.
        job: that it is part of.
    """
    heats = folder.with_name(f"{folder.name}-good")
    heats.mkdir(exist_ok=True)
    line = model.calibration.peak_threshold(RARE) or 1.0
    scored = list[tuple[str, ScoreMap]]()
    for name, found in _scored(product, model, job.progress()):
        small = cv2.resize(found.values, _small(found.values.shape), interpolation=cv2.INTER_AREA)
        write_file(heats / f"{name}.png", heat_over(small / np.float32(line)))
        scored.append((name, found))
    rows = [*oddest([(name, found.score, found.descriptor) for name, found in scored]), *_copies(model)]
    data = [{"file": one.file, "score": one.score, "flags": list(one.flags), "twin": one.twin} for one in rows]
    write_file(_place(folder), json.dumps({"photos": data, "kept": []}, ensure_ascii=False).encode())


def oddest(scored: Sequence[tuple[str, float, Descriptor | None]]) -> list[Odd]:
    """Good photos, those first that look like another product, then by what they score.

    Args:
        scored: name, score by the others, and description as a whole, of each.
    """
    scores = np.array([score for _, score, _ in scored], np.float64)
    known = [descriptor for _, _, descriptor in scored]
    found = []
    for i, (name, score, _) in enumerate(scored):
        flags: list[Flag] = []
        if _foreign(i, known):
            flags.append("other_product")
        elif _far(score, np.delete(scores, i)):
            flags.append("far")
        found.append(Odd(name, float(score), tuple(flags)))
    return sorted(found, key=lambda one: ("other_product" not in one.flags, -one.score))


def _far(score: float, others: Any) -> bool:
    limit = Calibration(np.sort(others), np.sort(others), 0, 0, "left_out").far(RARE)
    return limit is not None and score > limit


def _foreign(number: int, known: Sequence[Descriptor | None]) -> bool:
    own = known[number]
    others = [one for i, one in enumerate(known) if i != number and one is not None]
    if own is None or len(others) < FEWEST:
        return False
    familiar = Familiarity.of(others, others)
    return familiar is not None and not familiar.knows(own)


def _scored(product: ProductFolder, model: ProductModel, progress: Progress[Any]) -> Iterator[tuple[str, ScoreMap]]:
    """Each good photo that taught the model, and its map by the others."""
    samples = next(iter(samples_by_product(product.good).values()))
    copies = {name for name, _ in model.copies}
    own = [i for i, one in enumerate(samples) if one.name not in copies]
    white_level = product.card.white_level if model.card is None else model.card.white_level
    photos = Chosen(LazyPhotos(samples, white_level), own)
    numbers = range(min(len(own), MOST))
    for number, found in scored_good(model.detector, pixels_of(photos), numbers, progress, "looking at good photos"):
        yield samples[own[number]].name, found


def _copies(model: ProductModel) -> Iterator[Odd]:
    return (Odd(name, 0.0, ("copy",), twin) for name, twin in model.copies)


def _small(shape: tuple[int, ...]) -> tuple[int, int]:
    share = min(1.0, THUMBNAIL_PX / max(shape[:2]))
    return max(1, round(share * shape[1])), max(1, round(share * shape[0]))


def looked_at(product: ProductFolder) -> list[dict[str, Any]]:
    """What was found of the good photos that are still there: copies, then the oddest first, then those that somebody kept."""
    found = _read(product)
    there, kept = {path.name for path in product.good_photos()}, set(found["kept"])
    rows = [row | {"kept": row["file"] in kept} for row in found["photos"] if row["file"] in there]
    return sorted(rows, key=lambda row: (row["kept"], "copy" not in row["flags"]))


def keep(product: ProductFolder, names: Sequence[str]) -> None:
    """Remember that somebody looked at good photos and kept them."""
    found = _read(product)
    if found["photos"] and names:
        kept = sorted({*found["kept"], *(row["file"] for row in found["photos"] if row["file"] in names)})
        write_file(_place(_latest(product)), json.dumps({**found, "kept": kept}, ensure_ascii=False).encode())


def heat_of(product: ProductFolder, name: str) -> bytes | None:
    """The heat map of a good photo, as a picture that lies over it; None where none is kept."""
    if all(row["file"] != name for row in _read(product)["photos"]):
        return None
    latest = _latest(product)
    path = latest.with_name(f"{latest.name}-good") / f"{name}.png"
    return path.read_bytes() if path.is_file() else None


def _latest(product: ProductFolder) -> Path:
    return product.folder / "models" / next(reversed(product.models()), "none")


def _read(product: ProductFolder) -> Mapping[str, Any]:
    path = _place(_latest(product))
    return dict(json.loads(path.read_bytes())) if path.is_file() else {"photos": [], "kept": []}


def _place(model: Path) -> Path:
    return model.with_name(f"{model.name}-good.json")
