"""What a fit learns from: folders of good photos, a lot, and what people said of photos in a ledger."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from seewhy.agent.inspection.terms import Given, Terms
from seewhy.agent.photos.layouts import Layout, Sample
from seewhy.agent.photos.lazy import samples_by_product, white_level_for
from seewhy.agent.photos.levels import FULL
from seewhy.agent.quality.reviewed import JudgedGood, judged_good
from seewhy.card import ProductCard
from seewhy.errors import BadData
from seewhy.types import Place

PHOTOS_NAMED = 5  # in a warning
LOG = logging.getLogger("seewhy.photos")


class Learning(Given, total=False):
    """What `fit` takes besides what every door does.

    Attributes:
        without: a ledger; the good photos that people dropped there are left out, and the model says which, by whom and why.
        from_ledger: a ledger; parts that people reviewed there and let pass are good photos too, with `good` or without. Errors as for
            `seewhy.agent.quality.reviewed.judged_good`.
        reviewed_photos: the folder in or below which these parts' photos lie.
        since: number of the ledger's first entry, or ISO date, from which on parts count; see there what "" takes.
    """

    without: Place | None
    from_ledger: Place | None
    reviewed_photos: Place | None
    since: str


def judged_in(given: Learning) -> JudgedGood | None:
    """The good parts of a ledger, where some are asked for; what asks for them is taken out of `given`."""
    ledger, place, since = given.pop("from_ledger", None), given.pop("reviewed_photos", None), given.pop("since", "")
    if ledger is None and place is None and not since:
        return None
    if ledger is None or place is None:
        raise BadData("good parts of a ledger need the ledger and the folder that holds their photos; give both")
    card = Terms.of(cast(Given, {"card": given.get("card")})).card
    judged = judged_good(Path(ledger), Path(place), card.name if card is not None else "", since)
    if judged.lost:
        named = ", ".join(judged.lost[:PHOTOS_NAMED])
        LOG.warning("%d reviewed parts have no photo below %s, or another one by now: %s", len(judged.lost), place, named)
    return judged


def samples_for(good: Place | Layout | None, lot: Place | Layout | None, judged: JudgedGood | None) -> dict[str, list[Sample]]:
    """What is learned from, by product."""
    if lot is not None and (good is not None or judged is not None):
        raise BadData("give good photos or a lot, not both: of a lot nobody knows what is good")
    source = good if lot is None else lot
    found = {} if source is None else samples_by_product(source if isinstance(source, Layout) else Path(source), lot=lot is not None)
    if judged is not None and len(found) > 1:
        raise BadData(f"{source} holds {len(found)} products; good parts of a ledger go with one")
    if judged is not None:
        product = next(iter(found), judged.samples[0].product)
        found.setdefault(product, []).extend(judged.samples)
    return found


def card_with_white(card: ProductCard | None, product: str, good: Sequence[Sample]) -> ProductCard | None:
    """The product's card, with the white level of the good photos' own 16-bit values where it gives none."""
    if card is not None and "white_level" in card.model_fields_set:
        return card
    white = white_level_for(good)
    if white == FULL:
        return card
    LOG.warning("%s: no 16-bit value of the good photos is above %d; that is white (white_level on the card)", product, white)
    return (card or ProductCard(name=product)).model_copy(update={"white_level": white})
