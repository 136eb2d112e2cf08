"""Reports: documents made from records and their pictures alone, so that any of them can be made again later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from seewhy.disk import write_file
from seewhy.errors import BadData
from seewhy.record import Entry
from seewhy.registry import Entry as Row
from seewhy.registry import Registry
from seewhy.reports.seal import sealed

PictureBytes: TypeAlias = Callable[[str], bytes | None]  # by SHA-256

SVG = b"<svg"  # how drawings begin; every other picture is a JPEG

REPORTS = Registry(
    "report format",
    {
        "html": Row("seewhy.reports.html:HtmlReport"),
        "pdf": Row("seewhy.reports.pdf:PdfReport", "pdf"),
        "json": Row("seewhy.reports.tables:JsonReport"),
        "csv": Row("seewhy.reports.tables:CsvReport"),
        "qif": Row("seewhy.reports.qif:QifReport"),
    },
    group="seewhy.reports",
)


class Report(Protocol):
    """Renders entries as one document."""

    def render(self, entries: Sequence[Entry], pictures: PictureBytes, head: str, language: str) -> bytes:
        """The document's bytes.

        Args:
            entries: of one lot, in order.
            pictures: bytes of a picture by its SHA-256.
            head: of the ledger that they come from, or empty.
            language: of the message catalogue.
        """


def write_report(entries: Sequence[Entry], pictures: PictureBytes, path: Path, *, head: str = "", language: str = "en") -> Path:
    """Write a report; the file's ending chooses the format.

    Raises:
        UnknownName: there is no such format.
        MissingExtra: it needs an optional install.
        BadData: there is nothing to report.
        NotWritten: the disk is full or the place can't be written; a report that was there is as it was.
    """
    if not entries:
        raise BadData("there is no entry to report on; run `seewhy batch` first, or check the lot's name")
    write_file(path, document(entries, pictures, path.suffix.lower().lstrip("."), head=head, language=language))
    return path


def document(entries: Sequence[Entry], pictures: PictureBytes, format_: str, *, head: str = "", language: str = "en") -> bytes:
    """A report's bytes, sealed with their own hash where the format has a place for it (see `seewhy.reports.seal`).

    Raises:
        UnknownName: there is no such format.
        MissingExtra: it needs an optional install.
    """
    report: Report = REPORTS.get(format_)()
    return sealed(report.render(entries, pictures, head, language))
