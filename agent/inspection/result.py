"""What an inspection hands back: the record, the pictures that it rests on, and the regions at the photo's own size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seewhy.agent.inspection.recording import Examined, record_of
from seewhy.agent.inspection.words import words_for
from seewhy.canonical import canonical_json
from seewhy.explainers import Explainer
from seewhy.prompts import catalogue, say
from seewhy.prompts.entries import reasons
from seewhy.record import InspectionRecord
from seewhy.types import Pixels, Region


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """A record and what it rests on.

    Attributes:
        record: what is written down.
        pictures: (media type, bytes) by SHA-256.
        documents: card and policy, likewise.
        pixels: (H, W, 3) the photo, upright.
        regions: one for each finding, in the photo's own pixels; a record keeps them reduced.
        language: that `text`, reports and notebooks speak.
    """

    record: InspectionRecord
    pictures: dict[str, tuple[str, bytes]]
    documents: dict[str, tuple[str, bytes]]
    pixels: Pixels
    regions: tuple[Region, ...]
    language: str = "en"

    @property
    def text(self) -> str:
        """Verdict and reasons in the inspection's language."""
        return " ".join((say(self.record.reasons[0], self.language), *reasons(self.record, self.language)))

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


def concluded(e: Examined, explainer: Explainer, until: float | None = None, language: str = "en") -> Inspection:
    """Words, rulings and the record of a photo that was measured; changes nothing that was measured.

    Args:
        e: what was measured.
        explainer: who is asked for words.
        until: `time.monotonic()` after which nobody waits for them any more.
        language: of what the inspection says to people.

    Raises:
        UnknownName: there is no such language.
    """
    catalogue(language)
    with e.clock("words"):
        said = words_for(explainer, e.views, until)
    with e.clock("record"):
        record = record_of(e, said, explainer=explainer)
    agreed = e.basis.agreed
    documents = {one.sha256: ("application/json", canonical_json(one.model_dump(mode="json"))) for one in (agreed.card, agreed.policy)}
    timed = record.model_copy(update={"timings_ms": e.clock.spent})
    return Inspection(timed, e.pictures.bytes, documents, e.photo.pixels, e.regions, language)
