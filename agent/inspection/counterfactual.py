"""What would have to be otherwise for another ruling, and whether the alarm goes with the region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import hypot, inf, nextafter

import cv2
import numpy as np

from seewhy.agent.inspection.chain import Link
from seewhy.agent.inspection.policy import Policy, facts_of, first_match
from seewhy.prompts import say, sentence
from seewhy.record import Finding, InspectionRecord, Ruling, Saved, Sentence, Severity, Verdict
from seewhy.types import Mask, Pixels, Region

LIMITED = ("_min", "_max")
BLEND = 0.5  # of the margin around the region over which paint and photo run into one another
LEAST_MARGIN_PX = 4


class Change(Saved):
    """The smallest change of one measured fact after which the policy rules otherwise."""

    fact: str
    value: float
    becomes: float
    verdict: Verdict
    severity: Severity | None
    rule: str
    sentence: Sentence


class Painted(Saved):
    """The photo's score once the region is painted with what a good part shows there."""

    score_before: float
    score_after: float
    threshold: float | None
    alarm_before: bool
    alarm_after: bool
    painted_with: str  # "reference": the good photo beside it; "surroundings": what lies around it (Telea, 2004)
    sentence: Sentence


class Counterfactual(Saved):
    """Both, each None where there is none."""

    number: int
    change: Change | None  # None: no change of a single fact leads to another ruling
    painted: Painted | None  # None: no detector is there to ask

    def text(self, language: str = "en") -> str:
        """In words, a line each."""
        said = [self.change.sentence if self.change else sentence("why.no_change")]
        return "\n".join(say(s, language) for s in (*said, *([self.painted.sentence] if self.painted else [])))


def smallest_change(record: InspectionRecord, finding: Finding, policy: Policy) -> Change | None:
    """The smallest relative change of one measured number after which the policy's verdict or severity differs.

    Only limits that rules name can matter, so each fact is tried just beyond each of them. Words play no part: measured facts alone
    are ruled on, as in `rule_on` before a type is known.

    Args:
        record: that the finding is in.
        finding: one of its findings.
        policy: that it was ruled by.
    """
    facts = facts_of(finding.measured, len(record.findings), hypot(record.photo.width_px, record.photo.height_px))
    before = first_match(policy, facts, None)
    changes = [
        (fact, value, becomes, first_match(policy, {**facts, fact: becomes}, None)) for fact, value, becomes in _tries(policy, facts)
    ]
    other = [one for one in changes if _outcome(one[3]) != _outcome(before)]
    if not other:
        return None
    fact, value, becomes, ruling = min(other, key=lambda one: abs(one[2] - one[1]) / max(abs(one[1]), 1e-9))
    verdict, severity = _outcome(ruling)
    said = sentence("why.change", fact=f"@limit.{fact}", value=value, becomes=becomes, verdict=f"@outcome.{verdict}", rule=ruling.rule)
    return Change(fact=fact, value=value, becomes=becomes, verdict=verdict, severity=severity, rule=ruling.rule, sentence=said)


def painted_over(link: Link, pixels: Pixels, region: Region, good: Pixels | None) -> Painted:
    """What the model that spoke scores once the region is painted with the good photo, or else with its surroundings.

    Args:
        link: the model.
        pixels: (H, W, 3) the photo.
        region: what is painted over.
        good: (H, W, 3) the good photo laid over it, or None.
    """
    before, after = link.score(pixels).score, link.score(without_region(pixels, region, good)).score
    line = link.threshold
    alarms = [line is not None and score > line for score in (before, after)]
    key = "why.painted_unjudged" if line is None else "why.painted_gone" if not alarms[1] else "why.painted_stays"
    said = sentence(key, before=round(before, 4), after=round(after, 4), threshold=line or 0.0)
    return Painted(
        score_before=round(before, 6),
        score_after=round(after, 6),
        threshold=line,
        alarm_before=alarms[0],
        alarm_after=alarms[1],
        painted_with="surroundings" if good is None else "reference",
        sentence=said,
    )


def without_region(pixels: Pixels, region: Region, good: Pixels | None) -> Pixels:
    """The photo with a region painted over, a margin around it blended. (H, W, 3).

    The good photo is brought to the level of the surroundings first, so that another exposure is no new edge.
    """
    margin = max(LEAST_MARGIN_PX, round(region.resolution_px / 2))
    around = region.box.grown(4 * margin, pixels.shape[1], pixels.shape[0])
    crop = pixels[around.slices]
    mask = np.zeros(crop.shape[:2], np.uint8)
    mask[region.box.y0 - around.y0 :, region.box.x0 - around.x0 :][: region.box.height, : region.box.width] = region.mask
    grown = cv2.dilate(mask, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8))
    paint = (
        _levelled(good[around.slices], crop, grown > 0)
        if good is not None
        else cv2.inpaint(np.ascontiguousarray(crop), grown, 5, cv2.INPAINT_TELEA)
    )
    share = np.maximum(cv2.GaussianBlur(grown.astype(np.float32), (0, 0), BLEND * margin), mask)[..., None]
    out = pixels.copy()
    out[around.slices] = np.rint(crop * (1 - share) + paint * share).astype(np.uint8)
    return out


def _levelled(good: Pixels, crop: Pixels, inside: Mask) -> Pixels:
    """The good photo's crop with the surroundings' median colour of the photo."""
    outside = ~inside
    if outside.sum() < 16:
        return good
    level = np.median(crop[outside].astype(np.int16) - good[outside].astype(np.int16), 0)
    return np.clip(good + level, 0, 255).astype(np.uint8)


def _tries(policy: Policy, facts: Mapping[str, float | None]) -> Iterator[tuple[str, float, float]]:
    """(fact, its value, another one at or just beside a limit that a rule names for it)."""
    for rule in policy.rules:
        for name, limit in rule.when.conditions().items():
            value = facts.get(name[:-4]) if name.endswith(LIMITED) else None
            if value is None or value == inf:
                continue
            beside = (limit - 1, limit + 1) if name.startswith("count") else (nextafter(limit, -inf), nextafter(limit, inf))
            yield from ((name[:-4], value, float(other)) for other in (limit, *beside) if other != value and other >= 0)


def _outcome(ruling: Ruling) -> tuple[Verdict, Severity | None]:
    return ruling.verdict.value or "review", ruling.severity.value
