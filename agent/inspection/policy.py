"""Severity and verdict from a versioned table of rules: first match wins, nothing matches means review."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from seewhy.agent.inspection.facts import CELLS
from seewhy.canonical import sha256_json
from seewhy.card import ProductCard
from seewhy.errors import BadData
from seewhy.handwritten import read_yaml, validated
from seewhy.prompts import sentence
from seewhy.record import Grown, Measured, Ruling, Saved, Severity, Stated, Verdict

DEFAULT = Path(__file__).parent / "policies" / "default.yaml"
FIRST = DEFAULT.with_name("default-2026.1.yaml")  # of models that keep none: they are from before there was another
Percent: TypeAlias = Annotated[float, Field(ge=0, le=100)]
Size: TypeAlias = Annotated[float, Field(ge=0)]
HALF_WIDTH = "±"  # beside the name of a size: of its interval


class When(Saved):
    """All conditions that are given must hold; an empty `when` always does."""

    type: tuple[str, ...] | None = None
    shape: tuple[Literal["line", "spot", "patch", "edge"], ...] | None = None
    zone: tuple[str, ...] | None = None  # a named part or a cell ("top left")
    touches_border: bool | None = None
    count_min: int | None = Field(default=None, ge=1)  # findings on the part
    strength_min: Size | None = None  # peak over threshold
    area_percent_min: Percent | None = None
    area_percent_max: Percent | None = None
    feret_percent_min: Percent | None = None  # of the photo's diagonal
    feret_percent_max: Percent | None = None
    length_px_min: Size | None = None
    length_px_max: Size | None = None
    length_mm_min: Size | None = None
    length_mm_max: Size | None = None
    feret_mm_min: Size | None = None
    feret_mm_max: Size | None = None
    area_mm2_min: Size | None = None
    area_mm2_max: Size | None = None

    @model_validator(mode="after")
    def _can_hold(self) -> Self:
        for name, low in self.conditions().items():
            high = getattr(self, f"{name.removesuffix('_min')}_max", None) if name.endswith("_min") else None
            if high is not None and low > high:
                raise ValueError(f"{name} {low:g} is larger than {name.removesuffix('_min')}_max {high:g}, so that the rule never applies")
        empty = next((name for name, value in self.conditions().items() if value == ()), None)
        if empty is not None:
            raise ValueError(f"{empty} lists nothing, so that the rule never applies; leave it out")
        return self

    def conditions(self) -> dict[str, Any]:
        """Those that are given."""
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}

    def covers(self, other: When) -> bool:
        """Whether this holds wherever `other` does, as far as the conditions tell.

        >>> When(length_mm_min=1.0).covers(When(length_mm_min=2.0, shape=("line",))), When(shape=("line",)).covers(When())
        (True, False)
        """
        there = other.conditions()
        return all(name in there and _tighter(name, there[name], value) for name, value in self.conditions().items())


def _tighter(name: str, one: Any, other: Any) -> bool:
    if isinstance(other, tuple):
        return set(one) <= set(other)
    return bool(one >= other if name.endswith("_min") else one <= other if name.endswith("_max") else one == other)


class Rule(Grown):
    """What follows when all of `when` holds.

    A rule that passes everything that no rule before it caught says so: `catch_all: true`.
    """

    grown = ("catch_all",)

    id: str
    when: When
    severity: Severity
    verdict: Verdict
    because: str
    catch_all: bool = False


class Policy(Grown):
    """A product's rules, in the order in which they are tried.

    Attributes:
        vague_percent: a size whose interval's half width is a larger share of it reaches a limit only where the whole interval does.
        doubtful: what becomes of a finding that would be graver with another size out of its interval: it is told, or also reviewed
            where it would pass.
    """

    grown = ("vague_percent", "doubtful")

    schema_version: Literal["1"] = "1"
    name: str
    version: str
    rules: tuple[Rule, ...] = Field(min_length=1)
    vague_percent: Percent | None = None
    doubtful: Literal["told", "review"] | None = None

    @model_validator(mode="after")
    def _every_rule_can_apply(self) -> Self:
        for number, rule in enumerate(self.rules):
            if rule.verdict == "pass" and not rule.when.conditions() and not rule.catch_all:
                raise ValueError(
                    f"rule {rule.id!r} passes every finding that reaches it; write `catch_all: true` beside it if that is meant"
                )
            for earlier in self.rules[:number]:
                if earlier.id == rule.id:
                    raise ValueError(f"two rules are called {rule.id!r}")
                if earlier.when.covers(rule.when):
                    raise ValueError(f"rule {rule.id!r} is never reached: {earlier.id!r} before it catches all that it would")
        return self

    def check(self, card: ProductCard) -> None:
        """Refuse names that the card doesn't know: a rule that rests on a misspelt one would never apply.

        Raises:
            BadData: a rule names a zone or type that is none of the card's.
        """
        known = {
            "zone": {*(p.name for p in card.parts), *CELLS},
            "type": {*(d.name for d in card.defects), "line", "spot", "patch", "edge", "unknown"},
        }
        for rule in self.rules:
            for what, names in (("zone", rule.when.zone or ()), ("type", rule.when.type or ())):
                if lost := [n for n in names if n not in known[what]]:
                    own = "parts" if what == "zone" else "defects"
                    raise BadData(
                        f"rule {rule.id!r} of the policy {self.name} names the {what} {lost[0]!r}, and the card {card.name!r} has none; "
                        f"add it to the card's {own}, or correct it: {', '.join(sorted(known[what]))}"
                    )

    @property
    def sha256(self) -> str:
        """Of the policy's content."""
        return sha256_json(self.model_dump(mode="json"))


