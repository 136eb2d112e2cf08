"""Dinomaly's network (Guo et al., CVPR 2025): a decoder that restores an encoder's token maps, trained on good photos alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

MINED_FACTOR = 0.1  # what is left of the gradient of points that are restored well
MAP_SIDE = 256  # pixels at which the paper smooths a map
KERNEL, SIGMA = 5, 4.0  # of the paper's Gaussian
TOP_SHARE = 0.01  # of a map's pixels, whose mean is the photo's score


@dataclass(frozen=True, slots=True)
class NetShape:
    """What the network looks like."""

    dim: int  # of a token
    heads: int
    groups: int = 2  # of the encoder's layers, each compared as one mean (the paper's loose constraint)
    fuse: Literal["mean", "concat"] = "mean"  # how the bottleneck takes the groups in; the paper's is the mean
    depth: int = 8  # decoder blocks
    mlp_ratio: float = 4.0
    dropout: float = 0.2  # the noise of the bottleneck
    attention: Literal["linear", "softmax"] = "linear"


class Restorer(nn.Module):
    """Noisy bottleneck and decoder (sec. 3.2 to 3.4 of the paper); the encoder stands apart and is never trained.

    Args:
        shape: see `NetShape`.
    """

    def __init__(self, shape: NetShape) -> None:
        super().__init__()
        self.shape = shape
        taken = shape.dim * (shape.groups if shape.fuse == "concat" else 1)
        self.bottleneck = Bottleneck(taken, round(shape.dim * shape.mlp_ratio), shape.dim, shape.dropout)
        self.decoder = nn.ModuleList(Block(shape) for _ in range(shape.depth))
        self.apply(_started)

    def forward(self, seen: Sequence[Tensor]) -> list[Tensor]:
        """What is restored of each of the encoder's groups.

        Args:
            seen: (B, N, dim) of each group, earliest layers first, class and register tokens among the N. The groups have
                as many layers each, so that their mean is the mean of all layers.

        Returns:
            (B, N, dim) of each group. The decoder's last blocks stand against the encoder's first layers.
        """
        shape = self.shape
        x = self.bottleneck(torch.cat(list(seen), -1) if shape.fuse == "concat" else _mean(seen))  # (B, N, dim)
        made = []
        for block in self.decoder:
            x = block(x)
            made.append(x)
        made.reverse()
        share = shape.depth // shape.groups
        return [_mean(made[n * share : (n + 1) * share if n + 1 < shape.groups else None]) for n in range(shape.groups)]


class Bottleneck(nn.Module):
    """An MLP whose dropout is the noise that keeps the decoder from copying (sec. 3.2)."""

    def __init__(self, taken: int, hidden: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(taken, hidden), nn.Linear(hidden, dim)
        self.noise = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, taken) to (B, N, dim)."""
        x = functional.gelu(self.fc1(self.noise(x)))
        made: Tensor = self.noise(self.fc2(self.noise(x)))
        return made


class Block(nn.Module):
    """A transformer block that can't concentrate: linear attention instead of softmax (sec. 3.3)."""

    def __init__(self, shape: NetShape) -> None:
        super().__init__()
        hidden = round(shape.dim * shape.mlp_ratio)
        self.norm1, self.norm2 = nn.LayerNorm(shape.dim, eps=1e-8), nn.LayerNorm(shape.dim, eps=1e-8)
        self.qkv, self.proj = nn.Linear(shape.dim, 3 * shape.dim), nn.Linear(shape.dim, shape.dim)
        self.fc1, self.fc2 = nn.Linear(shape.dim, hidden), nn.Linear(hidden, shape.dim)
        self.heads, self.linear = shape.heads, shape.attention == "linear"

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, dim) to the same."""
        b, n, dim = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, n, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)  # (B, heads, N, d)
        mixed = linear_attention(q, k, v) if self.linear else functional.scaled_dot_product_attention(q, k, v)
        x = x + self.proj(mixed.transpose(1, 2).reshape(b, n, dim))
        made: Tensor = x + self.fc2(functional.gelu(self.fc1(self.norm2(x))))
        return made


def linear_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention by the kernel elu + 1 (Katharopoulos et al., ICML 2020); (B, heads, N, d) each."""
    q, k = _kernel(q), _kernel(k)
    whole = k.sum(-2, keepdim=True)  # (B, heads, 1, d)
    return (q @ (k.transpose(-1, -2) @ v)) / (q * whole).sum(-1, keepdim=True)


