"""Which detectors could inspect a product here, in which order, and why the others can't: by the card, the photos and the weights."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from seewhy.card import ProductCard
from seewhy.detectors.catalogue import Row, rows
from seewhy.detectors.parts.devices import torch_beside
from seewhy.prompts import sentence
from seewhy.record import Sentence

AUTO = "auto"
BANK_FROM = 8  # good photos from which a memory bank needs no words beside it
# One of them is there on Linux with any GPU that torch knows: NVIDIA's, those of a Jetson, under Windows, AMD's.
DRIVERS = "/dev/nvidiactl", "/dev/nvmap", "/dev/nvhost-ctrl", "/dev/dxg", "/dev/kfd"
TRAINS_FROM = 100  # good photos from which a reconstruction model is worth its training


@dataclass(frozen=True, slots=True)
class Choice:
    """One detector that was considered."""

    name: str
    why_not: Sentence | None = None  # None: it can


@dataclass(frozen=True, slots=True)
class Situation:
    """What is there to learn from, and where."""

    card: ProductCard | None
    good: int  # photos that are known to be good
    lot: bool  # whether what is there is a lot, of which nobody knows what is good
    device: str


# Each reason for which `auto` passes over a detector has a sentence `choose.NAME`; rows of the catalogue name those that count for them.
REASONS: Mapping[str, Callable[[Situation], bool]] = {
    "no_good": lambda s: s.lot or not s.good,
    "no_lot": lambda s: not s.lot,
    "no_material": lambda s: not (s.card and s.card.material),
    "no_words": lambda s: not (s.card and (s.card.description or s.card.defects)),
    "bank_is_better": lambda s: s.good >= BANK_FROM and not s.lot,
    "few_to_train": lambda s: s.good < TRAINS_FROM,
    "slow_to_train": lambda s: torch_beside(s.device) == "cpu" and not _has_gpu(),
}


def _has_gpu() -> bool:
    if not any(Path(driver).exists() for driver in DRIVERS) and sys.platform == "linux":
        return False  # without importing torch, which takes longer than a small fit
    import torch

    return torch.cuda.is_available()


def choose(card: ProductCard | None, *, good: int, lot: bool = False, device: str = "cpu") -> tuple[Choice, ...]:
    """Every detector that `auto` may ask, those that can be asked first, best first; plug-ins after seewhy's own.

    Args:
        card: what is known of the product.
        good: number of good photos.
        lot: whether what is there is a lot, of which nobody knows what is good.
        device: where it will run.

    >>> [c.name for c in choose(None, good=40) if c.why_not is None]
    ['patchcore']
    """
    situation = Situation(card, good, lot, device)
    considered = [Choice(row.name, _why_not(row, row.auto, situation)) for row in rows() if row.auto is not None]
    return tuple(sorted(considered, key=lambda c: c.why_not is not None))


def _why_not(row: Row, reasons: tuple[str, ...], situation: Situation) -> Sentence | None:
    """The first reason that holds, or what the detector lacks here; None where it can be asked."""
    unknown = [name for name in reasons if name not in REASONS]
    if unknown:
        return sentence("detector.silent", name=row.name, why=f"its row names a reason that seewhy doesn't know: {unknown[0]}")
    reason = next((name for name in reasons if REASONS[name](situation)), "")
    if reason:
        return sentence(f"choose.{reason}", name=row.name, good=situation.good, wanted=TRAINS_FROM)
    lacks = row.lacks()
    return sentence("detector.lacks", name=row.name, what=lacks) if lacks else None
