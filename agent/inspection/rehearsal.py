"""What a policy would do: its rules tried on examples before any part is judged by them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import hypot, pi

from seewhy.agent.inspection.policy import Policy, first_match
from seewhy.card import ProductCard

SIDE_PX = 1000  # of the photo that the examples lie on
SIZES = (1.0, 4.0, 10.0, 25.0)  # maximum Feret diameter, % of the photo's diagonal
SHARES = {"line": 1 / 8, "spot": pi / 4, "patch": 0.6, "edge": 0.4}  # of a square over the diameter that a shape covers
PLAIN, FAINT = 2.0, 1.05  # peaks over the threshold


@dataclass(frozen=True, slots=True)
class Example:
    """An imagined finding, and what the policy makes of it."""

    what: str
    rule: str  # "none" where nothing matches
    severity: str
    verdict: str


def rehearse(policy: Policy, card: ProductCard) -> tuple[list[Example], list[str]]:
    """Examples, and the rules that none of them reached.

    Raises:
        BadData: the policy names what the card doesn't know.
    """
    policy.check(card)
    shown = [Example(what, *_ruled(policy, facts, type_)) for what, facts, type_ in _cases(card)]
    reached = {example.rule for example in shown}
    return shown, [rule.id for rule in policy.rules if rule.id not in reached]


def _ruled(policy: Policy, facts: dict[str, float | None], type_: str | None) -> tuple[str, str, str]:
    ruling = first_match(policy, facts, type_)
    return ruling.rule, ruling.severity.value or "none", ruling.verdict.value or "review"


def _cases(card: ProductCard) -> Iterator[tuple[str, dict[str, float | None], str | None]]:
    for shape in SHARES:
        for size in SIZES:
            yield _finding(card, shape, size)
    yield _finding(card, "spot", SIZES[1], strength=FAINT)
    yield _finding(card, "spot", SIZES[1], count=6)
    for part in card.parts:
        yield _finding(card, "spot", SIZES[1], zone=part.name)
    for defect in card.defects:
        yield _finding(card, defect.shape[0] if defect.shape else "spot", SIZES[1], type_=defect.name)


def _finding(
    card: ProductCard, shape: str, size: float, *, strength: float = PLAIN, count: int = 1, zone: str = "centre", type_: str | None = None
) -> tuple[str, dict[str, float | None], str | None]:
    length = size / 100 * hypot(SIDE_PX, SIDE_PX)
    area, mm = SHARES[shape] * length**2, card.scale.mm_per_px if card.scale else None
    facts: dict[str, float | None] = {
        "area_percent": min(100.0, 100 * area / SIDE_PX**2),
        "feret_percent": size,
        "length_px": length,
        "length_mm": mm and length * mm,
        "feret_mm": mm and length * mm,
        "area_mm2": mm and area * mm * mm,
        "count": float(count),
        "strength": strength,
        "touches_border": float(shape == "edge"),
        f"zone:{zone}": 1.0,
        f"shape:{shape}": 1.0,
    }
    across = f"{length * mm:.3g} mm" if mm else f"{size:g} % of the diagonal"
    more = [f"a {type_}" if type_ else "", "faint" if strength == FAINT else "", f"one of {count}" if count > 1 else ""]
    return ", ".join(filter(None, [shape, f"{across} across", f"at {zone}", *more])), facts, type_
