"""What a policy makes of a finding with its measured facts, its words and the doubt about its size."""

from __future__ import annotations

from collections.abc import Mapping

from seewhy.agent.inspection.policy import HALF_WIDTH, Policy, facts_of, first_match, undecided
from seewhy.prompts import sentence
from seewhy.record import Explanation, Measured, Ruling, Severity, Stated, Unexplained, Verdict

WORST: Mapping[Verdict, int] = {"pass": 0, "review": 1, "fail": 2}
GRAVEST: Mapping[Severity, int] = {"minor": 0, "major": 1, "critical": 2}


def rule_on(policy: Policy, measured: Measured, words: Explanation | Unexplained, *, count: int, diagonal_px: float) -> Ruling:
    """Rule on one finding.

    Words can move a finding towards review and no farther: the rules are tried once without the type and once with it.
    Where they differ and nobody has verified the type, a pass becomes review, and neither fail nor review is softened.
    A claim that a check contradicted moves a pass to review as well.
    """
    ruling = _ruled(policy, measured, words, count, diagonal_px)
    if ruling.verdict.value == "pass" and isinstance(words, Explanation) and words.contradicted:
        return ruling.model_copy(update={"verdict": Stated(value="review", source="rule"), "because": sentence("rule.contradicted")})
    return ruling


def _ruled(policy: Policy, measured: Measured, words: Explanation | Unexplained, count: int, diagonal_px: float) -> Ruling:
    facts = facts_of(measured, count, diagonal_px)
    ruling = _with_words(policy, facts, words)
    return ruling if policy.doubtful is None else _with_doubt(policy, facts, ruling)


def _with_doubt(policy: Policy, facts: Mapping[str, float | None], ruling: Ruling) -> Ruling:
    """The ruling, and the gravest severity that the ends of the sizes' intervals would have."""
    ends = [first_match(policy, _at_end(facts, side), None) for side in (-1, 1)]
    gravest = ruling
    for end in ends:
        gravest = _graver(gravest, end)
    if gravest is ruling or ruling.severity.value is None:
        return ruling
    told = ruling.model_copy(update={"could_be": gravest.severity.value})
    if policy.doubtful == "told" or ruling.verdict.value != "pass":
        return told
    because = sentence("rule.doubtful", severity=f"@severity.{gravest.severity.value}", rule=gravest.rule)
    return told.model_copy(update={"verdict": Stated(value="review", source="rule"), "because": because})


def _at_end(facts: Mapping[str, float | None], side: int) -> dict[str, float | None]:
    """The facts with all sizes at one end of their intervals: -1 the lower, 1 the upper."""
    known = {name: value for name, value in facts.items() if not name.endswith(HALF_WIDTH)}
    for name, value in known.items():
        half = facts.get(name + HALF_WIDTH)
        known[name] = value if value is None or half is None else max(0.0, value + side * half)
    return known


def _with_words(policy: Policy, facts: Mapping[str, float | None], words: Explanation | Unexplained) -> Ruling:
    blind = first_match(policy, facts, None)
    type_ = words.type if isinstance(words, Explanation) else None
    if type_ is None or type_.value is None:
        return blind
    informed = first_match(policy, facts, type_.value)
    if type_.source == "human" or informed.verdict.value == blind.verdict.value:
        return informed if type_.source == "human" else _graver(blind, informed)
    if blind.verdict.value == "pass":
        return Ruling(
            severity=_graver(blind, informed).severity,
            verdict=Stated(value="review", source="rule"),
            rule=informed.rule,
            because=sentence("rule.words_only", rule=informed.rule),
        )
    return blind


def worst(rulings: tuple[Ruling, ...]) -> tuple[Verdict, Severity | None]:
    """The part's verdict and severity: the worst of its findings'."""
    verdict: Verdict = max([_said(r) for r in rulings], key=WORST.__getitem__, default="pass")
    severities = [r.severity.value for r in rulings]
    return verdict, next((s for s in ("critical", "major", "minor") if s in severities), None)


def unjudged_ruling() -> Ruling:
    """On a finding that is only the strangest place of a photo: there is nothing to say that it is strange at all."""
    return undecided("rule.unjudged", "none")


def also_unusual_ruling() -> Ruling:
    """On a finding that good photos have the like of, in a photo that is unusual for another reason."""
    return undecided("rule.also_unusual", "none")


def _said(ruling: Ruling) -> Verdict:
    return ruling.verdict.value or "review"


def _graver(one: Ruling, other: Ruling) -> Ruling:
    def weight(ruling: Ruling) -> int:
        return -1 if ruling.severity.value is None else GRAVEST[ruling.severity.value]

    return other if weight(other) > weight(one) else one
