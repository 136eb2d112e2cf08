"""Changes that verdicts rest on: an entry with a reason first, then the file, so that nothing is changed without a word in the ledger.

All refuse while something runs for the product, and raise `BadData` where nothing is changed or somebody may not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from seewhy.agent.chat.accounts import Person
from seewhy.agent.chat.desk import Desk
from seewhy.agent.chat.good import dropped
from seewhy.agent.chat.problems import Told
from seewhy.agent.chat.workspace import ProductFolder, Settings
from seewhy.agent.ledger.store import Ledger
from seewhy.agent.people.good import judge, known
from seewhy.agent.people.roles import Who
from seewhy.agent.people.settings import change_settings
from seewhy.canonical import sha256_file
from seewhy.card import ProductCard
from seewhy.people import Cause


def change(desk: Desk, product: ProductFolder, who: Who, **changed: Any) -> None:
    """Adopt another model or other lines.

    Args:
        desk: the workspace at work.
        product: whose.
        who: changes them, and why.
        changed: fields of `Settings`.

    Raises:
        Told: there is no such model, or something runs.
        BadData: nothing is changed, or they may not.
    """
    settings = product.settings
    new = Settings.model_validate(settings.model_dump() | changed)
    if new.model not in product.models():
        raise Told("no_such_model", model=new.model[:20])
    _idle(desk, product)
    _enter(desk, product, who, told(desk, product, new))
    product.save_settings(new)


def change_card(desk: Desk, product: ProductFolder, card: ProductCard, who: Who) -> None:
    """Save another card for a product that has learned something.

    Raises:
        Told: something runs.
        BadData: they may not.
    """
    _idle(desk, product)
    after = desk.inspector(product, card=card).settings | {"review": repr(product.settings.review)}
    _enter(desk, product, who, after)
    product.save_card(card)


def judge_good(
    desk: Desk,
    product: ProductFolder,
    photos: Sequence[Path],
    person: Person,
    why: str,
    decision: Literal["keep", "drop"] = "keep",
    cause: Cause | None = None,
) -> None:
    """Write what somebody says of good photos; of those that the model doesn't know nothing is written, for nothing rests on them.

    Args:
        desk: the workspace at work.
        product: whose.
        photos: their files.
        person: who says so.
        why: they do.
        decision: keep or drop.
        cause: what is wrong with those that are dropped.

    Raises:
        Told: something runs, or a photo is dropped without a cause and a reason.
        BadData: they may not.
    """
    if not product.settings.model:
        return
    _idle(desk, product)
    model = desk.inspector(product).model
    names = {digest: name for name, digest in known(model).items()}
    with Ledger(product.ledger) as ledger:
        for name in (names.get(sha256_file(photo)) for photo in photos):
            if name is not None:
                judge(ledger, model, name, decision, person.who(why, "good_photo"), cause)


def put_back(desk: Desk, product: ProductFolder, photos: Sequence[Path], person: Person, why: str) -> None:
    """Of those of the photos that somebody dropped before, write that they are kept: the next model learns them again.

    Raises:
        Told: something runs, or nobody says who they are.
        BadData: they may not.
    """
    out = dropped(product)
    if again := [photo for photo in photos if out and sha256_file(photo) in out]:
        judge_good(desk, product, again, person, why)


def told(desk: Desk, product: ProductFolder, settings: Settings) -> dict[str, str]:
    """What verdicts rest on under such settings."""
    return desk.inspector(product, settings).settings | {"review": repr(settings.review)}


def _idle(desk: Desk, product: ProductFolder) -> None:
    if desk.jobs.running(product.key) is not None:
        raise Told("busy")


def _enter(desk: Desk, product: ProductFolder, who: Who, after: Mapping[str, str]) -> None:
    with Ledger(product.ledger) as ledger:
        change_settings(ledger, product.card.name, told(desk, product, product.settings), after, who)
