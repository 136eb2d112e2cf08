"""Under which terms a product is inspected: what the doors were given, what the model was fitted with, and which of the two holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeAlias, TypedDict

from pydantic import ValidationError

from seewhy.agent.inspection.policy import FIRST, Policy, load_policy
from seewhy.agent.inspection.words import EMBEDDED
from seewhy.agent.models.calibration import check_review
from seewhy.agent.models.product import DEFAULT_REVIEW as DEFAULT_REVIEW
from seewhy.agent.models.product import ProductModel
from seewhy.canonical import canonical_json
from seewhy.card import ProductCard, load_card
from seewhy.detectors.parts.devices import BEYOND_TORCH, can_run_on, lacking, prepare_torch
from seewhy.errors import BadData, BadModel
from seewhy.explainers import Explainer
from seewhy.prompts import sentence
from seewhy.record import InspectionRecord, Sentence

DEFAULT_ALPHA = 0.01
CardLike: TypeAlias = ProductCard | Path | str
PolicyLike: TypeAlias = Policy | Path | str


class Given(TypedDict, total=False):
    """What every door takes; where nothing is given, what the model was fitted with holds.

    Attributes:
        card: the product card or its file; of several products, by product.
        policy: severities and verdicts, or their file.
        alpha: false-reject rate asked for on good parts: how many of them may fail.
        review: how many more of them a person may be asked about.
        explainer: who puts words to a region; the embedded one where None.
        keep_pictures: keep photo, map and crops as evidence; without them a report has no pictures.
        device: "cpu", "cuda", ….
    """

    card: CardLike | Mapping[str, CardLike] | None
    policy: PolicyLike | None
    alpha: float | None
    review: float | None
    explainer: Explainer | None
    keep_pictures: bool
    device: str


def rates_of(model: ProductModel) -> tuple[float, float]:
    """(alpha, review) that a model was fitted with, the default ones where it is older than they are."""
    return DEFAULT_ALPHA if model.alpha is None else model.alpha, DEFAULT_REVIEW if model.review is None else model.review


@dataclass(frozen=True)
class Agreed:
    """What holds for one model's records."""

    card: ProductCard
    policy: Policy
    alpha: float
    review: float | None  # None: of models from before there was a band
    overrides: tuple[Sentence, ...]  # what is otherwise than the model was fitted with

    @cached_property
    def hashes(self) -> tuple[str, str]:
        """SHA-256 of card and policy, which are asked for with each photo and computed once."""
        return self.card.sha256, self.policy.sha256

    @cached_property
    def documents(self) -> Mapping[str, tuple[str, bytes]]:
        """Card and policy as a ledger keeps them: (media type, bytes) by SHA-256."""
        written = [canonical_json(one.model_dump(mode="json")) for one in (self.card, self.policy)]
        return {digest: ("application/json", data) for digest, data in zip(self.hashes, written, strict=True)}