def load_policy(path: Path = DEFAULT) -> Policy:
    """Read a policy YAML, or `BadData` that names the field."""
    return validated(Policy, read_yaml(path), path)


def facts_of(measured: Measured, count: int, diagonal_px: float) -> dict[str, float | None]:
    """What rules can ask of a finding, by the names of their conditions; None where it isn't known.

    Beside a size stands the half width of its interval, under the same name and `HALF_WIDTH`.
    """
    size, strength = measured.size, measured.strength
    sizes = {
        "area_percent": size.area_share,
        "length_px": size.length,
        "length_mm": size.length_mm,
        "feret_mm": size.feret_mm,
        "area_mm2": size.area_mm,
    }
    feret = size.feret.uncertainty
    return (
        {
            "feret_percent": 100 * (size.feret.value or 0.0) / diagonal_px,
            "feret_percent" + HALF_WIDTH: None if feret is None else 100 * feret / diagonal_px,
            "count": float(count),
            "strength": _times_threshold(strength.peak.value, strength.threshold.value),
            "touches_border": float(bool(measured.location.touches_border.value)),
        }
        | {name: quantity.value for name, quantity in sizes.items()}
        | {name + HALF_WIDTH: quantity.uncertainty for name, quantity in sizes.items()}
        | {f"zone:{z}": 1.0 for z in (measured.location.cell.value, measured.location.part.value) if z}
        | {f"shape:{measured.shape.value}": 1.0}
    )


def _times_threshold(peak: float | None, threshold: float | None) -> float | None:
    """Peak over threshold; a template's tolerance ends at 0."""
    if peak is None or threshold is None:
        return None
    return peak / threshold if threshold > 0 else inf if peak > 0 else None


def first_match(policy: Policy, facts: Mapping[str, float | None], type_: str | None) -> Ruling:
    """The first rule that holds for measured facts and, perhaps, a type."""
    for rule in policy.rules:
        holds = _holds(rule.when, facts, type_, policy.vague_percent)
        if holds is None:
            weak = rule.when.strength_min is not None and facts["strength"] is None
            return undecided("rule.needs_strength" if weak else "rule.needs_mm", rule.id)
        if holds:
            return Ruling(
                severity=Stated(value=rule.severity, source="rule"),
                verdict=Stated(value=rule.verdict, source="rule"),
                rule=rule.id,
                because=sentence("rule.stated", because=rule.because),
            )
    return undecided("rule.nothing_matched", "none")


def undecided(key: str, rule: str) -> Ruling:
    """A ruling without severity that asks for a person; the reason is a message's key."""
    return Ruling(
        severity=Stated(value=None, source="rule", status="missing"),
        verdict=Stated(value="review", source="rule"),
        rule=rule,
        because=sentence(key, rule=rule),
    )


def slack(facts: Mapping[str, float | None], fact: str, vague_percent: float | None) -> float:
    """How far beyond a limit a fact must lie to reach it: the half width of its interval where it is vague, else 0."""
    value, half = facts.get(fact), facts.get(fact + HALF_WIDTH)
    if vague_percent is None or value is None or half is None:
        return 0.0
    return half if half > vague_percent / 100 * value else 0.0


def _holds(when: When, facts: Mapping[str, float | None], type_: str | None, vague_percent: float | None) -> bool | None:
    """Whether all conditions hold; None where one can't be decided and no other fails."""
    undecided = False
    for name, limit in when.model_dump(exclude_none=True).items():
        if name == "type":
            holds: bool | None = type_ in limit
        elif name in ("zone", "shape"):
            holds = any(f"{name}:{value}" in facts for value in limit)
        elif name == "touches_border":
            holds = bool(facts[name]) == limit
        else:
            fact, _, side = name.rpartition("_")
            value = facts[fact]
            beyond = slack(facts, fact, vague_percent)
            holds = None if value is None else (value - beyond >= limit if side == "min" else value + beyond <= limit)
        if holds is False:
            return False
        undecided = undecided or holds is None
    return None if undecided else True
