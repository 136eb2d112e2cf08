"""What people say of the photos that a model learned as good: which stay, and which the next fit leaves out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from seewhy.agent.ledger.store import Ledger, Pictured, Row
from seewhy.agent.models.good import LeftOut
from seewhy.agent.models.product import ProductModel
from seewhy.agent.people.acts import entry_of, said_by
from seewhy.agent.people.roles import Who
from seewhy.errors import BadData
from seewhy.people import Cause, GoodPhoto

BY_SCORE = (
    "a high score is no reason to leave a good photo out: new good parts as odd as this one would then be stopped more often than was "
    "asked for, and the promise about good parts would be void. Look at the photo, and say what is wrong with it: --cause defective, "
    "other_product, blurred, exposure or process, and why; or keep it"
)


def judge(ledger: Ledger, model: ProductModel, photo: str, decision: Literal["keep", "drop"], who: Who, cause: Cause | None = None) -> Row:
    """Keep a photo that was learned as good, or have the next fit leave it out; the last word on a photo stands.

    Args:
        ledger: open to write.
        model: that learned it.
        photo: its name, as the model knows it.
        decision: keep or drop.
        who: decides, and why.
        cause: what is wrong with a photo that is dropped.

    Raises:
        BadData: it is dropped without a cause and a reason; it isn't among the model's good photos; the person may not.
    """
    if decision == "drop" and (cause is None or not who.why.strip()):
        raise BadData(BY_SCORE)
    digest = dict(model.good.listed).get(photo)
    if digest is None:
        raise BadData(
            f"{photo!r} is not among the good photos of this model of {model.product!r}; `seewhy oddest` names those that hold its line"
        )

    def look() -> tuple[GoodPhoto, Pictured]:
        about = {"product": model.product, "name": photo, "sha256": digest, "model_sha256": model.sha256}
        return entry_of(GoodPhoto, said_by(ledger, who, GoodPhoto) | about | {"decision": decision, "cause": cause}), {}

    return ledger.append_after(look)


def left_out(ledger: Ledger, product: str) -> tuple[LeftOut, ...]:
    """The photos of a product that people dropped and nobody kept since."""
    last = dict[str | None, tuple[GoodPhoto, str]]()
    for row in ledger.found("kind = 'good_photo'"):
        if isinstance(row.entry, GoodPhoto) and row.entry.product == product:
            last[row.entry.sha256] = row.entry, row.hash
    return tuple(
        LeftOut(entry.name, entry.sha256 or "", entry.by, entry.cause, entry.why, digest)
        for entry, digest in last.values()
        if entry.cause is not None
    )


def left_out_by_product(ledger: Path, products: Iterable[str]) -> dict[str, tuple[LeftOut, ...]]:
    """The same of several products.

    Raises:
        LedgerError: there is no such ledger, or it was damaged.
    """
    with Ledger(ledger, read_only=True) as book:
        return {product: left_out(book, product) for product in products}
