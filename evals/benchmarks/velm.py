"""Type accuracy as VELM measures it (Mokhtar et al., CVPRW 2025): which of a product's defect classes a photo shows.

`python -m seewhy.evals.benchmarks.velm ask FOLDER CLASSES.json URL ANSWERS.json` shows the served VLM each defective photo of `FOLDER`
(MVTec AD, MVTec-AC or VisA-AC in MVTec's layout) as an inspection would, with the region of its mask, and writes the named
classes in the benchmark's own form; `python -m seewhy.evals.benchmarks.velm score FOLDER CLASSES.json ANSWERS.json` scores that file or
the benchmark's. CLASSES.json is the benchmark's (`configs/mvtec_ac_des.json`, …): per product "normal" and, for each class, its
name and its description. VELM's own figures rest on regions of its own detector; these rest on the masks of the data set, or
on the whole photo where there is none.

Strict: every defective photo counts, and one without a named class is wrong. Official: over the photos that the file holds;
accuracy, macro-F1 and Cohen's kappa per product and their means.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from seewhy.agent.inspection.words import guarded
from seewhy.agent.photos.images import read_photo
from seewhy.card import DefectType, ProductCard
from seewhy.drawing import smaller
from seewhy.errors import BadData
from seewhy.evals.benchmarks.choices import IN_FLIGHT, share
from seewhy.evals.tiny.vlm_data import view_of
from seewhy.explainers import Explainer, RegionView
from seewhy.explainers.client import Server
from seewhy.explainers.vlm import VlmSettings, VlmWords
from seewhy.record import Explanation
from seewhy.threads import in_order
from seewhy.types import Mask

NORMAL, GOOD, UNKNOWN = "normal", "good", "Unknown class"
LONGEST_PX = 1024
PHOTOS = (".png", ".jpg", ".jpeg", ".bmp")


@dataclass(frozen=True, slots=True)
class Shown:
    """One defective photo."""

    product: str
    kind: str  # the class, as its folder is called
    path: Path

    @property
    def key(self) -> str:
        """As the benchmark calls it: "bottle_broken_large_000"."""
        return f"{self.product}_{self.kind}_{self.path.stem}"


def read_classes(path: Path) -> dict[str, dict[str, list[str]]]:
    """Per product: "normal" and, for each class, [name, description].

    Raises:
        BadData: the file is missing or not as the benchmark writes it.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        for product in data.values():
            if not all(isinstance(of, list) and all(isinstance(t, str) for t in of) and of for of in product.values()):
                raise ValueError("each class is a list of texts")
            if any(len(of) < 2 for name, of in product.items() if name != NORMAL):
                raise ValueError("each class has a name and a description")
    except FileNotFoundError as error:
        raise BadData(f"{path} does not exist; get it from the benchmark's repository (Sassanmtr/VELM, configs/)") from error
    except (ValueError, AttributeError, TypeError) as error:
        raise BadData(f"{path} is not as VELM writes it: {error}") from error
    return dict(data)


def defective_photos(folder: Path, classes: Mapping[str, Any]) -> list[Shown]:
    """The defective test photos of the products that `classes` describes, in order.

    Raises:
        BadData: there are none.
    """
    found = [
        Shown(product, kind.name, path)
        for product in sorted(classes)
        for kind in sorted((folder / product / "test").glob("*"))
        if kind.is_dir() and kind.name != GOOD
        for path in sorted(kind.iterdir())
        if path.suffix.lower() in PHOTOS
    ]
    if not found:
        raise BadData(f"{folder} holds no PRODUCT/test/CLASS/ with photos of the described products ({', '.join(sorted(classes)[:4])}…)")
    return found


def ask(folder: Path, classes: Mapping[str, Any], explainer: Explainer, out: Path) -> dict[str, str]:
    """Ask about every photo that `out` has no class for yet; "" where none was named."""
    said: dict[str, str] = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {}
    left = [s for s in defective_photos(folder, classes) if s.key not in said]

    def named(shown: Shown) -> str:
        return _named(explainer, _view(folder, shown, _card(shown.product, classes[shown.product])))

    for shown, name in zip(left, in_order(named, left, explainer.in_flight), strict=True):
        said[shown.key] = name
        beside = out.with_suffix(".part")
        beside.write_text(json.dumps(said, indent=1, ensure_ascii=False), encoding="utf-8")
        beside.replace(out)
    return said


