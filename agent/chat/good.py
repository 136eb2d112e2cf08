"""Good photos that are worth a look: those that hold the model's line, with their heat maps, and copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seewhy.agent.chat.pictures import heat_over
from seewhy.agent.chat.workspace import ProductFolder
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.models.good import OddPhoto
from seewhy.agent.models.product import ProductModel
from seewhy.agent.people.good import kept
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
