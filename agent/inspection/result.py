"""What an inspection hands back: the record, the pictures that it rests on, and the regions at the photo's own size."""

from __future__ import annotations

from dataclasses import dataclass

from seewhy.agent.inspection.chain import Link
from seewhy.agent.inspection.counterfactual import Counterfactual, painted_over, smallest_change
from seewhy.agent.inspection.evidence import CROP_PX
from seewhy.agent.inspection.exports import Exports
from seewhy.agent.inspection.policy import Policy
from seewhy.agent.inspection.views import margin_of
from seewhy.agent.inspection.why import Why, nearest_patch, why
from seewhy.pictures import smaller
from seewhy.prompts import say
from seewhy.prompts.entries import reasons
from seewhy.record import Finding, InspectionRecord
from seewhy.types import Pixels, Region


@dataclass(frozen=True, slots=True, eq=False)
class Inspection(Exports):
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
