"""The encoders that Dinomaly can take, as a table: what is known of them without loading one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seewhy.errors import UnknownName

GROUPS = 2  # of layers, each of which is restored as one
VIT_SIDE_CELLS = 28  # of the paper's input: 392 px of patches of 14


@dataclass(frozen=True, slots=True)
class VitRow:
    """One published ViT, as transformers builds it."""

    weights: str  # in the weights table
    kind: str  # "dinov2" with registers, or "dinov3"
    layers: tuple[int, ...]  # blocks that are read, counted from 0
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sides:
    """Of an encoder's input and of what it gives, in pixels of the input."""

    multiple_px: int  # input sides must be multiples of this
    cell_px: int  # side of a token's place
    usual_px: int  # side of the input where none is asked for


def _dinov2(hidden: int, depth: int, heads: int) -> dict[str, Any]:
    size = {"hidden_size": hidden, "num_hidden_layers": depth, "num_attention_heads": heads}
    return size | {"image_size": 518, "patch_size": 14, "num_register_tokens": 4}


MIDDLE, LARGE = (2, 3, 4, 5, 6, 7, 8, 9), (4, 6, 8, 10, 12, 14, 16, 18)
DINOV3_BASE = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
VITS: Mapping[str, VitRow] = {
    "dinov2-with-registers-small": VitRow("dinov2-with-registers-small", "dinov2", MIDDLE, _dinov2(384, 12, 6)),
    "dinov2-with-registers-base": VitRow("dinov2-with-registers-base", "dinov2", MIDDLE, _dinov2(768, 12, 12)),
    "dinov2-with-registers-large": VitRow("dinov2-with-registers-large", "dinov2", LARGE, _dinov2(1024, 24, 16)),
    "dinov3-vitb16": VitRow("dinov3-vitb16", "dinov3", MIDDLE, {**DINOV3_BASE, "patch_size": 16, "num_register_tokens": 4}),
}
CNNS: Mapping[str, Sides] = {"efficientnet-lite0": Sides(32, 16, 256)}


def sides(name: str) -> Sides:
    """Of an encoder's input.

    Raises:
        UnknownName: the tables don't hold it.
    """
    if name in VITS:
        patch_px = VITS[name].config["patch_size"]
        return Sides(patch_px, patch_px, VIT_SIDE_CELLS * patch_px)
    if name in CNNS:
        return CNNS[name]
    raise UnknownName("token encoder", name, (*VITS, *CNNS))
