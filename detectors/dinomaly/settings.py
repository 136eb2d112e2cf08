"""Dinomaly's settings, apart from its code so that they can be named without torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from seewhy.detectors.dinomaly.encoders import GROUPS, sides
from seewhy.detectors.parts.devices import can_run_on
from seewhy.detectors.parts.network import check_processor
from seewhy.detectors.parts.ways import Asked, Engine, check_openvinos, first_precision
from seewhy.errors import BadData
from seewhy.packages import installed
from seewhy.prompts import sentence
from seewhy.record import Sentence

PAPERS = "dinov2-with-registers-base"  # whose figures the paper reports


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
    dtype: Literal["float32", "bfloat16"] = "float32"  # of torch's arithmetic
    seed: int = 0
    save_every: int = 200
    engine: Engine = "auto"  # who runs encoder and decoder once they are trained; auto: see `Dinomaly.settle`
    precision: Asked = "f32"  # of OpenVINO's arithmetic; training is torch's

    @property
    def name(self) -> str:
        """Of the detector; another encoder than the paper's is part of it: its figures are not the paper's."""
        return "dinomaly" if self.encoder == PAPERS else f"dinomaly/{self.encoder}"

    def may_be_exported(self, device: str) -> bool:
        """Whether something runs its network as exported on a device: OpenVINO on a CPU, ONNX Runtime on others; in float32 both."""
        return self.dtype == "float32" and (device == "cpu" or can_run_on(device))

    @property
    def cells(self) -> float:
        """Places of tokens along a side of the input."""
        return self.input_px / sides(self.encoder).cell_px

    def whole(self) -> DinomalySettings:
        """The same with the input's side that follows from the encoder where none is named.

        Raises:
            UnknownName: there is no such encoder.
            BadData: it doesn't take such a side, or there are too few decoder blocks.
        """
        own = sides(self.encoder)
        side = self.input_px or own.usual_px
        if side % own.multiple_px:
            raise BadData(f"{self.encoder} wants sides that are multiples of {own.multiple_px} px, not {side}")
        if self.depth < GROUPS:
            raise BadData(f"dinomaly wants at least {GROUPS} decoder blocks, one for each group of layers, not {self.depth}")
        return replace(self, input_px=side)

    def by_torch(self, device: str) -> Sentence | None:
        """Why torch runs encoder and decoder once they are trained, as far as that is known beforehand."""
        if self.engine == "torch":
            return sentence("engine.torch_asked")
        if self.engine == "auto" and not self.may_be_exported(device):
            return sentence("engine.torch_there", device=device, dtype=self.dtype)
        return sentence("engine.torch_alone") if self.engine == "auto" and not installed("openvino") else None

    def check_engine(self, device: str) -> None:
        """Refuse before hours of training what can't run what comes of it.

        Raises:
            BadData: engine, precision, device and dtype don't go together.
            BadModel: this processor lacks the precision.
        """
        if self.engine == "openvino" and (device != "cpu" or self.dtype != "float32"):
            raise BadData(f"OpenVINO runs dinomaly on the CPU in float32, not on {device} in {self.dtype}; choose the engine auto or torch")
        precision = first_precision(self.precision)
        if device != "cpu" or self.engine == "onnxruntime" or self.by_torch(device):
            check_openvinos(precision)
        check_processor(precision)
