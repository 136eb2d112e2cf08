"""What describes the patches of a photo."""

from __future__ import annotations

from dataclasses import dataclass


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
