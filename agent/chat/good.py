"""Good photos: what is learned and what people left out, and those that are worth a look, with their heat maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seewhy.agent.chat.pictures import heat_over
from seewhy.agent.chat.workspace import ProductFolder, photos_in
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.models.good import OddPhoto
from seewhy.agent.models.product import ProductModel
from seewhy.agent.people.good import kept, left_out
from seewhy.agent.photos.layouts import PLAIN, Layout
from seewhy.agent.photos.samples import sample
from seewhy.canonical import sha256_file
from seewhy.pictures import decoded


@dataclass(frozen=True, slots=True)
class Worth:
    """A good photo that is worth a look.

    Attributes:
        file: its name.
        odd: what the model knows of it; None for a copy, which was not learned.
        copy_of: name of the photo that it is a copy of.
        kept: whether somebody looked at it and kept it.
    """

    file: str
    odd: OddPhoto | None = None
    copy_of: str = ""
    kept: bool = False


def to_learn(product: ProductFolder) -> Layout:
    """The good photos of a product, and before them those that people dropped: a fit names those that it leaves out, copies among them."""
    out = dropped(product)
    aside = [path for path in photos_in(product.aside) if sha256_file(path) in out] if out else []
    good = [sample(path, product.good, product.folder) for path in product.good_photos()]
    return Layout(PLAIN, (*(sample(path, product.folder, product.folder) for path in aside), *good))


def dropped(product: ProductFolder) -> frozenset[str]:
    """SHA-256 of the photos that people dropped of what was learned, and nobody kept since."""
    if not product.ledger.is_file():
        return frozenset()
    with Ledger(product.ledger, read_only=True) as ledger:
        return frozenset(one.sha256 for one in left_out(ledger, product.card.name))


def worth_a_look(product: ProductFolder, model: ProductModel) -> list[Worth]:
    """Copies, then the photos that score highest, then those that somebody kept; of the photos that are still there."""
    there = {path.name for path in product.good_photos()}
    with Ledger(product.ledger) as ledger:
        known = kept(ledger, model.product)
    found = [Worth(file, copy_of=twin) for file, twin in model.copies]
    found += [Worth(one.name, one, kept=one.sha256 in known) for one in model.good.odd]
    return sorted((one for one in found if one.file in there), key=lambda one: one.kept)


def heat_of(model: ProductModel, name: str, line: float) -> bytes | None:
    """The heat map of a photo that scores high, as a picture that lies over it; None of any other.

    Args:
        model: that learned it.
        name: of the photo.
        line: score above which a part may fail.
    """
    odd = next((one for one in model.good.odd if one.name == name), None)
    if odd is None:
        return None
    levels = decoded(odd.map)  # (h, w), 255 at the map's largest value
    return None if levels is None else heat_over(levels.astype(np.float32) * np.float32(odd.score / line / 255))
