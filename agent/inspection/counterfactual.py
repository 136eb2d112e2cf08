"""What would have to be otherwise for another ruling, and whether the alarm goes with the region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import hypot, inf, nextafter

import cv2
import numpy as np

from seewhy.agent.inspection.chain import Link
from seewhy.agent.inspection.policy import Policy, facts_of, first_match, slack
from seewhy.pictures import Picture
from seewhy.prompts import say, sentence
from seewhy.record import Finding, InspectionRecord, Ruling, Saved, Sentence, Severity, Verdict
from seewhy.types import Mask, Pixels, Region

LIMITED = ("_min", "_max")
MARGIN_PX = 4  # around the region, painted with it
SOFT_PX = 24  # around that, over which paint and photo run into one another


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
    if finding.also_unusual:
        return None
    facts = facts_of(finding.measured, record.counted, hypot(record.photo.width_px, record.photo.height_px))
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
    """The photo with a region painted over; around it photo and paint run into one another. (H, W, 3).

    The good photo is brought to the level of the surroundings first, so that another exposure is no new edge; and where the two are
    mixed the texture's contrast is kept (Heitz and Neyret, 2018, variance-preserving blending), so that a texture without places shows
    no seam either.
    """
    around = region.box.grown(MARGIN_PX + 2 * SOFT_PX, pixels.shape[1], pixels.shape[0])
    crop = pixels[around.slices].astype(np.float32)
    outside = np.ones(crop.shape[:2], np.uint8)
    outside[region.box.y0 - around.y0 :, region.box.x0 - around.x0 :][: region.box.height, : region.box.width] = ~region.mask
    away = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    share = np.clip(1 - (away - MARGIN_PX) / SOFT_PX, 0, 1)[..., None]  # of the paint
    level = np.median(crop[away > MARGIN_PX], 0) if (away > MARGIN_PX).any() else np.median(crop, (0, 1))
    if good is None:
        paint = cv2.inpaint(pixels[around.slices].copy(), (away <= MARGIN_PX).astype(np.uint8), 5, cv2.INPAINT_TELEA).astype(np.float32)
    else:
        paint = _levelled(good[around.slices].astype(np.float32), crop, away > MARGIN_PX)
    mixed = level + ((1 - share) * (crop - level) + share * (paint - level)) / np.sqrt((1 - share) ** 2 + share**2)
    out = pixels.copy()
    out[around.slices] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return out


def _levelled(good: Picture, crop: Picture, outside: Mask) -> Picture:
    """The good photo's crop with the surroundings' median colour of the photo."""
    return good + np.median(crop[outside] - good[outside], 0) if outside.any() else good


def _tries(policy: Policy, facts: Mapping[str, float | None]) -> Iterator[tuple[str, float, float]]:
    """(fact, its value, another one at or just beside a limit that a rule names for it)."""
    for rule in policy.rules:
        for name, limit in rule.when.conditions().items():
            value = facts.get(name[:-4]) if name.endswith(LIMITED) else None
            if value is None or value == inf:
                continue
            beyond = slack(facts, name[:-4], policy.vague_percent)
            at = limit + (beyond if name.endswith("_min") else -beyond)
            beside = (at - 1, at + 1) if name.startswith("count") else (nextafter(at, -inf), nextafter(at, inf))
            yield from ((name[:-4], value, float(other)) for other in (at, *beside) if other != value and other >= 0)


def _outcome(ruling: Ruling) -> tuple[Verdict, Severity | None]:
    return ruling.verdict.value or "review", ruling.severity.value
