"""Dinomaly's encoder, which is frozen, and its decoder, which is trained, as torch has them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from seewhy.detectors.dinomaly.feature_cache import FeatureCache
from seewhy.detectors.dinomaly.net import NetShape, Restorer
from seewhy.detectors.dinomaly.scoring import Scoring
from seewhy.detectors.dinomaly.settings import DinomalySettings
from seewhy.detectors.dinomaly.tokens import TokenEncoder, Tokens, token_encoder
from seewhy.detectors.dinomaly.training import Course, Plan, train
from seewhy.detectors.parts.frozen import Frozen, frozen
from seewhy.detectors.parts.inputs import as_batch, prepare_torch, squared, torch_beside
from seewhy.detectors.parts.network import exported
from seewhy.detectors.parts.ways import Engine, first_precision
from seewhy.errors import BadModel
from seewhy.types import Features, Pixels, Progress


class Trained:
    """Encoder and decoder.

    Args:
        settings: whole ones.
        device: where both run where torch knows it, else on the CPU.

    Raises:
        MissingWeights: the encoder's weights aren't on this machine.
        MissingExtra: a ViT without transformers.
        BadData: the device isn't here.
    """

    def __init__(self, settings: DinomalySettings, device: str = "cpu") -> None:
        prepare_torch(torch_beside(device))
        s = self._settings = settings
        self._device, self._dtype = torch_beside(device), getattr(torch, s.dtype)
        self.encoder: TokenEncoder = token_encoder(
            s.encoder, recentre=s.recentre, side_px=s.input_px, device=self._device, dtype=self._dtype
        )
        self.net: Restorer | None = None  # float32, whatever it runs in
        self.standard: tuple[Tensor, Tensor] | None = None  # see `Scoring`
        self._scoring: Scoring | None = None

    def shape(self) -> NetShape:
        """Of the decoder."""
        e, s = self.encoder, self._settings
        fuse = cast(Literal["mean", "concat"], e.fuse)
        return NetShape(e.dim, e.heads, e.groups, fuse, s.depth, 4.0, s.dropout, s.attention)

    def square(self, pixels: Pixels) -> Pixels:
        """The photo at the network's size; the whole of it, the paper's centre crop would lose the border."""
        return squared(pixels, self._settings.input_px)

    def encode(self, squares: Sequence[Pixels]) -> Tokens:
        """What the encoder sees of photos at the network's size."""
        return self.encoder(as_batch(squares))

    def features(self, folder: Path) -> FeatureCache:
        """What the encoder saw of photos, kept in a folder, for as long as nothing changes that changes what it sees."""
        s = self._settings
        about = [s.encoder, self.encoder.weights.sha256, s.input_px, s.recentre, s.dtype]
        return FeatureCache(folder, about, self.encode, self.square, self.encoder.prefix)

    def learn(
        self,
        products: Mapping[str, Sequence[Pixels]],
        cache: Path | None,
        checkpoint: Path | None,
        start: Trained | None,
        progress: Progress[Any],
    ) -> Course:
        """Train the decoder; see `seewhy.detectors.dinomaly.detector.Dinomaly.fit_products`."""
        with tempfile.TemporaryDirectory(prefix="seewhy-") as here:
            seen = self.features(cache or Path(here))
            for name, photos in products.items():
                seen.add(photos, progress, f"encoding {name}")
            if start is not None and start.standard is not None:
                self.standard = start.standard
                seen.standardise_as(*start.standard)
            elif self.encoder.standardised:
                self.standard = seen.standardise()
            torch.manual_seed(self._settings.seed)
            net = Restorer(self.shape())
            if start is not None:
                net.load_state_dict(start.decoder().state_dict())
            plan = Plan(**{f.name: getattr(self._settings, f.name) for f in fields(Plan)})
            about = [seen.key, seen.names]
            course = train(net, seen, plan, device=self._device, checkpoint=checkpoint, about=about, progress=progress)
        self.net, self._scoring = net.to(self._device), None
        return course

    def decoder(self) -> Restorer:
        """The trained one.

        Raises:
            BadModel: it was not trained.
        """
        if self.net is None:
            raise BadModel("dinomaly was not trained; call fit first or load a model")
        return self.net

    @torch.inference_mode()
    def __call__(self, pixels: Pixels, /) -> list[Features]:
        """What `Scoring` gives for a photo (side, side, 3)."""
        if self._scoring is None:
            self._scoring = self._scores(self._dtype)
        return [values.cpu().numpy() for values in self._scoring(torch.from_numpy(np.ascontiguousarray(pixels[None])))]

    def exported(self, device: str = "cpu", engine: Engine = "openvino") -> Frozen:
        """The same for OpenVINO or ONNX Runtime, in the settings' precision; in f32 where that is left open.

        Raises:
            BadModel: it can't run it, or this processor lacks the precision.
            BadData: it can't use the device.
        """
        if self._device != "cpu":  # what is written down must lie in the computer's memory
            here = Trained(self._settings)
            here.restore(self.to_bytes())
            return here.exported(device, engine)
        side = self._settings.input_px
        network = exported(self._scores(torch.float32), side, side)
        return frozen(network, self.encoder.weights, first_precision(self._settings.precision), device=device, engine=engine)

    def _scores(self, dtype: torch.dtype) -> Scoring:
        net = self.decoder() if dtype == torch.float32 else deepcopy(self.decoder()).to(dtype)
        standard = self.standard and (self.standard[0].to(self._device), self.standard[1].to(self._device))
        return Scoring(self.encoder, net.eval(), standard, dtype)

    def to_bytes(self) -> bytes:
        """The decoder, and what its channels are standardised by."""
        state = {f"net.{name}": t.cpu().contiguous() for name, t in self.decoder().state_dict().items()}
        if self.standard is not None:
            state |= dict(zip(("middle", "spread"), (t.contiguous() for t in self.standard), strict=True))
        return save_tensors(state)

    def restore(self, data: bytes) -> None:
        """Take what `to_bytes` gave.

        Raises:
            BadModel: it is of another encoder.
        """
        state = load_tensors(data)
        middle, spread = state.pop("middle", None), state.pop("spread", None)
        net = Restorer(self.shape())
        try:
            net.load_state_dict({name.removeprefix("net."): t for name, t in state.items()})
        except RuntimeError as error:
            raise BadModel(f"the model's decoder doesn't fit the encoder {self._settings.encoder}; train it again") from error
        self.net, self._scoring = net.eval().to(self._device), None
        self.standard = None if middle is None or spread is None else (middle, spread)
