"""The one way through the house: photo, score map, regions, facts, words, ruling, record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from seewhy.agent.inspection.chain import Chain, Clock
from seewhy.agent.inspection.concluding import concluded, recorded, said_of
from seewhy.agent.inspection.measuring import examined
from seewhy.agent.inspection.recording import Examined, Said
from seewhy.agent.inspection.result import Inspection
from seewhy.agent.inspection.terms import Given, Terms
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import Photo, photo_of
from seewhy.errors import BadImage
from seewhy.record import InspectionRecord, PartIdentity

if TYPE_CHECKING:
    from seewhy.agent.detections.reading import Origin


class Inspector:
    """Inspects photos of one product.

    Args:
        model: a saved product model (its hash goes into every record).
        then: models that speak, in this order, where the one before can't: it doesn't know the product, or it fails.
        given: card, policy, alpha, explainer, pictures and device, see `Given`; where they are not given, those that the model was
            fitted with hold.

    Attributes:
        products: where the model was fitted on several products, an inspector for each, this one among them.

    Raises:
        BadModel: the model was not saved, so that its records could not name it.
        BadData: a card or policy can't be read.
    """

    def __init__(self, model: ProductModel, *, then: Sequence[ProductModel] = (), **given: Unpack[Given]) -> None:
        self.terms = Terms.of(given)
        self.model, self._chain = model, Chain((model, *then), self.terms)
        self.products: Mapping[str, Inspector] = {model.product: self}
        agreed = self._chain.links[0].agreed
        self.card, self.policy, self.alpha, self.overrides = agreed.card, agreed.policy, agreed.alpha, agreed.overrides
        self.explainer = self.terms.speaker

    @classmethod
    def of_products(cls, members: Mapping[str, ProductModel], **given: Unpack[Given]) -> Inspector:
        """Of the first product, with all of them in `products`."""
        inspectors = {name: cls(model, **given) for name, model in members.items()}
        for one in inspectors.values():
            one.products = inspectors
        return next(iter(inspectors.values()))

    @property
    def settings(self) -> dict[str, str]:
        """What a verdict rests on besides the photo: hashes of model, card and policy, and the rate."""
        return {
            "model": self.model.sha256,
            "card": self.card.sha256,
            "policy": self.policy.sha256,
            "alpha": repr(self.alpha),
        }

    @property
    def learned(self) -> Mapping[str, frozenset[str]]:
        """SHA-256 of the good photos that each of its models learned, by the model's hash."""
        return {link.model.sha256: frozenset(digest for _, digest in link.model.good.listed) for link in self._chain.links}

    def others(self, record: InspectionRecord) -> tuple[str, ...]:
        """What made a record that neither this model nor those that speak in its place have: model, card, policy or a rate."""
        made_by = record.provenance
        agreed = next((link.agreed for link in self._chain.links if link.provenance.model_sha256 == made_by.model_sha256), None)
        if agreed is None:
            return ("model",)
        card, policy = agreed.hashes
        same = {
            "card": made_by.card_sha256 == card,
            "policy": made_by.policy_sha256 == policy,
            "false-reject rate": record.decision.alpha == agreed.alpha,
            "review rate": record.decision.review_rate == agreed.review,
        }
        return tuple(what for what, holds in same.items() if not holds)

    def inspect(
        self, photo: Path | str | Photo, *, lot: str = "", name: str = "", root: Path | None = None, part: PartIdentity | None = None
    ) -> Inspection:
        """Inspect one photo.

        Args:
            photo: a path, or a photo that was decoded already.
            lot: which lot the record belongs to.
            name: what to call the photo in its record; default its path.
            root: the folder that the run was given; no link may lead out of it.
            part: which part it shows, where that is known (see `seewhy.agent.photos.identity`).

        Raises:
            BadImage: the file can't be inspected; `seewhy.agent.lots.batch` turns this into a `RefusedPhoto`.
        """
        return self.conclude(self.examine(photo, lot=lot, name=name, root=root, part=part))

    def examine(
        self, photo: Path | str | Photo, *, lot: str = "", name: str = "", root: Path | None = None, part: PartIdentity | None = None
    ) -> Examined:
        """All of `inspect` that comes before words: detect, measure, make pictures. Arguments as there."""
        clock = Clock()
        with clock("decode"):
            photo = photo_of(photo, name=name, root=root, white_level=self.card.white_level)
        try:
            with clock("detect"):
                spoken = self._chain.speak(photo.pixels)
        except BadImage as error:  # of a detector, which sees no file
            error.sha256 = photo.sha256
            raise
        return replace(examined(photo, lot, spoken, clock, keep_pictures=self.terms.keep_pictures), part=part)

    def explain(
        self,
        photo: Path | str | Photo,
        regions: Any,
        *,
        lot: str = "",
        name: str = "",
        root: Path | None = None,
        language: str = "en",
        **origin: Unpack[Origin],
    ) -> Inspection:
        """Explain regions that somebody else found, beside the product's good photos; under this inspector's card and policy.

        The model scores the photo only to find the good photo to compare with (and to say whether the photo shows its product); it
        finds nothing, and its threshold plays no part. See `seewhy.explain`.

        Args:
            photo: a path, or a photo that was decoded already.
            regions: see `seewhy.explain`.
            lot: which lot the record belongs to.
            name: what to call the photo in its record; default its path.
            root: the folder that the run was given; no link may lead out of it.
            language: that the inspection speaks.
            origin: threshold, detector, version and meaning of what was given.

        Raises:
            BadImage: the file can't be read.
            BadData: the regions can't be read or don't fit the photo.
        """
        e = self.examine_regions(photo, regions, lot=lot, name=name, root=root, **origin)
        return concluded(e, self.explainer, language=language)

    def examine_regions(
        self, photo: Path | str | Photo, regions: Any, *, lot: str = "", name: str = "", root: Path | None = None, **origin: Unpack[Origin]
    ) -> Examined:
        """All of `explain` that comes before words; arguments as there."""
        from seewhy.agent.detections.reading import detection_of  # which an inspection from a cold start needn't wait for
        from seewhy.agent.inspection.explaining import examined_beside

        clock = Clock()
        with clock("decode"):
            decoded = photo_of(photo, name=name, root=root, white_level=self.card.white_level)
        with clock("regions"):
            detection = detection_of(regions, decoded, **origin)
        with clock("detect"):
            spoken = self._chain.speak(decoded.pixels)
        return examined_beside(spoken, decoded, lot, detection, clock, keep_pictures=self.terms.keep_pictures)

    def conclude(self, e: Examined) -> Inspection:
        """Words, rulings and the record; waits for the explainer, changes nothing that was measured."""
        return concluded(e, self.explainer)

    def said(self, e: Examined, until: float | None = None) -> list[Said]:
        """Words for each region; waits for the explainer, no longer than `until`."""
        return said_of(e, self.explainer, until)

    def recorded(self, e: Examined, said: Sequence[Said]) -> Inspection:
        """Rulings and the record, with whatever words there are by now."""
        return recorded(e, said, self.explainer)
