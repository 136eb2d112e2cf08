"""A product card as the page's form has it: read, drafted, compared with what stands; nothing here is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seewhy.card import DefectType, Part, ProductCard, Scale
from seewhy.prompts.telling import Misfit

MOST = 40  # defects or parts of a form
MOST_CORNERS = 400  # of an outline


class DefectForm(BaseModel):
    """A defect that matters, and how it looks where that is known."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=120, description="One or two words, as inspectors call it: scratch, dent, 긁힘.")
    description: str = Field(default="", max_length=500, description="What it looks like.")


class PartForm(BaseModel):
    """A zone of the product, in shares of the photo's width and height."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=120)
    box: tuple[float, float, float, float] = Field(description="x0, y0, x1, y1, each 0 to 1.")


class CardForm(BaseModel):
    """What a person knows of a product, as the form has it."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=120, description="What the product is called.")
    description: str = Field(default="", max_length=1000, description="What the photos show, in a few words.")
    materials: list[str] = Field(default=[], max_length=MOST)
    processes: list[str] = Field(default=[], max_length=MOST, description="How it is made: machining, casting, …")
    defects: list[DefectForm] = Field(default=[], max_length=MOST, description="Defects that matter; what doesn't matter is left out.")
    parts: list[PartForm] = Field(default=[], max_length=MOST)
    outline: list[tuple[float, float]] = Field(default=[], max_length=MOST_CORNERS, description="Corners x, y, each 0 to 1.")
    mm_per_px: float | None = Field(default=None, gt=0, le=1000)
    mm_uncertainty: float = Field(default=0.0, ge=0, description="Of mm_per_px, half width at 95 %.")


def form_of(card: ProductCard) -> CardForm:
    """A card in the form."""
    return CardForm(
        name=card.name,
        description=card.description,
        materials=list(card.materials),
        processes=list(card.processes),
        defects=[DefectForm(name=d.name, description=d.description) for d in card.defects],
        parts=[PartForm(name=p.name, box=p.box) for p in card.parts],
        outline=list(card.outline),
        mm_per_px=None if card.scale is None else card.scale.mm_per_px,
        mm_uncertainty=0.0 if card.scale is None else card.scale.uncertainty,
    )


def card_from(form: Mapping[str, Any] | CardForm, before: ProductCard | None = None) -> ProductCard:
    """The card that a form makes of the one before; what the form doesn't show stays as it is.

    Raises:
        BadData: a field doesn't fit; says which and why.
    """
    try:
        read = form if isinstance(form, CardForm) else CardForm.model_validate(form)
        known = {d.name: d for d in (() if before is None else before.defects)}
        fields = {
            "name": read.name.strip(),
            "description": read.description.strip(),
            "materials": _words(read.materials),
            "processes": _words(read.processes),
            "defects": tuple(_defect(d, known) for d in read.defects if d.name.strip()),
            "parts": tuple(Part(name=p.name.strip(), box=p.box) for p in read.parts),
            "outline": tuple(read.outline),
            "scale": None if read.mm_per_px is None else Scale(mm_per_px=read.mm_per_px, uncertainty=read.mm_uncertainty),
        }
        return ProductCard.model_validate((ProductCard() if before is None else before).model_dump() | fields)
    except ValidationError as error:
        raise Misfit(error, "problem.card_field") from error


def difference(before: ProductCard | None, after: ProductCard) -> list[dict[str, str]]:
    """What a draft changes, field by field: (field, before, after) in words; fields that stay are left out.

    >>> difference(ProductCard(name="a"), ProductCard(name="b"))
    [{'field': 'name', 'before': 'a', 'after': 'b'}]
    """
    old = {} if before is None else _told(form_of(before))
    new = _told(form_of(after))
    return [{"field": name, "before": old.get(name, ""), "after": value} for name, value in new.items() if old.get(name, "") != value]


def _told(form: CardForm) -> dict[str, str]:
    scale = "" if form.mm_per_px is None else f"{form.mm_per_px:g} mm/px" + (f" ± {form.mm_uncertainty:g}" if form.mm_uncertainty else "")
    return {
        "name": form.name,
        "description": form.description,
        "materials": ", ".join(form.materials),
        "processes": ", ".join(form.processes),
        "defects": "; ".join(f"{d.name} ({d.description})" if d.description else d.name for d in form.defects),
        "parts": "; ".join(f"{p.name} ({', '.join(f'{v:.2f}' for v in p.box)})" for p in form.parts),
        "outline": ", ".join(f"{x:.3f} {y:.3f}" for x, y in form.outline),
        "scale": scale,
    }


def _defect(form: DefectForm, known: Mapping[str, DefectType]) -> DefectType:
    """The defect with what the card knew of it beyond the form."""
    before = known.get(form.name.strip(), DefectType(name=form.name.strip()))
    return before.model_copy(update={"description": form.description.strip()})


def _words(given: list[str]) -> tuple[str, ...]:
    return tuple(word.strip() for word in given if word.strip())
