"""An inspection in the forms that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seewhy.record import InspectionRecord
from seewhy.types import Region


class Exports:
    """What an inspection offers to other programs; see its attributes there."""

    __slots__ = ()
    record: InspectionRecord
    pictures: dict[str, tuple[str, bytes]]
    regions: tuple[Region, ...]
    language: str

    def picture(self, sha256: str) -> bytes | None:
        """A kept picture's bytes by their SHA-256, or None."""
        return self.pictures[sha256][1] if sha256 in self.pictures else None

    def to_supervision(self) -> Any:
        """`supervision.Detections` with the regions' masks; see `seewhy.reports.exports.detections`."""
        from seewhy.reports.exports.detections import to_supervision

        return to_supervision(self.record, self.regions)

    def to_coco(self) -> dict[str, Any]:
        """A COCO dictionary with exact masks."""
        from seewhy.reports.exports.detections import to_coco

        return to_coco([(self.record, self.regions)])

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` with a row per finding, columns as in the CSV report."""
        from seewhy.reports.exports.tables import to_pandas

        return to_pandas([self.record], self.language)

    def to_arrow(self) -> Any:
        """A `pyarrow.Table`, likewise."""
        from seewhy.reports.exports.tables import to_arrow

        return to_arrow([self.record], self.language)

    def figure(self) -> Any:
        """A `matplotlib` figure: the photo with numbered contours, and each finding's sentence."""
        from seewhy.reports.exports.notebook import figure

        return figure(self.record, self.picture, self.language)

    def _repr_html_(self) -> str:
        """What a notebook shows: the photo with contours, facts, words with their sources."""
        from seewhy.reports.exports.notebook import html

        return html(self.record, self.picture, self.language)

    def report(self, path: Path | str, *, language: str = "") -> Path:
        """Write this one inspection as a report; the ending says which kind (.html, .pdf, .json, .csv).

        Args:
            path: where.
            language: another one than the inspection's own.
        """
        from seewhy.reports import write_report

        return write_report([self.record], self.picture, Path(path), language=language or self.language)
