"""The lot as a PDF."""

from __future__ import annotations

from collections.abc import Sequence

from seewhy.prompts import text
from seewhy.record import Entry
from seewhy.reports import PictureBytes
from seewhy.reports.typeset import typeset
from seewhy.reports.view import lot_view

THUMBNAILS = 60  # of parts on the first pages; all of them are in the HTML report


class PdfReport:
    """The lot as a document."""

    def render(self, entries: Sequence[Entry], pictures: PictureBytes, head: str, language: str) -> bytes:
        """See `seewhy.reports.Report`. A character that no font here has, or that PDF/A forbids, is written out, and the page says so."""
        further = max(0, len(entries) - THUMBNAILS)
        view = lot_view(entries, pictures, head, language)
        view |= {"thumbnails": THUMBNAILS, "further": text("report.further", language, count=further) if further else ""}
        return typeset(view, "lot.typ")