def _kernel(x: Tensor) -> Tensor:
    """elu(x) + 1, eight times as fast on a CPU as torch's own elu; the same gradient everywhere, at 0 too."""
    return x.clamp(max=0).exp() + functional.relu(x)


def mining_loss(seen: Sequence[Tensor], restored: Sequence[Tensor], mined: float) -> Tensor:
    """Global cosine loss with hard mining (sec. 3.4): points restored well keep a tenth of their gradient.

    Args:
        seen: (B, N, dim) of each group, without class and register tokens.
        restored: the same of the decoder.
        mined: share of the points that count as restored well; rises to 0.9 in the first 1,000 steps.
    """
    losses = []
    for truth, made in zip(seen, restored, strict=True):
        truth = truth.detach()
        with torch.no_grad():
            distance = 1 - functional.cosine_similarity(truth, made, dim=-1)  # (B, N)
            kept = torch.topk(distance.flatten(), max(1, int(distance.numel() * (1 - mined)))).values[-1]
            weight = torch.where(distance < kept, MINED_FACTOR, 1.0)[..., None]
        losses.append(1 - functional.cosine_similarity(truth.flatten(1), _Scaled.apply(made, weight).flatten(1)).mean())
    return torch.stack(losses).mean()


class _Scaled(torch.autograd.Function):
    """The value as it is, its gradient times a weight."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (weight,) = ctx.saved_tensors
        return gradient * weight, None


def cell_map(seen: Sequence[Tensor], restored: Sequence[Tensor], grid: tuple[int, int]) -> Tensor:
    """Mean over the groups of 1 - cosine: (B, groups, rows, cols), from (B, rows * cols, dim) each."""
    unit = partial(functional.normalize, dim=-1)  # functional.cosine_similarity is the same and can't be exported
    each = [1 - (unit(a) * unit(b)).sum(-1) for a, b in zip(seen, restored, strict=True)]
    return torch.stack(each, 1).view(len(each[0]), len(each), *grid)


def paper_map(cells: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The paper's anomaly map at `size`, smoothed at `MAP_SIDE`, and the mean of its top 1 %.

    Args:
        cells: (B, groups, rows, cols).
        size: (height, width) of the network's input.

    Returns:
        (B, MAP_SIDE, MAP_SIDE) and (B,).
    """
    whole = functional.interpolate(cells, size, mode="bilinear", align_corners=True).mean(1, keepdim=True)
    small = functional.interpolate(whole, (MAP_SIDE, MAP_SIDE), mode="bilinear", align_corners=False)
    smooth = functional.conv2d(small, _gaussian(small), padding=KERNEL // 2)[:, 0]  # (B, MAP_SIDE, MAP_SIDE)
    flat = smooth.flatten(1)
    return smooth, flat.topk(int(flat.shape[1] * TOP_SHARE), 1).values.mean(1)


def _gaussian(like: Tensor) -> Tensor:
    at = torch.arange(KERNEL, device=like.device, dtype=like.dtype) - KERNEL // 2
    line = torch.exp(-(at**2) / (2 * SIGMA**2))
    square = torch.outer(line, line)
    return (square / square.sum())[None, None]


def _mean(maps: Sequence[Tensor]) -> Tensor:
    made = maps[0]
    for other in maps[1:]:
        made = made + other
    return made / len(maps) if len(maps) > 1 else made


def _started(module: nn.Module) -> None:
    """As the paper's code starts its layers."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.01, a=-0.03, b=0.03)
        nn.init.zeros_(module.bias)
