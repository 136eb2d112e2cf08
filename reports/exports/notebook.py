"""One inspection in a notebook: HTML that stands by itself, and a figure of matplotlib."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from seewhy.errors import MissingExtra
from seewhy.prompts import text
from seewhy.record import InspectionRecord
from seewhy.reports import PictureBytes
from seewhy.reports.figures import Figures
from seewhy.reports.fonts import font_folders
from seewhy.reports.html import TEMPLATES, data_uri
from seewhy.reports.part import part_view


def html(record: InspectionRecord, pictures: PictureBytes, language: str = "en") -> str:
    """The photo with contours, each finding with its crops, facts and words, and who says what; no script, no outside resource."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["data_uri"] = data_uri
    part = part_view(1, 1, record, pictures, language)
    marked = Figures(record, pictures).marked()
    words = {key: text(f"report.{key}", language) for key in ("missing", "fact", "value", "source", "causes", "no_findings")}
    return environment.get_template("inspection.html.j2").render({"p": part, "marked": marked, "words": words})


def figure(record: InspectionRecord, pictures: PictureBytes, language: str = "en") -> Any:
    """A `matplotlib.figure.Figure`: the photo with numbered contours, the verdict above, each finding's sentence below.

    Raises:
        MissingExtra: matplotlib isn't installed.
    """
    try:
        from matplotlib.figure import Figure
        from matplotlib.font_manager import FontProperties
    except ModuleNotFoundError as error:
        raise MissingExtra("a figure", "notebook") from error
    part = part_view(1, 1, record, pictures, language)
    file = next((str(f) for folder in font_folders() for f in sorted(folder.glob("*CJK*"))), None)
    font = FontProperties(fname=file)  # of the extra `pdf`: Hangul; else matplotlib's own
    drawn = Figure(figsize=(7, 7), layout="constrained")
    axes = drawn.add_subplot()
    marked = Figures(record, pictures).marked()
    if marked is not None:
        axes.imshow(np.asarray(Image.open(io.BytesIO(marked))))
    axes.set_axis_off()
    axes.set_title(f"{part['name']}: {part['verdict_word']}", fontproperties=font)
    drawn.supxlabel("\n".join(f["sentence"] for f in part.get("findings", ())), fontproperties=font, fontsize=8, wrap=True)
    return drawn
