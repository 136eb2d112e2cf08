"""Which photos of a lot a person's word would tell most about: near the lines, not looked at yet, and unlike one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seewhy.agent.chat.gallery import Item, entry_now
from seewhy.agent.chat.pictures import THUMBNAIL_PX, evidence_of, pixels_in
from seewhy.agent.chat.workspace import ProductFolder
from seewhy.agent.ledger.store import Ledger
from seewhy.explainers.knowledge import crop_descriptor

MOST = 8  # photos that are proposed
TIMES = 4  # so many times as many lie nearest to the lines, and are compared by their looks


def most_telling(product: ProductFolder, lot: str, items: Sequence[Item], lines: Sequence[float], most: int = MOST) -> list[str]:
    """Names of the photos, the one nearest to a line first.

    Args:
        product: whose lot.
        lot: its name.
        items: its photos.
        lines: scores at which something passes, is asked about or fails.
        most: how many are wanted.
    """
    open_ = [item for item in items if not item.people and item.score is not None]
    near = sorted(open_, key=lambda item: min((abs((item.score or 0.0) - line) for line in lines), default=0.0))[: TIMES * most]
    if len(near) <= most:
        return [item.name for item in near]
    with Ledger(product.ledger, read_only=True) as ledger:
        looks = np.stack([_look(product, lot, item.name, ledger) for item in near])
    return [near[i].name for i in spread(looks, most)]


def spread(looks: npt.NDArray[np.float32], most: int) -> list[int]:
    """The first row, then always the one farthest from those that were taken (greedy k-centre; Gonzalez 1985).

    >>> spread(np.array([[0.0], [0.1], [5.0], [4.9], [2.0]], np.float32), 3)
    [0, 2, 4]
    """
    taken, apart = [0], np.linalg.norm(looks - looks[0], axis=1)
    while len(taken) < min(most, len(looks)):
        taken.append(int(apart.argmax()))
        apart = np.minimum(apart, np.linalg.norm(looks - looks[taken[-1]], axis=1))
    return taken


def _look(product: ProductFolder, lot: str, name: str, ledger: Ledger) -> npt.NDArray[np.float32]:
    """How the strongest finding looks; without one, the whole photo."""
    _, entry = entry_now(ledger, lot, name)
    crop = evidence_of(entry, "crop-1", ledger)
    if crop is None:
        crop = pixels_in(product.folder / "lots" / lot, name, THUMBNAIL_PX, product.card.white_level)
    return crop_descriptor(crop)
