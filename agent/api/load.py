"""From a saved model to an inspector."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from seewhy.agent.inspection.inspector import Inspector
from seewhy.agent.inspection.terms import Given, check_device
from seewhy.agent.models.product import ProductModel
from seewhy.types import Place


def load(model: Place, *, product: str = "", then: Sequence[Place | tuple[Place, str]] = (), **given: Unpack[Given]) -> Inspector:
    """An inspector from a saved model, under the terms that it was fitted with.

    Args:
        model: the model folder.
        product: which one, where the model is of several.
        then: folders of other models, or (folder, product), that speak in this order where the one before can't (it fails, or as a
            whole the photo is unlike all good photos of its product). The record says who was asked and why it did not speak.
        given: card, policy, alpha, review, explainer, pictures, device; see `Given`. What differs from the model's own is told in
            the record.

    Raises:
        BadModel: a model was changed, or made with other weights than are here.
        UnknownName: the model has no such product.
    """
    device = given.get("device", "cpu")
    check_device(device)
    others = [one if isinstance(one, tuple) else (one, "") for one in then]
    return Inspector(
        ProductModel.load(Path(model), product=product, device=device),
        then=[ProductModel.load(Path(folder), product=name, device=device) for folder, name in others],
        **given,
    )
