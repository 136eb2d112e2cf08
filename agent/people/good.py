"""What people say of the photos that a model learned as good: which stay, and which the next fit leaves out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

from seewhy.agent.ledger.store import Ledger, Pictured, Row
from seewhy.agent.models.good import LeftOut
from seewhy.agent.models.product import ProductModel
from seewhy.agent.people.acts import entry_of, said_by
from seewhy.agent.people.roles import Who
from seewhy.people import Cause, GoodPhoto
from seewhy.prompts.legible import legible
from seewhy.prompts.telling import Told


def judge(ledger: Ledger, model: ProductModel, photo: str, decision: Literal["keep", "drop"], who: Who, cause: Cause | None = None) -> Row:
    """Keep a photo that was learned as good, or have the next fit leave it out; the last word on a photo stands.

    Args:
        ledger: open to write.
        model: that learned it.
        photo: its name, as the model knows it: of one that was learned, or left out.
        decision: keep or drop.
        who: decides, and why.
        cause: what is wrong with a photo that is dropped.

    Raises:
        BadData: it is dropped without a cause and a reason; it isn't among the model's good photos; the person may not.
    """
    if decision == "drop" and (cause is None or not who.why.strip()):
        raise Told("entering.by_score", causes=", ".join(get_args(Cause)))
    digest = known(model).get(photo)
    if digest is None:
        raise Told("entering.not_learned", name=legible(photo), product=legible(model.product))

    def look() -> tuple[GoodPhoto, Pictured]:
        about = {"product": model.product, "name": photo, "sha256": digest, "model_sha256": model.sha256}
        return entry_of(GoodPhoto, said_by(ledger, who, GoodPhoto) | about | {"decision": decision, "cause": cause}), {}

    return ledger.append_after(look)


def known(model: ProductModel) -> dict[str, str]:
    """SHA-256 by name of the good photos that a model learned and of those that it was told to leave out."""
    return {one.name: one.sha256 for one in model.good.left_out} | dict(model.good.listed)


def left_out(ledger: Ledger, product: str) -> tuple[LeftOut, ...]:
    """The photos of a product that people dropped and nobody kept since."""
    return tuple(
        LeftOut(entry.name, entry.sha256 or "", entry.by, entry.cause, entry.why, digest)
        for entry, digest in _last_words(ledger, product)
        if entry.cause is not None
    )


def kept(ledger: Ledger, product: str) -> frozenset[str]:
    """SHA-256 of the photos of a product that people looked at and kept."""
    return frozenset(entry.sha256 or "" for entry, _ in _last_words(ledger, product) if entry.decision == "keep")


def _last_words(ledger: Ledger, product: str) -> Iterable[tuple[GoodPhoto, str]]:
    """The last entry about each photo, and its hash."""
    last = dict[str | None, tuple[GoodPhoto, str]]()
    for row in ledger.found("kind = 'good_photo'"):
        if isinstance(row.entry, GoodPhoto) and row.entry.product == product:
            last[row.entry.sha256] = row.entry, row.hash
    return last.values()


def left_out_by_product(ledger: Path, products: Iterable[str]) -> dict[str, tuple[LeftOut, ...]]:
    """The same of several products.

    Raises:
        LedgerError: there is no such ledger, or it was damaged.
    """
    with Ledger(ledger, read_only=True) as book:
        return {product: left_out(book, product) for product in products}
