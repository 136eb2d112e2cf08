"""Several products, one detector: each with its own calibration, good photos to compare with, and look as a whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from seewhy.agent.models.folder import load_folder, save_folder
from seewhy.agent.models.product import ProductModel, learned_and_aside, pixels_of
from seewhy.agent.photos.images import Photo
from seewhy.agent.photos.layouts import good_photos, read_layout
from seewhy.agent.photos.lazy import LazyPhotos
from seewhy.detectors.dinomaly.detector import Dinomaly, DinomalySettings
from seewhy.errors import BadData
from seewhy.types import Progress, silent


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One trained model of several products."""

    members: Mapping[str, ProductModel]  # by product; all with the same detector

    @property
    def detector(self) -> Dinomaly:
        """What they share."""
        made: Any = next(iter(self.members.values())).detector
        return made  # type: ignore[no-any-return]

    @classmethod
    def fit(
        cls,
        products: Mapping[str, Sequence[Photo]],
        detector: Dinomaly,
        *,
        alpha: float = 0.01,
        cache: Path | None = None,
        checkpoint: Path | None = None,
        start: Family | None = None,
        progress: Progress[Any] = silent,
        told: Callable[[int, float], None] = lambda _step, _loss: None,
    ) -> Family:
        """Train on good photos of all products, and calibrate each product on photos that were set aside.

        Args:
            products: good photos by product, read lazily.
            detector: unfitted.
            alpha: false-reject rate that is meant; says how many photos calibration needs.
            cache: folder for what the encoder saw, so that it looks at each photo once; a temporary one where None.
            checkpoint: file from which training goes on.
            start: a trained family that products are added to: training goes on from its weights, and the good photos of
                its old products must be among `products`, so that they are not forgotten (replay).
            progress: wraps the loops.
            told: hears each step's number and loss.

        Raises:
            BadData: a product has no good photo, or one of `start`'s is missing.
        """
        lost = sorted(set(start.members) - set(products)) if start else []
        if lost:
            raise BadData(f"the old products' good photos are wanted too, or they are forgotten; there are none of {', '.join(lost)}")
        parts = {name: learned_and_aside(len(photos), alpha) for name, photos in products.items()}
        learned = {name: pixels_of(photos, parts[name][0]) for name, photos in products.items()}
        before = start.detector if start else None
        detector.fit_products(learned, cache=cache, checkpoint=checkpoint, start=before, progress=progress, told=told)
        return cls(
            {
                name: ProductModel.calibrated(photos, detector, parts[name], product=name, progress=progress)
                for name, photos in products.items()
            }
        )

    def save(self, folder: Path) -> Family:
        """Write the model folder; the family whose members carry its hash comes back."""
        files = {f"detector/{name}": data for name, data in self.detector.files().items()}
        facts: dict[str, Any] = {
            "detector": self.detector.name,
            "settings": self.detector.settings,
            "weights": [asdict(w) for w in self.detector.weights],
            "products": {},
        }
        for number, (name, member) in enumerate(self.members.items()):
            files |= member.reference_files(f"products/{number:03}/")
            facts["products"][name] = member.own_facts() | {"folder": f"products/{number:03}/"}
        digest = save_folder(folder, facts, files)
        return Family({name: replace(member, sha256=digest) for name, member in self.members.items()})

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> Family:
        """Read a model folder of several products, every file checked against the manifest.

        Raises:
            BadModel: it was changed, or was made with other weights than are here.
            BadData: it is of one product.
        """
        manifest = load_folder(folder)
        if "products" not in manifest:
            raise BadData(f"{folder} is a model of one product")
        return cls({name: ProductModel.load(folder, product=name, device=device) for name in manifest["products"]})


def fit_family(
    data: Path,
    save: Path,
    *,
    settings: DinomalySettings | None = None,
    alpha: float = 0.01,
    add_to: Path | None = None,
    white_level: int = 65535,
    device: str = "cpu",
    progress: Progress[Any] = silent,
    told: Callable[[int, float], None] = lambda _step, _loss: None,
) -> Family:
    """Train one model on the good photos of every product under `data`, and save it.

    What the encoder saw and how far training is are kept beside `save` until the model is whole: after a break, a broken photo or
    a full disk the same call goes on from there.

    Args:
        data: a data set in a layout that `read_layout` knows.
        save: the model folder.
        settings: of the detector.
        alpha: false-reject rate that is meant.
        add_to: a model of several products, whose training is gone on with; `data` holds its products' photos too.
        white_level: the 16-bit value that is white.
        device: "cpu", "cuda", ….
        progress: wraps the loops.
        told: hears each step's number and loss.

    Raises:
        BadData: there are no good photos, or the disk is full.
        BadImage: a good photo can't be read.
    """
    samples = good_photos(read_layout(data))
    names = sorted({s.product for s in samples})
    if not names:
        raise BadData(f"{data} holds no good photo to fit on")
    products = {name: LazyPhotos([s for s in samples if s.product == name], white_level) for name in names}
    kept = save.with_name(f".{save.name}.training")
    made = Family.fit(
        products,
        Dinomaly(settings, device=device),
        alpha=alpha,
        cache=kept / "features",
        checkpoint=kept / "checkpoint.safetensors",
        start=Family.load(add_to, device=device) if add_to else None,
        progress=progress,
        told=told,
    )
    if int(os.environ.get("RANK", "0")):  # of several processes of one training, the first saves
        return made
    made = made.save(save)
    shutil.rmtree(kept, ignore_errors=True)
    return made
