"""Which possible causes to offer for a region: the card's own and the general ones, found by their words (faiss)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from zlib import crc32

import faiss
import numpy as np
import numpy.typing as npt

from seewhy.card import Knowledge, ProductCard
from seewhy.explainers import RegionView
from seewhy.prompts.knowledge import General, general

BUCKETS = 4096
GRAM = 3  # letters; words of any language, inflected or misspelt, share most of theirs


class KnowledgeBase:
    """Finds entries by the words of product, defect types and measured looks.

    A text is the counts of its words' three-letter pieces, hashed to `BUCKETS`, weighted by rarity and of length 1; entries
    are ranked by cosine.
    """

    def causes_for(self, view: RegionView, most: int) -> tuple[Knowledge, ...]:
        """At most `most` entries for a region, the card's own before the general ones, each best first."""
        own = _ranked(view.card.knowledge, tuple(_own_text(k) for k in view.card.knowledge), _query(view), most)
        known, texts = _general(view.card.processes)
        return (*own, *_ranked(known, texts, _query(view), most - len(own)))


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
        Knowledge(id=g.id, applies_to=g.types, cause=g.cause["en"], check=g.check["en"], source=g.source, looks=g.looks["en"])
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
