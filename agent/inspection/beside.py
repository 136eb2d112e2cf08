"""The good photo that given regions are compared with, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from seewhy.agent.inspection.registration import likeness, registered
from seewhy.agent.photos.images import Photo
from seewhy.prompts import sentence
from seewhy.record import Missing
from seewhy.types import Pixels

UNLIKE = 0.2  # correlation with the reference as a whole below which the record doubts that it shows the same
STRETCHED = 0.02  # by so much may the two photos' proportions differ before the record says so


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """The good photo that given regions are compared with."""

    pixels: Pixels | None = None  # (H, W, 3) laid over the photo
    sha256: str | None = None
    missing: tuple[Missing, ...] = ()  # what is wrong with it

    @classmethod
    def of(cls, photo: Photo, reference: Photo | None) -> Beside:
        """A reference laid over the photo; of another size it is scaled, unlike it is doubted, and both are told."""
        if reference is None:
            return cls()
        good, told = registered(reference.pixels, photo.pixels), list[Missing]()
        if abs(reference.width * photo.height / (reference.height * photo.width) - 1) > STRETCHED:
            sizes = {"reference": f"{reference.width} x {reference.height}", "photo": f"{photo.width} x {photo.height}"}
            told.append(Missing(what="reference", because=sentence("missing.reference_size", **sizes)))
        alike = round(likeness(good, photo.pixels), 2)
        if alike < UNLIKE:
            told.append(Missing(what="reference", because=sentence("missing.reference_unlike", likeness=alike)))
        return cls(good, reference.sha256, tuple(told))
