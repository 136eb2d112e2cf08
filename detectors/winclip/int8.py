"""Linear layers in 8-bit integers, quantised as they run (CPU)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

ROWS = 512  # at a time, so that what lies between the steps stays in the processor's cache
LARGEST = 127
EVERYTHING = slice(None)


class Int8Linear(nn.Module):
    """A linear layer with int8 weights (one scale per output) and int8 inputs (one scale per row, taken as they come).

    A row's result doesn't depend on the other rows of its batch, as it would with one scale for the whole input.

    Args:
        weight: (out, in) float32.
        bias: (out,) float32.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.scale = _scale(weight)[:, 0]  # (out,)
        self.weight = (weight / self.scale[:, None]).round().to(torch.int8).t().contiguous()  # (in, out)
        self.bias = bias.detach().clone()

    def forward(self, x: Tensor, outputs: slice = EVERYTHING) -> Tensor:
        """(..., in) float32 to (..., out) float32; `outputs` picks some of the layer's outputs."""
        weight, scale, bias = self.weight[:, outputs].contiguous(), self.scale[outputs], self.bias[outputs]
        rows = x.reshape(-1, x.shape[-1])
        made = torch.empty(len(rows), weight.shape[1])
        for part, out in zip(torch.split(rows, ROWS), torch.split(made, ROWS), strict=True):
            own = _scale(part)  # (rows, 1)
            product = torch._int_mm((part / own).round_().to(torch.int8), weight)  # (rows, out) int32
            torch.addcmul(bias, product.float().mul_(own), scale, out=out)
        return made.view(*x.shape[:-1], -1)


def _scale(rows: Tensor) -> Tensor:
    """(N, 1): what 1 of int8 stands for in each row."""
    return rows.abs().amax(1, keepdim=True).clamp_(min=1e-12).div_(LARGEST)
