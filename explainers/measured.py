"""The embedded explainer: words from measurements alone, no model, no guess about causes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from seewhy.card import DefectType
from seewhy.explainers import EMBEDDED, RegionView
from seewhy.pictures import correlation, mask_at, to_lab
from seewhy.prompts import sentence
from seewhy.record import Cause, Explanation, Sentence, Source, Stated
from seewhy.types import Lab, Mask, Pixels

Tone = Literal["darker", "lighter", "other colour", "same"]

VISIBLE = 4.0  # CIE L*, a*, b* units: smaller differences are "same"
NOISE = 2.5  # a difference must also be this many times the surroundings' own spread
ALIGNED = 0.6  # correlation with the reference's surroundings from which the two are compared
LONGEST_PX = 160  # crops are reduced to this before colours are read
WIDE_PERCENT = 10.0  # of the product's area, from which a region is wide
TEXTURE = 1.6  # ratio of local spread that is called rougher, or smoother when its inverse


@dataclass(frozen=True, slots=True)
class Against:
    """A region against the same place of a good photo."""

    look: Look | None  # None: the surroundings are not alike, so that it is not the same place
    likeness: float  # correlation of the surroundings' lightness


@dataclass(frozen=True, slots=True)
class Look:
    """Colour and texture of a region against its surroundings or a reference."""

    tone: Tone
    lightness: float  # L* difference of the region's most different tenth, signed
    colour: float  # a*b* distance of the same pixels
    roughness: float  # ratio of standard deviations of L*, region to surroundings


class MeasuredWords:
    """Describes shape, tone, contrast and texture; names a type only as far as the card's vocabulary allows."""

    name = EMBEDDED
    source: Source = "measured"
    in_flight = 1

    def explain(self, view: RegionView, _until: float | None = None, /) -> Explanation:
        """Words for one region; see the class."""
        look, against = looks(view)
        crop_name, seen = view.evidence[0], (view.evidence[0], *(("map",) if view.heat is not None else ()))
        appearance = [Stated[Sentence](value=s, source="measured", evidence=(crop_name,)) for s in _appearance(view, look)]
        if against is not None:
            appearance.append(_against_reference(against, view.evidence))
        material = view.measured.material
        if material is not None and material.value is not None:
            said = sentence(f"material.{material.value}")
            appearance.append(Stated[Sentence](value=said, source="measured", evidence=("map", *view.evidence)))
        named = [d for d in view.card.defects if d.name == view.label]
        matches = named or _matching(view, _tone(look, against))
        source: Source = "external" if named else "rule"
        type_ = Stated[str](value=_type_name(view, matches), source=source, status="unverified", evidence=seen)
        return Explanation(
            explainer=self.name,
            type=type_,
            appearance=tuple(appearance),
            causes=_causes(view, matches),
            sentence=summary(view, type_.value or "", look.tone),
        )


def looks(view: RegionView) -> tuple[Look, Against | None]:
    """The region against its surroundings, and against the reference where there is one."""
    crop, mask, reference = _reduced(view)
    around = ~cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    if around.sum() < 16 or not mask.any():
        around = ~mask
    lab = to_lab(crop)
    look = _look(lab, mask, lab[around] if around.any() else lab.reshape(-1, 3))
    if reference is None or not around.any():
        return look, None
    return look, _compared(lab, to_lab(reference), mask, around)


def _reduced(view: RegionView) -> tuple[Pixels, Mask, Pixels | None]:
    scale = LONGEST_PX / max(view.mask.shape)
    if scale >= 1:
        return view.crop, view.mask, view.reference
    size = max(1, round(view.mask.shape[1] * scale)), max(1, round(view.mask.shape[0] * scale))
    reference = None if view.reference is None else cv2.resize(view.reference, size, interpolation=cv2.INTER_AREA)
    return cv2.resize(view.crop, size, interpolation=cv2.INTER_AREA), mask_at(view.mask, size), reference


