"""The product card: what a person knows of a product before any photo is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import Field, ValidationError, field_validator

from seewhy.canonical import sha256_json
from seewhy.errors import BadData
from seewhy.record import Saved

SavedT = TypeVar("SavedT", bound=Saved)
Share = float  # of the photo's width or height, 0 to 1


class Part(Saved):
    """A named zone of the product, in shares of the photo's width and height."""

    name: str
    box: tuple[Share, Share, Share, Share]  # x0, y0, x1, y1

    @field_validator("box")
    @classmethod
    def _ordered(cls, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        x0, y0, x1, y1 = box
        if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
            raise ValueError(f"a part's box is x0, y0, x1, y1 in shares of the photo, 0 to 1 and x0 < x1, y0 < y1, not {box}")
        return box


class Scale(Saved):
    """How large a pixel is on the product."""

    mm_per_px: float = Field(gt=0)
    uncertainty: float = Field(default=0.0, ge=0)  # of mm_per_px, half width at 95 %


class DefectType(Saved):
    """One word of the product's defect vocabulary, and how such a defect looks where that is known."""

    name: str
    description: str = ""
    shape: tuple[Literal["line", "spot", "patch", "edge"], ...] = ()
    tone: tuple[Literal["darker", "lighter", "other colour", "same"], ...] = ()
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
    name: str = "product"
    description: str = ""
    materials: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()  # how it is made: chooses among the general knowledge files ("machining", "casting", …)
    defects: tuple[DefectType, ...] = ()
    parts: tuple[Part, ...] = ()
    outline: tuple[tuple[Share, Share], ...] = ()
    scale: Scale | None = None
    white_level: int = Field(default=65535, ge=1, le=65535)
    view: Literal["auto", "whole", "tiles"] = "auto"
    material: Literal["dark", "light"] | None = None
    knowledge: tuple[Knowledge, ...] = ()

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


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping, or `BadData`."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadData(f"{path} does not exist") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadData(f"{path} can't be read as YAML: {error}") from error
    if not isinstance(data, dict):
        raise BadData(f"{path} must hold a mapping of fields, not {type(data).__name__}")
    return data


def validated(model: type[SavedT], data: dict[str, Any], path: Path) -> SavedT:
    """`data` as `model`, or `BadData` that names the first field that doesn't fit."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BadData(f"{path}: {where}: {first['msg']}") from error
