"""What would have to be otherwise for another ruling, and whether the alarm goes with the region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import hypot, inf, nextafter

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.agent.inspection.chain import Link
from seewhy.agent.inspection.policy import Policy, facts_of, first_match, slack
from seewhy.prompts import say, sentence
from seewhy.record import Finding, InspectionRecord, Ruling, Saved, Sentence, Severity, Verdict
from seewhy.types import Box, Mask, Pixels, Region

LIMITED = ("_min", "_max")
MARGIN_PX = 6  # around the region, painted with it
CONTEXT_PX = 34  # around that, by which a like place is found
SOFT_PX = 24  # around what is painted, over which paint and photo run into one another
MUCH_ALIKE = 0.5  # of the squared difference at the same place, below which another place is taken


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
    before, after = link.score(pixels).score, least_score(link, pixels, region, good)
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


def least_score(link: Link, pixels: Pixels, region: Region, good: Pixels | None) -> float:
    """The photo's score with the region painted over, by the way of painting that leaves the least trace: a seam is no defect."""
    return min(link.score(painted).score for painted in without_region(pixels, region, good))


def without_region(pixels: Pixels, region: Region, good: Pixels | None) -> Iterator[Pixels]:
    """The photo with a region painted over, (H, W, 3), in one or two ways.

    The good photo comes from where its surroundings are like the region's; once cloned in (Perez et al. 2003, Poisson image editing), which
    suits what has edges, and once run into the photo at equal contrast (Heitz and Neyret 2018, variance-preserving blending), which suits a
    texture. Without a good photo the surroundings are drawn on (Telea 2004).
    """
    around = region.box.grown(MARGIN_PX + CONTEXT_PX, pixels.shape[1], pixels.shape[0])
    crop = pixels[around.slices]
    inside = cv2.dilate(
        region.within(around).astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * MARGIN_PX + 1, 2 * MARGIN_PX + 1))
    )
    if good is None:
        yield _with(pixels, around, cv2.inpaint(crop.copy(), inside, 5, cv2.INPAINT_TELEA))
    elif inside.all():
        yield _with(pixels, around, good[around.slices])
    else:
        paint = _levelled(_alike(good, crop, inside == 0, around), crop, inside == 0)
        yield _with(pixels, around, _cloned(paint, crop, inside))
        yield _with(pixels, around, _blended(paint, crop, inside))


def _with(pixels: Pixels, around: Box, crop: Pixels) -> Pixels:
    out = pixels.copy()
    out[around.slices] = crop
    return out


def _blended(paint: Pixels, crop: Pixels, inside: npt.NDArray[np.uint8]) -> Pixels:
    """Paint and crop run into one another over `SOFT_PX`, about their common level."""
    away = cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    share = np.clip(1 - away / SOFT_PX, 0, 1)[..., None]  # of the paint
    level = np.median(crop[inside == 0], 0)
    mixed = level + ((1 - share) * (crop - level) + share * (paint - level)) / np.sqrt((1 - share) ** 2 + share**2)
    result: Pixels = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return result


def _cloned(paint: Pixels, crop: Pixels, inside: npt.NDArray[np.uint8]) -> Pixels:
    """The crop with the paint inside; beyond the photo's border the paint goes on, so that a defect there sets no edge."""
    pad = (2, 2, 2, 2)
    onto = cv2.copyMakeBorder(paint, *pad, cv2.BORDER_REFLECT)
    onto[2:-2, 2:-2] = crop
    mask = cv2.copyMakeBorder(255 * inside, *pad, cv2.BORDER_CONSTANT, value=0)
    x, y, width, height = cv2.boundingRect(mask)
    middle = (x + width // 2, y + height // 2)
    done = cv2.seamlessClone(cv2.copyMakeBorder(paint, *pad, cv2.BORDER_REFLECT), onto, mask, middle, cv2.NORMAL_CLONE)
    result: Pixels = done[2:-2, 2:-2]
    return result


def _alike(good: Pixels, crop: Pixels, outside: Mask, around: Box) -> Pixels:
    """The same place of the good photo, or of a texture the place whose surroundings are most like the crop's."""
    wanted, weight = crop.astype(np.float32), np.repeat(outside[..., None], 3, 2).astype(np.float32)
    if good.shape[0] < crop.shape[0] or good.shape[1] < crop.shape[1]:
        return good[around.slices]
    differs = cv2.matchTemplate(good.astype(np.float32), wanted, cv2.TM_SQDIFF, mask=weight)
    y, x = (int(at) for at in np.unravel_index(int(np.argmin(differs)), differs.shape))
    if differs[y, x] > MUCH_ALIKE * differs[around.y0, around.x0]:
        y, x = around.y0, around.x0
    return good[y : y + crop.shape[0], x : x + crop.shape[1]]


def _levelled(good: Pixels, crop: Pixels, outside: Mask) -> Pixels:
    """The good photo's crop with the surroundings' median colour of the photo."""
    level = np.median(crop[outside].astype(np.float32) - good[outside], 0)
    result: Pixels = np.clip(np.rint(good + level), 0, 255).astype(np.uint8)
    return result


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
