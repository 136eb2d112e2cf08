"""One self-contained HTML file per lot: no outside resource, filters and sorts in the page, prints well."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from seewhy.record import Entry
from seewhy.reports import PictureBytes
from seewhy.reports.view import lot_view

TEMPLATES = Path(__file__).parent / "templates"


class HtmlReport:
    """The lot as a page."""

    def render(self, entries: Sequence[Entry], pictures: PictureBytes, head: str, language: str) -> bytes:
        """See `seewhy.reports.Report`."""
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        environment.filters["data_uri"] = data_uri
        page = environment.get_template("lot.html.j2").render(lot_view(entries, pictures, head, language))
        return page.encode("utf-8", "backslashreplace")  # half a character, of a server's text, must not lose the report


def data_uri(jpeg: bytes) -> str:
    """A JPEG inside the page itself."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
