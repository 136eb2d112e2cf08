"""What describes the patches of a photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Engine: TypeAlias = Literal["auto", "torch", "openvino", "onnxruntime"]  # who runs an encoder
Precision: TypeAlias = Literal["f32", "bf16"]  # of OpenVINO's arithmetic
Asked: TypeAlias = Literal["f32", "bf16", "auto"]  # auto: the fastest that judges good photos as f32 does, measured at the fit


@dataclass(frozen=True, slots=True)
class Way:
    """How patches are described."""

    layers: tuple[int, ...]  # of the encoder
    pool: int = 1  # side of the neighbourhood that is averaged, in cells of each layer; 1: none
    unit_length: bool = False  # bring each layer's features to length 1


@dataclass(frozen=True, slots=True)
class Spec:
    """What describes patches."""

    backbone: str
    ways: tuple[Way, ...]
    grid_px: int = 0  # interpolate to cells of about this many input pixels; 0: the finest layer as it is
