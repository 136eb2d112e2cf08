"""One self-contained HTML file per lot: no outside resource, filters and sorts in the page, prints well."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from seewhy.record import Entry
from seewhy.reports import SVG, PictureBytes
from seewhy.reports.view import lot_view

TEMPLATES = Path(__file__).parent / "templates"


class HtmlReport:
    """The lot as a page."""

    def render(self, entries: Sequence[Entry], pictures: PictureBytes, head: str, language: str) -> bytes:
        """See `seewhy.reports.Report`."""
        return page_of("lot.html.j2", lot_view(entries, pictures, head, language))


def page_of(template: str, view: Mapping[str, Any]) -> bytes:
    """A page of one of the templates; everything in it is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["data_uri"] = data_uri
    page = io.BytesIO()
    for piece in environment.get_template(template).generate(view):  # a lot of thousands is not held several times over
        page.write(piece.encode("utf-8", "backslashreplace"))  # half a character, of a server's text, must not lose the report
    return page.getvalue()


def data_uri(picture: bytes) -> str:
    """A picture inside the page itself."""
    media = "image/svg+xml" if picture.startswith(SVG) else "image/jpeg"
    return f"data:{media};base64," + base64.b64encode(picture).decode()
