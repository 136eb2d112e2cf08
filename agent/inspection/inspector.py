"""The one way through the house: photo, score map, regions, facts, words, ruling, record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from seewhy.agent.inspection.chain import Chain, Clock
from seewhy.agent.inspection.measuring import examined
from seewhy.agent.inspection.recording import Examined, record_of
from seewhy.agent.inspection.terms import Given, Terms
from seewhy.agent.inspection.words import EMBEDDED, words_for
from seewhy.agent.models.product import ProductModel
from seewhy.agent.photos.images import Photo, read_photo
from seewhy.canonical import canonical_json
from seewhy.errors import BadImage
from seewhy.record import InspectionRecord


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """A record and what it rests on."""

    record: InspectionRecord
    pictures: dict[str, tuple[str, bytes]]  # (media type, bytes) by SHA-256
    documents: dict[str, tuple[str, bytes]]  # card and policy, likewise

    def report(self, path: Path | str, *, language: str = "en") -> Path:
        """Write this one inspection as a report; the ending says which kind (.html, .pdf, .json, .csv)."""
        from seewhy.reports import write_report

        pictures = {digest: data for digest, (_, data) in self.pictures.items()}
        return write_report([self.record], pictures.get, Path(path), language=language)


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
        self.explainer = self.terms.explainer or EMBEDDED

    @classmethod
    def of_products(cls, members: Mapping[str, ProductModel], **given: Unpack[Given]) -> Inspector:
        """Of the first product, with all of them in `products`."""
        inspectors = {name: cls(model, **given) for name, model in members.items()}
        for one in inspectors.values():
            one.products = inspectors
        return next(iter(inspectors.values()))

    def others(self, record: InspectionRecord) -> tuple[str, ...]:
        """What made a record that neither this model nor those that speak in its place have: model, card, policy or a rate."""
        made_by = record.provenance
        agreed = next((link.agreed for link in self._chain.links if link.provenance.model_sha256 == made_by.model_sha256), None)
        if agreed is None:
            return ("model",)
        same = {
            "card": made_by.card_sha256 == agreed.card.sha256,
            "policy": made_by.policy_sha256 == agreed.policy.sha256,
            "false-reject rate": record.decision.alpha == agreed.alpha,
            "review rate": record.decision.review_rate == agreed.review,
        }
        return tuple(what for what, holds in same.items() if not holds)

    def inspect(self, photo: Path | str | Photo, *, lot: str = "", name: str = "", root: Path | None = None) -> Inspection:
        """Inspect one photo.

        Args:
            photo: a path, or a photo that was decoded already.
            lot: which lot the record belongs to.
            name: what to call the photo in its record; default its path.
            root: the folder that the run was given; no link may lead out of it.

        Raises:
            BadImage: the file can't be inspected; `seewhy.agent.lots.batch` turns this into a `RefusedPhoto`.
        """
        return self.conclude(self.examine(photo, lot=lot, name=name, root=root))

    def examine(self, photo: Path | str | Photo, *, lot: str = "", name: str = "", root: Path | None = None) -> Examined:
        """All of `inspect` that comes before words: detect, measure, make pictures. Arguments as there."""
        clock = Clock()
        if not isinstance(photo, Photo):
            with clock("decode"):
                photo = read_photo(Path(photo), name=name, root=root, white_level=self.card.white_level)
        try:
            with clock("detect"):
                spoken = self._chain.speak(photo.pixels)
        except BadImage as error:  # of a detector, which sees no file
            error.sha256 = photo.sha256
            raise
        return examined(photo, lot, spoken, clock, keep_pictures=self.terms.keep_pictures)

    def conclude(self, e: Examined, until: float | None = None) -> Inspection:
        """Words, rulings and the record; waits for the explainer (no longer than `until`), changes nothing that was measured."""
        agreed = e.spoken.link.agreed
        with e.clock("words"):
            said = words_for(self.explainer, e.views, until)
        with e.clock("record"):
            record = record_of(e, said, explainer=self.explainer)
        documents = {one.sha256: ("application/json", canonical_json(one.model_dump(mode="json"))) for one in (agreed.card, agreed.policy)}
        return Inspection(record.model_copy(update={"timings_ms": e.clock.spent}), e.pictures.bytes, documents)
