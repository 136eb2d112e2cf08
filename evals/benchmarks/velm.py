"""Type accuracy as VELM measures it (Mokhtar et al., CVPRW 2025): which of a product's defect classes a photo shows.

The served VLM is shown each defective photo (of MVTec AD, MVTec-AC or VisA-AC in MVTec's layout) as an inspection would show it,
with the region of its mask; answers are kept in the benchmark's own form. The classes are those of the benchmark's
`configs/mvtec_ac_des.json`, …: per product "normal" and, for each class, its name and its description. VELM's own figures rest on
regions of its own detector; these rest on the masks of the data set, or on the whole photo where there is none.

Strict: every defective photo counts, and one without a named class is wrong. Official: over the photos that the file holds;
accuracy, macro-F1 and Cohen's kappa per product and their means.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seewhy.agent.inspection.words import all_words
from seewhy.agent.photos.images import read_photo
from seewhy.agent.photos.layouts import Sample, good_photos, read_layout
from seewhy.agent.photos.masks import read_mask
from seewhy.card import DefectType, ProductCard
from seewhy.errors import BadData
from seewhy.evals.benchmarks.choices import measure
from seewhy.evals.run import write_json
from seewhy.evals.synthetic.views import view_of
from seewhy.explainers.question import VlmSettings
from seewhy.explainers.vlm import VlmWords
from seewhy.record import Explanation, Unexplained

NORMAL, GOOD, UNKNOWN = "normal", "good", "Unknown class"


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


def defective_photos(folder: Path, classes: Mapping[str, Any]) -> list[Sample]:
    """The defective test photos of the products that `classes` describes, in order.

    Raises:
        BadData: there are none.
    """
    samples = [s for product in sorted(classes) if (folder / product).is_dir() for s in read_layout(folder / product)]
    found = [s for s in samples if s.split == "test" and not s.good]
    if not found:
        raise BadData(f"{folder} holds no PRODUCT/test/CLASS/ with photos of the described products ({', '.join(sorted(classes)[:4])}…)")
    return found


def key_of(shown: Sample) -> str:
    """A photo as the benchmark calls it: "bottle_broken_large_000"."""
    return f"{shown.product}_{shown.kind}_{shown.path.stem}"


def ask(folder: Path, classes: Mapping[str, Any], explainer: VlmWords, out: Path) -> dict[str, str]:
    """Ask about every photo that `out` has no class for yet; "" where none was named."""
    said = _said(out)
    left = [s for s in defective_photos(folder, classes) if key_of(s) not in said]
    for first in range(0, len(left), explainer.in_flight):
        shown = left[first : first + explainer.in_flight]
        words = all_words(explainer, [_view(s, _card(s.product, classes[s.product])) for s in shown])
        said |= {key_of(s): _named(w) for s, w in zip(shown, words, strict=True)}
        write_json(out, said)
    return said


def strict(folder: Path, classes: Mapping[str, Any], said: Mapping[str, str]) -> dict[str, Any]:
    """Accuracy per product and its mean; every defective photo counts."""
    photos = defective_photos(folder, classes)
    rows = {p: [(s.kind.lower(), _class(classes[p], said.get(key_of(s), ""))) for s in photos if s.product == p] for p in sorted(classes)}
    made = {p: round(float(np.mean([truth == name for truth, name in of])), 4) for p, of in rows.items() if of}
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


def _view(shown: Sample, card: ProductCard) -> Any:
    photo = read_photo(shown.path, name=shown.name, root=shown.root)
    mask = read_mask(shown, photo)
    return view_of(photo.pixels, np.ones(photo.pixels.shape[:2], bool) if mask is None else mask, _good(shown.root), card)


@cache
def _good(product: Path) -> npt.NDArray[np.uint8] | None:
    """The product's first good photo, to compare with."""
    good = next(iter(good_photos(read_layout(product))), None)
    return None if good is None else read_photo(good.path, name=good.name, root=good.root).pixels


def _named(said: Explanation | Unexplained) -> str:
    """The class that the model names, checked or not; "" where it names none."""
    return next((c.value for c in said.claims if c.name == "type"), "") if isinstance(said, Explanation) else ""


def main(folder: Path, classes: Path, answers: Path, out: Path, url: str = "") -> None:
    """VELM's classes (CLASSES) of FOLDER's defective photos, asked of a VLM with --url; scores of ANSWERS."""
    known = read_classes(classes)

    measure(
        out,
        answers,
        url,
        lambda client: ask(folder, known, VlmWords(client.server, VlmSettings(second_look=False)), answers),
        lambda: strict(folder, known, _said(answers)),
        lambda: official(known, _said(answers)),
    )


def _said(answers: Path) -> dict[str, str]:
    """Class by photo, as they stand in the file so far."""
    return dict(json.loads(answers.read_text(encoding="utf-8"))) if answers.is_file() else {}
