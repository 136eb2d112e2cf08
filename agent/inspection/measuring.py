"""From a score map to measured regions and the pictures of them: all that comes before words."""

from __future__ import annotations

from seewhy.agent.inspection.chain import Clock, Spoken
from seewhy.agent.inspection.evidence import Pictures
from seewhy.agent.inspection.facts import hypotheses, measure
from seewhy.agent.inspection.outline import refine
from seewhy.agent.inspection.recording import Examined
from seewhy.agent.inspection.regions import regions_of
from seewhy.agent.inspection.registration import registered
from seewhy.agent.inspection.verdict import decide
from seewhy.agent.inspection.views import Shown, margin_of, region_view
from seewhy.agent.photos.images import Photo
from seewhy.explainers import RegionView


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
        references = link.model.references
        nearest = references.nearest(scored.descriptor) if found else None
        good = scored.reference
        if good is None and nearest is not None:
            good = registered(references.pixels(nearest), pixels)
    with clock("regions"):
        found = tuple(refine(r, pixels, good, margin_of(r)) for r in found)
    with clock("measure"):
        card, size = link.agreed.card, (photo.width, photo.height)
        facts = [measure(r, card, *size, r.peak if seed is None else seed, scored.change) for r in found]
        likely = tuple(hypotheses(scored, r, *size) for r in found)
    pictures = Pictures(keep=keep_pictures)
    with clock("pictures"):
        pictures.add_photo(pixels, scored, anomalous=shown)
        views = tuple[RegionView, ...]()
        if found:
            beside = Shown.of(pixels, good, scored.values)
            pairs = enumerate(zip(found, facts, strict=True), start=1)
            views = tuple(region_view(number, region, measured, beside, card, pictures) for number, (region, measured) in pairs)
    compared = scored.reference_sha256 or (None if nearest is None else references.sha256[nearest])
    return Examined(photo, lot, spoken, decision, views, likely, compared, pictures, clock)
