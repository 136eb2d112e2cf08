"""Explanation for everybody's detections: regions in, a record out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from PIL import Image

from seewhy.agent.detections.reading import Origin, detection_of
from seewhy.agent.inspection.chain import Clock
from seewhy.agent.inspection.concluding import concluded
from seewhy.agent.inspection.explaining import examined_alone
from seewhy.agent.inspection.modelless import agreed_without_model
from seewhy.agent.inspection.recording import Examined
from seewhy.agent.inspection.result import Inspection
from seewhy.agent.inspection.terms import CardLike, PolicyLike, Terms
from seewhy.agent.photos.images import Photo, photo_of
from seewhy.explainers import Explainer
from seewhy.threads import in_order
from seewhy.types import Pixels

PhotoLike = Photo | Pixels | Image.Image | Path | str


def explain(
    photo: PhotoLike,
    regions: Any,
    *,
    reference: PhotoLike | None = None,
    card: CardLike | None = None,
    policy: PolicyLike | None = None,
    explainer: Explainer | None = None,
    language: str = "en",
    **origin: Unpack[Origin],
) -> Inspection:
    """Measure, describe, check and rule on regions that another detector, or a person, found in a photo.

    seewhy searches nothing here and invents no verdict: the record says who detected, what it was given and what it was not (p-value
    and threshold are `missing` unless they are given with their meaning), and the part's verdict follows from the policy alone.

    Args:
        photo: a file, pixels (H, W) or (H, W, 3) of 8 bits, or a picture of Pillow.
        regions: boxes (x0, y0, x1, y1) in pixels, polygons of (x, y) corners, masks (H, W), a label mask; a heat map with `threshold`;
            a `Detection`; predictions of anomalib, supervision, ultralytics, torchvision, COCO; a file or folder of labels or masks.
            See docs/how-to/bring-your-own-detector.md.
        reference: a good photo of the same view to compare with.
        card: the product card or its file: words, parts, scale.
        policy: severities and verdicts, or their file; the default one where None.
        explainer: who puts words to a region (`seewhy.vlm(...)`); the embedded one where None.
        language: that the inspection's text, report and notebook view speak.
        origin: threshold, detector, version and meaning of what was given; see `Origin`.

    Raises:
        BadImage: the photo or the reference can't be read.
        BadData: the regions can't be read or don't fit the photo, the card or the policy can't be read; says what to do.
        UnknownName: there is no such language.

    Returns:
        The inspection: its record can go into a ledger, its `report` into a file.
    """
    return next(
        iter(
            explain_all([(photo, regions)], reference=reference, card=card, policy=policy, explainer=explainer, language=language, **origin)
        )
    )


def explain_all(
    pairs: Iterable[tuple[PhotoLike, Any]],
    *,
    reference: PhotoLike | None = None,
    card: CardLike | None = None,
    policy: PolicyLike | None = None,
    explainer: Explainer | None = None,
    language: str = "en",
    **origin: Unpack[Origin],
) -> Iterator[Inspection]:
    """The same for many photos, in their order; while a VLM is asked about some, others are measured.

    Args:
        pairs: (photo, regions) each.
        reference: see `explain`, like all others.
        card: see there.
        policy: see there.
        explainer: see there.
        language: see there.
        origin: see there.
    """
    terms = Terms.of({"card": card, "policy": policy, "explainer": explainer})
    speaker = terms.speaker
    desk = _Desk(terms, None if reference is None else photo_of(reference, white_level=_white(terms)))
    examined = (desk.examine(photo, regions, **origin) for photo, regions in pairs)
    return in_order(lambda e: concluded(e, speaker, language=language), examined, speaker.in_flight)


@dataclass(frozen=True, slots=True)
class _Desk:
    """What all photos of a call share."""

    terms: Terms
    reference: Photo | None

    def examine(self, photo: PhotoLike, regions: Any, **origin: Unpack[Origin]) -> Examined:
        """All that comes before words."""
        clock, agreed = Clock(), agreed_without_model(self.terms)
        with clock("decode"):
            decoded = photo_of(photo, white_level=_white(self.terms))
        with clock("regions"):
            detection = detection_of(regions, decoded, **origin)
        return examined_alone(decoded, detection, agreed, self.reference, clock, keep_pictures=self.terms.keep_pictures)


def _white(terms: Terms) -> int:
    return 65535 if terms.card is None else terms.card.white_level
