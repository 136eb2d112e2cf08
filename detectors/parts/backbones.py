"""Which encoders there are: their weights, their input, and the layers that detectors read by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seewhy.errors import UnknownName

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class Backbone:
    """One architecture: its weights, its input, and the layers that a memory bank reads by default."""

    name: str
    weights: str  # a name in the weights table
    architecture: str  # in timm
    multiple_px: int  # input sides must be multiples of this
    layers: tuple[int, ...]  # blocks (ViT) or stages (CNN), counted from 0
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def build(self) -> nn.Module:
        """The whole network with random weights, on the CPU."""
        import timm

        options = {"dynamic_img_size": True} if self.architecture.startswith("vit_") else {}
        made: nn.Module = timm.create_model(self.architecture, pretrained=False, **options)
        return made


HALF = (0.5, 0.5, 0.5)
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

BACKBONES: Mapping[str, Backbone] = {
    b.name: b
    for b in (
        Backbone("efficientnet-lite0", "efficientnet-lite0", "tf_efficientnet_lite0", 32, (4, 5), HALF, HALF),
        Backbone("wide-resnet50-2", "wide-resnet50-2", "wide_resnet50_2", 32, (2, 3), *IMAGENET),
        Backbone("dinov2-base-reg4", "dinov2-base-reg4", "vit_base_patch14_reg4_dinov2", 14, (5, 8), *IMAGENET),
    )
}


def backbone(name: str) -> Backbone:
    """The table's row, or `UnknownName`."""
    if name not in BACKBONES:
        raise UnknownName("backbone", name, BACKBONES)
    return BACKBONES[name]
