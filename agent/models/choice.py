"""Which detectors could inspect a product here, in which order, and why the others can't: by the card, the photos and the weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from seewhy.card import ProductCard
from seewhy.detectors.catalogue import TABLE
from seewhy.prompts import sentence
from seewhy.record import Sentence

AUTO = "auto"
BANK_FROM = 8  # good photos from which a memory bank needs no words beside it
TRAINS_FROM = 100  # good photos from which a reconstruction model is worth its training


@dataclass(frozen=True, slots=True)
class Choice:
    """One detector that was considered."""

    name: str
    why_not: Sentence | None = None  # None: it can


def choose(card: ProductCard | None, *, good: int, lot: bool = False, device: str = "cpu") -> tuple[Choice, ...]:
    """Every detector of seewhy's own, those that can be asked first, best first.

    Args:
        card: what is known of the product.
        good: number of good photos.
        lot: whether what is there is a lot, of which nobody knows what is good.
        device: where it will run.

    >>> [c.name for c in choose(None, good=40) if c.why_not is None]
    ['patchcore']
    """
    words = bool(card and (card.description or card.defects))
    rules: dict[str, str] = {
        "template": _first(
            (lot or not good, "no_good"),
            (not (card and card.material), "no_material"),
        ),
        "dinomaly": _first(
            (lot or not good, "no_good"),
            (good < TRAINS_FROM, "few_to_train"),
            (device == "cpu" and not torch.cuda.is_available(), "slow_to_train"),
        ),
        "winclip": _first((not words, "no_words"), (good >= BANK_FROM and not lot, "bank_is_better")),
        "patchcore": _first((lot or not good, "no_good")),
        "mutual": _first((not lot, "no_lot")),
    }
    lacks = {row.name: row.lacks() for row in TABLE}
    made = []
    for name, rule in rules.items():
        if rule:
            made.append(Choice(name, sentence(f"choose.{rule}", name=name, good=good, wanted=TRAINS_FROM)))
        elif lacks[name]:
            made.append(Choice(name, sentence("detector.lacks", name=name, what=lacks[name])))
        else:
            made.append(Choice(name))
    return tuple(sorted(made, key=lambda c: c.why_not is not None))


def _first(*rules: tuple[bool, str]) -> str:
    """The first rule that forbids; empty where none does."""
    return next((name for forbids, name in rules if forbids), "")
