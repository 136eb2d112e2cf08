"""From regions to measured facts and the pictures of them: all that comes before words, whoever detected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seewhy.agent.inspection.chain import Clock, Spoken
from seewhy.agent.inspection.evidence import Pictures
from seewhy.agent.inspection.facts import hypotheses, measure
from seewhy.agent.inspection.locating.stage import located
from seewhy.agent.inspection.recording import Basis, Examined
from seewhy.agent.inspection.regions import regions_of
from seewhy.agent.inspection.registration import registered
from seewhy.agent.inspection.verdict import decide, lacks
from seewhy.agent.inspection.views import Shown, region_view
from seewhy.agent.photos.images import Photo
from seewhy.record import Hypothesis, Measured
from seewhy.types import Map, Pixels, Region


@dataclass(frozen=True, slots=True, eq=False)
class Detected:
    """A photo's regions with what was measured of them, and what they are shown beside."""

    regions: Sequence[Region]
    facts: Sequence[Measured]
    hypotheses: tuple[tuple[Hypothesis, ...], ...]
    good: Pixels | None = None  # the good photo laid over this one
    compared: str | None = None  # SHA-256 of it
    heat: Map | None = None  # (H, W) the score map
    in_full: bool = True  # keep the photo large, with its map: there is something to see


def examined(photo: Photo, lot: str, spoken: Spoken, clock: Clock, *, keep_pictures: bool) -> Examined:
    """A photo judged by its score, its regions cut and measured, its pictures made.

    Args:
        photo: decoded.
        lot: that its record belongs to.
        spoken: its score map, and by whom.
        clock: where the time goes.
        keep_pictures: as evidence.
    """
    link, scored, pixels = spoken.link, spoken.scored, photo.pixels
    decision = decide(scored, link, familiar=spoken.familiar)
    shown = decision.asked or link.threshold is None  # without a good photo to compare with, the strangest places are shown
    with clock("regions"):
        seed = link.seed if decision.anomalous else link.review_seed
        found = regions_of(scored, link.model.calibration, seed) if shown else ()
    with clock("reference"):
        good, compared = compared_with(spoken, pixels, wanted=bool(found))
    with clock("locate"):
        found = located(found, scored, pixels, good, link.model)
    with clock("measure"):
        card, size = link.agreed.card, (photo.width, photo.height)
        facts = [measure(r, card, *size, r.peak if seed is None else seed, scored.change) for r in found]
        likely = tuple(hypotheses(scored, r, *size) for r in found)
    missing = lacks(link.model, decision, familiar=spoken.familiar)
    basis = Basis(link.agreed, link.provenance, decision, spoken.notes, tuple(missing), link, link.bright)
    detected = Detected(found, facts, likely, good, compared, scored.values, shown)
    return with_views(photo, lot, basis, detected, clock, keep_pictures=keep_pictures)


def with_views(photo: Photo, lot: str, basis: Basis, detected: Detected, clock: Clock, *, keep_pictures: bool) -> Examined:
    """The pictures of a photo and its regions, for the record and for an explainer.

    Args:
        photo: decoded.
        lot: that its record belongs to.
        basis: by whom and under which terms it was judged.
        detected: its regions.
        clock: where the time goes.
        keep_pictures: as evidence.
    """
    pictures = Pictures(keep=keep_pictures)
    with clock("pictures"):
        pictures.add_photo(photo.pixels, detected.heat, anomalous=detected.in_full)
        beside = Shown.of(photo.pixels, detected.good, detected.heat) if detected.regions else None
        pairs = enumerate(zip(detected.regions, detected.facts, strict=True), start=1)
        card = basis.agreed.card
        views = tuple(region_view(number, region, measured, beside, card, pictures) for number, (region, measured) in pairs if beside)
    regions = tuple(detected.regions)
    return Examined(photo, lot, basis, regions, detected.good, views, detected.hypotheses, detected.compared, pictures, clock)


def compared_with(spoken: Spoken, pixels: Pixels, *, wanted: bool) -> tuple[Pixels | None, str | None]:
    """The good photo that findings are shown beside, laid over the photo, and its SHA-256.

    Args:
        spoken: who scored the photo.
        pixels: (H, W, 3) the photo.
        wanted: whether there is a finding to show it beside.
    """
    scored, references = spoken.scored, spoken.link.model.references
    nearest = references.nearest(scored.descriptor) if wanted else None
    good = scored.reference
    if good is None and nearest is not None:
        good = registered(references.pixels(nearest), pixels)
    return good, scored.reference_sha256 or (None if nearest is None else references.sha256[nearest])
