"""Which possible causes to offer for a region: the card's own and the general ones, found by their words (faiss)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from zlib import crc32

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.card import Knowledge, ProductCard
from seewhy.explainers import PastDefect, RegionView
from seewhy.nearest import faiss
from seewhy.pictures import grey_square
from seewhy.prompts.knowledge import General, general
from seewhy.types import Pixels

BUCKETS = 4096
SIDE = 64  # crops are compared at this size
CELLS, DIRECTIONS = 8, 9  # cells along a side, directions of a gradient
DESCRIPTOR = CELLS * CELLS * DIRECTIONS
ALIKE = 0.6  # cosine from which two crops are alike
GRAM = 3  # letters; words of any language, inflected or misspelt, share most of theirs


class KnowledgeBase:
    """Finds entries by the words of product, defect types and measured looks.

    A text is the counts of its words' three-letter pieces, hashed to `BUCKETS`, weighted by rarity and of length 1; entries
    are ranked by cosine.

    Args:
        past: crops that people named; those that look like a region's are told to the model by name.
    """

    def __init__(self, past: Sequence[PastDefect] = ()) -> None:
        self._past = tuple(past)
        self._crops = faiss.IndexFlatIP(DESCRIPTOR)
        if past:
            self._crops.add(np.stack([crop_descriptor(p.crop) for p in past]))

    def alike(self, view: RegionView, most: int = 3) -> tuple[PastDefect, ...]:
        """Past defects whose crops look like the region's, best first, one for each name."""
        if not self._past:
            return ()
        likeness, rows = self._crops.search(crop_descriptor(view.crop)[None], min(len(self._past), 8 * most))
        found = [self._past[row] for row, cosine in zip(rows[0], likeness[0], strict=True) if cosine >= ALIKE]
        return tuple({p.type: p for p in reversed(found)}.values())[::-1][:most]

    def causes_for(self, view: RegionView, most: int) -> tuple[Knowledge, ...]:
        """At most `most` entries for a region, the card's own before the general ones, each best first."""
        own = _ranked(view.card.knowledge, tuple(_own_text(k) for k in view.card.knowledge), _query(view), most)
        known, texts = _general(view.card.processes)
        return (*own, *_ranked(known, texts, _query(view), most - len(own)))


def crop_descriptor(crop: Pixels) -> npt.NDArray[np.float32]:
    """(DESCRIPTOR,) of length 1: how much gradient of each direction each cell has (after Dalal and Triggs, CVPR 2005)."""
    level = grey_square(crop, SIDE)
    strength, angle = cv2.cartToPolar(cv2.Sobel(level, cv2.CV_32F, 1, 0), cv2.Sobel(level, cv2.CV_32F, 0, 1))
    direction = np.floor(angle % np.pi / np.pi * DIRECTIONS).astype(int).clip(0, DIRECTIONS - 1)
    split = np.where(direction[..., None] == np.arange(DIRECTIONS), strength[..., None], 0)  # (SIDE, SIDE, DIRECTIONS)
    sums = split.reshape(CELLS, SIDE // CELLS, CELLS, SIDE // CELLS, DIRECTIONS).sum((1, 3)).ravel()
    return _unit(np.sqrt(sums) - np.sqrt(sums).mean())


def _ranked(entries: Sequence[Knowledge], texts: tuple[str, ...], query: str, most: int) -> list[Knowledge]:
    if not entries or most < 1:
        return []
    index, rarity = _index(texts)
    _, rows = index.search(_vector(query, rarity)[None], min(most, len(entries)))
    return [entries[row] for row in rows[0]]


def _query(view: RegionView) -> str:
    """What is known before the model is asked: the product, its defect words, the measured form."""
    card: ProductCard = view.card
    form = view.measured.shape.value or ""
    likely = [d for d in card.defects if not d.shape or form in d.shape] or list(card.defects)
    words = [card.description, *card.materials, form, *(f"{d.name} {d.name} {d.description}" for d in likely)]
    return " ".join(words)


def _own_text(entry: Knowledge) -> str:
    return " ".join((*entry.applies_to, *entry.applies_to, entry.cause, entry.check))


@lru_cache
def _general(chosen: tuple[str, ...]) -> tuple[tuple[Knowledge, ...], tuple[str, ...]]:
    found: list[General] = [entry for process in chosen for entry in general(process)]
    known = tuple(
        Knowledge(id=g.id, applies_to=g.types, cause=g.cause["en"], check=g.check["en"], source=g.source["en"], looks=g.looks["en"])
        for g in found
    )
    texts = tuple(" ".join((*g.types, *g.types, g.looks["en"], g.step, g.cause["en"])) for g in found)
    return known, texts


@lru_cache
def _index(texts: tuple[str, ...]) -> tuple[faiss.Index, npt.NDArray[np.float32]]:
    counts = np.stack([_counts(text) for text in texts])  # (N, BUCKETS)
    rarity = (1 + np.log(len(texts) / (1 + (counts > 0).sum(0)))).clip(0.1).astype(np.float32)
    index = faiss.IndexFlatIP(BUCKETS)
    index.add(np.stack([_unit(row * rarity) for row in counts]))
    return index, rarity


def _vector(text: str, rarity: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return _unit(_counts(text) * rarity)


def _counts(text: str) -> npt.NDArray[np.float32]:
    made = np.zeros(BUCKETS, np.float32)
    for word in re.findall(r"\w+", text.lower()):
        padded = f" {word} "
        for i in range(max(1, len(padded) - GRAM + 1)):
            made[crc32(padded[i : i + GRAM].encode()) % BUCKETS] += 1
    return np.sqrt(made)


def _unit(vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    made: npt.NDArray[np.float32] = (vector / (np.linalg.norm(vector) + 1e-9)).astype(np.float32)
    return made
