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
    coarse: tuple[int, ...]  # those that a bank of whitened features reads where they are averaged over a neighbourhood …
    fine: tuple[int, ...]  # … and where they are not
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def any_size(self) -> bool:
        """Whether the network, written down once, takes photos of any size; transformers have the place of each patch built in."""
        return not self.architecture.startswith("vit_")

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
        Backbone("efficientnet-lite0", "efficientnet-lite0", "tf_efficientnet_lite0", 32, (4, 5), (4, 5, 6), (3, 4, 5, 6), HALF, HALF),
        Backbone("wide-resnet50-2", "wide-resnet50-2", "wide_resnet50_2", 32, (2, 3), (2, 3), (2, 3), *IMAGENET),
        Backbone("dinov2-base-reg4", "dinov2-base-reg4", "vit_base_patch14_reg4_dinov2", 14, (5, 8), (5, 8), (5, 8), *IMAGENET),
    )
}


def backbone(name: str) -> Backbone:
    """The table's row, or `UnknownName`."""
    if name not in BACKBONES:
        raise UnknownName("backbone", name, BACKBONES)
    return BACKBONES[name]