@dataclass(frozen=True, slots=True)
class Terms:
    """What the doors were given, read; see `Given`."""

    card: ProductCard | None = None
    cards: Mapping[str, ProductCard] = field(default_factory=dict)  # by product
    policy: Policy | None = None
    alpha: float | None = None
    review: float | None = None
    explainer: Explainer | None = None
    keep_pictures: bool = True
    device: str = "cpu"

    @classmethod
    def of(cls, given: Given) -> Terms:
        """Files read and checked.

        Raises:
            BadData: a card or a policy can't be read, says which field; or there is no such device.
        """
        card, policy, device = given.get("card"), given.get("policy"), given.get("device", "cpu")
        check_device(device)
        many = isinstance(card, Mapping)
        return cls(
            card=None if many or card is None else _card(card),  # type: ignore[arg-type]
            cards={product: _card(one) for product, one in card.items()} if isinstance(card, Mapping) else {},
            policy=load_policy(Path(policy)) if isinstance(policy, str | Path) else policy,
            alpha=given.get("alpha"),
            review=given.get("review"),
            explainer=given.get("explainer"),
            keep_pictures=given.get("keep_pictures", True),
            device=device,
        )

    @property
    def speaker(self) -> Explainer:
        """Who puts words to a region."""
        return self.explainer or EMBEDDED

    def card_of(self, product: str) -> ProductCard | None:
        """The card that was given for a product."""
        return self.cards.get(product, self.card)

    def agreed(self, model: ProductModel) -> Agreed:
        """What holds for a model: what was given, else what it was fitted with; what differs from that is told.

        Raises:
            BadData: the policy names what the card doesn't know.
            BadModel: the policy that the model keeps is none.
        """
        given = self.card_of(model.product)
        if given is not None and model.card is not None and "white_level" not in given.model_fields_set:
            given = given.model_copy(update={"white_level": model.card.white_level})
        card = given or model.card or ProductCard(name=model.product)
        fitted_policy = None if model.policy is None else _policy_of(model)
        policy = self.policy or fitted_policy or load_policy(FIRST)
        fitted_alpha, _ = rates_of(model)
        alpha = fitted_alpha if self.alpha is None else self.alpha
        review = model.review if self.review is None else self.review
        if review is not None:
            check_review(alpha, review)
        told = list[Sentence]()
        if model.card is not None and card.sha256 != model.card.sha256:
            told.append(sentence("override.card", given=card.sha256[:12], fitted=model.card.sha256[:12]))
        if fitted_policy is not None and policy.sha256 != fitted_policy.sha256:
            names = {"given": f"{policy.name} {policy.version}", "fitted": f"{fitted_policy.name} {fitted_policy.version}"}
            told.append(sentence("override.policy", **names))
        if model.alpha is not None and alpha != model.alpha:
            told.append(sentence("override.alpha", given=alpha, fitted=model.alpha))
        if model.alpha is not None and review != model.review:
            told.append(sentence("override.review", given=review or 0.0, fitted=model.review or 0.0))
        policy.check(card)
        return Agreed(card, policy, alpha, review, tuple(told))


def terms_of(
    record: InspectionRecord, bytes_of: Callable[[str], bytes | None], card: ProductCard | None = None, policy: Policy | None = None
) -> tuple[ProductCard, Policy]:
    """Card and policy that a record was made with: as given, as its ledger keeps them, or the default ones; told by their hashes.

    Args:
        record: what was recorded.
        bytes_of: what its ledger keeps, by SHA-256.
        card: for a ledger that keeps none.
        policy: likewise.

    Raises:
        BadData: what is found is another card or policy than the record's.
    """
    made_by = record.provenance
    kept_card, kept_policy = bytes_of(made_by.card_sha256), bytes_of(made_by.policy_sha256)
    found_card = card or (ProductCard(name=record.product) if kept_card is None else ProductCard.model_validate_json(kept_card))
    own = (one for one in (load_policy(), load_policy(FIRST)) if one.sha256 == made_by.policy_sha256)
    found_policy = policy or (next(own, load_policy()) if kept_policy is None else Policy.model_validate_json(kept_policy))
    pairs = (("card", found_card.sha256, made_by.card_sha256), ("policy", found_policy.sha256, made_by.policy_sha256))
    for what, here, recorded in pairs:
        if here != recorded:
            raise BadData(
                f"{record.photo.name!r} was inspected with another {what} (SHA-256 {recorded[:12]}…, not {here[:12]}…); "
                f"give that one with --{what}"
            )
    return found_card, found_policy


def check_device(device: str) -> None:
    """Refuse a device that isn't here.

    Raises:
        BadData: there is none of that name.
    """
    if device == "cpu" or can_run_on(device):
        return
    if device.partition(":")[0] in BEYOND_TORCH:
        raise BadData(lacking(device))
    prepare_torch(device)


def _policy_of(model: ProductModel) -> Policy:
    try:
        return Policy.model_validate(model.policy)
    except ValidationError as error:
        raise BadModel(f"the policy that the model keeps can't be used: {error.errors()[0]['msg']}; fit the model again") from error


def _card(card: CardLike) -> ProductCard:
    return card if isinstance(card, ProductCard) else load_card(Path(card))
