"""The product card: what a person knows of a product before any photo is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import Field, field_validator, model_validator
from shapely import Polygon

from seewhy.canonical import sha256_json
from seewhy.errors import Unfit
from seewhy.handwritten import read_yaml, validated
from seewhy.record import Grown, Saved

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]  # of the photo's width or height
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=120)]
LEAST_WHITE = 255  # of an 8-bit camera in 16-bit files
LEAST_OUTLINE = 0.01  # of the photo: a smaller outline is a slip
RESERVED = ("line", "spot", "patch", "edge", "other", "unknown", "none")  # words that seewhy uses itself


class Part(Saved):
    """A named zone of the product, in shares of the photo's width and height."""

    name: Name
    box: tuple[Share, Share, Share, Share]  # x0, y0, x1, y1

    @field_validator("box")
    @classmethod
    def _ordered(cls, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        x0, y0, x1, y1 = box
        if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
            raise Unfit("box", f"a part's box is x0, y0, x1, y1 in shares of the photo, 0 to 1 and x0 < x1, y0 < y1, not {box}", box=box)
        return box


class Scale(Saved):
    """How large a pixel is on the product."""

    mm_per_px: float = Field(gt=0, le=1000)
    uncertainty: float = Field(default=0.0, ge=0)  # of mm_per_px, half width at 95 %

    @model_validator(mode="after")
    def _sure_enough(self) -> Self:
        if self.uncertainty > self.mm_per_px:
            told = f"the scale's uncertainty ({self.uncertainty}) is larger than the scale ({self.mm_per_px} mm per pixel)"
            raise Unfit("scale", told, uncertainty=self.uncertainty, scale=self.mm_per_px)
        return self


class DefectType(Grown):
    """One word of the product's defect vocabulary, and how such a defect looks where that is known."""

    grown: ClassVar[tuple[str, ...]] = ("extent",)

    name: Name
    description: str = ""
    shape: tuple[Literal["line", "spot", "patch", "edge"], ...] = ()
    tone: tuple[Literal["darker", "lighter", "other colour", "same"], ...] = ()
    extent: tuple[Literal["small", "wide"], ...] = ()  # wide: a tenth of the product's outline, or of the photo, and more
    zones: tuple[str, ...] = ()  # the only parts of the card where it can be; anywhere where none is named


class Knowledge(Saved):
    """A possible cause of a type of defect, and who says so."""

    id: str
    applies_to: tuple[str, ...]  # defect types
    looks: str = ""
    cause: str
    check: str = ""
    source: str


class ProductCard(Saved):
    """See the fields; all but the name are optional.

    `outline` is the product's polygon in shares of the photo; without it, areas are shares of the whole photo.
    `white_level` is the 16-bit value that is white. `view` says how a detector with a small square input (WinCLIP) looks at a
    photo: whole, in tiles (for small defects), or as its size asks for. `material` is the tone of what is printed, etched or plated
    (copper on a bare board): a template comparison then tells missing material from extra.
    """

    schema_version: Literal["1"] = "1"
    name: Name = "product"
    description: str = ""
    materials: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()  # how it is made: chooses among the general knowledge files ("machining", "casting", …)
    defects: tuple[DefectType, ...] = ()
    parts: tuple[Part, ...] = ()
    outline: tuple[tuple[float, float], ...] = ()
    scale: Scale | None = None
    white_level: int = Field(default=65535, ge=1, le=65535)
    view: Literal["auto", "whole", "tiles"] = "auto"
    material: Literal["dark", "light"] | None = None
    knowledge: tuple[Knowledge, ...] = ()

    @field_validator("outline")
    @classmethod
    def _a_polygon(cls, outline: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        if not outline:
            return outline
        if len(outline) < 3:
            raise Unfit("corners", f"an outline has three corners or more, not {len(outline)}", count=len(outline))
        if any(not 0 <= value <= 1 for point in outline for value in point):
            unit = "percent" if max(value for point in outline for value in point) <= 100 else "pixels"
            raise Unfit("shares", f"an outline is in shares of the photo's width and height, 0 to 1; these look like {unit}")
        polygon = Polygon(outline)
        if not polygon.is_valid:
            raise Unfit("crossing", "the outline crosses itself; list its corners in the order in which they lie around the product")
        if polygon.area < LEAST_OUTLINE:
            percent = f"{100 * polygon.area:.2g}"
            raise Unfit("small", f"the outline covers {percent} % of the photo; is it in shares, 0 to 1?", percent=percent)
        return outline

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        defects, parts = [d.name for d in self.defects], [p.name for p in self.parts]
        for what, names in (("defect", defects), ("part", parts), ("knowledge entry", [k.id for k in self.knowledge])):
            twice = next((n for n in names if names.count(n) > 1), None)
            if twice is not None:
                raise Unfit("twice", f"two {what}s are called {twice!r}", name=twice)
        reserved = next((n for n in defects if n in RESERVED), None)
        if reserved is not None:
            raise Unfit("reserved", f"{reserved!r} is a word of seewhy's own; give the defect another name", name=reserved)
        for defect in self.defects:
            if lost := [z for z in defect.zones if z not in parts]:
                told = f"the defect {defect.name!r} names the zone {lost[0]!r}; the card's parts are {', '.join(parts) or 'none'}"
                raise Unfit("zone", told, defect=defect.name, zone=lost[0])
        for entry in self.knowledge:
            if defects and (lost := [t for t in entry.applies_to if t not in defects]):
                told = f"knowledge {entry.id!r} applies to {lost[0]!r}; the card's defects are {', '.join(defects)}"
                raise Unfit("knowledge", told, id=entry.id, defect=lost[0])
        return self

    @field_validator("white_level")
    @classmethod
    def _no_bit_count(cls, level: int) -> int:
        if level <= 16:
            raise ValueError(
                f"it is the value that is white, not a number of bits; for {level} bits write {max(2**level - 1, LEAST_WHITE)}"
            )
        if level < LEAST_WHITE:
            raise ValueError(f"it is the 16-bit value that is white, {LEAST_WHITE} or more, not {level}")
        return level

    @property
    def sha256(self) -> str:
        """Of the card's content."""
        return sha256_json(self.model_dump(mode="json"))


def load_card(path: Path) -> ProductCard:
    """Read a card; `knowledge` may be the name of a YAML file beside it.

    Raises:
        BadData: the file isn't YAML or doesn't fit the card's fields; says which.
    """
    data = read_yaml(path)
    if isinstance(data.get("knowledge"), str):
        data["knowledge"] = read_yaml(path.parent / data["knowledge"]).get("entries", [])
    return validated(ProductCard, data, path)
