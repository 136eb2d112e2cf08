"""What an inspection hands back: the record, the pictures that it rests on, and the regions at the photo's own size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seewhy.agent.inspection.chain import Link
from seewhy.agent.inspection.counterfactual import Counterfactual, painted_over, smallest_change
from seewhy.agent.inspection.evidence import CROP_PX
from seewhy.agent.inspection.policy import Policy
from seewhy.agent.inspection.recording import Examined, Said, record_of
from seewhy.agent.inspection.views import margin_of
from seewhy.agent.inspection.why import Why, nearest_patch, why
from seewhy.agent.inspection.words import words_for
from seewhy.canonical import canonical_json
from seewhy.explainers import Explainer
from seewhy.pictures import smaller
from seewhy.prompts import catalogue, say
from seewhy.prompts.entries import reasons
from seewhy.record import Finding, InspectionRecord
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
        good: (H, W, 3) the good photo laid over it, where there is one.
        policy: that the findings were ruled by.
        link: the model that spoke, or whose good photos were compared with; None without any.
        language: that `text`, reports and notebooks speak.
    """

    record: InspectionRecord
    pictures: dict[str, tuple[str, bytes]]
    documents: dict[str, tuple[str, bytes]]
    pixels: Pixels
    regions: tuple[Region, ...]
    good: Pixels | None
    policy: Policy
    link: Link | None
    language: str = "en"

    @property
    def findings(self) -> tuple[SeenFinding, ...]:
        """The record's findings, each with what it can be asked: `why()`, `counterfactual()`."""
        return tuple(SeenFinding(self, number) for number in range(1, len(self.record.findings) + 1))

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


@dataclass(frozen=True, slots=True, eq=False)
class SeenFinding:
    """One finding of an inspection, and what it can be asked."""

    inspection: Inspection
    number: int

    @property
    def record(self) -> Finding:
        """As it is written down."""
        return self.inspection.record.findings[self.number - 1]

    @property
    def region(self) -> Region:
        """In the photo's own pixels."""
        return self.inspection.regions[self.number - 1]

    @property
    def crop(self) -> Pixels:
        """With its surroundings, as the record keeps it."""
        pixels = self.inspection.pixels
        around = self.region.box.grown(margin_of(self.region), pixels.shape[1], pixels.shape[0])
        return smaller(pixels[around.slices], CROP_PX)

    def why(self) -> Why:
        """The chain of evidence: who found it and how strong, the nearest good patch, the rule and its margins, the checked claims.

        A memory bank is asked anew which good patch is the nearest, which takes some seconds.
        """
        seen = self.inspection
        patch = None if seen.link is None else nearest_patch(seen.link, seen.pixels, self.region)
        return why(seen.record, self.record, seen.policy, patch)

    def counterfactual(self) -> Counterfactual:
        """The smallest change of a measured fact that changes the ruling; and the photo's score with the region painted over."""
        seen = self.inspection
        painted = None if seen.link is None else painted_over(seen.link, seen.pixels, self.region, seen.good)
        return Counterfactual(number=self.number, change=smallest_change(seen.record, self.record, seen.policy), painted=painted)


def concluded(e: Examined, explainer: Explainer, *, language: str = "en") -> Inspection:
    """Words, rulings and the record of a photo that was measured; waits for the explainer.

    Args:
        e: what was measured.
        explainer: who is asked for words.
        language: of what the inspection says to people.

    Raises:
        UnknownName: there is no such language.
    """
    catalogue(language)
    return recorded(e, said_of(e, explainer), explainer, language=language)


def said_of(e: Examined, explainer: Explainer, until: float | None = None) -> list[Said]:
    """Words for each region; waits for the explainer, no longer than `until` (`time.monotonic()`)."""
    with e.clock("words"):
        return words_for(explainer, e.views, until)


def recorded(e: Examined, said: Sequence[Said], explainer: Explainer, *, language: str = "en") -> Inspection:
    """Rulings and the record, with whatever words there are by now; changes nothing that was measured."""
    with e.clock("record"):
        record = record_of(e, said, explainer=explainer)
    agreed = e.basis.agreed
    documents = {one.sha256: ("application/json", canonical_json(one.model_dump(mode="json"))) for one in (agreed.card, agreed.policy)}
    timed = record.model_copy(update={"timings_ms": dict(e.clock.spent)})
    return Inspection(timed, e.pictures.bytes, documents, e.photo.pixels, e.regions, e.good, agreed.policy, e.basis.link, language)
