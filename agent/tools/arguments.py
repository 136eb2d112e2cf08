"""What each tool takes, typed and explained to the model that calls it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_REGIONS = 200

Photo = Annotated[str, Field(min_length=1, max_length=400, description="Path of the photo, below the workspace.")]
Corner = Annotated[list[float], Field(min_length=2, max_length=2)]
Box = Annotated[list[float], Field(min_length=4, max_length=4, description="x0, y0, x1, y1 in the photo's pixels, half-open")]
Polygon = Annotated[list[Corner], Field(min_length=3, max_length=10_000)]
Language = Annotated[Literal["en", "ko"], Field(description="Of sentences.")]


class Arguments(BaseModel):
    """Nothing is taken that the schema doesn't know."""

    model_config = ConfigDict(extra="forbid")


class Inspect(Arguments):
    """Inspect a photo with the workspace's model."""

    photo: Photo
    language: Language = "en"


class Regions(Arguments):
    """Regions of a photo, one way or the other."""

    photo: Photo
    boxes: list[Box] = Field(default=[], max_length=MOST_REGIONS, description="Regions as boxes.")
    polygons: list[Polygon] = Field(default=[], max_length=MOST_REGIONS, description="Regions as polygons of x, y corners, pixels.")
    file: str = Field(default="", max_length=400, description="Or a file of labels, or a mask, below the workspace.")


class Explain(Regions):
    """Explain regions that somebody else found."""

    detector: str = Field(default="", max_length=120, description="Who found them.")
    version: str = Field(default="", max_length=120, description="Of the detector.")
    reference: str = Field(
        default="", max_length=400, description="A good photo of the same view, below the workspace; default the model's."
    )
    language: Language = "en"


class Similar(Arguments):
    """Past findings that look like one."""

    entry: int = Field(ge=1, description="Number of the ledger entry that the finding is in.")
    finding: int = Field(default=1, ge=1, description="Its number there.")
    k: int = Field(default=5, ge=1, le=50, description="How many.")
    product: str = ""
    type: str = Field(default="", description="Only this type of defect.")
    since: str = Field(default="", description="ISO 8601 date or time.")
    until: str = Field(default="", description="ISO 8601 date or time, exclusive.")
    confirmed: bool = Field(default=False, description="Only those that a person named.")


class Lookup(Arguments):
    """Look up records in the ledger."""

    photo: str = Field(default="", max_length=400, description="Name of the photo, or the end of it.")
    lot: str = Field(default="", max_length=200)
    verdict: Literal["", "pass", "fail", "review", "refused"] = ""
    most: int = Field(default=10, ge=1, le=100, description="How many, newest first.")
    language: Language = "en"


class Report(Arguments):
    """Make a report of a lot."""

    lot: str = Field(default="", max_length=200, description="The lot; empty: the whole ledger.")
    format: Literal["html", "csv", "json", "pdf"] = "html"
    language: Language = "en"
