"""The Python door: a folder of good photos to an inspector, in one call."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seewhy.agent.images import Photo, read_photo
from seewhy.agent.inspector import DEFAULT_ALPHA, Inspector
from seewhy.agent.layouts import Sample, good_photos, read_layout
from seewhy.agent.model import CalibrationWay, ProductModel
from seewhy.agent.policy import load_policy
from seewhy.card import ProductCard, load_card
from seewhy.detectors import DETECTORS
from seewhy.errors import BadData
from seewhy.types import Progress, silent


class LazyPhotos(Sequence[Photo]):
    """Photos that are decoded when they are asked for, so that thousands don't fill the memory.

    Raises:
        BadImage: on access, when a file can't be read; fitting on a broken good photo is refused, not skipped.
    """

    def __init__(self, samples: Sequence[Sample], white_level: int = 65535) -> None:
        self._samples, self._white_level = samples, white_level

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, at: Any) -> Any:
        sample = self._samples[at]
        return read_photo(sample.path, name=sample.name, root=sample.root, white_level=self._white_level)


def fit(
    good: Path | str,
    *,
    save: Path | str | None = None,
    detector: str = "patchcore",
    card: ProductCard | Path | str | None = None,
    policy: Path | str | None = None,
    alpha: float = DEFAULT_ALPHA,
    calibration: CalibrationWay = "auto",
    device: str = "cpu",
    settings: Any = None,
    progress: Progress[Any] = silent,
) -> Inspector:
    """Learn a product from its good photos.

    Args:
        good: a folder of good photos, or a data set in a layout that `read_layout` knows (its good training photos).
        save: where the model folder goes; a temporary folder by default.
        detector: a name in `seewhy.detectors.DETECTORS`.
        card: the product card or its file.
        policy: a policy file; the default one serves any product.
        alpha: false-reject rate asked for on good parts.
        calibration: "split", "leave-one-out" or "auto"; see `ProductModel.fit`.
        device: "cpu" or "cuda".
        settings: of the detector; its defaults where None.
        progress: wraps the loops over photos.

    Raises:
        BadData: there are no good photos, or those of several products.
        BadImage: a good photo can't be read.
    """
    known = load_card(Path(card)) if isinstance(card, str | Path) else card
    samples = good_photos(read_layout(Path(good)))
    products = sorted({s.product for s in samples})
    if not samples:
        raise BadData(f"{good} holds no good photo to fit on")
    if len(products) > 1:
        raise BadData(f"{good} holds {len(products)} products ({', '.join(products[:4])}…); give one of them")
    photos = LazyPhotos(samples, known.white_level if known else 65535)
    name = known.name if known else products[0]
    unfitted = DETECTORS.get(detector)(settings, device=device)
    made = ProductModel.fit(photos, unfitted, product=name, alpha=alpha, calibration=calibration, progress=progress)
    folder = Path(save) if save else Path(tempfile.mkdtemp(prefix="seewhy-")) / "model"
    saved = made.save(folder)
    return Inspector(saved, card=known, policy=load_policy(Path(policy)) if policy else None, alpha=alpha, device=device)


def load(
    model: Path | str,
    *,
    card: ProductCard | Path | str | None = None,
    policy: Path | str | None = None,
    alpha: float = DEFAULT_ALPHA,
    device: str = "cpu",
    keep_pictures: bool = True,
) -> Inspector:
    """An inspector from a saved model; arguments as for `fit`."""
    known = load_card(Path(card)) if isinstance(card, str | Path) else card
    return Inspector(
        ProductModel.load(Path(model), device=device),
        card=known,
        policy=load_policy(Path(policy)) if policy else None,
        alpha=alpha,
        device=device,
        keep_pictures=keep_pictures,
    )
