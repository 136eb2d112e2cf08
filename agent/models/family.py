"""Several products, one detector: each with its own calibration, good photos to compare with, and look as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seewhy.agent.models.product import ProductModel, learned_and_aside, load_members, save_members
from seewhy.agent.photos.images import Photo
from seewhy.agent.photos.lazy import Chosen, pixels_of
from seewhy.detectors.protocol import Detector
from seewhy.errors import BadData
from seewhy.types import Progress, silent


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One trained model of several products."""

    members: Mapping[str, ProductModel]  # by product; all with the same detector

    @property
    def detector(self) -> Detector:
        """What they share."""
        return next(iter(self.members.values())).detector

    @classmethod
    def fit(
        cls,
        products: Mapping[str, Sequence[Photo]],
        detector: Detector,
        *,
        alpha: float = 0.01,
        cache: Path | None = None,
        checkpoint: Path | None = None,
        start: Family | None = None,
        progress: Progress[Any] = silent,
    ) -> Family:
        """Train on good photos of all products, and calibrate each product on photos that were set aside.

        Args:
            products: good photos by product, read lazily.
            detector: unfitted, one that learns many products.
            alpha: false-reject rate that is meant; says how many photos calibration needs.
            cache: folder for what the encoder saw, so that it looks at each photo once; a temporary one where None.
            checkpoint: file from which training continues.
            start: a trained family that products are added to: training goes on from its weights, and the good photos of
                its old products must be among `products`, so that they are not forgotten (replay).
            progress: wraps the loops.

        Raises:
            BadData: a product has no good photo, or one of `start`'s is missing.
        """
        lost = sorted(set(start.members) - set(products)) if start else []
        if lost:
            raise BadData(f"the old products' good photos are wanted too, or they are forgotten; there are none of {', '.join(lost)}")
        learned = {name: Chosen(pixels_of(photos), learned_and_aside(len(photos), alpha)[0]) for name, photos in products.items()}
        before = start.detector if start else None
        detector.fit_products(learned, cache=cache, checkpoint=checkpoint, start=before, progress=progress)
        return cls.calibrated(products, detector, alpha=alpha, progress=progress)

    @classmethod
    def calibrated(
        cls, products: Mapping[str, Sequence[Photo]], detector: Detector, *, alpha: float = 0.01, progress: Progress[Any] = silent
    ) -> Family:
        """A trained detector, calibrated on the good photos that `fit` sets aside for that.

        Args:
            products: as `fit` took them.
            detector: trained by it.
            alpha: likewise.
            progress: wraps the loops.
        """
        return cls(
            {
                name: ProductModel.calibrated(
                    photos, detector, learned_and_aside(len(photos), alpha), product=name, alpha=alpha, progress=progress
                )
                for name, photos in products.items()
            }
        )

    def save(self, folder: Path) -> Family:
        """Write the model folder; the family whose members carry its hash comes back. Errors as for `ProductModel.save`."""
        return Family(save_members(folder, self.members))

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> Family:
        """Read a model folder, every file checked against the manifest. Errors as for `ProductModel.load`."""
        return cls(load_members(folder, device=device))