def strict(folder: Path, classes: Mapping[str, Any], said: Mapping[str, str]) -> dict[str, Any]:
    """Accuracy per product and its mean; every defective photo counts."""
    photos = defective_photos(folder, classes)
    rows = {p: [(s.kind.lower(), _class(classes[p], said.get(s.key, ""))) for s in photos if s.product == p] for p in sorted(classes)}
    made = {p: share(truth == name for truth, name in of) for p, of in rows.items() if of}
    return {"products": made, "accuracy": round(float(np.mean(list(made.values()))), 4), "photos": len(photos)}


def official(classes: Mapping[str, Any], said: Mapping[str, str]) -> dict[str, Any]:
    """As the benchmark's own script: over the file's photos, each product's figures and their means."""
    made = {}
    for product in sorted(classes, key=len, reverse=True):  # "pipe_fryum" before "fryum"
        rows = {key: name for key, name in said.items() if key.startswith(f"{product}_")}
        truth = [key.removeprefix(f"{product}_").rpartition("_")[0].lower() for key in rows]
        if rows:
            made[product] = _figures(truth, [_class(classes[product], name) for name in rows.values()])
    means = {name: round(float(np.mean([m[name] for m in made.values()])), 4) for name in next(iter(made.values()), {})}
    return {"products": made, "mean": means, "counted": len(said)}


def _figures(truth: Sequence[str], named: Sequence[str]) -> dict[str, float]:
    """Accuracy, macro-F1 over all names that occur, Cohen's kappa (Cohen, 1960)."""
    names = sorted({*truth, *named})
    table = np.array([[sum((t, n) == (a, b) for t, n in zip(truth, named, strict=True)) for b in names] for a in names], float)
    right, total = np.diag(table), table.sum()
    sums = table.sum(0) + table.sum(1)
    by_chance = float((table.sum(0) * table.sum(1)).sum() / total**2)
    accuracy = float(right.sum() / total)
    kappa = 1.0 if by_chance == 1.0 else (accuracy - by_chance) / (1 - by_chance)
    return {"accuracy": round(accuracy, 4), "macro_f1": round(float((2 * right / sums).mean()), 4), "cohen_kappa": round(kappa, 4)}


def _class(of: Mapping[str, Sequence[str]], name: str) -> str:
    """The class that a name stands for."""
    if name.lower() == GOOD:
        return GOOD
    return {texts[0].lower(): kind.lower() for kind, texts in of.items() if kind != NORMAL}.get(name.lower(), UNKNOWN)


def _card(product: str, of: Mapping[str, Sequence[str]]) -> ProductCard:
    defects = tuple(DefectType(name=texts[0], description=texts[1]) for kind, texts in of.items() if kind != NORMAL)
    return ProductCard(name=product, description=" ".join(of.get(NORMAL, ())), defects=defects)


def _view(folder: Path, shown: Shown, card: ProductCard) -> RegionView:
    photo = smaller(read_photo(shown.path).pixels, LONGEST_PX)
    good = next(iter(sorted((folder / shown.product / "train" / GOOD).glob("*.*"))), None)
    mask: Mask = np.ones(photo.shape[:2], bool)
    truth = folder / shown.product / "ground_truth" / shown.kind / f"{shown.path.stem}_mask.png"
    drawn = cv2.imread(str(truth), cv2.IMREAD_GRAYSCALE) if truth.is_file() else None
    if drawn is not None and drawn.any():
        mask = cv2.resize(drawn, photo.shape[1::-1], interpolation=cv2.INTER_AREA) > 0
    return view_of(photo, mask, None if good is None else smaller(read_photo(good).pixels, LONGEST_PX), card)


def _named(explainer: Explainer, view: RegionView) -> str:
    """The class that the model said, checked or not."""
    said = guarded(explainer, view)
    return next((c.value for c in said.claims if c.name == "type"), "") if isinstance(said, Explanation) else ""


def main(what: str, folder: Path, classes: Path, *rest: str) -> None:
    """See the module."""
    known = read_classes(classes)
    if what == "ask":
        words = VlmWords(Server(url=rest[0], in_flight=IN_FLIGHT), VlmSettings(second_look=False))
        ask(folder, known, words, Path(rest[1]))
    said = json.loads(Path(rest[-1]).read_text(encoding="utf-8"))
    print(json.dumps({"strict": strict(folder, known, said), "official": official(known, said)}, indent=1))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:])
