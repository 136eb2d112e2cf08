"""Dinomaly (Guo et al., CVPR 2025): one reconstruction model for the good photos of many products."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, Self, cast

import cv2
import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor
from torch.nn import functional

from seewhy.detectors.dinomaly.feature_cache import FeatureCache
from seewhy.detectors.dinomaly.net import NetShape, Restorer, cell_map, paper_map
from seewhy.detectors.dinomaly.tokens import TokenEncoder, Tokens, token_encoder
from seewhy.detectors.dinomaly.training import Plan, train
from seewhy.detectors.parts.inputs import as_batch, squared
from seewhy.detectors.parts.resolution import answer_to_a_dot
from seewhy.detectors.protocol import Calibrates, Single
from seewhy.detectors.weights.store import WeightsFile
from seewhy.errors import BadData, BadModel
from seewhy.prompts import sentence
from seewhy.record import Sentence
from seewhy.types import Map, Pixels, Progress, ScoreMap, silent

PAPERS = "dinov2-with-registers-base"  # whose figures the paper reports
SIDES = {"efficientnet-lite0": 256}  # input side of an encoder that isn't a ViT
VIT_SIDE = {14: 392, 16: 448}  # 28 x 28 patches
LOSSES_KEPT = 200  # points of the loss curve in the manifest


@dataclass(frozen=True, slots=True)
class DinomalySettings:
    """What can be chosen; the defaults are the paper's."""

    encoder: str = PAPERS
    input_px: int = 0  # side of the square that a photo is brought to; 0: 28 x 28 patches (392), 256 for the CNN
    depth: int = 8
    dropout: float = 0.2
    attention: Literal["linear", "softmax"] = "linear"
    recentre: bool = False  # Dinomaly2's context-aware recentring
    steps: int = 10_000
    batch: int = 16
    at_once: int = 16
    rate: float = 2e-3
    last_rate: float = 2e-4
    dtype: Literal["float32", "bfloat16"] = "float32"
    seed: int = 0
    save_every: int = 200


