"""What would bring verdicts in bf16 nearer to those in f32: rounding to bf16 in several places, emulated in f32 on any processor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seewhy.detectors.parts.described import TorchPatches
from seewhy.detectors.parts.ways import Spec, Way
from seewhy.detectors.patchcore import PatchCore, PatchCoreSettings
from seewhy.evals.promises.precisions import ALPHA, F32, NEAR_PERCENT, Product, named
from seewhy.evals.run import LITE, measuring
from seewhy.types import Features, Pixels, Progress, silent

DEFAULTS = PatchCoreSettings()
SPEC = Spec(DEFAULTS.backbone, tuple(Way(look.layers, look.pool, look.unit_length) for look in DEFAULTS.looks()), DEFAULTS.grid_px)
EXACT_STAGES = 3  # of seven, which see the photo largest and count most for what is small


class Rounded(TorchPatches):
    """EfficientNet-lite0 as a processor with bf16 instructions runs it: factors are rounded, sums are f32, what a layer gives is rounded.

    Args:
        folded: round once after each convolution and its normalisation, which engines fold into one; else after each, as torch does.
        exact: the first so many stages aren't rounded at all, nor the stem before them.
    """

    def __init__(self, folded: bool = True, exact: int = 0) -> None:
        super().__init__(SPEC)
        net: Any = self._module.net
        stages = list(net.blocks.children())
        rounded = [*([] if exact else [nn.Sequential(net.conv_stem, net.bn1)]), *stages[exact:]]
        for part in rounded:
            _round_part(part, folded)


def _round_part(part: nn.Module, folded: bool) -> None:
    layers: list[Any] = [m for m in part.modules() if isinstance(m, nn.Conv2d) or hasattr(m, "running_var")]
    with torch.no_grad():
        for conv, norm in zip(layers[::2], layers[1::2], strict=True):
            if folded:
                _fold(conv, norm)
            else:
                conv.register_forward_hook(_rounded_after)
            rounded = [conv.weight] if folded else [conv.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var]
            for values in rounded:
                values.copy_(_rounded(values))
            conv.register_forward_pre_hook(lambda _, given: tuple(_rounded(one) for one in given))
            norm.register_forward_hook(_rounded_after)
    for block in part.children():
        block.register_forward_hook(_rounded_after)  # a sum of two branches


def _fold(conv: Any, norm: Any) -> None:
    """Put a normalisation's factors into the convolution before it; its shift is left, in f32, as engines keep it."""
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    conv.weight.mul_(scale[:, None, None, None])
    norm.bias.sub_(norm.running_mean * scale)
    norm.weight.fill_(1)
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)


def _rounded(values: Tensor) -> Tensor:
    return values.bfloat16().float()


def _rounded_after(_module: nn.Module, _given: Any, values: Tensor) -> Tensor:
    return _rounded(values)


class ExactBank(PatchCore):
    """Its bank is learned in f32; photos are described in bf16 when they are scored, good ones that calibrate too."""

    def fit(self, photos: Sequence[Pixels], progress: Progress[Any] = silent) -> None:
        """See `PatchCore.fit`."""
        super().fit(photos, progress)
        self._kept.clear()
        self._patches = Rounded()


TRIED: Mapping[str, Callable[[], PatchCore]] = {
    "each layer rounded once, as engines do": lambda: PatchCore(described=Rounded()),
    f"likewise, stem and {EXACT_STAGES} of 7 stages in f32": lambda: PatchCore(described=Rounded(exact=EXACT_STAGES)),
    "likewise, bank in f32": ExactBank,
    "each operation rounded, as torch does": lambda: PatchCore(described=Rounded(folded=False)),
}


def main(out: Path, data: Path, good_photos: int = 0, per_kind: int = 0, products: str = "") -> None:
    """PatchCore's verdicts with rounding to bf16 in several places beside those in f32; arguments and comparison are `precisions`'."""
    with measuring(out, {"weights": f"{LITE} (PatchCore)", "alpha": ALPHA, "near_percent": NEAR_PERCENT}, "openvino") as table:
        for name in named(data, products):
            product = Product(data / name, good_photos, per_kind)
            table.row(("products", name, F32), product.alone)
            table.row(("products", name, "features"), features_apart, product.good_photo())
            for what, detector in TRIED.items():
                table.row(("products", name, what), product.beside, detector())


def features_apart(pixels: Pixels) -> dict[str, Any]:
    """How far features of a photo are from those in f32, in percent of their length, in each way of describing."""
    seen = pixels[: pixels.shape[0] // 32 * 32, : pixels.shape[1] // 32 * 32]  # sides that the encoder takes
    exact, by_torch = TorchPatches(SPEC)(seen), TorchPatches(SPEC, dtype="bfloat16")(seen)
    twice, once, later = (Rounded(**options)(seen) for options in ({"folded": False}, {}, {"exact": EXACT_STAGES}))
    return {
        "torch in bf16": _percent(by_torch, exact),
        "each operation rounded": _percent(twice, exact),
        "each operation rounded, from torch in bf16": _percent(twice, by_torch),
        "each layer rounded once": _percent(once, exact),
        f"likewise, stem and {EXACT_STAGES} stages in f32": _percent(later, exact),
    }


def _percent(some: Sequence[Features], others: Sequence[Features]) -> list[float]:
    return [round(100 * float(np.linalg.norm(a - b) / np.linalg.norm(b)), 2) for a, b in zip(some, others, strict=True)]
