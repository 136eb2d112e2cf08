"""Which detectors are tried for a fit, one after the other, and what became of those that could not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from seewhy.agent.models.choice import AUTO, choose
from seewhy.agent.models.family import Family
from seewhy.card import ProductCard
from seewhy.detectors.catalogue import DETECTORS, JOIN, row_of
from seewhy.detectors.ensemble import Ensemble, EnsembleSettings, Merge
from seewhy.detectors.protocol import Detector
from seewhy.errors import BadData, BadImage, SeewhyError, UnknownName
from seewhy.prompts import sentence
from seewhy.record import Sentence

__all__ = ["AUTO", "Merge", "candidates", "first_that_can", "unfitted"]


def unfitted(
    detector: str, card: ProductCard | None = None, *, settings: Any = None, device: str = "cpu", merge: Merge = "bonferroni"
) -> Detector:
    """A detector, or several joined by "+", with the settings given for it (or for it among others) and what it takes from the card."""
    names = detector.split(JOIN)
    if len(names) > 1:
        members = [unfitted(n.strip(), card, settings=settings, device=device) for n in names]
        return Ensemble(members, EnsembleSettings(merge))
    given = settings.get(detector) if isinstance(settings, dict) else settings
    row_of(detector).check_device(device)
    new: Detector = DETECTORS.get(detector).from_card(card, given, device=device)
    return new


def candidates(
    detector: str, card: ProductCard | None, *, good: int, lot: bool, device: str
) -> tuple[list[str], tuple[tuple[str, Sentence], ...]]:
    """Names of detectors in the order in which they are tried, and why others are not among them.

    Raises:
        BadData: none can be asked.
    """
    if detector != AUTO:
        return [name.strip() for name in detector.split(",") if name.strip()], ()
    choices = choose(card, good=0 if lot else good, lot=lot, device=device)
    able = [c.name for c in choices if c.why_not is None]
    if not able:
        raise BadData("no detector can be asked here. " + " ".join(c.why_not.text for c in choices if c.why_not))
    return able, tuple((c.name, c.why_not) for c in choices if c.why_not)


def first_that_can(detectors: Sequence[str], fitted: Callable[[str], Family], considered: tuple[tuple[str, Sentence], ...]) -> Family:
    """The first detector of the chain that can be fitted here, with the reasons of the others."""
    failed = list[tuple[str, Sentence]]()
    for number, name in enumerate(detectors, start=1):
        try:
            family = fitted(name)
        except (UnknownName, BadImage):
            raise
        except (SeewhyError, MemoryError, RuntimeError, ValueError) as error:
            if number == len(detectors):
                raise
            failed.append((name, _why(name, error)))
            continue
        spared = [(other, sentence("detector.not_asked", name=other, chosen=name)) for other in detectors[number:]]
        reasons = (*failed, *spared, *considered)
        return Family({product: replace(model, considered=reasons) for product, model in family.members.items()})
    raise BadData("no detector was named")


def _why(name: str, error: Exception) -> Sentence:
    if isinstance(error, SeewhyError):
        return sentence("detector.silent", name=name, why=str(error))
    return sentence("detector.failed", name=name, why=f"{type(error).__name__}: {str(error)[:160]}")