class Dinomaly(Single):
    """A frozen encoder and a decoder that restores what it saw; what is restored badly is strange.

    Args:
        settings: see `DinomalySettings`.
        device: where encoder and decoder run.

    Raises:
        MissingWeights: the encoder's weights aren't on this machine.
        MissingExtra: a ViT without transformers.
    """

    kind = "dinomaly"
    many_products = True
    calibrates: Calibrates = "held_out"  # a photo's part in the weights can't be taken back

    def __init__(self, settings: DinomalySettings | None = None, *, device: str = "cpu") -> None:
        wanted = settings or DinomalySettings()
        self._encoder: TokenEncoder = token_encoder(
            wanted.encoder, recentre=wanted.recentre, device=device, dtype=getattr(torch, wanted.dtype)
        )
        side = wanted.input_px or SIDES.get(wanted.encoder) or VIT_SIDE[self._encoder.multiple_px]
        if side % self._encoder.multiple_px:
            raise BadData(f"{wanted.encoder} wants sides that are multiples of {self._encoder.multiple_px} px, not {side}")
        if wanted.depth < self._encoder.groups:
            raise BadData(
                f"dinomaly wants at least {self._encoder.groups} decoder blocks, one for each group of layers, not {wanted.depth}"
            )
        self._settings, self._device = replace(wanted, input_px=side), device
        self._net: Restorer | None = None
        self._coarse: Restorer | None = None  # see `_quick`
        self._middle: Tensor | None = None  # (groups, dim) where channels are standardised
        self._spread: Tensor | None = None
        self._facts: dict[str, Any] = {}  # of training, for the manifest
        self._resolution_cells = 1.0

    @property
    def name(self) -> str:
        """Another encoder than the paper's is part of the name: its figures are not the paper's."""
        return "dinomaly" if self._settings.encoder == PAPERS else f"dinomaly/{self._settings.encoder}"

    @property
    def encoder(self) -> TokenEncoder:
        """The frozen one."""
        return self._encoder

    def introduce(self, product: str, good_photos: int) -> Sentence:
        """What it knows of the product."""
        products = len(self._facts.get("products", {})) or 1
        return sentence("detector.spoke_restorer", name=self.name, photos=good_photos, product=product, products=products)

    @property
    def weights(self) -> tuple[WeightsFile, ...]:
        """The encoder's."""
        return (self._encoder.weights,)

    @property
    def settings(self) -> DinomalySettings:
        """As asked, with the input's side that follows from the encoder where none was named."""
        return self._settings

    @property
    def learned(self) -> dict[str, Any]:
        """How training went."""
        self._fitted()
        return {"resolution_cells": self._resolution_cells, "training": self._facts}

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
        """Train one decoder on the good photos of many products.

        Args:
            products: by name, (H, W, 3) each, of any sizes; read one at a time.
            cache: folder for what the encoder saw; a temporary one where None.
            checkpoint: file from which training continues, see `train`.
            start: a trained detector that is trained on (a product is added to it).
            progress: wraps the loops.

        Raises:
            BadData: a product has no photo.
            NotWritten: the disk is full.
            BadModel: the checkpoint or `start` doesn't fit.
        """
        empty = [name for name, photos in products.items() if not len(photos)]
        if empty or not products:
            raise BadData(f"dinomaly needs at least one good photo of each product; there is none of {', '.join(empty) or 'any'}")
        if start is not None and start._settings.encoder != self._settings.encoder:
            raise BadModel(
                f"training can't continue from a model with encoder {start._settings.encoder}; this one has {self._settings.encoder}"
            )
        with tempfile.TemporaryDirectory(prefix="seewhy-") as here:
            seen = FeatureCache(cache or Path(here), self.encoder_key(), self.encode, self.square, self._encoder.prefix)
            for name, photos in products.items():
                seen.add(photos, progress, f"encoding {name}")
            if start is not None and start._middle is not None:
                self._middle, self._spread = start._middle, start._spread
                seen.standardise_as(start._middle, cast(Tensor, start._spread))
            elif self._encoder.standardised:
                self._middle, self._spread = seen.standardise()
            torch.manual_seed(self._settings.seed)
            net = Restorer(self.shape())
            if start is not None:
                net.load_state_dict(start._fitted().state_dict())
            plan = Plan(**{f.name: getattr(self._settings, f.name) for f in fields(Plan)})
            about = [seen.key, seen.names]
            course = train(net, seen, plan, device=self._device, checkpoint=checkpoint, about=about, progress=progress)
        self._net, self._coarse = net.to(self._device), None
        every = max(1, len(course.losses) // LOSSES_KEPT)
        self._facts = {"products": {n: len(p) for n, p in products.items()}, "steps": len(course.losses), "losses": course.losses[::every]}
        longest = next(iter(products.values()))
        sample = longest[len(longest) // 2]
        self._resolution_cells = answer_to_a_dot(lambda p: self.score(p).values, sample, self._cell_px(sample))

    def without(self, held_out: int) -> Self:
        """Refused: a photo can't be taken out of weights.

        Raises:
            BadModel: always; calibrate on photos that were set aside.
        """
        raise BadModel(f"photo {held_out} can't be taken out of a trained decoder; calibrate it on photos that were set aside (split)")

    def score(self, pixels: Pixels) -> ScoreMap:
        """Score one photo (H, W, 3): the paper's map, brought to the photo's size; the photo by the mean of its top 1 %."""
        height, width = pixels.shape[:2]
        seen = self.encode([self.square(pixels)])
        maps = self._standard([m.to(self._device) for m in seen.maps])
        with torch.inference_mode():
            net, dtype = self._quick(), getattr(torch, self._settings.dtype)
            restored = net([m.to(dtype) for m in maps])
        before = self._encoder.prefix
        cells = cell_map([m[:, before:] for m in maps], [r[:, before:].float() for r in restored], seen.grid)
        side = self._settings.input_px
        smooth, score = paper_map(cells, (side, side))
        values: Map = cv2.resize(smooth[0].cpu().numpy(), (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
        resolution = self._resolution_cells * self._cell_px(pixels)
        return ScoreMap(values, float(score[0]), resolution, self.name, self.whole(seen)[0])

    def whole(self, seen: Tokens) -> npt.NDArray[np.float32]:
        """(B, D) of length 1: what tells one product from another."""
        made: npt.NDArray[np.float32] = functional.normalize(seen.whole.float(), dim=1).cpu().numpy()
        return made

    def files(self) -> dict[str, bytes]:
        """The decoder, and the channels' means and deviations where they are standardised."""
        state = {f"net.{name}": t.cpu().contiguous() for name, t in self._fitted().state_dict().items()}
        if self._middle is not None and self._spread is not None:
            state |= {"middle": self._middle.contiguous(), "spread": self._spread.contiguous()}
        return {"restorer.safetensors": save_tensors(state)}

    @classmethod
    def from_files(cls, settings: DinomalySettings, learned: Mapping[str, Any], files: Mapping[str, bytes], device: str = "cpu") -> Self:
        """The detector that was saved."""
        detector = cls(settings, device=device)
        state = load_tensors(files["restorer.safetensors"])
        detector._middle, detector._spread = state.pop("middle", None), state.pop("spread", None)
        net = Restorer(detector.shape())
        try:
            net.load_state_dict({name.removeprefix("net."): t for name, t in state.items()})
        except RuntimeError as error:
            raise BadModel(f"the model's decoder doesn't fit the encoder {settings.encoder}; train it again") from error
        detector._net = net.eval().to(device)
        detector._facts, detector._resolution_cells = learned["training"], learned["resolution_cells"]
        return detector

    def _quick(self) -> Restorer:
        """The decoder in the arithmetic that was asked for; the one that is trained and saved stays float32."""
        if self._settings.dtype == "float32":
            return self._fitted()
        if self._coarse is None:
            self._coarse = deepcopy(self._fitted()).to(getattr(torch, self._settings.dtype))
        return self._coarse

    def shape(self) -> NetShape:
        """Of the decoder."""
        e, s = self._encoder, self._settings
        fuse = cast(Literal["mean", "concat"], e.fuse)
        return NetShape(e.dim, e.heads, e.groups, fuse, s.depth, 4.0, s.dropout, s.attention)

    def _fitted(self) -> Restorer:
        if self._net is None:
            raise BadModel("dinomaly was not trained; call fit first or load a model")
        return self._net

    def _standard(self, maps: list[Tensor]) -> list[Tensor]:
        if self._middle is None or self._spread is None:
            return maps
        middle, spread = self._middle.to(maps[0].device), self._spread.to(maps[0].device)
        return [(m - a) / b for m, a, b in zip(maps, middle, spread, strict=True)]

    def square(self, pixels: Pixels) -> Pixels:
        """The photo at the network's size; the whole of it, the paper's centre crop would lose the border."""
        return squared(pixels, self._settings.input_px)

    def encode(self, squares: Sequence[Pixels]) -> Tokens:
        """What the encoder sees of photos at the network's size."""
        return self._encoder(as_batch(squares))

    def encoder_key(self) -> list[Any]:
        """All that changes what the encoder sees."""
        s = self._settings
        return [s.encoder, self._encoder.weights.sha256, s.input_px, s.recentre, s.dtype]

    def _cell_px(self, pixels: Pixels) -> float:
        """Longer side of a token's place, in the photo's pixels."""
        return float(max(pixels.shape[:2])) * self._encoder.cell_px / self._settings.input_px