def _look(lab: Lab, mask: Mask, surroundings: Lab) -> Look:
    inside = lab[mask] if mask.any() else lab.reshape(-1, 3)
    middle = np.median(surroundings, 0)
    spread = 1.4826 * np.median(np.abs(surroundings - middle), 0) + 0.5  # (3,) robust standard deviation
    difference = inside - middle  # (n, 3)
    size = np.linalg.norm(difference, axis=1)
    strongest = difference[np.argsort(size)[-max(1, len(size) // 10) :]]
    mean = strongest.mean(0)
    lightness, colour = float(mean[0]), float(np.hypot(mean[1], mean[2]))
    clear_light = abs(lightness) > max(VISIBLE, NOISE * float(spread[0]))
    clear_colour = colour > max(VISIBLE, NOISE * float(np.hypot(spread[1], spread[2])))
    if clear_colour and colour > abs(lightness):
        tone: Tone = "other colour"
    elif clear_light:
        tone = "darker" if lightness < 0 else "lighter"
    else:
        tone = "same"
    roughness = float((inside[:, 0].std() + 0.5) / (surroundings[:, 0].std() + 0.5))
    return Look(tone, round(lightness, 1), round(colour, 1), round(roughness, 2))


def _appearance(view: RegionView, look: Look) -> list[Sentence]:
    shape = view.measured.shape.value or "patch"
    said = [sentence(f"appearance.{shape}")]
    if look.tone == "same":
        said.append(sentence("appearance.same_tone"))
    elif look.tone == "other colour":
        said.append(sentence("appearance.other_colour", difference=round(look.colour)))
    else:
        said.append(sentence("appearance.tone", tone=f"@tone.{look.tone}", difference=round(abs(look.lightness))))
    if look.roughness > TEXTURE:
        said.append(sentence("appearance.rougher", ratio=look.roughness))
    elif look.roughness < 1 / TEXTURE:
        said.append(sentence("appearance.smoother", ratio=look.roughness))
    return said


def _compared(lab: Lab, reference: Lab, mask: Mask, around: Mask) -> Against:
    """The same place of a good photo, compared only where the surroundings show that it is the same place."""
    here, there = lab[..., 0][around], reference[..., 0][around]
    alike = correlation(here, there)
    likeness = round(alike, 2)
    if not alike >= ALIGNED:
        return Against(None, likeness)
    level = reference.copy()
    level[..., 0] += float(np.median(here) - np.median(there))  # the two photos' lighting apart
    return Against(_look(lab - level, mask, np.zeros((1, 3), np.float32)), likeness)


def _against_reference(against: Against, evidence: tuple[str, ...]) -> Stated[Sentence]:
    look, likeness = against.look, against.likeness
    if look is None:
        return Stated(value=sentence("reference.not_aligned", likeness=likeness), source="measured", status="missing", evidence=evidence)
    if look.tone == "same":
        said = sentence("reference.same", likeness=likeness)
    elif look.tone == "other colour":
        said = sentence("reference.other_colour", difference=round(look.colour), likeness=likeness)
    else:
        said = sentence("reference.tone", tone=f"@tone.{look.tone}", difference=round(abs(look.lightness)), likeness=likeness)
    return Stated(value=said, source="measured", evidence=evidence)


def _tone(look: Look, against: Against | None) -> Tone:
    """Beside the surroundings; beside the good photo where that shows no difference, as of a region that leaves little around it."""
    return against.look.tone if look.tone == "same" and against is not None and against.look is not None else look.tone


def _matching(view: RegionView, tone: Tone) -> list[DefectType]:
    """The card's types that say how they look and look like this."""
    shape = view.measured.shape.value
    extent = "wide" if (view.measured.size.area_share.value or 0.0) >= WIDE_PERCENT else "small"
    return [
        d
        for d in view.card.defects
        if (d.shape or d.tone or d.extent)
        and (not d.shape or shape in d.shape)
        and (not d.tone or tone in d.tone)
        and (not d.extent or extent in d.extent)
    ]


def _type_name(view: RegionView, matches: list[DefectType]) -> str:
    if len(matches) == 1:
        return matches[0].name
    return view.measured.shape.value or "unknown"


def _causes(view: RegionView, matches: list[DefectType]) -> tuple[Cause, ...]:
    if len(matches) != 1:
        return ()
    known = [k for k in view.card.knowledge if matches[0].name in k.applies_to]
    return tuple(Cause(id=k.id, text=k.cause, check=k.check, stated_by=k.source) for k in known)


def summary(view: RegionView, type_: str, tone: str) -> Sentence:
    """The finding in one sentence; `type_` is the card's word or one of the shapes."""
    size, place = view.measured.size, view.measured.location
    where: str = place.part.value or f"@cell.{place.cell.value}"
    in_mm = size.feret_mm.value is not None
    length = size.feret_mm.value if in_mm else size.feret.value
    named = any(d.name == type_ for d in view.card.defects)
    return sentence(
        "finding.summary",
        number=view.number,
        type=type_ if named else f"@type.{type_}",
        where=where,
        size=float(length or 0.0),
        unit="mm" if in_mm else "px",
        share=float(size.area_share.value or 0.0),
        of=f"@of.{size.area_share_of}",
        tone=f"@look.{tone}",
    )
