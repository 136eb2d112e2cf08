"""Dinomaly (Guo et al., CVPR 2025): one reconstruction model for the good photos of many products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import cv2
import numpy as np

from seewhy.detectors.dinomaly.settings import DinomalySettings
from seewhy.detectors.parts.frozen import Frozen, kept_network
from seewhy.detectors.parts.inputs import squared
from seewhy.detectors.parts.resolution import answer_to_a_dot
from seewhy.detectors.protocol import Calibrates, Single
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import BadData, BadModel
from seewhy.prompts import sentence
from seewhy.record import Sentence
from seewhy.types import Map, Pixels, Progress, ScoreMap, silent

if TYPE_CHECKING:
    from seewhy.detectors.dinomaly.trained import Trained

LOSSES_KEPT = 200  # points of the loss curve in the manifest
RESTORER = "restorer.safetensors"


class Dinomaly(Single):
    """A frozen encoder and a decoder that restores what it saw; what is restored badly is strange.

    Args:
        settings: see `DinomalySettings`.
        device: where torch trains, and where encoder and decoder run.
        network: both, as they were exported and kept with a model; needs neither torch nor the encoder's weights.

    Raises:
        MissingWeights: the encoder's weights aren't on this machine.
        MissingExtra: a ViT without transformers.
        BadData: the settings don't go together.
        BadModel: this processor lacks the precision.
    """

    kind = "dinomaly"
    many_products = True
    calibrates: Calibrates = "held_out"  # a photo's part in the weights can't be taken back

    def __init__(self, settings: DinomalySettings | None = None, *, device: str = "cpu", network: Frozen | None = None) -> None:
        s = self._settings = (settings or DinomalySettings()).whole()
        self._device, self._network = device, network
        self._decided: Mapping[str, Any] = {}  # how the precision was chosen, where that was left open
        self._saved = b""  # the decoder of a model whose network runs, until somebody trains it further
        self._trained: Trained | None = None
        self._facts: dict[str, Any] = {}  # of training, for the manifest
        self._by_torch: Sentence | None = None  # why, where it was decided at the fit
        self._resolution_cells = 1.0
        if network is None:
            s.check_engine(device)
            _ = self.trained

    @property
    def name(self) -> str:
        """With the encoder's, where it isn't the paper's."""
        return self._settings.name

    @property
    def trained(self) -> Trained:
        """Encoder and decoder as torch has them."""
        if self._trained is None:
            from seewhy.detectors.dinomaly.trained import Trained

            trained = Trained(self._settings, self._device)
            if self._saved:
                trained.restore(self._saved)
            self._trained = trained
        return self._trained

    def introduce(self, product: str, good_photos: int) -> Sentence:
        """What it knows of the product."""
        products = len(self._facts.get("products", {})) or 1
        return sentence("detector.spoke_restorer", name=self.name, photos=good_photos, product=product, products=products)

    @property
    def weights(self) -> tuple[WeightsFile, ...]:
        """The encoder's."""
        return (self._network.weights if self._network else self.trained.encoder.weights,)

    @property
    def settings(self) -> DinomalySettings:
        """As asked, with the input's side that follows from the encoder where none was named."""
        return self._settings

    @property
    def learned(self) -> dict[str, Any]:
        """How training went, and what runs what came of it."""
        if self._network is None:
            self.trained.decoder()
        facts = {"resolution_cells": self._resolution_cells, "training": self._facts}
        facts |= {"precision": dict(self._decided)} if self._decided else {}
        if self._network is not None:
            facts["network"] = self._network.learned()
        elif self._by_torch:
            facts["engine"] = self._by_torch.model_dump()
        return facts

    def fit(self, photos: Sequence[Pixels], progress: Progress[Any] = silent) -> None:
        """Train on the good photos of one product."""
        self.fit_products({"product": photos}, progress=progress)

    def fit_products(
        self,
        products: Mapping[str, Sequence[Pixels]],
        *,
        cache: Path | None = None,
        checkpoint: Path | None = None,
        start: Dinomaly | None = None,
        progress: Progress[Any] = silent,
    ) -> None:
        """Train one decoder on the good photos of many products; what scores photos from then on is exported where OpenVINO runs it.

        Args:
            products: by name, (H, W, 3) each, of any sizes; read one at a time.
            cache: folder for what the encoder saw; a temporary one where None.
            checkpoint: file from which training continues, see `train`.
            start: a trained detector that is trained on (a product is added to it).
            progress: wraps the loops.

        Raises:
            BadData: a product has no photo.
            NotWritten: the disk is full.
            BadModel: the checkpoint or `start` doesn't fit, or OpenVINO was asked for and can't run the network.
        """
        empty = [name for name, photos in products.items() if not len(photos)]
        if empty or not products:
            raise BadData(f"dinomaly needs at least one good photo of each product; there is none of {', '.join(empty) or 'any'}")
        if start is not None and start._settings.encoder != self._settings.encoder:
            raise BadModel(
                f"training can't continue from a model with encoder {start._settings.encoder}; this one has {self._settings.encoder}"
            )
        course = self.trained.learn(products, cache, checkpoint, start.trained if start else None, progress)
        self.settle()
        every = max(1, len(course.losses) // LOSSES_KEPT)
        self._facts = {"products": {n: len(p) for n, p in products.items()}, "steps": len(course.losses), "losses": course.losses[::every]}
        longest = next(iter(products.values()))
        sample = longest[len(longest) // 2]
        self._resolution_cells = answer_to_a_dot(lambda p: self.score(p).values, sample, self._cell_px(sample))

    def settle(self) -> None:
        """Decide who runs encoder and decoder from now on.

        Their export where it can be made, by OpenVINO on a CPU and by ONNX Runtime on other devices; else torch.

        Raises:
            BadModel: OpenVINO or ONNX Runtime was asked for, or a precision that is OpenVINO's, and it can't run them.
            BadData: ONNX Runtime was asked for and can't use the device.
        """
        s, self._saved, self._network, self._by_torch = self._settings, b"", None, self._settings.by_torch(self._device)
        if self._by_torch:
            return
        try:
            self._network = self.trained.exported(self._device, s.engine)
        except BadModel as error:
            if s.engine != "auto" or s.precision == "bf16":
                raise
            self._by_torch = sentence("engine.torch_able", why=str(error))

    def rivals(self) -> dict[str, Dinomaly] | None:
        """See `seewhy.detectors.protocol.Precise`; the same decoder, so that each needs its own lines and no training."""
        if self._settings.precision != "auto":
            return None
        faster = self._network.faster() if self._network else {}  # torch has a setting of its own
        return {precision: self._run_by(network) for precision, network in faster.items()}

    def _run_by(self, network: Frozen) -> Dinomaly:
        other = copy(self)
        other._network = network
        return other

    def decided(self, facts: Mapping[str, Any]) -> None:
        """See `seewhy.detectors.protocol.Precise`."""
        self._decided = facts

    def without(self, held_out: int) -> Self:
        """Refused: a photo can't be taken out of weights.

        Raises:
            BadModel: always; calibrate on photos that were set aside.
        """
        raise BadModel(f"photo {held_out} can't be taken out of a trained decoder; calibrate it on photos that were set aside (split)")

    def score(self, pixels: Pixels) -> ScoreMap:
        """Score one photo (H, W, 3): the paper's map, brought to the photo's size; the photo by the mean of its top 1 %."""
        height, width = pixels.shape[:2]
        look = self._network or self.trained
        smooth, score, whole = look(squared(pixels, self._settings.input_px))
        values: Map = cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
        return ScoreMap(values, float(score[0]), self._resolution_cells * self._cell_px(pixels), self.name, whole)

    def files(self) -> dict[str, bytes]:
        """The decoder, with the channels' means and deviations where they are standardised; the network where it was exported."""
        network = self._network.files() if self._network else {}
        return network | {RESTORER: self._saved or self.trained.to_bytes()}

    @classmethod
    def from_files(cls, settings: DinomalySettings, learned: Mapping[str, Any], files: Mapping[str, bytes], device: str = "cpu") -> Self:
        """The detector that was saved; where it keeps no network, torch ran it."""
        if "network" in learned:
            detector = cls(settings, device=device, network=kept_network(learned["network"], files, device=device, engine=settings.engine))
            detector._saved = files[RESTORER]
        else:
            detector = cls(replace(settings, engine="torch", precision="f32"), device=device)
            detector.trained.restore(files[RESTORER])
            detector._by_torch = Sentence(**learned["engine"]) if "engine" in learned else None
        detector._facts, detector._resolution_cells = learned["training"], learned["resolution_cells"]
        detector._decided = learned.get("precision", {})
        return detector

    def _cell_px(self, pixels: Pixels) -> float:
        """Longer side of a token's place, in the photo's pixels."""
        return float(max(pixels.shape[:2]) / self._settings.cells)
